"""How far measurements lie from estimates: the factors of the 80 % ranges.

``tests/benchmarks/sizing/throughput.py`` prints the share of published measurements inside them. Measured serving
varies this much between engine versions and settings that a sizing question does not name.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.sized import Range

_FACTORS: Mapping[str, float] = {"ttft": 2.0, "tpot": 1.4, "throughput": 1.7, "prefill": 1.7}
"""An estimate lies within value/factor and value x factor in 80 % of cases: what documents left out of the fit show on
NVIDIA's servers, and somewhat more, as the next document is of another model and device."""

_CROWD = 0.06
"""The more requests share a step, the more hangs on how an engine mixes prompts in: the factor of a request's own times
grows with this power of the requests in flight (1.4 alone, 2.1 among a thousand)."""

_UNMEASURED = 1.3
"""Widens the factor where no measurement backs the estimate: other makers, CPUs, llama.cpp. Judged."""


def widen(value: float, name: str, *, measured: bool, inflight: float = 1.0) -> Range:
    """The estimate with its range.

    Args:
        name: ``ttft``, ``tpot``, ``throughput`` or ``prefill``.
        measured: whether published measurements of such hardware and software exist.
        inflight: requests at once on one replica.
    """
    factor = _FACTORS[name] * (1.0 if measured else _UNMEASURED)
    if name in ("ttft", "tpot"):
        factor *= max(1.0, inflight) ** _CROWD
    return Range(value / factor, value, value * factor)
