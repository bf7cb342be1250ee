"""One model in one quantisation on one set of hardware: the best layout, and everything estimated of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, inf

from engine.catalog.schema import Variant
from engine.hardware.schema import Device
from engine.sized import Layout, Memory, Note, Range, Sizing, Workload
from engine.sizing.engines import choose_engine, serving_of
from engine.sizing.machine import Machine, machine_of, runs_on
from engine.sizing.memory import cache_of, memory_of, room_for_cache, tokens_in
from engine.sizing.model_parts import Parts, parts_of
from engine.sizing.parallel import layouts
from engine.sizing.placement import Placement, weigh
from engine.sizing.quantizations import Quantization, quantizations
from engine.sizing.roofline import Rates, rates_of
from engine.sizing.serving import Steady, saturated, steady
from engine.sizing.spread import widen


def size_option(
    variant: Variant, quantization: str, device: Device, count: int, workload: Workload, *, engine: str | None = None
) -> Sizing:
    """How a variant runs on ``count`` of a device, in the layout that answers a request of the workload soonest
    among those that fit it.

    Pure. What cannot run at all (no engine reads these weights on that device, the model cannot be cut) has ``fits``
    false, ``max_context`` 0, a capacity of 0, and a note that says why.

    Raises:
        KeyError: no quantisation of that id.
    """
    return _size(_Hosted(variant, quantizations()[quantization], device, count, engine), workload)


class _Hosted:
    """A variant on hardware, hashable by what the answer depends on."""

    __slots__ = ("count", "device", "engine", "key", "quantization", "variant")

    def __init__(
        self, variant: Variant, quantization: Quantization, device: Device, count: int, engine: str | None
    ) -> None:
        self.variant, self.quantization, self.device, self.count = variant, quantization, device, count
        self.engine = engine
        self.key = (variant.id, quantization.id, device.id, count, engine)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Hosted)
            and self.key == other.key
            and (self.variant is other.variant or self.variant == other.variant)
            and (self.device is other.device or self.device == other.device)
        )


@lru_cache(maxsize=16384)
def _size(hosted: _Hosted, workload: Workload) -> Sizing:
    placed = _placed(hosted)
    if isinstance(placed, _Impossible):
        return _cannot(hosted, placed)
    return _sizing(hosted, workload, *_best(placed, workload))


@dataclass(frozen=True, slots=True)
class _Impossible:
    """Why a model cannot run on this hardware, whatever is asked of it."""

    engine: str
    reason: Note


@dataclass(slots=True)
class _Placed:
    """A layout of the model on the hardware; ``rates`` once somebody asked for its speed.

    ``resort``: looked at only where none of a lower number fits. Tensor parallelism comes first; spreading attention only
    makes room for more requests; pipelines answer no sooner, the deeper the less so.
    """

    placement: Placement
    rates: Rates | None = None

    @property
    def resort(self) -> int:
        return 2 if self.placement.layout.pipeline > 1 else int(self.placement.spread)

    def timed(self) -> Rates:
        if self.rates is None:
            self.rates = rates_of(self.placement)
        return self.rates


@lru_cache(maxsize=8192)
def _placed(hosted: _Hosted) -> tuple[_Placed, ...] | _Impossible:
    """Every layout of the model on the hardware; none depends on the workload, so they are kept."""
    quantization = hosted.quantization
    parts = parts_of(hosted.variant.shape, hosted.variant.parameters)
    machine = machine_of(hosted.device)
    name = hosted.engine or choose_engine(machine.engines, quantization.engines)
    reason = _reason(hosted, parts, machine, name)
    if reason is not None or name is None:
        return _Impossible(name or "", reason or Note("no_engine", {}))
    serving = serving_of(name, machine)
    weights = weigh(parts, quantization)
    found = layouts(parts, quantization.block, hosted.count, machine.per_node, serving.tensor)
    if not found:
        return _Impossible(name, Note("cannot_be_cut", {"count": hosted.count}))
    if parts.latent and serving.spreads:
        found += tuple(_spread(layout) for layout in found if layout.tensor > 1 and layout.pipeline == 1)
    placed = [
        _Placed(Placement(parts, weights, quantization, machine, serving, layout, spread=layout.attention > 1))
        for layout in found
    ]
    return tuple(sorted(placed, key=lambda entry: entry.resort))


def _spread(layout: Layout) -> Layout:
    """The layout with data-parallel attention, and experts whole on their devices, as engines run it."""
    return replace(layout, attention=layout.tensor, expert=layout.tensor)


def _reason(hosted: _Hosted, parts: Parts, machine: Machine, name: str | None) -> Note | None:
    quantization = hosted.quantization
    if quantization.only and parts.model_type not in quantization.only:
        return Note("no_such_weights", {"quantization": quantization.id})
    if name is None or name not in quantization.engines or name not in machine.engines:
        return Note("no_engine", {"quantization": quantization.id, "device": hosted.device.title})
    if not runs_on(machine, quantization):
        return Note("no_number_format", {"quantization": quantization.id, "device": hosted.device.title})
    return None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A layout with the memory that the workload takes in it, and requests in flight on each replica."""

    placed: _Placed
    memory: Memory
    inflight: int

    @property
    def missing(self) -> int:
        """Bytes that it lacks."""
        return (self.memory.needed - self.memory.capacity) * self.placed.placement.layout.replicas


