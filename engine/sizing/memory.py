"""What a model takes of memory: weights, cache, activations and the engine's own."""

from __future__ import annotations

from math import ceil

from engine.sized import Memory
from engine.sizing.placement import Placement

_SAMPLED = 256 * 8
"""Bytes a word of the vocabulary that vLLM's memory profile reckons with: 256 rows of logits in 32 bits, and as many
again while sampling."""
_BUFFERED = 512 * 4
"""The same in llama.cpp's compute buffer: a row of 32 bits for each token of a step."""


def cache_of(placement: Placement, tokens: float) -> float:
    """Bytes that one request of so many tokens takes of the cache, all copies counted.

    MLA (DeepSeek-V2, arXiv 2405.04434, section 2.1): layers x (kv_lora_rank + qk_rope_head_dim). GQA: layers x 2 x
    kv_heads x head_dim. Layers with a window keep at most ``window`` tokens.
    """
    parts = placement.parts
    full = parts.full_layers * tokens
    if parts.full_layers < parts.layers:
        full += (parts.layers - parts.full_layers) * min(tokens, parts.window)
    return full * placement.layer_token


def tokens_in(placement: Placement, room: float) -> int:
    """The longest request whose cache fits in ``room`` bytes."""
    parts, layer = placement.parts, placement.layer_token
    within = room / (layer * parts.layers)
    if parts.full_layers == parts.layers or within <= parts.window:
        return int(within)
    windowed = (parts.layers - parts.full_layers) * parts.window * layer
    return int((room - windowed) / (layer * parts.full_layers))


def memory_of(placement: Placement, context: int, concurrency: int) -> Memory:
    """Bytes of one replica that holds ``concurrency`` requests of ``context`` tokens."""
    parts, layout, serving = placement.parts, placement.layout, placement.serving
    devices = layout.tensor * layout.pipeline
    weights = placement.weights.total
    # The host's memory holds the input embedding for llama.cpp, where it is not the output head as well.
    host = placement.weights.embedding if not serving.embedding and parts.head else 0.0
    if placement.spread:
        weights += (layout.tensor - 1) * placement.weights.attention
    wide = max(parts.inner, parts.expert_inner * parts.experts_per_token)
    tokens = min(serving.chunk, max(context, 1))
    logits = parts.vocabulary * (_SAMPLED if serving.tensor else _BUFFERED)
    activations = tokens * (4 * parts.hidden + 3 * wide / layout.tensor) * 2 + logits
    return Memory(
        weights=ceil(weights),
        kv_cache=ceil(cache_of(placement, context) * concurrency),
        kv_per_token=ceil(cache_of(placement, 1)),
        activations=ceil(activations * devices),
        overhead=ceil(serving.overhead * devices),
        capacity=int(placement.machine.memory * serving.share * devices + host),
    )


def room_for_cache(memory: Memory) -> int:
    """Bytes left for the cache; negative where not even the weights fit."""
    return memory.capacity - memory.weights - memory.activations - memory.overhead
