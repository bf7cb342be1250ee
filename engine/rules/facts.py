"""What conditions are tested on: the constraints, and what follows from the hardware they name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.constraints.record import UNITS, Constraints
from engine.hardware.schema import Device

_WORDS = ("device", "compute", "task", "detail", "language", "privacy", "licence", "critical")


@dataclass(frozen=True, slots=True)
class Facts:
    """``numbers`` in the units of ``engine.constraints.record.UNITS``; ``words`` as sets, for hardware may be of several kinds.
    What is unknown is left out."""

    numbers: Mapping[str, float]
    words: Mapping[str, frozenset[str]]


def facts_of(constraints: Constraints, devices: Mapping[str, Device], *, identified: bool = False) -> Facts:
    """The facts. ``devices``: the hardware catalog, in which every device that the constraints name must be.

    Memory that is stated wins over that of the hardware, which is what drivers report (``Device.usable``), in GB.
    """
    numbers = {name: float(value) for name in UNITS if (value := getattr(constraints, name)) is not None}
    words = {name: frozenset({str(value)}) for name in _WORDS if (value := getattr(constraints, name)) is not None}
    installed = [(devices[part.device], part.count) for part in constraints.hardware]
    if installed:
        numbers.setdefault("memory", sum(device.usable * count for device, count in installed))
        numbers["devices"] = sum(count for _, count in installed)
        words.setdefault("device", frozenset(device.place for device, _ in installed))
        words["hardware"] = frozenset(device.id for device, _ in installed)
        words["kind"] = frozenset(device.kind for device, _ in installed)
        words["vendor"] = frozenset(device.vendor for device, _ in installed)
    if (longest := _longest(constraints)) is not None:
        numbers["longest"] = longest
    if identified:
        words["identified"] = frozenset({"yes"})
    return Facts(numbers, words)


def _longest(constraints: Constraints) -> float | None:
    """Tokens of the longest text that is known of."""
    if constraints.context is not None:
        return constraints.context
    known = [value for value in (constraints.prompt, constraints.output) if value is not None]
    return sum(known) if known else None
