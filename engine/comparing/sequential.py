"""Stopping a comparison early, at an error rate that stays what it was.

Cases are asked for in stages. After each one may stop where the difference is beyond a boundary; the boundaries are set so
that models that are equal are ever called different with a chance of alpha only, however many stages there are: an error
that is spent little by little (Lan and DeMets, Biometrika 70, 1983; in proportion to a power of the share of the cases: Kim and
DeMets, Biometrika 74, 1987), computed by Armitage, McPherson and Rowe's recursion (JRSS A 132, 1969). One also stops where the difference that was looked
for has become improbable to be shown, or is ruled out; that is free to be ignored, and does not count towards alpha.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy import optimize, stats

Step = Literal["differs", "alike", "hopeless", "spent", "go_on"]
STAGES, FIRST = 10, 20
"""Looks at most, and the cases before the first: fewer say nothing."""
POWER = 0.9
"""The chance to show the gap that is looked for, if it is there."""
FUTILITY = 0.2
"""Chance of still showing the gap, below which one stops."""
_INFLATION = 1.025
"""Cases more than the boundaries alone would need: what stopping without hope takes from the power, given back."""
_SPENDING, _GRID = 1.5, 161
"""The power of the spending function, of those tried the one that saves most at the gap and at none together."""


@dataclass(frozen=True, slots=True)
class Plan:
    """When to look, and how far the difference has to be then.

    Attributes:
        cases: at the end of each stage, the last being the most that are asked.
        boundaries: of the absolute difference in standard errors.
        gap: the difference of the means that is looked for.
        alpha: the chance to call equal models different.
        full: that there are as many cases as the gap needs. With fewer one asks them all: hope was small from the start.
    """

    cases: tuple[int, ...]
    boundaries: tuple[float, ...]
    gap: float
    alpha: float
    full: bool = True

    @property
    def shares(self) -> tuple[float, ...]:
        """Of the most cases, at the end of each stage."""
        return tuple(cases / self.cases[-1] for cases in self.cases)


def plan(
    gap: float,
    spread: float,
    *,
    alpha: float = 0.05,
    power: float = POWER,
    stages: int = STAGES,
    most: int | None = None,
) -> Plan:
    """Stages that show a gap with that power.

    Args:
        spread: standard deviation of the cases' differences.
        most: cases that there are; fewer than needed cost power, not error.

    Raises:
        ValueError: there is no gap to look for.
    """
    if gap <= 0 or spread <= 0:
        raise ValueError("a gap, and differences that differ")
    equal = tuple((stage + 1) / stages for stage in range(stages))
    last = max(stages, math.ceil(_INFLATION * (_drift(equal, alpha, power) * spread / gap) ** 2))
    full = most is None or last <= most
    last = min(last, most) if most is not None else last
    cases = tuple(sorted({max(min(FIRST, last), math.ceil(last * share)) for share in equal}))
    shares = tuple(at / cases[-1] for at in cases)
    return Plan(cases, _boundaries(shares, alpha), gap, alpha, full)


def decide(plan: Plan, stage: int, z: float, mean: float, error: float) -> Step:
    """Whether to stop after a stage, counted from 0.

    Args:
        z: how far the difference is from none, as a standard normal deviate: of whichever test suits the scores.
        mean, error: of the differences so far, and its standard error.
    """
    if abs(z) >= plan.boundaries[stage]:
        return "differs"
    if abs(mean) + plan.boundaries[stage] * error < plan.gap:
        return "alike"
    if stage == len(plan.cases) - 1:
        return "spent"
    return "hopeless" if plan.full and _chance_left(plan, stage, mean, error) < FUTILITY else "go_on"


def interval(plan: Plan, stage: int, z: float, mean: float, error: float, level: float = 0.95) -> tuple[float, float]:
    """The interval of the difference once one has stopped, in the order in which stages end: it holds the true difference
    as often as it says, though one stopped because the difference looked large (Tsiatis, Rosner and Mehta, Biometrics 40,
    1984)."""
    if error <= 0:
        return mean, mean
    shares, tail = plan.shares[: stage + 1], (1 - level) / 2
    bounds = plan.boundaries[:stage]
    root = math.sqrt(shares[-1])
    half = (1 + level) / 2
    error *= float(stats.t.ppf(half, plan.cases[stage] - 1) / stats.norm.ppf(half))

    def above(drift: float) -> float:
        """The chance to stop above sooner, or to have what was seen or more at this stage."""
        sooner = [_crossing(shares, bounds, at, drift)[0] for at in range(stage)]
        return sum(sooner) + _beyond(shares, bounds, stage, z, drift)[0]

    center = z / root
    low = optimize.brentq(lambda drift: above(drift) - tail, center - 12 / root, center + 12 / root)
    high = optimize.brentq(lambda drift: above(drift) - (1 - tail), center - 12 / root, center + 12 / root)
    return mean + (float(low) * root - z) * error, mean + (float(high) * root - z) * error


def p_value(plan: Plan, stage: int, z: float) -> float:
    """The chance that equal models stop sooner, or show as much at this stage, on either side."""
    shares, bounds = plan.shares[: stage + 1], plan.boundaries[:stage]
    sooner = [sum(_crossing(shares, bounds, at, 0.0)) for at in range(stage)]
    return min(1.0, sum(sooner) + sum(_beyond(shares, bounds, stage, abs(z), 0.0)))


def _chance_left(plan: Plan, stage: int, mean: float, error: float) -> float:
    """The chance that the last stage shows a difference on the side on which it lies so far, if what is left differs as much
    as that, or by the gap."""
    now, last = plan.cases[stage], plan.cases[-1]
    left = last - now
    spread = error * math.sqrt(now)
    if spread == 0:
        return 0.0
    needed = plan.boundaries[-1] * spread * math.sqrt(last)
    reached = abs(mean) * now + left * max(plan.gap, abs(mean))
    return float(stats.norm.sf((needed - reached) / (spread * math.sqrt(left))))


@lru_cache(maxsize=64)
def _boundaries(shares: tuple[float, ...], alpha: float) -> tuple[float, ...]:
    spent = [alpha * share**_SPENDING for share in shares]
    found: list[float] = []
    for stage in range(len(shares)):
        now = spent[stage] - (spent[stage - 1] if stage else 0.0)

        def missing(z: float, stage: int = stage, now: float = now) -> float:
            return sum(_beyond(shares[: stage + 1], tuple(found), stage, z, 0.0)) - now

        found.append(float(optimize.brentq(missing, 0.5, 8.0, xtol=1e-6)))
    return tuple(found)


@lru_cache(maxsize=64)
def _drift(shares: tuple[float, ...], alpha: float, power: float) -> float:
    """The mean of the last stage's z at which some stage is beyond its boundary with that power."""
    bounds = _boundaries(shares, alpha)

    def missing(drift: float) -> float:
        return sum(sum(_crossing(shares, bounds, at, drift)) for at in range(len(shares))) - power

    return float(optimize.brentq(missing, 0.1, 20.0))


