"""Figures in words: estimates with their ranges, constraints in their units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.presentation.view import Mark, words
from bot.requests import Lang
from engine.choosing.wording import HOURS_A_MONTH, dollars_text, hardware_text, rate_text, seconds_text
from engine.constraints.record import UNITS
from engine.sized import Range

_OLD_UNITS = {"latency": "s"}
"""Of constraints that versions before sizing kept."""


def seconds_range(value: Range) -> str:
    """``38 ms (30–52)``."""
    return _range(value, seconds_text)


def rate_range(value: Range) -> str:
    """``1,240 (900–1,600)``."""
    return _range(value, rate_text)


def cost_text(cost: Range | None, lang: Lang) -> str:
    """Dollars an hour and a month, each with its range."""
    said = words(lang)["recommendation"]["figures"]
    if cost is None:
        return str(said["no_cost"])
    month = Range(cost.low * HOURS_A_MONTH, cost.value * HOURS_A_MONTH, cost.high * HOURS_A_MONTH)
    return str(said["cost"].format(hour=_range(cost, dollars_text), month=_range(month, dollars_text)))


def constraint_text(name: str, value: Any, lang: Lang, mark: Mark) -> str:
    """A constraint's value in its unit, or as a word of the language."""
    if name == "hardware" and isinstance(value, Sequence) and not isinstance(value, str):
        return " + ".join(mark(hardware_text(part["device"], part["count"])) for part in value)
    if not isinstance(value, int | float):
        return str(words(lang)["recommendation"]["values"].get(str(value)) or mark(value))
    if name == "availability":
        return f"{value * 100:.6g}%"
    unit = UNITS.get(name) or _OLD_UNITS.get(name, "")
    if unit in ("s", "s/token"):
        return f"≤ {seconds_text(value)}"
    if unit == "USD/hour":
        return f"≤ {dollars_text(value)}/h"
    return f"{value:,.10g} {unit}" if unit in ("GB", "GB/s") else f"{value:,.10g}"


def by_language(text: Any, lang: Lang) -> str:
    """A text that is kept by language, in this one."""
    return str((text.get(lang) or text["en"]) if isinstance(text, Mapping) else text)


def _range(value: Range, write: Callable[[float], str]) -> str:
    """The estimate, and in brackets its range; a unit or currency that all three share is written once."""
    shown, low, high = (write(figure) for figure in (value.value, value.low, value.high))
    if low == high:
        return shown
    unit = shown.rpartition(" ")[2]
    if " " in shown and low.endswith(f" {unit}") and high.endswith(f" {unit}"):
        low, high = low.removesuffix(f" {unit}"), high.removesuffix(f" {unit}")
    return f"{shown} ({low.removeprefix('$')}–{high.removeprefix('$')})"