def _best(placed: tuple[_Placed, ...], workload: Workload) -> tuple[_Candidate, Steady]:
    """The layout that answers soonest among those that fit, else the one that lacks least."""
    fitting: dict[int, _Candidate] = {}
    lacking = []
    resort = 0
    for entry in placed:
        placement = entry.placement
        if fitting and (entry.resort > resort or placement.layout.tensor in fitting):
            continue
        resort = entry.resort
        inflight = ceil(workload.concurrency / placement.layout.replicas)
        memory = memory_of(placement, min(workload.context, placement.parts.positions), inflight)
        candidate = _Candidate(entry, memory, inflight)
        if memory.fits:
            fitting[placement.layout.tensor] = candidate
        else:
            lacking.append(candidate)
    chosen = list(fitting.values()) or [min(lacking, key=lambda candidate: candidate.missing)]
    timed = [(candidate, _timed(candidate, workload)) for candidate in chosen]
    return min(timed, key=lambda entry: entry[1].total)


def _timed(candidate: _Candidate, workload: Workload) -> Steady:
    room = max(0, room_for_cache(candidate.memory))
    return steady(candidate.placed.timed(), workload.prompt, workload.output, candidate.inflight, room)


def _sizing(hosted: _Hosted, workload: Workload, best: _Candidate, timed: Steady) -> Sizing:
    placement = best.placed.placement
    layout, parts = placement.layout, placement.parts
    room = max(0, room_for_cache(best.memory))
    at_once = int(room / cache_of(placement, min(workload.context, parts.positions))) * layout.replicas
    full = saturated(best.placed.timed(), workload.prompt, workload.output, room, timed.prompt) if at_once else 0.0
    measured = _measured(placement)
    return Sizing(
        model=hosted.variant.id,
        quantization=hosted.quantization.id,
        device=hosted.device.id,
        count=layout.devices,
        engine=placement.serving.name,
        layout=layout,
        memory=best.memory,
        fits=best.memory.fits,
        max_context=min(tokens_in(placement, room), parts.positions),
        max_concurrency=at_once,
        ttft=widen(timed.ttft, "ttft", measured=measured, inflight=best.inflight),
        tpot=widen(timed.tpot, "tpot", measured=measured, inflight=best.inflight),
        throughput=widen(full * layout.replicas, "throughput", measured=measured),
        prefill=widen(workload.prompt / timed.prompt * layout.replicas, "prefill", measured=measured),
        bound=timed.bound,
        watts=hosted.device.watts * layout.devices if hosted.device.watts else None,
        cost=_cost(hosted.device, layout.devices),
        notes=_notes(workload, placement),
    )


def _cost(device: Device, devices: int) -> Range | None:
    if device.price is None:
        return None
    low, high = device.price.low * devices, device.price.high * devices
    return Range(low, (low + high) / 2, high)


def _notes(workload: Workload, placement: Placement) -> tuple[Note, ...]:
    parts, layout = placement.parts, placement.layout
    notes = []
    if placement.copies > 1:
        notes.append(Note("cache_copied", {"copies": round(placement.copies)}))
    if layout.attention > 1:
        notes.append(Note("attention_spread", {"devices": layout.attention}))
    elif layout.expert > 1:
        notes.append(Note("experts_spread", {"devices": layout.expert}))
    if layout.nodes > 1:
        notes.append(Note("several_nodes", {"nodes": layout.nodes}))
    if workload.context > parts.positions:
        notes.append(Note("context_over_trained", {"positions": parts.positions}))
    if not _measured(placement):
        notes.append(Note("not_measured", {}))
    return tuple(notes)


def _measured(placement: Placement) -> bool:
    """Whether published measurements of such hardware and software stand behind the efficiencies."""
    return placement.machine.vendor == "nvidia" and placement.serving.tensor and placement.layout.nodes == 1


def _cannot(hosted: _Hosted, impossible: _Impossible) -> Sizing:
    """The answer where nothing can run: no layout, no speed."""
    parts = parts_of(hosted.variant.shape, hosted.variant.parameters)
    none, never = Range(0.0, 0.0, 0.0), Range(inf, inf, inf)
    weights = ceil(weigh(parts, hosted.quantization).total)
    return Sizing(
        model=hosted.variant.id,
        quantization=hosted.quantization.id,
        device=hosted.device.id,
        count=hosted.count,
        engine=impossible.engine,
        layout=Layout(),
        memory=Memory(weights, 0, 0, 0, 0, 0),
        fits=False,
        max_context=0,
        max_concurrency=0,
        ttft=never,
        tpot=never,
        throughput=none,
        prefill=none,
        bound="memory",
        watts=hosted.device.watts * hosted.count if hosted.device.watts else None,
        cost=_cost(hosted.device, hosted.count),
        notes=(impossible.reason,),
    )
