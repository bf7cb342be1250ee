"""FP8 weights on the device that runs them: one byte a weight and one scale a block become floats, and statistics.

The whole is never held as float32: the work goes over a few rows at a time or, where Triton is at hand on the
accelerator, through one kernel that reads each byte once and writes each weight once.
"""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import torch

from engine.weights import unpacking

log = logging.getLogger(__name__)

_AT_ONCE = {"cpu": 1 << 18}
_AT_ONCE_ON_DEVICE = 1 << 22
"""Weights held as float32 at a time: 1 MB stays in a core's cache, 16 MB in an accelerator's and keeps it busy."""
_PACKED = (torch.uint8, torch.float8_e4m3fn, torch.float8_e5m2)


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of the scaled weights of one tensor.

    Attributes:
        mean, std: std of the population.
        absmax: the largest magnitude.
        zeros: share of exact zeros, 0–1.
        count: weights.
    """

    mean: float
    std: float
    absmax: float
    zeros: float
    count: int


def dequantise(
    weight: torch.Tensor,
    scale_inv: torch.Tensor,
    block: tuple[int, int] = (128, 128),
    dtype: torch.dtype = torch.bfloat16,
) -> torch.Tensor:
    """Weights times the scales of their blocks (DeepSeek-V3 §3.3), on the device where they are.

    Args:
        weight: ``[..., out, in]`` float8, or uint8 holding E4M3 bytes: what devices without float8 can keep.
        scale_inv: ``[..., ceil(out / block), ceil(in / block)]``, or one value for all.

    Raises:
        ValueError: the scales do not fit the weights.
    """
    out = torch.empty(weight.shape, dtype=dtype, device=weight.device)
    _run(weight, scale_inv, block, out, count=False)
    return out


def statistics(
    weight: torch.Tensor, scale_inv: torch.Tensor, block: tuple[int, int] = (128, 128)
) -> Statistics:  # fmt: skip
    """Mean, spread, largest magnitude and share of zeros of the scaled weights, in one pass; arguments as above."""
    sums = _run(weight, scale_inv, block, None, count=True)
    return _joined(sums, weight.numel())


def dequantise_measured(
    weight: torch.Tensor,
    scale_inv: torch.Tensor,
    block: tuple[int, int] = (128, 128),
    dtype: torch.dtype = torch.bfloat16,
) -> tuple[torch.Tensor, Statistics]:
    """Both of the above in the same pass."""
    out = torch.empty(weight.shape, dtype=dtype, device=weight.device)
    sums = _run(weight, scale_inv, block, out, count=True)
    return out, _joined(sums, weight.numel())


def _run(
    weight: torch.Tensor, scales: torch.Tensor, block: tuple[int, int], out: torch.Tensor | None, *, count: bool
) -> torch.Tensor:
    """Fill ``out`` where there is one; partial sums ``[parts, 4]`` where counted: sum, of squares, absmax, zeros."""
    if weight.dtype not in _PACKED:
        raise ValueError(f"weights of {weight.dtype} are not FP8")
    scales = scales.to(weight.device, torch.float32)
    if scales.numel() == 1:
        scales = scales.reshape(()).expand(*weight.shape[:-2], *_blocks(weight, block))
    if tuple(scales.shape) != (*weight.shape[:-2], *_blocks(weight, block)):
        raise ValueError(f"scales {tuple(scales.shape)} for weights {tuple(weight.shape)}, block {block}")
    parts: list[torch.Tensor] = []
    for matrix, factors, target in _matrices(weight, scales, out):
        if matrix.numel():
            parts.append(_matrix(matrix, factors, block, target, count=count))
    return torch.cat(parts) if count and parts else torch.zeros(0, 4)


def _blocks(weight: torch.Tensor, block: tuple[int, int]) -> tuple[int, int]:
    """How many blocks lie below and beside each other."""
    return -(-weight.shape[-2] // block[0]), -(-weight.shape[-1] // block[1])


def _matrices(
    weight: torch.Tensor, scales: torch.Tensor, out: torch.Tensor | None
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]]:
    """Each ``[out, in]`` of a stack of experts."""
    if weight.ndim == 2:
        yield weight, scales, out
        return
    for number in range(weight.shape[0]):
        yield from _matrices(weight[number], scales[number], None if out is None else out[number])


def _matrix(
    weight: torch.Tensor, scales: torch.Tensor, block: tuple[int, int], out: torch.Tensor | None, *, count: bool
) -> torch.Tensor:
    kernel = _kernel(weight.device.type)
    if kernel is not None and kernel.fits(weight, block, out):
        try:
            sums: torch.Tensor = kernel.fused(weight, scales, block, out, count=count)
            return sums
        except torch.OutOfMemoryError:
            raise
        except Exception as problem:  # no compiler, no driver library: whatever Triton needs and lacks here
            _broken.add(weight.device.type)
            log.warning("no fused FP8 kernel on %s, going on without: %s", weight.device.type, problem)
    return _by_rows(weight, scales, block, out, count=count)


_broken: set[str] = set()


def _kernel(device: str) -> ModuleType | None:
    """The fused kernel, where the device has Triton."""
    if device not in ("cuda", "xpu") or device in _broken:
        return None
    try:
        from engine.weights import fp8_kernel
    except ImportError:
        _broken.add(device)
        return None
    return fp8_kernel


def _by_rows(
    weight: torch.Tensor, scales: torch.Tensor, block: tuple[int, int], out: torch.Tensor | None, *, count: bool
) -> torch.Tensor:
    """Plain PyTorch: whole rows of blocks, as many as fit the cache; one buffer for all."""
    high, wide = block
    rows, columns = weight.shape
    at_once = _AT_ONCE.get(weight.device.type, _AT_ONCE_ON_DEVICE)
    step = max(1, min(high, at_once // columns)) if at_once < high * columns else at_once // (high * columns) * high
    buffer = torch.empty(min(step, rows), columns, dtype=torch.float32, device=weight.device)
    widen = _widening(weight)
    parts = []
    for first in range(0, rows, step):
        last = min(rows, first + step)
        part = buffer[: last - first]
        widen(weight[first:last], part)
        number = torch.arange(first, last, device=weight.device) // high
        part *= scales[number].repeat_interleave(wide, dim=1)[:, :columns]
        if count:
            parts.append(_sums(part))
        if out is not None:
            out[first:last] = part
    return torch.stack(parts) if count else buffer


def _sums(part: torch.Tensor) -> torch.Tensor:
    squares = torch.linalg.vector_norm(part) ** 2
    low, high = torch.aminmax(part)
    zeros = part.numel() - torch.count_nonzero(part)
    return torch.stack([part.sum(), squares, torch.maximum(-low, high), zeros.to(torch.float32)])


def _widening(weight: torch.Tensor) -> Callable[[torch.Tensor, torch.Tensor], Any]:
    """How this device turns FP8 into float32: ``(rows, into)``."""
    if weight.device.type == "cpu":
        return _from_table_of_pairs(weight.dtype == torch.float8_e5m2)
    if weight.dtype != torch.uint8:
        return lambda rows, into: into.copy_(rows)
    return _by_table(weight)


def _by_table(weight: torch.Tensor) -> Callable[[torch.Tensor, torch.Tensor], Any]:
    """Bytes through a table of 256, on any device."""
    table = torch.from_numpy(unpacking.E4M3).to(weight.device)
    return lambda rows, into: into.copy_(table[rows.to(torch.int32)])


@cache
def _from_table_of_pairs(e5m2: bool) -> Callable[[torch.Tensor, torch.Tensor], Any]:
    """Two bytes at a time through a table of 65,536 pairs: nine times faster on a CPU than PyTorch's conversion."""
    single = unpacking.E5M2 if e5m2 else unpacking.E4M3
    code = np.arange(65536)
    first, second = (code & 255, code >> 8) if sys.byteorder == "little" else (code >> 8, code & 255)
    pairs = np.stack([single[first], single[second]], axis=1).view(np.int64)[:, 0]

    def widen(rows: torch.Tensor, into: torch.Tensor) -> None:
        codes = rows.contiguous().view(torch.uint8).numpy().reshape(-1)
        floats = into.numpy().reshape(-1)
        even = codes.size // 2 * 2
        np.take(pairs, codes[:even].view(np.uint16), out=floats[:even].view(np.int64), mode="clip")
        if even < codes.size:
            floats[even:] = single[codes[even:]]

    return widen


def _joined(sums: torch.Tensor, count: int) -> Statistics:
    """Partial sums, added up in double precision on the host: mps has no float64."""
    if not count:
        return Statistics(0.0, 0.0, 0.0, 0.0, 0)
    host = sums.to("cpu").double()
    total, squares, zeros = host[:, 0].sum().item(), host[:, 1].sum().item(), host[:, 3].sum().item()
    mean = total / count
    spread = math.sqrt(max(0.0, squares / count - mean * mean)) if math.isfinite(squares) else math.nan
    return Statistics(mean, spread, host[:, 2].max().item(), zeros / count, count)
