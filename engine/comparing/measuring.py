"""Pairs of answers → a metric's figures of both sides, how they differ, and how sure that is. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from engine.comparing import statistics
from engine.comparing.metrics import Metric
from engine.comparing.scoring import Pair

RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric of both sides.

    Attributes:
        a, b: its figures.
        middle, error: of the difference ``b - a``, and its standard error: what an interval is made of.
        z: how far the difference is from none, as a standard normal deviate.
        spread: standard deviation of the cases' differences, or what stands for it where the metric is no mean of cases.
        low, high: of the difference, at 95 %, where one did not stop early.
        p: without correction.
        cases: scored on both sides.
    """

    a: float
    b: float
    middle: float
    error: float
    z: float
    spread: float
    low: float
    high: float
    p: float
    cases: int

    @property
    def effect(self) -> float:
        """The difference in standard deviations of the cases' differences."""
        return (self.b - self.a) / self.spread if self.spread else 0.0


def measured(metric: Metric, pairs: Sequence[Pair], *, seed: int = 0) -> Measured | None:
    """A metric of the pairs that have it; ``None`` with fewer than two."""
    known = [pair for pair in pairs if metric.name in pair.scores]
    if len(known) < 2:
        return None
    if metric.whole is not None and metric.resampled is not None:
        return _of_all(metric, known, seed)
    return of_scores([pair.scores[metric.name] for pair in known], tested=metric.group == "quality", seed=seed)


def of_scores(scores: Sequence[tuple[float, float]], *, tested: bool = False, seed: int = 0) -> Measured:
    """A metric that is the mean of the cases' scores, or a figure of speed.

    Args:
        tested: it is one of quality, by which one decides: 0 and 1 are wrong and right, not counts that happen to be so.
    """
    a, b = (np.array(side, dtype=float) for side in zip(*scores, strict=True))
    binary = tested and statistics.is_binary(a, b)
    found = statistics.paired(a, b, binary=binary, tested=tested, seed=seed)
    z = statistics.deviate(b - a, binary=binary)
    return Measured(
        found.first,
        found.second,
        found.middle,
        found.error,
        z,
        found.spread,
        found.low,
        found.high,
        found.p,
        found.cases,
    )


def _of_all(metric: Metric, pairs: Sequence[Pair], seed: int) -> Measured:
    """A figure of all answers, such as macro F1: by resampling the cases (bias-corrected percentiles, Efron, 1987). It counts
    as different only where right and wrong answers say so too: resampling few cases flatters."""
    assert metric.whole is not None and metric.resampled is not None
    cases = [pair.case for pair in pairs]
    first, second = ([pair.answers[side] for pair in pairs] for side in ("a", "b"))
    a, b = metric.whole(cases, first), metric.whole(cases, second)
    drawn = np.random.default_rng(seed).integers(0, len(cases), (RESAMPLES, len(cases)))
    differences = metric.resampled(cases, second, drawn) - metric.resampled(cases, first, drawn)
    error = float(differences.std(ddof=1))
    low, high = _corrected(differences, b - a)
    plain = of_scores([pair.scores[metric.name] for pair in pairs], tested=True, seed=seed)
    z = (b - a) / error if error else 0.0
    z = math.copysign(min(abs(z), abs(plain.z)), z) if z * plain.z > 0 else 0.0
    p = max(2 * float(stats.norm.sf(abs(z))), plain.p if z else 1.0)
    return Measured(a, b, b - a, error, z, error * math.sqrt(len(cases)), low, high, p, len(cases))


def _corrected(drawn: np.ndarray, seen: float) -> tuple[float, float]:
    """The interval in which 95 % of the resamples lie, moved by how far their median is from what was seen."""
    below = float(np.clip(((drawn < seen).mean() + (drawn <= seen).mean()) / 2, 1e-3, 1 - 1e-3))
    shift = 2 * float(stats.norm.ppf(below))
    reach = float(stats.norm.ppf(0.975))
    low, high = np.quantile(drawn, [stats.norm.cdf(shift - reach), stats.norm.cdf(shift + reach)])
    return float(low), float(high)
