"""Log probabilities as a server would report them: the true tokens, plausible alternatives of the same vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from random import Random
from typing import NamedTuple

from arena.chance import stream
from arena.models import MODELS, Model
from arena.vocabulary import Vocabulary, vocabulary


class Position(NamedTuple):
    """The token chosen, and those considered, it among them, with their log probabilities in nats."""

    chosen: int
    logprob: float
    considered: tuple[tuple[int, float], ...]


def positions(model: Model, ids: Sequence[int], count: int, noise: float, place: str) -> list[Position]:
    """Odds at each generated token: by model and context, so alike wherever the model is served.

    Abler models are surer. ``noise`` blurs them as quantisation does, by endpoint.
    """
    words = vocabulary(model.tokenizer)
    found = []
    for at, index in enumerate(ids):
        context = tuple(ids[max(0, at - 3) : at + 1])
        rng = stream("odds", model.id, *context)
        doubt = rng.betavariate(0.5, 3.0) * (1.1 - 0.05 * MODELS[model.id].knows)
        blur = stream("blur", place, *context).gauss(0, noise)
        first = log(max(1 - doubt * min(max(1 + blur, 0.2), 3), 0.02))
        others = _others(words, index, count - 1, rng)
        left = max(1 - 2.718281828**first, 1e-9)
        weights = sorted((rng.expovariate(1.0) ** 2 for _ in others), reverse=True)
        total = sum(weights) / 0.9 if weights else 1.0
        rest = [
            (other, min(log(max(left * w / total, 1e-9)), first - 1e-3))
            for other, w in zip(others, weights, strict=True)
        ]
        found.append(Position(index, first, ((index, first), *rest)[: max(count, 0)]))
    return found


def _others(words: Vocabulary, index: int, count: int, rng: Random) -> list[int]:
    """Tokens of the same sort: digits for digits, words for words."""
    text = words.data(index)
    found: list[int] = []
    while len(found) < count:
        if text.isdigit():
            data = "".join(rng.choice("0123456789") for _ in text)
            other = words.digits(data)
        else:
            other = rng.choice(words.common)
        if other is not None and other != index and (other not in found):
            found.append(other)
        elif text.isdigit() and rng.random() < 0.2:
            text = b"word"
    return found
