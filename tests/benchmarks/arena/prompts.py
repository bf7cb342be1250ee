"""Messages to prompt tokens, through the models' published chat templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import jinja2
import published_tokenizers

from arena.models import MISTRAL_SYSTEM, QWQ_SYSTEM, Model
from arena.vocabulary import Specials, stripped, vocabulary

Message = Mapping[str, str]
_OPEN, _CLOSE = "\ue000", "\ue001"


def chat_prompt(
    model: Model,
    messages: Sequence[Message],
    *,
    specials: Specials = "parsed",
    opens: bool = True,
    thinking: bool = True,
) -> list[int]:
    """True ids of a rendered conversation.

    Args:
        opens: whether a template that opens the thinking block does so (Ollama's own templates do not).
        thinking: for models with a switch.
    """
    words = vocabulary(model.tokenizer)
    said = [stripped(message["content"]) if specials == "stripped" else message["content"] for message in messages]
    if specials != "plain":
        text = rendered(model, _with(messages, said), thinking=thinking)
        return words.encode(text if opens else text.removesuffix("<think>\n"))
    holders = [f"{_OPEN}{number}{_CLOSE}" for number in range(len(said))]
    text = rendered(model, _with(messages, holders), thinking=thinking)
    ids: list[int] = []
    for part in (text if opens else text.removesuffix("<think>\n")).split(_OPEN):
        number, closed, rest = part.partition(_CLOSE)
        ids += words.encode(said[int(number)], plain=True) if closed else []
        ids += words.encode(rest if closed else part)
    return ids


def raw_prompt(model: Model, text: str) -> list[int]:
    """True ids of a text to continue, as ``/completions`` tokenizes it."""
    return vocabulary(model.tokenizer).encode(model.bos + text)


def opens_thinking(model: Model, *, thinking: bool) -> bool:
    """Whether the prompt ends in an open thinking block."""
    return model.thinks == "template" or (model.thinks == "switch" and thinking)


def rendered(model: Model, messages: Sequence[Message], *, thinking: bool = True) -> str:
    """The prompt as text."""
    if "{user}" in model.template:
        return _written_out(model, messages)
    content: Any = list(messages)
    if model.template == "minimax":
        content = [{**message, "content": [{"type": "text", "text": message["content"]}]} for message in messages]
    bos = model.bos or ("<｜begin▁of▁sentence｜>" if model.template == "r1-0528-qwen3" else "")
    return _template(model.template).render(
        messages=content, add_generation_prompt=True, bos_token=bos, thinking=thinking
    )


def _with(messages: Sequence[Message], contents: Sequence[str]) -> list[dict[str, str]]:
    return [{**message, "content": content} for message, content in zip(messages, contents, strict=True)]


def _written_out(model: Model, messages: Sequence[Message]) -> str:
    system = "".join(message["content"] for message in messages if message["role"] == "system")
    user = "\n\n".join(message["content"] for message in messages if message["role"] != "system")
    if model.id == "QwQ-32B":
        begin = QWQ_SYSTEM.replace("{system}", system) if system else ""
        return begin + model.template.replace("{user}", user)
    if model.tokenizer == "tekken":
        system = system or MISTRAL_SYSTEM
    else:
        user = user.strip()
    before, after = model.template.split("{user}")
    return before.replace("{system}", system) + user + after


@cache
def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    environment.globals["raise_exception"] = lambda message: message
    source = published_tokenizers.template(name)
    assert source is not None, name
    return environment.from_string(source)
