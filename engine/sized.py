"""The records of sizing: a question (model, quantisation, hardware, workload) and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Range:
    """An estimate with the range that holds the measured value in 80 % of cases."""

    low: float
    value: float
    high: float


@dataclass(frozen=True, slots=True)
class Workload:
    """What is asked of the model: tokens of a usual request, and how many requests are in flight at once.

    ``context``: tokens that the longest request takes, for which memory is kept.
    """

    prompt: int = 1000
    output: int = 1000
    concurrency: int = 1
    context: int = 4096


@dataclass(frozen=True, slots=True)
class Layout:
    """How a model lies on devices. ``tensor`` × ``pipeline`` devices hold it once, ``replicas`` times over; its
    experts are spread over ``expert`` of them (1: cut like everything else). ``attention``: of ``tensor``, over so many it is
    data-parallel (each holds all of its weights, and the cache of its own requests). ``nodes``: machines it needs."""

    tensor: int = 1
    pipeline: int = 1
    expert: int = 1
    replicas: int = 1
    nodes: int = 1
    attention: int = 1

    @property
    def devices(self) -> int:
        return self.tensor * self.pipeline * self.replicas


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes, of one replica on all of its devices together; ``capacity`` is what the engine may use of them,
    and what the host's memory holds of the weights (llama.cpp: the input embedding).

    ``kv_per_token``: of one token over all layers, as the layout holds it (copies included).
    """

    weights: int
    kv_cache: int
    kv_per_token: int
    activations: int
    overhead: int
    capacity: int

    @property
    def needed(self) -> int:
        return self.weights + self.kv_cache + self.activations + self.overhead

    @property
    def fits(self) -> bool:
        return self.needed <= self.capacity


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the estimate rests on, or that it warns of: a key under ``sizing.notes`` in the texts."""

    code: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sizing:
    """How one model runs on one set of hardware.

    Attributes:
        model: catalog id, or the name of the target.
        quantization: id of ``engine/sizing/quantizations.yaml``.
        device, count: hardware by catalog id, and how many of them are used.
        engine: serving software that the estimate is for.
        fits: whether weights, KV cache of the workload, activations and overhead fit.
        max_context: longest single request, in tokens (0: the weights alone do not fit).
        max_concurrency: requests of the workload's ``context`` that fit at once.
        ttft: seconds to the first token at the workload's concurrency, its requests arriving evenly.
        tpot: seconds per output token of one request at the workload's concurrency.
        throughput: output tokens per second of all replicas together, saturated with the workload's requests.
        prefill: prompt tokens per second of all replicas together.
        bound: what decoding waits for: memory, compute, links or the engine's own steps.
        watts, cost: of all devices; cost in US dollars an hour, ``None`` where nobody rents them.
    """

    model: str
    quantization: str
    device: str
    count: int
    engine: str
    layout: Layout
    memory: Memory
    fits: bool
    max_context: int
    max_concurrency: int
    ttft: Range
    tpot: Range
    throughput: Range
    prefill: Range
    bound: Literal["memory", "compute", "links", "steps"]
    watts: float | None = None
    cost: Range | None = None
    notes: tuple[Note, ...] = ()
