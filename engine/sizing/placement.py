"""A model on hardware: every figure of one replica that memory and speed are computed from."""

from __future__ import annotations

from dataclasses import dataclass

from engine.sizing.efficiencies import (
    EXPERT_KERNELS,
    FITTED,
    KERNELS,
    LATENT_KERNELS,
    SCALED_KERNELS,
    Efficiencies,
)
from engine.sizing.engines import Serving
from engine.sizing.machine import Machine, matrix_flops
from engine.sizing.model_parts import Parts
from engine.sizing.quantizations import Quantization
from engine.sizing.records import Layout

_SMALL_BYTES = 2
"""Norms and routers are kept at 16 bits."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Bytes by part."""

    embedding: float
    head: float
    attention: float
    feed_forward: float
    experts: float
    small: float

    @property
    def total(self) -> float:
        return self.embedding + self.head + self.attention + self.feed_forward + self.experts + self.small


def weigh(parts: Parts, quantization: Quantization) -> Weights:
    """Bytes of a model's weights, without the prediction layer."""
    bits = quantization.bits
    return Weights(
        embedding=parts.embedding * bits.embedding / 8,
        head=parts.head * bits.head / 8,
        attention=parts.attention * bits.attention / 8,
        feed_forward=parts.feed_forward * bits.feed_forward / 8,
        experts=parts.experts * bits.experts / 8,
        small=parts.small * _SMALL_BYTES,
    )


@dataclass(frozen=True, slots=True)
class Placement:
    """One replica.

    Attributes:
        flops, wide_flops: FLOP/s of one device at best, in the quantisation's format and in 16 bits.
        narrow: whether activations are scaled down to fewer than 16 bits.
        kernels: of one layer.
        copies: of the cache that its tensor-parallel devices hold together.
        spread: attention is data-parallel (each device has all of its weights and its own requests' cache).
        cache_bytes: of one number in the cache.
        drafted: tokens that a step proposes besides the sure one; ``accepted`` of them are kept on average.
    """

    parts: Parts
    weights: Weights
    machine: Machine
    serving: Serving
    layout: Layout
    flops: float
    wide_flops: float
    narrow: bool
    kernels: int
    copies: float
    efficiencies: Efficiencies = FITTED
    spread: bool = False
    cache_bytes: float = 2.0
    drafted: int = 0
    accepted: float = 0.0


def place(
    parts: Parts,
    weights: Weights,
    quantization: Quantization,
    machine: Machine,
    serving: Serving,
    layout: Layout,
    *,
    spread: bool = False,
    cache_bytes: float = 2.0,
    drafted: int = 0,
    accepted: float = 0.0,
    efficiencies: Efficiencies = FITTED,
) -> Placement:
    """A model in a layout. MLA's latent cache, and grouped keys once there are more devices than heads of them,
    lie on every tensor-parallel device (vLLM and SGLang alike)."""
    flops, wide_flops = matrix_flops(machine, quantization.compute), matrix_flops(machine, "bf16")
    narrow = quantization.kind == "plain" and quantization.compute in machine.flops and flops > wide_flops
    kernels = KERNELS + (EXPERT_KERNELS if parts.expert_count else 0) + (LATENT_KERNELS if parts.latent else 0)
    kernels += SCALED_KERNELS if narrow else 0
    return Placement(
        parts=parts,
        weights=weights,
        machine=machine,
        serving=serving,
        layout=layout,
        flops=flops,
        wide_flops=wide_flops,
        narrow=narrow,
        kernels=kernels,
        copies=1.0 if spread else max(1.0, layout.tensor / parts.cache_heads),
        efficiencies=efficiencies,
        spread=spread,
        cache_bytes=cache_bytes,
        drafted=drafted,
        accepted=accepted,
    )
