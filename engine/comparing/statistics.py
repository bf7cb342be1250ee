"""Two models on the same cases: differences with intervals, tests and the number of cases they need. Pure.

Every figure is paired: both models answered each case, so what makes a case hard cancels out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

Scores = Sequence[float] | np.ndarray
LEVEL = 0.95
_RESAMPLES = 9_999
_EXACT_BELOW = 12


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more the second of two models has than the first.

    Attributes:
        first, second: their means over the cases.
        middle, error: what an interval is made of: see ``middle_of``.
        spread: standard deviation of the cases' differences.
        low, high: of the difference, with the confidence that was asked for.
        p: the chance of a difference at least as large if there were none.
        cases: how many.
    """

    first: float
    second: float
    middle: float
    error: float
    spread: float
    low: float
    high: float
    p: float
    cases: int


def relative(first: float, second: float) -> float | None:
    """(second - first) / first, as the article's table has it; ``None`` where ``first`` is 0."""
    return (second - first) / first if first else None


def paired(
    first: Scores,
    second: Scores,
    *,
    level: float = LEVEL,
    binary: bool | None = None,
    tested: bool = True,
    seed: int = 0,
) -> Difference:
    """The mean difference of two models' scores on the same cases.

    Scores that are only right or wrong get the adjusted Wald interval of Agresti and Min (Statistics in Medicine 24,
    2005) and McNemar's exact test; others Student's interval and a permutation test over swapped pairs.

    Args:
        binary: that they are right or wrong; ``None``: where all are 0 or 1.
        tested: whether a p-value is wanted; else it is 1.

    Raises:
        ValueError: the scores are not of the same cases, or of fewer than two.
    """
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if a.shape != b.shape or a.size < 2:
        raise ValueError("two cases at least, each with both scores")
    differences = b - a
    binary = is_binary(a, b) if binary is None else binary
    middle, error = middle_of(differences, binary=binary)
    half = (1 + level) / 2
    reach = error * float(stats.norm.ppf(half) if binary else stats.t.ppf(half, a.size - 1))
    low, high = middle - reach, middle + reach
    p = 1.0 if not tested else _mcnemar(differences) if binary else _permutation(differences, seed)
    spread = float(differences.std(ddof=1))
    return Difference(float(a.mean()), float(b.mean()), middle, error, spread, low, high, p, a.size)


def holm(ps: Sequence[float]) -> list[float]:
    """p-values corrected for how many metrics were looked at (Holm, 1979), in the order given."""
    order = sorted(range(len(ps)), key=lambda at: ps[at])
    corrected, highest = [0.0] * len(ps), 0.0
    for rank, at in enumerate(order):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[at]))
        corrected[at] = highest
    return corrected


def cases_needed(gap: float, spread: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """How many cases show a gap of the means with that chance, two-sided.

    Args:
        spread: standard deviation of the cases' differences. Of right or wrong it is at most the square root of the
            share of cases on which the two disagree.

    Raises:
        ValueError: there is no gap to look for.
    """
    if gap == 0 or spread <= 0:
        raise ValueError("a gap, and differences that differ")
    reach = float(stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power))
    return max(2, math.ceil((reach * spread / gap) ** 2))


def is_binary(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether scores are only right or wrong."""
    return bool(np.isin(a, (0, 1)).all() and np.isin(b, (0, 1)).all())


def middle_of(differences: np.ndarray, *, binary: bool) -> tuple[float, float]:
    """The middle of the interval of the mean difference, and its standard error. Of right and wrong with half a case in each
    of the four cells, so that a few cases that agree do not look like certainty."""
    if not binary:
        return float(differences.mean()), float(differences.std(ddof=1)) / math.sqrt(differences.size)
    better, worse = int((differences > 0).sum()), int((differences < 0).sum())
    cases, up, down = differences.size + 2.0, better + 0.5, worse + 0.5
    return (up - down) / cases, math.sqrt(up + down - (up - down) ** 2 / cases) / cases


def deviate(differences: np.ndarray, *, binary: bool) -> float:
    """How far a mean difference is from none, as a standard normal deviate: by McNemar's exact test, or Student's."""
    if not differences.any():
        return 0.0
    mean = float(differences.mean())
    if binary:
        p = _mcnemar(differences)
    else:
        error = float(differences.std(ddof=1)) / math.sqrt(differences.size)
        p = 2 * float(stats.t.sf(abs(mean) / error, differences.size - 1)) if error else 0.0
    return math.copysign(float(stats.norm.isf(max(p, 1e-300) / 2)), mean) if mean else 0.0


def _mcnemar(differences: np.ndarray) -> float:
    better, worse = int((differences > 0).sum()), int((differences < 0).sum())
    return float(stats.binomtest(better, better + worse, 0.5).pvalue) if better + worse else 1.0


def _permutation(differences: np.ndarray, seed: int) -> float:
    if not differences.any():
        return 1.0
    resamples = math.inf if differences.size < _EXACT_BELOW else _RESAMPLES
    found = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=resamples, rng=np.random.default_rng(seed)
    )
    return float(found.pvalue)
