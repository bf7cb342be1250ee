"""One kernel for FP8 blocks on an accelerator: each byte read once, each weight written once, sums on the way.

Imported only where Triton is there. The bytes are widened by their bits, not by the hardware's FP8 types, which
differ between makers and are missing before NVIDIA's compute capability 8.9.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

_TILE_ROWS = 32
"""Rows of a tile; with 128 columns 32 weights for each of 128 threads, in four 16-byte reads and more writes."""


@triton.jit  # type: ignore[untyped-decorator]
def _tile(  # type: ignore[no-untyped-def]
    weight, scales, out, sums,
    rows, columns, tiles_across, scale_row, weight_row, out_row,
    HIGH: tl.constexpr, WIDE: tl.constexpr, TILE: tl.constexpr, WRITE: tl.constexpr, COUNT: tl.constexpr,
):  # fmt: skip
    """One tile of ``TILE`` rows and the columns of one block, which share one scale."""
    number = tl.program_id(0)
    down = number // tiles_across
    across = number % tiles_across
    row = down * TILE + tl.arange(0, TILE)[:, None]
    column = across * WIDE + tl.arange(0, WIDE)[None, :]
    inside = (row < rows) & (column < columns)
    code = tl.load(weight + row.to(tl.int64) * weight_row + column, mask=inside, other=0).to(tl.uint16)
    # E4M3 shifted into a half's places is the number itself over 2^8, subnormals too; but all ones is no number.
    half = (((code & 0x80) << 8) | ((code & 0x7F) << 7)).to(tl.float16, bitcast=True)
    scale = tl.load(scales + (down * TILE // HIGH) * scale_row + across)
    value = half.to(tl.float32) * (scale * 256.0)
    value = tl.where((code & 0x7F) == 0x7F, float("nan"), value)
    if WRITE:
        tl.store(out + row.to(tl.int64) * out_row + column, value.to(out.dtype.element_ty), mask=inside)
    if COUNT:
        tl.store(sums + number * 4, tl.sum(value))
        tl.store(sums + number * 4 + 1, tl.sum(value * value))
        tl.store(sums + number * 4 + 2, tl.max(tl.abs(value)))
        tl.store(sums + number * 4 + 3, tl.sum(tl.where(inside & ((code & 0x7F) == 0), 1.0, 0.0)))


def fits(weight: torch.Tensor, block: tuple[int, int], out: torch.Tensor | None) -> bool:
    """Whether the kernel is written for this: E4M3, neighbours along the input side by side, blocks it can tile."""
    high, wide = block
    plain = weight.stride(1) == 1 and (out is None or out.stride(1) == 1)
    return plain and weight.dtype != torch.float8_e5m2 and high % _TILE_ROWS == 0 and wide in (32, 64, 128, 256)


def fused(
    weight: torch.Tensor, scales: torch.Tensor, block: tuple[int, int], out: torch.Tensor | None, *, count: bool
) -> torch.Tensor:
    """Fill ``out`` ``[out, in]`` where there is one; partial sums ``[tiles, 4]`` as ``engine.weights.fp8`` joins them.

    Args:
        weight: float8 or uint8 ``[out, in]`` that ``fits``.
        scales: float32 ``[ceil(out / block), ceil(in / block)]``.
    """
    high, wide = block
    codes = weight.view(torch.uint8)
    rows, columns = weight.shape
    scales = scales.contiguous()
    across = triton.cdiv(columns, wide)
    tiles = triton.cdiv(rows, _TILE_ROWS) * across
    sums = torch.empty(tiles if count else 1, 4, dtype=torch.float32, device=weight.device)
    target = codes if out is None else out
    _tile[(tiles,)](
        codes, scales, target, sums, rows, columns, across, scales.stride(0), codes.stride(0), target.stride(0),
        HIGH=high, WIDE=wide, TILE=_TILE_ROWS, WRITE=out is not None, COUNT=count, num_warps=4,
    )  # fmt: skip
    return sums
