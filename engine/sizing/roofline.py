"""How long one step takes: the slower of memory and arithmetic, then links, then what the engine adds itself.

Source of the form: the roofline model (Williams, Waterman, Patterson, 2009). Of its constants: ``efficiencies``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from engine.sizing.efficiencies import LINK, REDUCE_SECONDS, maker_share
from engine.sizing.memory import cache_of
from engine.sizing.placement import Placement

Bound = Literal["memory", "compute", "links", "steps"]


@dataclass(frozen=True, slots=True)
class Step:
    """Seconds of one step by what they are spent on; ``own``: kernels that do little, and the engine's work."""

    memory: float
    compute: float
    links: float
    own: float

    @property
    def seconds(self) -> float:
        return max(self.memory, self.compute) + self.links + self.own

    @property
    def bound(self) -> Bound:
        spent: dict[Bound, float] = {
            "memory": self.memory, "compute": self.compute, "links": self.links, "steps": self.own,
        }  # fmt: skip
        return max(spent, key=lambda name: spent[name])


def distinct_share(experts: int, chosen: int, tokens: float) -> float:
    """The share of experts that some of ``tokens`` are sent to, each choosing ``chosen`` evenly: 1-(1-k/E)^n."""
    if not experts:
        return 0.0
    return float(1.0 - (1.0 - chosen / experts) ** tokens)


def decode_step(placement: Placement, batch: float, context: float) -> Step:
    """One step of ``batch`` running requests that have ``context`` tokens behind them.

    Pipeline stages work on batch/stages requests each, and a token passes all of them.
    """
    requests = max(1.0, batch / placement.layout.pipeline)
    rows = requests * (1 + placement.drafted)
    seen = min(context, placement.parts.attended or context)
    width = placement.parts.decode_width
    step = _step(placement, rows=rows, sampled=rows, requests=requests, context=seen, width=width)
    return replace(step, own=step.own + _drafting(placement, rows)) if placement.drafted else step


def prefill_step(placement: Placement, tokens: float, behind: float = 0.0) -> Step:
    """One step over ``tokens`` tokens of a prompt, ``behind`` tokens of it being done before."""
    seen = min(behind + tokens / 2, placement.parts.attended or behind + tokens / 2)
    width = placement.parts.prompt_width
    return _step(placement, rows=tokens, sampled=1.0, requests=1.0, context=seen, width=width)


def _step(placement: Placement, *, rows: float, sampled: float, requests: float, context: float, width: int) -> Step:
    """One step over ``rows`` tokens of so many ``requests`` with ``context`` tokens behind them each.

    Experts: tokens of a step touch E(1-(1-k/E)^n) distinct ones, whose weights are read; each token is multiplied with k.
    """
    parts, weights, tensor = placement.parts, placement.weights, placement.layout.tensor
    pace = placement.efficiencies
    maker = maker_share(placement.machine.vendor)
    touched = distinct_share(parts.expert_count, parts.experts_per_token, rows)
    read = (
        weights.feed_forward + weights.small + (weights.head or weights.embedding) + weights.experts * touched
    ) / tensor
    read += weights.attention / (1 if placement.spread else tensor)
    read += requests * cache_of(placement, context) / tensor
    memory = read / (placement.machine.bandwidth * pace.memory * placement.serving.memory_share * maker)
    reach = pace.compute * placement.serving.compute_share * maker * tensor
    plain = rows * (parts.attention + parts.feed_forward) + sampled * (parts.head or parts.embedding)
    chosen = rows * parts.experts * parts.experts_per_token / max(parts.expert_count, 1)
    windowed = (parts.layers - parts.full_layers) * min(context, parts.window)
    scores = rows * parts.heads * width * (parts.full_layers * context + windowed)
    flops = placement.flops * pace.narrow if placement.narrow else placement.flops
    compute = 2 * ((plain + chosen / pace.experts) / flops + scores / placement.wide_flops) / reach
    own = parts.layers * placement.kernels * pace.kernel / maker + requests * pace.sequence
    return Step(memory, compute, _links(placement, rows), own)


def _drafting(placement: Placement, rows: float) -> float:
    """Seconds to propose tokens one after another: a layer and the output head each, and the engine's work on them."""
    pace = placement.efficiencies
    head = (placement.weights.head or placement.weights.embedding) / placement.layout.tensor
    each = head / (placement.machine.bandwidth * pace.memory) + 2 * placement.kernels * pace.kernel
    return placement.drafted * each + rows * pace.sequence


def _links(placement: Placement, rows: float) -> float:
    """Two all-reduces a layer over the tensor-parallel devices (a ring moves 2(n-1)/n of the tensor over each link), and
    what a stage passes on to the next."""
    layout, machine = placement.layout, placement.machine
    if layout.tensor * layout.pipeline == 1:
        return 0.0
    size = rows * placement.parts.hidden * 2
    link, latency = machine.link * LINK, REDUCE_SECONDS[machine.link_kind]
    seconds = (layout.pipeline - 1) * (latency + size / link)
    if layout.tensor > 1:
        ring = 2 * (layout.tensor - 1) / layout.tensor * size / link
        seconds += 2 * placement.parts.layers * (latency + ring)
    return seconds
