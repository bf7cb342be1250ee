"""Layouts: how a model may be cut over devices.

Tensor parallelism cuts heads and the rows of every projection, so both must divide; quantised weights must divide
in whole blocks (vLLM refuses anything else). It stays within a node where the model allows; whole nodes are joined
by pipeline parallelism, as vLLM's and SGLang's documentation advise.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import ceil

from engine.sized import Layout
from engine.sizing.model_parts import Parts


@lru_cache(maxsize=4096)
def layouts(parts: Parts, block: int, count: int, per_node: int, tensor: bool) -> tuple[Layout, ...]:
    """Every layout worth looking at on ``count`` devices; ``tensor``: whether the engine cuts layers."""
    return tuple(_layouts(parts, block, count, per_node, tensor))


def _layouts(parts: Parts, block: int, count: int, per_node: int, tensor: bool) -> Iterator[Layout]:
    for width in _widths(min(count, per_node)) if tensor else (1,):
        expert = experts_over(parts, block, width)
        if expert is None:
            continue
        for depth in range(1, min(count // width, parts.layers) + 1):
            if width * depth > per_node and (width * depth) % per_node:
                continue
            replicas = count // (width * depth)
            used = width * depth * replicas
            if depth > 1 and used < count and replicas == count // (width * (depth + 1)):
                continue
            yield Layout(width, depth, expert, replicas, ceil(used / per_node))


def _widths(most: int) -> Iterator[int]:
    width = 1
    while width <= most:
        yield width
        width *= 2


def experts_over(parts: Parts, block: int, tensor: int) -> int | None:
    """Over how many devices experts are spread (1: each expert is cut) if the model can be cut ``tensor`` ways;
    ``None`` if it cannot."""
    if parts.heads % tensor or (parts.cache_heads % tensor and tensor % parts.cache_heads):
        return None
    dense = parts.feed_forward > 0 and not _divides(parts.inner, block, tensor)
    if dense:
        return None
    if parts.expert_count and not _divides(parts.expert_inner, block, tensor):
        return tensor if parts.expert_count % tensor == 0 else None
    return 1


def _divides(inner: int, block: int, tensor: int) -> bool:
    if inner % tensor:
        return False
    return block == 1 or tensor == 1 or (inner // tensor) % block == 0
