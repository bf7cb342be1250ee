"""Published methods on the same endpoints, each a statistic of a check against what was recorded before.

``LT``: the mean logprob of each token at one prompt over 10 one-token samples, and how far these are from the recorded ones
on average (arXiv 2512.03816). ``B3IT``: 3 first tokens at each of 5 border inputs, and how far their shares are from the
recorded ones: mean total variation (arXiv 2602.11083). ``MMD``: 10 texts of 50 tokens at temperature 1 for each of 25 prompts,
compared token by token (Hamming kernel; Gao et al., "Model Equality Testing", arXiv 2410.20247). Sizes are those of the papers
and of the code published with the second.

One threshold has to serve endpoints of different noise: the statistics of LT and MMD are put in standard deviations of what
they are between parts of the endpoint's own record; that of B3IT is taken as it is, as published. Records are larger than
published (100 samples, not 50, MMD 50) and spread over a day, which helps these methods; ours learns within one hour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Protocol

import numpy as np

from drift.endpoints import COST, TOP, Endpoint

RECORDED = 100
"""Samples of each prompt that are recorded."""
_SPLITS = 60
_LEAST_SPREAD = 1e-3


class Method(Protocol):
    """One method, watching one endpoint."""

    endpoint: Endpoint
    tokens: int
    requests: int

    def check(self) -> float:
        """How unusual the endpoint is now."""
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
        return (self.statistic(samples, self.record) - self.mean) / max(self.spread, _LEAST_SPREAD)


def _over_a_day(endpoint: Endpoint, sample: Callable[[], Any], size: int) -> list[Any]:
    record = []
    for number in range(size):
        endpoint.hour = number * 24 / size
        record.append(sample())
    endpoint.hour = 0.0
    return record


class LT:
    """Log probability tracking: samples of one token at one prompt."""

    def __init__(self, endpoint: Endpoint, samples: int = 10) -> None:
        self.endpoint, self.samples = endpoint, samples
        self.prompt = next(one for one in endpoint.prompts if one.way == "first")
        self.requests, self.tokens = samples, samples * COST["first"]
        self.compared = _Compared(_over_a_day(endpoint, self._sample, RECORDED), samples, _far)

    def check(self) -> float:
        return self.compared([self._sample() for _ in range(self.samples)])

    def _sample(self) -> np.ndarray:
        told = self.endpoint.seen(self.prompt)[0].value
        assert isinstance(told, dict)
        return np.array([told[str(at)] for at in range(TOP)])


class B3IT:
    """Border inputs: samples of one token at each of some prompts whose best tokens are nearly tied."""

    def __init__(self, endpoint: Endpoint, prompts: int = 5, samples: int = 3) -> None:
        self.endpoint, self.samples = endpoint, samples
        borders = [one for one in endpoint.prompts if one.way == "border"]
        tried = {one.id: Counter(self._sample(one) for _ in range(30)) for one in borders}
        undecided = sorted(borders, key=lambda one: (tried[one.id].most_common(1)[0][1], one.id))
        self.prompts = undecided[:prompts]
        self.requests, self.tokens = prompts * samples, prompts * samples * COST["border"]
        self.record = _over_a_day(endpoint, self._samples, RECORDED)

    def check(self) -> float:
        return _apart([self._samples() for _ in range(self.samples)], self.record)

    def _samples(self) -> list[str]:
        return [self._sample(one) for one in self.prompts]

    def _sample(self, one: Any) -> str:
        return str(self.endpoint.seen(one)[0].value)


class MMD:
    """Texts at temperature 1: samples of each of some prompts."""

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
