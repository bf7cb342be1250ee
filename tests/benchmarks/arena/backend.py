"""The simulated inference engine: a request to true tokens, cut where ``max_tokens`` cuts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from arena.mind import Mood, complete, say
from arena.models import Model
from arena.prompts import Message, chat_prompt, opens_thinking, raw_prompt
from arena.vocabulary import Piece, Specials, Vocabulary, vocabulary

THINK, NO_MORE = "<think>", "</think>"
_MOST = 4_096


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for, once its fields are read.

    Attributes:
        logprobs: alternatives a position; ``None`` when not asked.
        bias: token id to what is added to its logit.
    """

    messages: tuple[Message, ...] = ()
    prompt: str | None = None
    max_tokens: int = _MOST
    temperature: float = 1.0
    logprobs: int | None = None
    bias: Mapping[int, float] | None = None
    allowed: tuple[int, ...] = ()
    echo: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a reply: thought, or answer."""

    thought: bool
    text: str
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Generated:
    """What a model wrote.

    Attributes:
        prompt: ids of the prompt.
        ids: ids generated, thinking marks and end of sequence too.
        parts: what shows of them, in streaming order.
    """

    model: Model
    prompt: tuple[int, ...]
    ids: tuple[int, ...]
    parts: tuple[Part, ...]
    finish: str


def generate(
    model: Model, wanted: Wanted, mood: Mood, *, thinking: bool = True, parses: bool = True,
    specials: Specials = "parsed", opens: bool = True, context: int = 131_072, shortens: bool = False,
) -> Generated:  # fmt: skip
    """A model's reply to a request.

    Args:
        thinking: whether a model with a switch thinks.
        parses: whether thoughts are kept apart from the answer, their marks taken out.
        opens: whether the template may open the thinking block.
        shortens: cut what exceeds the context (Ollama) rather than refuse it.

    Raises:
        ValueError: the prompt leaves no room in ``context``; says so as vLLM does.
    """
    words = vocabulary(model.tokenizer)
    thinks = model.thinks in ("template", "itself") or (model.thinks == "switch" and thinking)
    if wanted.prompt is not None:
        prompt, user, started = raw_prompt(model, wanted.prompt), wanted.prompt, False
    else:
        prompt = chat_prompt(model, wanted.messages, specials=specials, opens=opens, thinking=thinking)
        user = next(message["content"] for message in reversed(wanted.messages) if message["role"] == "user")
        started = opens and opens_thinking(model, thinking=thinking)
    room = context - len(prompt)
    if room < 1 and not shortens:
        raise ValueError(
            f"This model's maximum context length is {context} tokens. However, you requested {len(prompt)} tokens in "
            "the messages. Please reduce the length of the messages."
        )
    if room < 1:
        # Half of what is too long is dropped from the front, as llama.cpp's context shift does.
        user = user[-len(user) * context // (2 * len(prompt)) :]
        prompt, room = prompt[-context // 2 :], context // 2
    most = max(1, min(wanted.max_tokens, room))
    forced = _forced(wanted)
    if forced is not None:
        ids, finish = _repeated(words, model, forced, most)
    else:
        text = _text(model, wanted, user, mood, thinks=thinks, started=started)
        ids, finish = _encoded(words, model, text, most)
    parts = _parts(words, ids, thinks=thinks and wanted.prompt is None, parses=parses)
    return Generated(model, tuple(prompt), tuple(ids), tuple(parts), finish)


def _text(model: Model, wanted: Wanted, user: str, mood: Mood, *, thinks: bool, started: bool) -> str:
    mood = replace(mood, system=" ".join(m["content"] for m in wanted.messages if m["role"] == "system"))
    if wanted.prompt is not None:
        return complete(model.id, user, mood)
    said = say(model.id, user, mood, thinking=thinks)
    if said.thought is None:
        return said.answer
    begin = "" if started else f"{THINK}\n"
    return f"{begin}{said.thought}\n{NO_MORE}\n\n{said.answer}"


def _forced(wanted: Wanted) -> int | None:
    """The token that a bias of 100, or a list of allowed tokens, leaves no way around."""
    if wanted.allowed:
        return wanted.allowed[0]
    strongest = max((wanted.bias or {}).items(), key=lambda entry: entry[1], default=(0, 0.0))
    return strongest[0] if strongest[1] >= 50 else None


def _repeated(words: Vocabulary, model: Model, index: int, most: int) -> tuple[list[int], str]:
    if index == words.marks.get(model.eos):
        return [index], "stop"
    return [index] * most, "length"


def _encoded(words: Vocabulary, model: Model, text: str, most: int) -> tuple[list[int], str]:
    # No more is encoded than is sent: a token has about four characters.
    begin = text[: most * 6 + 64]
    ids = words.encode(begin)
    if len(begin) < len(text) and len(ids) < most + 10:
        ids = words.encode(text)
    if len(ids) < most and len(begin) == len(text):
        return [*ids, words.marks[model.eos]], "stop"
    return ids[:most], "length"


def _parts(words: Vocabulary, ids: Sequence[int], *, thinks: bool, parses: bool) -> list[Part]:
    thought = thinks and parses
    parts: list[Part] = []
    carried: tuple[int, ...] = ()
    for piece in words.pieces(ids):
        if thought and piece.text in (THINK, NO_MORE):
            thought = piece.text == THINK
            carried += piece.ids
            continue
        parts.append(Part(thought, piece.text, carried + piece.ids))
        carried = ()
    return parts


def raw_pieces(words: Vocabulary, text: str) -> list[Piece]:
    """A text in the pieces in which its tokens would stream."""
    return list(words.pieces(words.encode(text, plain=True)))
