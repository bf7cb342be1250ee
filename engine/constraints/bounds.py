"""What the numbers of constraints may be: their units, examples, and the bounds of sense."""

from __future__ import annotations

import math
from collections.abc import Mapping

from engine.constraints.record import UNITS
from engine.errors import UsageError

TARGETS: Mapping[str, str] = {
    "memory": "gigabyte", "bandwidth": "gigabyte / second", "context": "token", "prompt": "token", "output": "token",
    "concurrency": "request", "ttft": "second", "tpot": "second / token", "throughput": "token / second",
    "budget": "usd / hour", "availability": "percent",
}  # fmt: skip
"""``record.UNITS`` in the registry's words; availability in percent until it is stored as a share."""
EXAMPLES: Mapping[str, str] = {
    "memory": "48 GB", "bandwidth": "900 GB/s", "context": "32K tokens", "prompt": "2000 tokens", "output": "500 tokens",
    "concurrency": "50", "ttft": "500 ms", "tpot": "40 ms", "throughput": "2000 tokens/s", "budget": "20 USD/hour",
    "availability": "99.9%",
}  # fmt: skip
AT_LEAST = frozenset(("memory", "bandwidth", "throughput"))
"""Of a range the lower end binds; of the others the upper one (and the slower speed)."""
_LIMITS: Mapping[str, float] = {
    "memory": 1e6, "bandwidth": 1e6, "context": 1e7, "prompt": 1e7, "output": 1e7, "concurrency": 1e7, "ttft": 86_400.0,
    "tpot": 3_600.0, "throughput": 1e9, "budget": 1e7,
}  # fmt: skip
"""Beyond these it is a slip (judged): 1 PB of memory, 1 PB/s, ten million tokens or requests, a day, an hour a token,
a thousand million tokens a second, ten million dollars an hour."""


def finite(name: str, value: float, typed: object) -> float:
    """``value`` without the dust of binary fractions: 1.1 TB are 1100 GB.

    Raises:
        UsageError: it is not above zero, or not finite.
    """
    try:
        number = float(f"{float(value):.12g}")
    except OverflowError:
        number = math.inf
    if not math.isfinite(number) or number <= 0:
        raise UsageError("constraint_number", name=name, value=short(typed), example=EXAMPLES[name])
    return number


def bounded(name: str, value: float, typed: object) -> float:
    """``value`` if a deployment may have it; a bare availability over 1 as a percentage, counts as whole numbers.

    Raises:
        UsageError: it is beyond anything that runs, or less than one of what is counted.
    """
    if name == "availability":
        share = round(value / 100, 9) if value >= 1 and _percent_meant(typed) else value
        if not 0 < share < 1:
            raise UsageError("availability_range", name=name, value=short(typed))
        return share
    if value > _LIMITS[name]:
        raise UsageError(
            "constraint_absurd", name=name, value=short(typed), limit=f"{_LIMITS[name]:,.0f} {UNITS[name]}"
        )
    if name in ("context", "prompt", "output", "concurrency"):
        if value < 1:
            raise UsageError("constraint_number", name=name, value=short(typed), example=EXAMPLES[name])
        return float(round(value))
    return value


def _percent_meant(typed: object) -> bool:
    """A bare 99.9 can only be a percentage; one with its sign was divided already."""
    return "%" not in str(typed)


def short(value: object) -> str:
    """``value`` as a sentence quotes it: the beginning of it, at most 40 characters."""
    simple = isinstance(value, float) or (isinstance(value, int) and abs(value) < 10**40)
    text = value if isinstance(value, str) else str(value) if simple else type(value).__name__
    return text if len(text) <= 40 else text[:39] + "…"