def _crossing(shares: tuple[float, ...], bounds: tuple[float, ...], stage: int, drift: float) -> tuple[float, float]:
    """The chance that a stage is the first beyond its boundary, above and below."""
    return _beyond(shares, bounds[:stage], stage, bounds[stage], drift)


def _beyond(
    shares: tuple[float, ...], bounds: tuple[float, ...], stage: int, z: float, drift: float
) -> tuple[float, float]:
    """The chance that no stage before was beyond its boundary and this one is beyond ``z``, above and below.

    The sum so far has mean ``drift * share`` and variance ``share``. Its density without a drift is kept for each stage; with
    one it is that density times the likelihood ratio.
    """
    before = shares[stage - 1] if stage else 0.0
    points, weight = _density(shares[:stage], bounds[:stage])
    tilted = weight * np.exp(drift * points - drift**2 * before / 2)
    step, edge = math.sqrt(shares[stage] - before), z * math.sqrt(shares[stage])
    center = points + drift * (shares[stage] - before)
    up = float((tilted * stats.norm.sf((edge - center) / step)).sum())
    down = float((tilted * stats.norm.cdf((-edge - center) / step)).sum())
    return up, down


@lru_cache(maxsize=1_024)
def _density(shares: tuple[float, ...], bounds: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Where the sum is without a drift after these stages, none of which crossed: points, and their probabilities."""
    if not shares:
        return np.zeros(1), np.ones(1)
    points, weight = _density(shares[:-1], bounds[:-1])
    step = math.sqrt(shares[-1] - (shares[-2] if len(shares) > 1 else 0.0))
    edge = bounds[-1] * math.sqrt(shares[-1])
    here = np.linspace(-edge, edge, _GRID)
    density = (np.exp(-0.5 * ((here[:, None] - points[None, :]) / step) ** 2) * weight[None, :]).sum(1)
    simpson = np.full(_GRID, 2.0)
    simpson[1::2], simpson[[0, -1]] = 4.0, 1.0
    simpson *= (2 * edge / (_GRID - 1)) / 3
    return here, density / (step * math.sqrt(2 * math.pi)) * simpson
