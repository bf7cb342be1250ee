"""How far measurements lie from estimates: the factors of the 80 % ranges.

``tests/benchmarks/sizing/throughput.py`` prints the share of published measurements inside them. Measured serving
varies this much between engine versions and settings that a sizing question does not name.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.sizing.records import Range

_FACTORS: Mapping[str, float] = {"ttft": 2.0, "tpot": 1.5, "throughput": 1.7, "prefill": 1.7}
"""An estimate lies within value/factor and value x factor in 80 % of cases. Fitted for NVIDIA servers."""

_UNMEASURED = 1.3
"""Widens the factor where no measurement backs the estimate: other makers, CPUs, llama.cpp. Judged."""


def widen(value: float, name: str, *, measured: bool) -> Range:
    """The estimate with its range."""
    factor = _FACTORS[name] * (1.0 if measured else _UNMEASURED)
    return Range(value / factor, value, value * factor)
