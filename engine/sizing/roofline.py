"""How long one step takes: the slower of memory and arithmetic, then links, then the engine's own work.

The roofline model (Williams, Waterman, Patterson 2009) with a handful of efficiencies. Each is one physical
thing; those marked fitted were set against ``tests/benchmarks/sizing/measurements.json`` by
``tests/benchmarks/sizing/throughput.py``, the others are judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.sizing.memory import cache_of
from engine.sizing.placement import Placement

MEMORY_SHARE = 0.80
"""Of a device's bandwidth that reading weights and cache reaches. Fitted."""
COMPUTE_SHARE = 0.45
"""Of a device's dense arithmetic that prompts reach. Fitted."""
EXPERT_SHARE = 0.5
"""Of that again, what grouped products over many experts reach. Fitted."""
LAYER_SECONDS = 45e-6
"""A layer's kernels cannot start or end faster, whatever they do. Fitted."""
SEQUENCE_SECONDS = 15e-6
"""The engine's own work for each running request and step: scheduling, sampling, text. Fitted."""
LINK_SHARE = 0.6
"""Of a link's bandwidth that an all-reduce reaches. Judged."""
REQUEST_SECONDS = 0.02
"""From a request's arrival to its first step and back: HTTP, tokenising, queueing. Fitted."""

_REDUCE_SECONDS: Mapping[str, float] = {
    "nvlink": 10e-6, "xgmi": 15e-6, "hccs": 20e-6, "pcie": 30e-6, "ethernet": 60e-6, "thunderbolt": 100e-6, "none": 100e-6,
}  # fmt: skip
"""How long an all-reduce of nearly nothing takes. Judged."""

_VENDOR: Mapping[str, float] = {"nvidia": 1.0, "amd": 0.8, "huawei": 0.5, "intel": 0.6, "apple": 0.9}
"""How far software for a maker's devices comes, as a share of NVIDIA's. Judged."""
_OTHER_VENDOR = 0.7

Bound = Literal["memory", "compute", "links", "steps"]


@dataclass(frozen=True, slots=True)
class Step:
    """Seconds of one step, and what it waits for."""

    memory: float
    compute: float
    links: float
    own: float

    @property
    def seconds(self) -> float:
        return max(self.memory, self.compute) + self.links + self.own

    @property
    def bound(self) -> Bound:
        parts: dict[Bound, float] = {
            "memory": self.memory, "compute": self.compute, "links": self.links, "steps": self.own,
        }  # fmt: skip
        return max(parts, key=lambda name: parts[name])


def distinct_share(experts: int, chosen: int, tokens: float) -> float:
    """The share of experts that some of ``tokens`` are sent to, each choosing ``chosen`` evenly: 1-(1-k/E)^n."""
    if not experts:
        return 0.0
    return float(1.0 - (1.0 - chosen / experts) ** tokens)


def decode_step(placement: Placement, batch: float, context: float) -> Step:
    """One step of ``batch`` running requests that have ``context`` tokens behind them.

    Pipeline stages work on batch/stages requests each; a token passes all of them.
    """
    stages = placement.layout.pipeline
    inflight = max(1.0, batch / stages)
    rows = inflight * (1 + placement.drafted)
    return _step(placement, rows, inflight, context, rows)


def prefill_step(placement: Placement, tokens: float, behind: float = 0.0) -> Step:
    """One step over ``tokens`` tokens of a prompt, ``behind`` tokens of it being done; on one pipeline stage set."""
    return _step(placement, tokens, 1.0, behind + tokens / 2, 1.0)


def _step(placement: Placement, rows: float, requests: float, context: float, sampled: float) -> Step:
    parts, layout, weights = placement.parts, placement.layout, placement.weights
    machine, serving = placement.machine, placement.serving
    tensor = layout.tensor
    quality = _VENDOR.get(machine.vendor, _OTHER_VENDOR)
    touched = distinct_share(parts.expert_count, parts.experts_per_token, rows)
    head = weights.head or weights.embedding
    read = (weights.feed_forward + weights.small + head + weights.experts * touched) / tensor
    read += weights.attention / (1 if placement.spread else tensor)
    cached = requests * cache_of(placement, min(context, parts.attended or context)) / tensor
    bandwidth = machine.bandwidth * MEMORY_SHARE * serving.memory_share * quality
    memory = (read + cached) / bandwidth
    flops = placement.flops * COMPUTE_SHARE * serving.compute_share * quality
    plain = rows * (parts.attention + parts.feed_forward) + sampled * (parts.head or parts.embedding)
    chosen = parts.experts * parts.experts_per_token / parts.expert_count if parts.expert_count else 0.0
    mixed = rows * chosen / EXPERT_SHARE
    attended = min(context, parts.attended) if parts.attended else context
    scores = rows * attended * parts.heads * (parts.key_width + parts.value_width) * parts.full_layers
    compute = 2 * (plain + mixed + scores) / tensor / flops
    own = parts.layers * LAYER_SECONDS / quality + requests * SEQUENCE_SECONDS
    return Step(memory, compute, _links(placement, rows), own)


def _links(placement: Placement, rows: float) -> float:
    """Two all-reduces a layer over the tensor-parallel devices (ring: 2(n-1)/n of the tensor each), and the passing
    on from stage to stage."""
    parts, layout, machine = placement.parts, placement.layout, placement.machine
    size = rows * parts.hidden * 2
    link = machine.link * LINK_SHARE
    seconds = 0.0
    if layout.tensor > 1:
        ring = 2 * (layout.tensor - 1) / layout.tensor * size / link
        seconds += 2 * parts.layers * (_REDUCE_SECONDS[machine.link_kind] + ring)
    return seconds + (layout.pipeline - 1) * (_REDUCE_SECONDS[machine.link_kind] + size / link)
