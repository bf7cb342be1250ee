"""Deployment constraints: what people type, checked and brought to one unit each."""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.errors import UsageError

Value = str | float

WORDS: Mapping[str, tuple[str, ...]] = {
    "device": ("server", "workstation", "edge", "mobile", "embedded"),
    "compute": ("limited", "ample"),
    "detail": ("normal", "high"),
    "critical": ("yes", "no"),
}
UNITS: Mapping[str, tuple[str, Mapping[str, float]]] = {
    "context": ("tokens", {"": 1, "tokens": 1, "token": 1, "k": 1024, "ktokens": 1024, "m": 1024**2}),
    "latency": ("seconds", {"": 1, "s": 1, "sec": 1, "second": 1, "seconds": 1, "秒": 1, "ms": 0.001, "毫秒": 0.001}),
    "memory": ("GB", {"": 1, "gb": 1, "g": 1, "tb": 1000, "t": 1000, "mb": 0.001, "gib": 1.073741824, "tib": 1099.511627776}),
}  # fmt: skip
NAMES = (*UNITS, *WORDS)
_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z秒毫]*)", re.IGNORECASE)


def parse_constraints(given: Mapping[str, object]) -> dict[str, Value]:
    """Checked constraints: ``context`` in tokens, ``latency`` (time to first token) in seconds,
    ``memory`` (of all accelerators together) in GB; the others words of ``WORDS``.

    Raises:
        UsageError: an unknown name, or a value that makes no sense; the sentence names both.
    """
    return {name: _parse(name, value) for name, value in given.items()}


def _parse(name: str, value: object) -> Value:
    text = str(value).strip().lower()
    if name in WORDS:
        if text not in WORDS[name]:
            raise UsageError("constraint_word", name=name, value=_short(value), allowed=", ".join(WORDS[name]))
        return text
    if name not in UNITS:
        raise UsageError("constraint_unknown", name=_short(name), known=", ".join(NAMES))
    unit, scales = UNITS[name]
    match = _NUMBER.fullmatch(text) if len(text) <= 40 else None
    if match is None or match[2] not in scales or float(match[1]) <= 0 or float(match[1]) > 1e12:
        raise UsageError("constraint_number", name=name, value=_short(value), example=f"512 {unit}")
    return float(match[1]) * scales[match[2]]


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:39] + "…"
