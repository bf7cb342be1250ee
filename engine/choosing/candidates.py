"""Everything that may be run: variants × quantisations × hardware, each sized and scored for quality."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.catalog import load_family
from engine.catalog.schema import Variant
from engine.choosing.quality import benchmarks_for, quality_of
from engine.constraints.record import Constraints, Installed
from engine.hardware import hardware_memory, load_hardware, menu
from engine.hardware.schema import Device
from engine.identification import Option
from engine.sizing import quantizations, runs_on, size_option
from engine.sizing.records import Workload

_ROUNDING = 1.08
"""A card "of 80 GB" reports up to 7.4 % more bytes than its name says (80 GiB)."""
_LEAST_SHARE = 0.6
"""Of the memory that was named: hardware with less is not what was meant. Judged."""
_FEW = 3
"""Devices that stand for a kind of place, where only the kind was named."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """Where it may run. ``named``: the devices are there already, and not a suggestion."""

    places: tuple[tuple[Device, int], ...]
    named: bool


def full_and_distilled(family_files: tuple[Path, ...] = ()) -> tuple[Variant, ...]:
    """The variants that may be recommended."""
    return tuple(
        entry for entry in load_family("deepseek-r1", family_files).variants if entry.kind in ("full", "distilled")
    )


def hardware_for(constraints: Constraints, hardware_files: tuple[Path, ...] = ()) -> Hardware:
    """What was named, by name or by its memory or kind; else usual purchases."""
    known = load_hardware(hardware_files)
    if constraints.hardware:
        places = [
            (known[part.device], count)
            for part in constraints.hardware
            if part.device in known
            for count in _parts(part.count)
        ]
        return Hardware(tuple(places), named=True)
    bought = [(known[part.device], part.count) for part in menu() if part.device in known]
    if constraints.memory is not None:
        return Hardware(tuple(_of_memory(constraints, known, bought)), named=True)
    if constraints.device is not None:
        return Hardware(tuple(_of_kind(constraints.device, known, bought)), named=constraints.device != "server")
    return Hardware(tuple(bought), named=False)


def usual_hardware(hardware_files: tuple[Path, ...] = ()) -> Hardware:
    """What people usually buy or rent."""
    return hardware_for(Constraints(), hardware_files)


def _parts(count: int) -> list[int]:
    """Numbers of devices that a layout can use: powers of two, and all of them."""
    powers = [1 << step for step in range(12) if 1 << step < count]
    return [*powers, count]


def _of_memory(
    constraints: Constraints, known: Mapping[str, Device], bought: list[tuple[Device, int]]
) -> Iterator[tuple[Device, int]]:
    memory = constraints.memory or 0.0
    singles = [(device, 1) for device in known.values() if device.kind != "phone"]
    within = [place for place in bought if _is_of(place, constraints, _LEAST_SHARE * memory, memory * _ROUNDING)]
    if not within:
        within = [place for place in singles if _is_of(place, constraints, _LEAST_SHARE * memory, memory * _ROUNDING)]
    if not within:
        within = sorted((place for place in (*bought, *singles) if _is_of(place, constraints, 0.0, memory * _ROUNDING)),
                        key=_memory)[-_FEW:]  # fmt: skip
    yield from within


def _is_of(place: tuple[Device, int], constraints: Constraints, least: float, most: float) -> bool:
    device = place[0]
    if constraints.device is not None and device.place != constraints.device:
        return False
    if constraints.bandwidth is not None and not 0.6 <= device.bandwidth / constraints.bandwidth <= 1.6:
        return False
    return least <= _memory(place) <= most


def _of_kind(kind: str, known: Mapping[str, Device], bought: list[tuple[Device, int]]) -> list[tuple[Device, int]]:
    usual = [place for place in bought if place[0].place == kind]
    if usual:
        return usual
    singles = sorted(((device, 1) for device in known.values() if device.place == kind), key=_memory)
    return singles[-_FEW:]


def _memory(place: tuple[Device, int]) -> float:
    return hardware_memory((Installed(place[0].id, place[1]),))


def options_on(
    places: tuple[tuple[Device, int], ...], variants: tuple[Variant, ...], workload: Workload, constraints: Constraints
) -> list[Option]:
    """Every variant in every quantisation on every place, where there is software that runs it."""
    found = []
    for variant in variants:
        benchmarks = benchmarks_for(variant, constraints.task)
        for kind in quantizations().values():
            quality = quality_of(variant, kind, constraints.task, constraints.language)
            found += [
                Option(
                    variant=variant.id,
                    title=dict(variant.title),
                    kind="full" if variant.kind == "full" else "distilled",
                    sizing=size_option(variant, kind.id, device, count, workload),
                    quality=quality,
                    benchmarks=benchmarks,
                    score=0.0,
                )
                for device, count in places
                if runs_on(variant, kind.id, device)
            ]
    return found
