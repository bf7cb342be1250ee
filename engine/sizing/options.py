"""One model in one quantisation on one set of hardware: the best layout, and everything estimated of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, inf

from engine.catalog.schema import Variant
from engine.hardware.schema import Device
from engine.sizing.engines import Serving, choose_engine, serving_of
from engine.sizing.machine import Machine, machine_of, runs_on
from engine.sizing.memory import cache_of, memory_of, room_for_cache, tokens_in
from engine.sizing.model_parts import Parts, parts_of
from engine.sizing.parallel import layouts
from engine.sizing.placement import Placement, place, weigh
from engine.sizing.quantizations import Quantization, quantizations
from engine.sizing.records import Layout, Memory, Note, Range, Sizing, Workload
from engine.sizing.roofline import decode_step
from engine.sizing.serving import Steady, decoding_at_most, prompt_seconds, steady
from engine.sizing.spread import widen


def size_option(
    variant: Variant, quantization: str, device: Device, count: int, workload: Workload, *, engine: str | None = None
) -> Sizing:
    """How a variant runs on ``count`` of a device, in the layout that answers a request of the workload soonest
    among those that fit it.

    Pure. What cannot run at all (no engine reads these weights on that device, the model cannot be cut) has ``fits``
    false, ``max_context`` 0 and a note that says why.

    Raises:
        KeyError: no quantisation of that id.
    """
    entry = quantizations()[quantization]
    return _size(_Question(variant, entry, device, count, workload, engine))


class _Question:
    """The arguments, hashable by what the answer depends on."""

    __slots__ = ("count", "device", "engine", "key", "quantization", "variant", "workload")

    def __init__(
        self,
        variant: Variant,
        quantization: Quantization,
        device: Device,
        count: int,
        workload: Workload,
        engine: str | None,
    ) -> None:
        self.variant, self.quantization, self.device = variant, quantization, device
        self.count, self.workload, self.engine = count, workload, engine
        self.key = (
            variant.id, variant.parameters.main, quantization.id, device.id, device.usable, device.bandwidth,
            tuple(device.flops.values()), count, workload, engine,
        )  # fmt: skip

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Question) and self.key == other.key and self.variant.shape == other.variant.shape


@lru_cache(maxsize=8192)
def _size(asked: _Question) -> Sizing:
    parts = parts_of(asked.variant.shape, asked.variant.parameters)
    machine = machine_of(asked.device)
    name = asked.engine or choose_engine(machine.engines, asked.quantization.engines)
    problem = _problem(asked, parts, machine, name)
    if problem is not None or name is None:
        return _cannot(asked, name or "", problem or Note("no_engine", {}))
    serving = serving_of(name, machine.memory, machine.vendor, machine.id)
    best = _best(asked, parts, machine, serving)
    if best is None:
        return _cannot(asked, name, Note("cannot_be_cut", {"count": asked.count}))
    return _sizing(asked, best)


def _problem(asked: _Question, parts: Parts, machine: Machine, name: str | None) -> Note | None:
    quantization = asked.quantization
    if quantization.only and parts.model_type not in quantization.only:
        return Note("no_such_weights", {"quantization": quantization.id})
    if name is None or name not in quantization.engines or name not in machine.engines:
        return Note("no_engine", {"quantization": quantization.id, "device": asked.device.title})
    if not runs_on(machine, quantization):
        return Note("no_number_format", {"quantization": quantization.id, "device": asked.device.title})
    return None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A layout, with what decides between layouts."""

    placement: Placement
    memory: Memory
    steady: Steady

    @property
    def rank(self) -> tuple[bool, float]:
        """Smaller is better: what fits before what does not, then the nearest to fitting or the soonest answer."""
        if self.memory.fits:
            return False, self.steady.total
        return True, (self.memory.needed - self.memory.capacity) * self.placement.layout.replicas


