"""How long one step takes: the slower of memory and arithmetic, then links, then what the engine adds itself.

Source of the form: the roofline model (Williams, Waterman, Patterson, 2009). Of its constants: ``efficiencies``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.sizing.efficiencies import (
    EXPERT_KERNELS,
    KERNELS,
    LATENT_KERNELS,
    LINK,
    SCALED_KERNELS,
    maker_share,
    own_compute_share,
    reduce_seconds,
)
from engine.sizing.machine import matrix_flops
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


@dataclass(frozen=True, slots=True)
class Rates:
    """What a step of one replica costs, in seconds: once (``…_step``), and by what it is over.

    Attributes:
        read_step, read_experts: reading the weights that every token needs, and all experts.
        read_byte: reading a byte of cache.
        row: multiplying one token with all its weights but the output head.
        sampled: multiplying one token with the output head.
        decode_pair, prompt_pair: scores of a token with one before it, over the layers that see all; ``…_window``: over
            the layers that see a window.
        link_step, link_row: all-reduces, and passing on between pipeline stages.
        own_step: kernels that cannot be shorter; ``own_request``: the engine's work for a request.
    """

    placement: Placement
    read_step: float
    read_experts: float
    read_byte: float
    row: float
    sampled: float
    decode_pair: float
    decode_window: float
    prompt_pair: float
    prompt_window: float
    link_step: float
    link_row: float
    own_step: float
    own_request: float

    @property
    def stages(self) -> int:
        return self.placement.layout.pipeline


def rates_of(placement: Placement) -> Rates:
    """What steps of a placement cost."""
    parts, weights, machine, pace = placement.parts, placement.weights, placement.machine, placement.efficiencies
    serving, tensor = placement.serving, placement.layout.tensor
    maker = maker_share(machine.vendor)
    bandwidth = machine.bandwidth * pace.memory * serving.memory_share * maker * tensor
    wide = matrix_flops(machine, "bf16")
    own = own_compute_share(machine.vendor, machine.kind, wide, machine.flops.get("fp32", wide))
    reach = (pace.compute * serving.compute_share * maker if own is None else own) * tensor
    wide *= reach
    narrow = _computes_narrow(placement)
    flops = matrix_flops(machine, placement.quantization.compute) * reach * (pace.narrow if narrow else 1.0)
    attention = weights.attention * (tensor if placement.spread else 1)
    chosen = parts.experts * parts.experts_per_token / max(parts.expert_count, 1)
    kernels = (
        KERNELS + EXPERT_KERNELS * bool(parts.expert_count) + LATENT_KERNELS * parts.latent + SCALED_KERNELS * narrow
    )
    pair, windowed = (
        2 * parts.heads * parts.full_layers / wide,
        2 * parts.heads * (parts.layers - parts.full_layers) / wide,
    )
    link_step, link_row = _links(placement)
    head = weights.head or weights.embedding
    drafts = placement.drafted
    return Rates(
        placement=placement,
        read_step=(weights.feed_forward + weights.small + head * (1 + drafts) + attention) / bandwidth,
        read_experts=weights.experts / bandwidth,
        read_byte=1 / bandwidth,
        row=2 * (parts.attention + parts.feed_forward + chosen / pace.experts) / flops,
        sampled=2 * (parts.head or parts.embedding) / flops,
        decode_pair=pair * parts.decode_width,
        decode_window=windowed * parts.decode_width,
        prompt_pair=pair * parts.prompt_width,
        prompt_window=windowed * parts.prompt_width,
        link_step=link_step,
        link_row=link_row,
        # Proposing takes a layer and the output head for each token, one after another.
        own_step=(parts.layers + 2 * drafts) * kernels * pace.kernel / maker,
        own_request=pace.sequence * (1 + drafts),
    )


def _computes_narrow(placement: Placement) -> bool:
    """Whether activations are scaled to fewer than 16 bits for matrix units that have such a format."""
    quantization = placement.quantization
    return (
        quantization.kind == "plain"
        and quantization.compute in ("fp8", "int8", "fp4")
        and quantization.compute in placement.machine.flops
    )


def _links(placement: Placement) -> tuple[float, float]:
    """Seconds a step and a row: two all-reduces a layer over the tensor-parallel devices (a ring moves 2(n-1)/n of the
    tensor over each link), and what a stage passes on to the next."""
    layout, machine, parts = placement.layout, placement.machine, placement.parts
    latency = reduce_seconds(machine.link_kind)
    row = parts.hidden * 2 / (machine.link * LINK)
    reductions = 2 * parts.layers if layout.tensor > 1 else 0
    passes = layout.pipeline - 1
    ring = 2 * (layout.tensor - 1) / layout.tensor
    return reductions * latency + passes * (latency + placement.serving.stage), (reductions * ring + passes) * row


def distinct_share(experts: int, chosen: int, tokens: float) -> float:
    """The share of experts that some of ``tokens`` are sent to, each choosing ``chosen`` evenly: 1-(1-k/E)^n."""
    if not experts:
        return 0.0
    return float(1.0 - (1.0 - chosen / experts) ** tokens)


def decode_step(rates: Rates, batch: float, context: float) -> Step:
    """One step of ``batch`` running requests that have ``context`` tokens behind them.

    Pipeline stages work on batch/stages requests each, and a token passes all of them.
    """
    placement = rates.placement
    parts = placement.parts
    requests = max(1.0, batch / placement.layout.pipeline)
    rows = requests * (1 + placement.drafted)
    seen = min(context, parts.attended) if parts.attended else context
    touched = distinct_share(parts.expert_count, parts.experts_per_token, rows)
    cached = requests * cache_of(placement, seen) * rates.read_byte
    scores = rows * (seen * rates.decode_pair + min(seen, parts.window) * rates.decode_window)
    return Step(
        memory=rates.read_step + rates.read_experts * touched + cached,
        compute=rows * (rates.row + rates.sampled) + scores,
        links=rates.link_step + rows * rates.link_row,
        own=rates.own_step + requests * rates.own_request,
    )


def prefill_step(rates: Rates, tokens: float, behind: float) -> Step:
    """One step over ``tokens`` tokens of prompts that look back at ``behind`` tokens each on average."""
    parts = rates.placement.parts
    seen = min(behind, parts.attended) if parts.attended else behind
    touched = distinct_share(parts.expert_count, parts.experts_per_token, tokens)
    scores = tokens * (seen * rates.prompt_pair + min(seen, parts.window) * rates.prompt_window)
    return Step(
        memory=rates.read_step + rates.read_experts * touched,
        compute=tokens * rates.row + rates.sampled + scores,
        links=rates.link_step + tokens * rates.link_row,
        own=rates.own_step + rates.own_request,
    )
