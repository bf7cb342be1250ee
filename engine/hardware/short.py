"""Short forms of what a device is made of, so that a catalog reads as a table and loads in a moment.

Each is one text where the long form is a mapping or a list; files may use either.
"""

from __future__ import annotations

import re
from typing import Any

HOURS = 3 * 8760
"""Three years, over which a purchase is spread."""
POWER = 0.12
"""US dollars a kWh; about what industry pays in the USA and China."""

_PRICE = re.compile(r"(rent|buy) ([\d.]+)(?:-([\d.]+))?: (.+)", re.DOTALL)


def numbers(value: object) -> object:
    """``fp8 1979, bf16 989`` as a mapping."""
    if not isinstance(value, str):
        return value
    pairs = [part.split() for part in value.split(",")]
    if any(len(pair) != 2 for pair in pairs) or len({pair[0] for pair in pairs}) < len(pairs):
        raise ValueError("write each type once with its TFLOP/s, as 'fp8 1979, bf16 989'")
    return dict(pairs)


def listed(value: object) -> object:
    """``vllm, sglang`` as a list."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def link(value: object) -> object:
    """``nvlink 450`` as a mapping."""
    if not isinstance(value, str):
        return value
    kind, _, bandwidth = value.partition(" ")
    return {"kind": kind, "bandwidth": bandwidth}


def price(value: object, watts: object) -> object:
    """``rent 2.69-6.88: who, when`` in US dollars an hour, or ``buy 3999-4699: who, when`` in US dollars, spread over
    ``HOURS`` with the electricity of ``watts`` all the time, as a mapping."""
    if not isinstance(value, str):
        return value
    match = _PRICE.fullmatch(value)
    if match is None:
        raise ValueError("write the price as 'rent 2-3: who, when' or 'buy 900-1200: who, when'")
    low, high = float(match[2]), float(match[3] or match[2])
    known: dict[str, Any] = {"low": low, "high": high, "amortised": match[1] == "buy", "source": match[4]}
    if known["amortised"]:
        power = watts / 1000 * POWER if isinstance(watts, int | float) else 0.0
        known |= {"low": low / HOURS + power, "high": high / HOURS + power}
        known["source"] = f"{match[4]}: {low:,.0f} to {high:,.0f} USD" if high > low else f"{match[4]}: {low:,.0f} USD"
    return known
