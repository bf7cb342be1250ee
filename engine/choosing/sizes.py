"""One model on the hardware that was named, or on the smallest usual purchase that carries it."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Any

from engine.choosing.workload import workload_of
from engine.constraints.record import Installed
from engine.constraints.values import parse_constraints
from engine.errors import UsageError
from engine.hardware import hardware_memory, load_hardware, menu, parse_hardware
from engine.hardware.schema import Device
from engine.sized import Sizing
from engine.sizing import size

WORKLOAD = ("context", "prompt", "output", "concurrency")
"""Constraints that sizing reads."""


def sizes(
    model: str,
    hardware: str,
    *,
    quantization: str | None,
    given: Mapping[str, Any],
    family_files: tuple[Path, ...],
    hardware_files: tuple[Path, ...],
) -> tuple[Sizing, ...]:
    """See ``engine.size``."""
    constraints = parse_constraints(given)
    for name in constraints.stated():
        if name not in WORKLOAD:
            raise UsageError("size_constraint", name=name, known=", ".join(WORKLOAD))
    workload, _ = workload_of(constraints)
    files = {"family_files": family_files, "hardware_files": hardware_files}
    if hardware:
        return size(
            model, parse_hardware(hardware, hardware_files), quantization=quantization, workload=workload, **files
        )
    known = load_hardware(hardware_files)
    smallest: dict[str, Sizing] = {}
    for place in sorted(menu(), key=lambda part: _extent(part, known)):
        for sizing in size(model, (place,), quantization=quantization, workload=workload, **files):
            if sizing.fits:
                smallest.setdefault(sizing.quantization, sizing)
    return tuple(sorted(smallest.values(), key=lambda sizing: -sizing.memory.weights))


def _extent(part: Installed, known: Mapping[str, Device]) -> tuple[float, float]:
    """Memory to 10 GB; of as much, the cheaper is the smaller."""
    price = known[part.device].price
    return round(hardware_memory((part,), known), -1), price.low * part.count if price is not None else inf
