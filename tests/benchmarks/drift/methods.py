"""Published methods on the same endpoints, each a statistic of a check against what was recorded before.

``LT``: the mean logprob of each token at one prompt over some one-token samples, and how far these are from the recorded ones
on average (arXiv 2512.03816). ``B3IT``: the first tokens at border inputs, and how far their shares are from the recorded ones
(arXiv 2602.11083). ``MMD``: samples of texts at temperature 1, compared token by token (Hamming kernel; Gao et al.,
"Model Equality Testing", arXiv 2410.20247).

Where that serves a method better, its statistic is put in standard deviations of what it is between parts of the endpoint's own
record, so that one threshold serves endpoints of different noise; the threshold is the highest of all checks of stable endpoints: see ``drift_delay``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Protocol

import numpy as np

from drift.endpoints import COST, TOP, Endpoint

RECORDED = 100
"""Samples of each prompt that are recorded; more than the papers take, which helps them."""
_SPLITS = 60


class Method(Protocol):
    """One method, watching one endpoint."""

    tokens: int
    requests: int

    def check(self) -> float:
        """How unusual the endpoint is now, in standard deviations."""
        ...


class _Compared:
    """A statistic between samples of a check and the record, in standard deviations of that between parts of the record."""

    def __init__(
        self, record: Sequence[Any], size: int, statistic: Callable[[Sequence[Any], Sequence[Any]], float]
    ) -> None:
        self.record, self.statistic = record, statistic
        random, usual = Random(0), []
        for _ in range(_SPLITS):
            order = random.sample(range(len(record)), len(record))
            usual.append(statistic([record[at] for at in order[:size]], [record[at] for at in order[size:]]))
        self.mean, self.spread = float(np.mean(usual)), float(np.std(usual))

    def __call__(self, samples: Sequence[Any]) -> float:
        found = self.statistic(samples, self.record)
        if self.plain:
            return found
        found -= self.mean
        if self.spread < 1e-9:
            return math.inf if found > 1e-9 else 0.0
        return found / self.spread


class LT:
    """Log probability tracking: 12 samples of one token at one prompt."""

    def __init__(self, endpoint: Endpoint, samples: int = 12) -> None:
        self.endpoint, self.samples = endpoint, samples
        self.prompt = next(one for one in endpoint.prompts if one.way == "first")
        self.requests, self.tokens = samples, samples * COST["first"]
        self.compared = _Compared([self._sample() for _ in range(RECORDED)], samples, _far)

    def check(self) -> float:
        return self.compared([self._sample() for _ in range(self.samples)])

    def _sample(self) -> np.ndarray:
        told = self.endpoint.seen(self.prompt)[0].value
        assert isinstance(told, dict)
        return np.array([told[str(at)] for at in range(TOP)])


class B3IT:
    """Border inputs: 10 samples of one token at each of 5 prompts whose best tokens are nearly tied."""

    def __init__(self, endpoint: Endpoint, prompts: int = 5, samples: int = 10) -> None:
        self.endpoint, self.samples = endpoint, samples
        borders = [one for one in endpoint.prompts if one.way == "border"]
        tried = {one.id: Counter(self._sample(one) for _ in range(30)) for one in borders}
        undecided = sorted(borders, key=lambda one: (tried[one.id].most_common(1)[0][1], one.id))
        self.prompts = undecided[:prompts]
        self.requests, self.tokens = prompts * samples, prompts * samples * COST["border"]
        record = [[self._sample(one) for one in self.prompts] for _ in range(RECORDED)]
        self.compared = _Compared(record, samples, _apart, plain=True)

    def check(self) -> float:
        return self.compared([[self._sample(one) for one in self.prompts] for _ in range(self.samples)])

    def _sample(self, one: Any) -> str:
        return str(self.endpoint.seen(one)[0].value)


class MMD:
    """Texts of 50 tokens at temperature 1: 10 samples of each of 25 prompts."""

    def __init__(self, endpoint: Endpoint, prompts: int = 25, samples: int = 10, length: int = 50) -> None:
        self.endpoint, self.samples = endpoint, samples
        self.draw = np.random.default_rng(endpoint.random.getrandbits(32))
        base = -np.cumsum(self.draw.exponential(0.8, (prompts, length, TOP)), axis=2)
        delta = endpoint.swap.delta if endpoint.swap is not None else 0.0
        moved = base + self.draw.normal(0, delta, base.shape)
        self.chances = [_cumulative(base), _cumulative(moved)]
        self.requests, self.tokens = prompts * samples, prompts * samples * (20 + length)
        self.compared = _Compared([self._sample() for _ in range(RECORDED // 2)], samples, _mmd)

    def check(self) -> float:
        return self.compared([self._sample() for _ in range(self.samples)])

    def _sample(self) -> np.ndarray:
        """One text for each prompt: [prompts, length]."""
        swap = self.endpoint.swap
        other = np.zeros(len(self.chances[0]), dtype=bool)
        if self.endpoint.swapped and swap is not None:
            other = self.draw.random(len(other)) < swap.share
        chances = np.where(other[:, None, None], self.chances[1], self.chances[0])
        return (self.draw.random(chances.shape[:2])[:, :, None] > chances).sum(axis=2).astype(np.int16)


def _far(samples: Sequence[np.ndarray], record: Sequence[np.ndarray]) -> float:
    return float(np.abs(np.mean(samples, axis=0) - np.mean(record, axis=0)).mean())


def _apart(samples: Sequence[Sequence[str]], record: Sequence[Sequence[str]]) -> float:
    total = 0.0
    for now, before in zip(zip(*samples, strict=True), zip(*record, strict=True), strict=True):
        one, other = Counter(now), Counter(before)
        total += sum(abs(one[token] / len(now) - other[token] / len(before)) for token in {*one, *other}) / 2
    return total / len(samples[0])


def _mmd(samples: Sequence[np.ndarray], record: Sequence[np.ndarray]) -> float:
    """The squared maximum mean discrepancy, mean over prompts, of a kernel that counts equal tokens."""
    now, before = _onehot(samples), _onehot(record)
    return float(((now - before) ** 2).sum(axis=(1, 2)).mean())


def _onehot(samples: Sequence[np.ndarray]) -> np.ndarray:
    """The share of each token at each place: the kernel's mean embedding. [prompts, length, tokens]"""
    stacked = np.stack(samples)
    return np.stack([(stacked == token).mean(axis=0) for token in range(TOP + 1)], axis=2)


def _cumulative(logits: np.ndarray) -> np.ndarray:
    chances = np.exp(logits - logits.max(axis=2, keepdims=True))
    return np.cumsum(chances / chances.sum(axis=2, keepdims=True), axis=2)
