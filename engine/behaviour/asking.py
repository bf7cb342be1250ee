"""Prompts as requests, and what replies to them show."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from engine.behaviour.records import Form, Prompt, Way
from engine.drift.records import Seen
from engine.targets.endpoint import Ask, Reply

LOGPROBS = 20
CLOSED = "<think>\n\n</think>\n\n"
"""Begun for the model, so that what comes first is an answer: R1's chat template begins with ``<think>``."""
_SHOWN, _NAME = 24, 80
_STEP = 4
_PACED = 8
_LONGEST = 80.0


@cache
def candidates() -> Mapping[str, tuple[str, ...]]:
    """Texts to choose from: ``short`` for one token, ``texts`` for some tens."""
    given: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "prompts.yaml").read_text("utf-8"))
    made = [form.format(word=word) for form in given["about"] for word in given["words"]]
    return {"short": (*given["short"], *made), "texts": tuple(given["texts"])}


def prompt(text: str, way: Way, form: Form, max_tokens: int) -> Prompt:
    """A prompt with its id."""
    said = "\0".join((text, way, form, str(max_tokens)))
    return Prompt(hashlib.sha256(said.encode()).hexdigest()[:8], text, way, form, max_tokens)


def ask_of(one: Prompt) -> Ask:
    """The request that puts a prompt."""
    options: dict[str, Any] = {}
    if one.form == "closed_think":
        begun = {"role": "assistant", "content": CLOSED, "prefix": True}
        options = {
            "messages": [{"role": "user", "content": one.text}, begun],
            "continue_final_message": True,  # vLLM and SGLang; DeepSeek's own API reads "prefix"
            "add_generation_prompt": False,
        }
    return Ask(
        f"{one.way}:{one.id}",
        one.text,
        one.max_tokens,
        raw=one.form == "raw",
        logprobs=LOGPROBS if one.way == "first" else 0,
        options=options,
        prompt_tokens=one.prompt_tokens,
    )


def seen_in(one: Prompt, reply: Reply) -> Iterator[Seen]:
    """What a reply shows: the answer, whose tokenizer counts, what the server calls itself, how fast it is."""
    if reply.refused is not None:
        return
    if one.way == "first" and reply.alternatives and reply.alternatives[0]:
        logprobs = {plain(token): value for token, value in reply.alternatives[0].items()}
        yield Seen(f"first:{one.id}", "distribution", logprobs)
    if one.way == "border":
        yield Seen(f"border:{one.id}", "distribution", plain(reply.generated[:_SHOWN]))
    if one.way == "text" and one.usual:
        yield Seen(f"text:{one.id}", "distribution", parting(one.usual, plain(reply.generated)))
    if reply.prompt_tokens:
        yield Seen(f"count:{one.id}", "identity", str(reply.prompt_tokens))
    if reply.model:
        yield Seen("model:served", "identity", plain(reply.model)[:_NAME])
    if reply.times:
        yield Seen("seconds:first", "service", _log(reply.times[0]))
    if len(reply.times) >= _PACED:
        pace = (reply.times[-1] - reply.times[0]) / (len(reply.times) - 1)
        yield Seen("seconds:token", "service", _log(pace))


def plain(text: str) -> str:
    """Text as any database keeps it: half a character and NUL written out."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode("utf-8")


def parting(usual: str, said: str) -> str:
    """Where a text becomes another than usual: ``=`` where it does not, else about at which character."""
    if said.startswith(usual):
        return "="
    alike = next((at for at, (one, other) in enumerate(zip(usual, said, strict=False)) if one != other), len(said))
    return str(alike // _STEP * _STEP)


def usual_of(texts: Sequence[str]) -> str:
    """How all of the texts begin."""
    first, last = min(texts), max(texts)
    return first[
        : next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    ]


def counted(one: Prompt, reply: Reply) -> Prompt:
    """The prompt with the tokens that the server counts in it."""
    return replace(one, prompt_tokens=reply.prompt_tokens) if reply.prompt_tokens else one


def _log(seconds: float) -> float:
    return math.log(min(max(seconds, 1e-5), _LONGEST))
