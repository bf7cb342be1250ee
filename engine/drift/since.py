"""When a change came: the posterior over the checks between which it may lie."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.drift.records import LookRecord

_SURE = 0.95
_STEPS = ((0.9, 0.1), (0.9, 0.02), (0.9, 0.004), (0.4, 0.1), (0.4, 0.02), (0.15, 0.02), (0.15, 0.004))
"""How strange answers may be after a change: a share λ of them has p ≤ ε."""
_DRIFT = 0.05
"""What a look has to add to the evidence, in nats, to be counted for a change where only the evidence is known."""


def change_point(
    records: Sequence[LookRecord],
) -> tuple[str | None, str | None, str | None, str | None]:
    """Between which checks a change lies: the last before it and the first after it, most probably; and the earliest and
    the latest for a probability of 95 %. ``None`` where no check was before it.

    Each way of betting on the p-values is a likelihood ratio of "changed" to "not changed"; every check is as probable
    to be the first after the change (Shiryaev, 1963, with a flat prior).

    Args:
        records: in the order of time; the last one shows the change.
    """
    if len(records) < 2:
        return None, records[0].at if records else None, None, records[-1].at if records else None
    weights = _posterior([_gains(records, at) for at in range(len(records))])
    best = max(range(1, len(records)), key=lambda at: (weights[at], at))
    low, high = _interval(weights, best)
    return records[best - 1].at, records[best].at, records[low - 1].at, records[high].at


def _gains(records: Sequence[LookRecord], at: int) -> tuple[float, ...]:
    """What one check says for a change before it, by way of betting (nats)."""
    gains = [0.0] * len(_STEPS)
    for p in (p for ps in records[at].p.values() for p in ps):
        gains = [
            gain + math.log(1 - share + (share / most if p <= most else 0.0))
            for gain, (share, most) in zip(gains, _STEPS, strict=True)
        ]
    before = records[at - 1].log_e.get("total", 0.0) if at else 0.0
    return (*gains, records[at].log_e.get("total", 0.0) - before - _DRIFT)


def _posterior(gains: Sequence[tuple[float, ...]]) -> list[float]:
    """The probability that each check is the first after the change; the very first cannot be."""
    sums = [(0.0,) * len(gains[0])]
    for gain in reversed(gains[1:]):
        sums.append(tuple(total + one for total, one in zip(sums[-1], gain, strict=True)))
    by_check = list(reversed(sums[1:]))
    highest = max(max(totals) for totals in by_check)
    weights = [math.fsum(math.exp(total - highest) for total in totals) for totals in by_check]
    whole = math.fsum(weights)
    return [0.0, *(weight / whole for weight in weights)]


def _interval(weights: Sequence[float], best: int) -> tuple[int, int]:
    """The shortest run of checks around the best one that holds 95 %."""
    low = high = best
    held = weights[best]
    while held < _SURE and (low > 1 or high < len(weights) - 1):
        left = weights[low - 1] if low > 1 else -1.0
        right = weights[high + 1] if high < len(weights) - 1 else -1.0
        low, high = (low - 1, high) if left >= right else (low, high + 1)
        held += max(left, right)
    return low, high