def _best(asked: _Question, parts: Parts, machine: Machine, serving: Serving) -> _Candidate | None:
    weights = weigh(parts, asked.quantization)
    workload = asked.workload
    best: _Candidate | None = None
    done: set[int] = set()
    for layout in layouts(parts, asked.quantization.block, asked.count, machine.per_node, serving.tensor):
        if layout.tensor in done:
            continue
        placement = place(parts, weights, asked.quantization, machine, serving, layout)
        share = ceil(workload.concurrency / layout.replicas)
        memory = memory_of(placement, min(workload.context, parts.positions), share)
        if memory.fits:
            done.add(layout.tensor)  # deeper pipelines answer no sooner
        room = max(0, room_for_cache(memory))
        candidate = _Candidate(placement, memory, steady(placement, workload.prompt, workload.output, share, room))
        if best is None or candidate.rank < best.rank:
            best = candidate
    return best


def _sizing(asked: _Question, best: _Candidate) -> Sizing:
    placement, workload = best.placement, asked.workload
    layout, parts = placement.layout, placement.parts
    room = room_for_cache(best.memory)
    longest = min(tokens_in(placement, room), parts.positions)
    each = cache_of(placement, min(workload.context, parts.positions))
    at_once = int(room / each) * layout.replicas if room > 0 else 0
    batch = decoding_at_most(placement, workload.prompt, workload.output, max(0, room))
    full = steady(placement, workload.prompt, workload.output, batch).throughput if at_once else 0.0
    measured = _measured(placement)
    rate = workload.prompt / prompt_seconds(placement, workload.prompt) * layout.replicas
    return Sizing(
        model=asked.variant.id,
        quantization=asked.quantization.id,
        device=asked.device.id,
        count=layout.devices,
        engine=placement.serving.name,
        layout=layout,
        memory=best.memory,
        fits=best.memory.fits,
        max_context=longest,
        max_concurrency=at_once,
        ttft=widen(best.steady.ttft, "ttft", measured=measured),
        tpot=widen(best.steady.tpot, "tpot", measured=measured),
        throughput=widen(full * layout.replicas, "throughput", measured=measured),
        prefill=widen(rate, "prefill", measured=measured),
        bound=decode_step(
            placement, min(batch, workload.concurrency / layout.replicas), workload.prompt + workload.output / 2
        ).bound,
        watts=asked.device.watts * layout.devices if asked.device.watts else None,
        cost=_cost(asked.device, layout.devices),
        notes=_notes(asked, best),
    )


def _cost(device: Device, devices: int) -> Range | None:
    if device.price is None:
        return None
    low, high = device.price.low * devices, device.price.high * devices
    return Range(low, (low + high) / 2, high)


def _notes(asked: _Question, best: _Candidate) -> tuple[Note, ...]:
    placement = best.placement
    parts, layout = placement.parts, placement.layout
    notes = []
    if layout.tensor > 1 and placement.copies > 1:
        notes.append(Note("cache_copied", {"copies": round(placement.copies)}))
    if layout.expert > 1:
        notes.append(Note("experts_spread", {"devices": layout.expert}))
    if layout.nodes > 1:
        notes.append(Note("several_nodes", {"nodes": layout.nodes}))
    if asked.workload.context > parts.positions:
        notes.append(Note("context_over_trained", {"positions": parts.positions}))
    if not _measured(placement):
        notes.append(Note("not_measured", {}))
    return tuple(notes)


def _measured(placement: Placement) -> bool:
    """Whether published measurements of such hardware and software stand behind the efficiencies."""
    return placement.machine.vendor == "nvidia" and placement.serving.tensor


def _cannot(asked: _Question, engine: str, problem: Note) -> Sizing:
    """The answer where nothing can run: no layout, no speed."""
    parts = parts_of(asked.variant.shape, asked.variant.parameters)
    none = Range(0.0, 0.0, 0.0)
    never = Range(inf, inf, inf)
    weights = ceil(weigh(parts, asked.quantization).total)
    return Sizing(
        model=asked.variant.id,
        quantization=asked.quantization.id,
        device=asked.device.id,
        count=asked.count,
        engine=engine,
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
        watts=asked.device.watts * asked.count if asked.device.watts else None,
        cost=_cost(asked.device, asked.count),
        notes=(problem,),
    )
