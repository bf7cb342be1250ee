"""Which missing constraint to ask for first: the one whose likely values would change the choice most."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.choosing.unsaid import ASKED, ORDER
from engine.constraints.record import Constraints, Installed
from engine.identification import Option

_LIKELY: Mapping[str, Sequence[Any]] = {
    "hardware": ((Installed("rtx-4090", 1),), (Installed("a100-80gb", 2),), (Installed("h200", 8),)),
    "task": ("customer-service", "legal", "math", "code"),
    "ttft": (0.3, 1.0, 5.0),
    "context": (32_768, 131_072),
    "concurrency": (16, 128),
    "budget": (0.5, 3.0, 30.0),
    "tpot": (0.02, 0.05),
    "language": ("zh",),
    "licence": ("permissive",),
    "availability": (0.999,),
}
"""Values that people who ask would likely give. Judged."""
Choose = Callable[[Constraints], Option | None]


def missing(
    constraints: Constraints, chosen: Option | None, choose: Choose, *, skip: Sequence[str] = ()
) -> tuple[str, ...]:
    """Names of unsaid constraints, the one that matters most first; those that would change nothing are left out.

    Args:
        choose: the choice under other constraints.
        skip: what need not be asked for.
    """
    effects = {
        name: _effect(name, constraints, chosen, choose)
        for name in ORDER
        if _is_open(name, constraints) and name not in skip
    }
    if chosen is None and not any(effects.values()):
        return tuple(effects)[:ASKED]
    # Without the hardware every figure is of a suggestion.
    ranked = sorted(effects, key=lambda name: (name != "hardware", -effects[name], ORDER.index(name)))
    return tuple(name for name in ranked if effects[name] > 0)[:ASKED]


def _is_open(name: str, constraints: Constraints) -> bool:
    if name == "hardware":
        return not constraints.hardware and constraints.memory is None
    return getattr(constraints, name) is None


def _effect(name: str, constraints: Constraints, chosen: Option | None, choose: Choose) -> float:
    """Share of likely values that change the answer: a change of kind counts in full, of the variant by two thirds, of
    quantisation or hardware by a third."""
    values = _LIKELY[name]
    return sum(_change(chosen, choose(replace(constraints, **{name: value}))) for value in values) / len(values)


def _change(before: Option | None, after: Option | None) -> float:
    if before is None or after is None:
        return 0.0 if before is after else 1.0
    if before.kind != after.kind:
        return 1.0
    if before.variant != after.variant:
        return 2 / 3
    same = before.sizing.quantization == after.sizing.quantization and before.sizing.device == after.sizing.device
    return 0.0 if same else 1 / 3
