"""What somebody usually asks about, put in where a question leaves it open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.requests import Request
from engine.errors import UsageError

_SKIPPED = frozenset(("memory", "bandwidth", "device", "compute"))
"""What hardware that is named settles."""


def with_usual(request: Request, defaults: str) -> Request:
    """The request with what ``defaults`` (words) say of demands that it does not name itself; ``usual`` says which.

    Only questions for a recommendation are completed, and for which of two does better on a task; hardware named in any way leaves no room for the usual one.
    """
    if (request.verb != "recommend" and request.on_task is None) or not defaults.strip():
        return request
    try:
        said, usual = _said(request), usual_constraints(defaults)
    except UsageError:  # the question is refused with its own sentence when it is answered
        return request
    settled = _SKIPPED | {"hardware"} if said & (_SKIPPED | {"hardware"}) else set()
    added = {name: value for name, value in usual.items() if name not in said | settled}
    if not added:
        return request
    shown = ", ".join(f"{name}={value}" for name, value in added.items())
    return replace(request, constraints={**request.constraints, **added}, usual=shown, ask=None)


def usual_constraints(defaults: str) -> dict[str, str]:
    """The constraints that words state, each as it would be typed.

    Raises:
        UsageError: what they say makes no sense.
    """
    from engine.constraints.reading import read_text

    read = read_text(defaults)
    return {name: _typed(name, value) for name, value in read.constraints.stated().items()}


def _said(request: Request) -> set[str]:
    from engine.constraints.reading import read_text
    from engine.constraints.values import parse_constraints

    given: Mapping[str, Any] = parse_constraints(request.constraints).stated()
    return {*given, *read_text(request.scenario).constraints.stated()}


def _typed(name: str, value: Any) -> str:
    from engine.constraints.record import UNITS

    if name == "hardware":
        return " + ".join(f"{part['count']}x{part['device']}" for part in value)
    if isinstance(value, str):
        return value
    unit = UNITS.get(name, "")
    return f"{value:g} {unit}".strip()
