"""A model on hardware: every figure of one replica that memory and speed are computed from."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.sized import Layout
from engine.sizing.efficiencies import FITTED, Efficiencies
from engine.sizing.engines import Serving
from engine.sizing.machine import Machine
from engine.sizing.model_parts import Parts
from engine.sizing.quantizations import Quantization

_SMALL_BYTES = 2
"""Norms and routers are kept at 16 bits."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Bytes by part; the whole model's."""

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
    attention = bits.latent_attention or bits.attention if parts.latent else bits.attention
    return Weights(
        embedding=parts.embedding * bits.embedding / 8,
        head=parts.head * bits.head / 8,
        attention=parts.attention * attention / 8,
        feed_forward=parts.feed_forward * bits.feed_forward / 8,
        experts=parts.experts * bits.experts / 8,
        small=parts.small * _SMALL_BYTES,
    )


@dataclass(frozen=True, slots=True)
class Placement:
    """One replica.

    Attributes:
        copies: of the cache that its tensor-parallel devices hold together. MLA's latent cache, and grouped keys once
            there are more devices than heads of them, lie on every device (vLLM and SGLang alike).
        layer_token: bytes that a token takes of the cache in one layer, all copies counted.
        spread: attention is data-parallel: each device has all of its weights, and the cache of its own requests.
        cache_bytes: of one number in the cache.
        drafted: tokens that a step proposes besides the sure one; ``accepted`` of them are kept on average.
    """

    parts: Parts
    weights: Weights
    quantization: Quantization
    machine: Machine
    serving: Serving
    layout: Layout
    spread: bool = False
    cache_bytes: float = 2.0
    drafted: int = 0
    accepted: float = 0.0
    efficiencies: Efficiencies = FITTED
    copies: float = field(init=False)
    layer_token: float = field(init=False)

    def __post_init__(self) -> None:
        copies = 1.0 if self.spread else max(1.0, self.layout.tensor / self.parts.cache_heads)
        object.__setattr__(self, "copies", copies)
        layer_token = (self.parts.cache_elements * self.cache_bytes + self.parts.cache_extra) * copies
        object.__setattr__(self, "layer_token", layer_token)
