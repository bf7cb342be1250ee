"""Everything that may be run: variants × quantisations × hardware, each sized and scored for quality."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import inf
from pathlib import Path

from engine.catalog import load_family
from engine.catalog.schema import Parameters, Shape, Variant
from engine.choosing.quality import benchmarks_for, quality_of
from engine.constraints.record import Constraints
from engine.hardware import load_hardware, menu
from engine.hardware.schema import Device, Link
from engine.identification import Option, Said
from engine.sized import Sizing, Workload
from engine.sizing import Quantization, quantizations, size_option
from engine.sizing.engines import choose_engine
from engine.sizing.model_parts import parts_of
from engine.sizing.placement import weigh

Place = tuple[Device, int]
_ROUNDING = 1.08
"""A card "of 80 GB" reports up to 7.4 % more bytes than its name says (80 GiB)."""
_LEAST_SHARE = 0.6
"""Of the memory that was named: hardware with less is not what was meant. Judged."""
_FEW, _LIKE = 3, 6
"""Devices that stand for a kind of place, where only the kind was named."""
_HELD = frozenset(("edge", "embedded", "mobile", "laptop"))
"""Kinds of place that one device makes."""
_NO_LINK = Link(kind="none", bandwidth=1.0)
_PLACES = {"edge": ("edge", "embedded")}
"""Kinds of place that people name for one another."""
_AT_ONCE_IN_FILES = 4
"""Requests in flight beyond which nobody should serve llama.cpp's files from accelerators: its server shares one context
out to fixed slots. Judged."""
_ROOMY, _ROOMY_WHEN_BUSY = 6.0, 15.0
"""Times the weights that hardware may hold before nobody would buy it for them; more where many ask. Judged."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """Where it may run. ``named``: it is there already, and not a suggestion. ``assumed``: what stands in for it."""

    places: tuple[Place, ...]
    named: bool
    assumed: tuple[Said, ...] = ()


def full_and_distilled(family_files: tuple[Path, ...] = ()) -> tuple[Variant, ...]:
    """The variants that may be recommended."""
    return tuple(
        entry for entry in load_family("deepseek-r1", family_files).variants if entry.kind in ("full", "distilled")
    )


def hardware_for(constraints: Constraints, hardware_files: tuple[Path, ...] = ()) -> Hardware:
    """What was named, by name or by its memory or kind; else usual purchases for a server room, as far as their price is
    known: what they cost could not be weighed otherwise."""
    known = load_hardware(hardware_files)
    if constraints.hardware:
        places = [(known[part.device], count) for part in constraints.hardware for count in _parts(part.count)]
        return Hardware(tuple(places), named=True)
    bought = [(known[part.device], part.count) for part in menu() if part.device in known]
    if constraints.memory is not None:
        return _of_memory(constraints, constraints.memory, known, bought)
    if constraints.device is not None:
        usual = _of_kind(constraints, known, bought)
        if constraints.device == "server":
            return Hardware(usual, named=False)
        return Hardware(usual, named=True, assumed=(_stands_in(usual),))
    servers = [place for place in bought if place[0].price is not None and place[0].kind == "accelerator"]
    return Hardware(tuple(servers), named=False)


def usual_hardware(hardware_files: tuple[Path, ...] = ()) -> Hardware:
    """What people usually buy or rent."""
    return hardware_for(Constraints(), hardware_files)


def _parts(count: int) -> list[int]:
    """Numbers of devices that a layout can use: powers of two, and all of them."""
    powers = [1 << step for step in range(12) if 1 << step < count]
    return [*powers, count]


def _of_memory(constraints: Constraints, memory: float, known: Mapping[str, Device], bought: list[Place]) -> Hardware:
    """Devices with about the memory that was said; else a usual one of its kind, taken to have just that."""
    singles = [(device, 1) for device in known.values() if device.kind != "phone" or constraints.device == "mobile"]
    for places in (bought, singles):
        within = [place for place in places if _is_like(place, constraints, memory)]
        if within:
            within = sorted(within, key=lambda place: -_memory(place))[:_LIKE]
            return Hardware(tuple(within), named=True, assumed=(_stands_in(within),))
    usual = _of_kind(constraints, known, bought)
    device = min(usual, key=lambda place: abs(_memory(place) - memory))[0]
    standing = device.model_copy(update={"usable": memory, "memory": memory, "link": _NO_LINK})
    values = {"hardware": {"device": device.id, "count": 1}, "memory_gb": memory}
    return Hardware(((standing, 1),), named=True, assumed=(Said("assumed.memory", values),))


def _is_like(place: Place, constraints: Constraints, memory: float) -> bool:
    device = place[0]
    if constraints.device is not None and not _is_a(device, constraints.device):
        return False
    if constraints.bandwidth is not None and not 0.6 <= device.bandwidth / constraints.bandwidth <= 1.6:
        return False
    return _LEAST_SHARE * memory <= _memory(place) <= memory * _ROUNDING


def _of_kind(constraints: Constraints, known: Mapping[str, Device], bought: list[Place]) -> tuple[Place, ...]:
    """Usual purchases of a kind; else devices of it in the middle by memory, at its lower end where compute is limited."""
    kind = constraints.device or "server"
    usual = [place for place in bought if _is_a(place[0], kind) and place[0].price is not None]
    if usual and constraints.device not in _HELD:
        return tuple(usual)
    singles = sorted(((device, 1) for device in known.values() if _is_a(device, kind)), key=_memory)
    modest = constraints.compute == "limited" or constraints.device == "embedded"
    middle = len(singles) // (4 if modest else 2)
    first = max(0, middle - _FEW // 2)
    return tuple(singles[first : first + _FEW])


def _is_a(device: Device, kind: str) -> bool:
    """Whether people may mean the device by a kind of place. "A laptop" is no Mac unless they say so: its memory is fast."""
    if kind == "laptop" and device.vendor == "apple":
        return False
    return device.place in _PLACES.get(kind, (kind,))


def _stands_in(places: Sequence[Place]) -> Said:
    told = {device.title: device.id for device, _ in places}
    return Said("assumed.hardware", {"names": list(told)})


def _memory(place: Place) -> float:
    return place[0].usable * place[1]


def options_on(
    hardware: Hardware, variants: tuple[Variant, ...], workload: Workload, constraints: Constraints
) -> list[Option]:
    """Every variant in every quantisation worth having on every place that its weights could lie on. Of a variant that
    could lie on none, what comes nearest."""
    found: list[Option] = []
    sized: dict[int, list[Sizing]] = {}
    for variant in variants:
        twin = variant.parameters.main  # R1 and R1-0528 are sized once
        if twin not in sized:
            sized[twin] = list(_sizings(hardware, variant, workload, constraints))
        found += [_option(variant, sizing, constraints) for sizing in sized[twin]]
    return found


def _option(variant: Variant, sizing: Sizing, constraints: Constraints) -> Option:
    kind = quantizations()[sizing.quantization]
    return Option(
        variant=variant.id,
        title=dict(variant.title),
        kind="full" if variant.kind == "full" else "distilled",
        sizing=sizing if sizing.model == variant.id else replace(sizing, model=variant.id),
        quality=quality_of(variant, kind, constraints.task, constraints.language),
        benchmarks=benchmarks_for(variant, constraints.task),
        score=0.0,
    )


def _sizings(hardware: Hardware, variant: Variant, workload: Workload, constraints: Constraints) -> Iterator[Sizing]:
    busy = constraints.throughput is not None or constraints.concurrency is not None
    roomiest = inf if hardware.named else _ROOMY_WHEN_BUSY if busy else _ROOMY
    smallest = min((_memory(place) for place in hardware.places), default=0.0) * 1e9
    found = False
    for device, count in hardware.places:
        room = device.usable * count * 1e9
        least = room / roomiest if room > smallest else 0.0
        on_server, in_files = _readable(variant, device)
        within = [kind for kind, size in on_server if least <= size <= room]
        sizings = [size_option(variant, kind, device, count, workload) for kind in within]
        for_servers = device.kind == "accelerator" and workload.concurrency > _AT_ONCE_IN_FILES
        if not for_servers and (device.kind != "accelerator" or not any(sizing.fits for sizing in sizings)):
            within = [kind for kind, size in in_files if least <= size <= room]
            sizings += [size_option(variant, kind, device, count, workload) for kind in within]
        found = found or bool(sizings)
        yield from sizings
    if not found:
        yield from _nearest(hardware, variant, workload)


def _nearest(hardware: Hardware, variant: Variant, workload: Workload) -> Iterator[Sizing]:
    """The smallest quantisation on the most memory that was named."""
    readable = [(place, kind) for place in hardware.places for kind in itertools.chain(*_readable(variant, place[0]))]
    if readable:
        (device, count), (kind, _) = min(readable, key=lambda entry: (-_memory(entry[0]), entry[1][1]))
        yield size_option(variant, kind, device, count, workload)


def _worth_having(kinds: list[tuple[Quantization, float]]) -> list[tuple[Quantization, float]]:
    """Those that no other of the same make beats: no more bytes and no more lost, and one of both less."""
    return [entry for entry in kinds if not any(_beats(other, entry) for other in kinds)]


def _beats(one: tuple[Quantization, float], other: tuple[Quantization, float]) -> bool:
    if one[0].kind != other[0].kind:
        return False
    mine, theirs = (one[1], one[0].loss), (other[1], other[0].loss)
    return mine != theirs and mine[0] <= theirs[0] and mine[1] <= theirs[1]


Readable = tuple[tuple[str, float], ...]


def _readable(variant: Variant, device: Device) -> tuple[Readable, Readable]:
    """Quantisations that some software reads on a device, with the bytes of their weights: number formats of
    safetensors, and llama.cpp's files; from most to fewest bytes."""
    return _readable_by(variant.shape, variant.parameters, device.engines, tuple(device.flops))


@lru_cache(maxsize=4096)
def _readable_by(
    shape: Shape, parameters: Parameters, engines: tuple[str, ...], formats: tuple[str, ...]
) -> tuple[Readable, Readable]:
    parts = parts_of(shape, parameters)
    kinds = [
        (kind, weigh(parts, kind).total)
        for kind in quantizations().values()
        if (not kind.needs or set(kind.needs) & set(formats))
        and choose_engine(engines, kind.engines)
        and (not kind.only or shape.model_type in kind.only)
    ]
    ordered = sorted(_worth_having(kinds), key=lambda entry: -entry[1])
    plain = tuple((kind.id, size) for kind, size in ordered if kind.kind == "plain")
    files = tuple((kind.id, size) for kind, size in ordered if kind.kind == "gguf")
    return plain, files
