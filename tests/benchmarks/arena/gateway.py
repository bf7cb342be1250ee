"""What stands between model and buyer: requests are changed on their way in, replies on their way out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from random import Random

import bpe_openai

from arena.backend import Generated, Part, Wanted, generate, raw_pieces
from arena.chance import stream, uniform
from arena.disguises import (
    CutBy,
    ForcedTemperature,
    HiddenPrompt,
    HiddenThought,
    Mixed,
    NoUsage,
    Quantised,
    Rechunked,
    Recounted,
)
from arena.mind import Mood
from arena.models import MODELS, Model
from arena.odds import Position, positions
from arena.population import Served
from arena.prompts import chat_prompt
from arena.vocabulary import vocabulary

_AHEAD = 6
"""A gateway that cuts by its own tokens lets the model write this many times as many."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as it leaves the gateway; counts are ``None`` where usage is stripped.

    ``true_prompt`` and ``true_completion`` are what the model was really given and really wrote."""

    parts: tuple[Part, ...]
    finish: str
    prompt_tokens: int | None
    completion_tokens: int | None
    true_prompt: tuple[int, ...]
    true_completion: tuple[int, ...]
    model: Model
    odds: tuple[Position, ...] | None = None


def answer(served: Served, wanted: Wanted, request: int) -> Reply:
    """An endpoint's reply to its how-manieth request.

    Raises:
        ValueError: the prompt is too long for the context.
    """
    model = backend_of(served, wanted, request)
    given = _on_the_way_in(served, wanted)
    generated = _generated(served, model, given, request)
    parts: Sequence[Part] = generated.parts
    finish = generated.finish
    hides = served.of(HiddenThought)
    if hides:
        parts = [part for part in parts if not part.thought]
    if cut := served.of(CutBy):
        parts, finish = _cut(cut.tokenizer, parts, wanted.max_tokens, finish)
    prompt_tokens, completion_tokens = _counts(served, wanted, generated, parts)
    odds = None
    rechunk = served.of(Rechunked)
    if wanted.logprobs is not None and served.stack.logprobs == "honoured" and not (rechunk or cut or hides):
        noise = quantised.noise * 4 if (quantised := served.of(Quantised)) else 0.02
        odds = tuple(positions(model, generated.ids, wanted.logprobs, noise, served.id))
    if rechunk:
        parts = list(_rechunked(rechunk, parts, stream("pieces", served.id, request)))
    return Reply(
        tuple(parts), finish, prompt_tokens, completion_tokens, generated.prompt, generated.ids, model, odds
    )  # fmt: skip


def backend_of(served: Served, wanted: Wanted, request: int) -> Model:
    """Which model answers this request."""
    mixed = served.of(Mixed)
    if mixed and uniform("route", served.id, request) < mixed.share:
        return MODELS[mixed.variant]
    return MODELS[served.variant]


def _on_the_way_in(served: Served, wanted: Wanted) -> Wanted:
    if (hidden := served.of(HiddenPrompt)) and wanted.prompt is None:
        wanted = replace(wanted, messages=({"role": "system", "content": hidden.text}, *wanted.messages))
    if forced := served.of(ForcedTemperature):
        wanted = replace(wanted, temperature=forced.value)
    if served.of(CutBy):
        wanted = replace(wanted, max_tokens=wanted.max_tokens * _AHEAD)
    return wanted


def _generated(served: Served, model: Model, wanted: Wanted, request: int) -> Generated:
    quantised = served.of(Quantised)
    mood = Mood(served.id, request, wanted.temperature, quantised.noise if quantised else 0.02)
    ollama = served.stack.name == "ollama"
    return generate(
        model, wanted, mood, thinking=served.thinking, parses=served.stack.thoughts != "inline" or served.of(HiddenThought) is not None,
        specials=served.stack.specials, opens=not ollama, context=served.stack.context, shortens=ollama,
    )  # fmt: skip


def _cut(tokenizer: str, parts: Sequence[Part], most: int, finish: str) -> tuple[list[Part], str]:
    words = vocabulary(tokenizer)
    kept: list[Part] = []
    for thought, text in runs(parts):
        ids = words.encode(text, plain=True)
        data = b"".join(words.data(index) for index in ids[: max(most, 0)])
        kept.append(Part(thought, data.decode("utf-8", "ignore")))
        most -= len(ids)
        if most < 0:
            return kept, "length"
    return kept, finish


def _counts(
    served: Served, wanted: Wanted, generated: Generated, parts: Sequence[Part]
) -> tuple[int | None, int | None]:
    if served.of(NoUsage):
        return None, None
    recounted = served.of(Recounted)
    if not recounted:
        return len(generated.prompt), len(generated.ids)
    if recounted.as_r1 and wanted.prompt is None:
        prompt = len(chat_prompt(MODELS["DeepSeek-R1"], wanted.messages))
    else:
        texts = [wanted.prompt] if wanted.prompt is not None else [message["content"] for message in wanted.messages]
        prompt = count(recounted, "\n".join(texts)) + recounted.overhead
    wrote = "".join(part.text for part in parts)
    completion = count(recounted, wrote)
    if recounted.as_r1:
        # The mark between thought and answer, and the end of sequence, as DeepSeek counts them.
        completion += (generated.finish == "stop") + (len({part.thought for part in parts}) == 2)
    return round(prompt * recounted.factor), round(completion * recounted.factor)


def count(recounted: Recounted, text: str) -> int:
    """Tokens of a text, as a gateway counts them."""
    if recounted.by == "chars":
        return max(1, round(len(text) / recounted.per))
    if recounted.by == "bytes":
        return max(1, round(len(text.encode()) / recounted.per))
    if recounted.by in ("cl100k", "o200k"):
        return len(_openai(recounted.by).encode_ordinary(text))
    return len(vocabulary(recounted.by).encode(text))


@cache
def _openai(name: str) -> bpe_openai.Encoding:
    return bpe_openai.get_encoding(f"{name}_base")


def runs(parts: Sequence[Part]) -> Iterator[tuple[bool, str]]:
    """Thought and answer, each whole."""
    for thought in (True, False):
        text = "".join(part.text for part in parts if part.thought == thought)
        if text:
            yield thought, text


def _rechunked(how: Rechunked, parts: Sequence[Part], rng: Random) -> Iterator[Part]:
    for thought, text in runs(parts):
        for piece in _slices(how, text, rng):
            yield Part(thought, piece)


def _slices(how: Rechunked, text: str, rng: Random) -> Iterator[str]:
    if how.by == "tokens":
        yield from (piece.text for piece in raw_pieces(vocabulary(how.tokenizer), text))
    elif how.by == "words":
        words = re.findall(r"\s*\S+\s*$|\s*\S+|\s+", text)
        size = int(how.size)
        yield from ("".join(words[at : at + size]) for at in range(0, len(words), size))
    else:
        at = 0
        while at < len(text):
            size = int(how.size) if how.by == "chars" else max(1, round(rng.lognormvariate(0, 0.5) * how.size))
            yield text[at : at + size]
            at += size
