"""The values of a tensor as float32, whatever format it is stored in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import TargetError
from engine.weights import unpacking
from engine.weights.packed import packing_of, scale_of, unpack
from engine.weights.store import Placed, TensorStore

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CHUNK = 8 << 20
"""Bytes decoded at once: a disk reads no faster in larger pieces, and what is decoded stays in reach of the cache."""
_PLAIN = {"F32": "<f4", "F16": "<f2", "F64": "<f8", "I8": "i1", "U8": "u1", "I32": "<i4", "I64": "<i8"}
_FP8 = ("F8_E4M3", "F8_E5M2")


def values_of(store: TensorStore, name: str, first_row: int = 0, rows: int | None = None) -> NDArray[np.float32]:
    """A tensor's values, or ``rows`` rows of them from ``first_row`` on.

    Args:
        name: a tensor's name, or its stem: ``….q_proj`` finds ``….q_proj.weight``, ``.qweight``, ``.weight_packed``.

    Returns:
        float32, of the declared shape (of the unpacked one for packed formats), sliced along the first axis.

    Raises:
        KeyError: no such tensor.
        TargetError: a format that cannot be read.
    """
    placed = find(store, name)
    if (packing := packing_of(store, placed)) is not None:
        return _unpacked(store, placed, packing)[first_row : None if rows is None else first_row + rows]
    height = placed.shape[0] if placed.shape else 1
    count = height - first_row if rows is None else min(rows, height - first_row)
    if count <= 0:
        return np.zeros((0, *placed.shape[1:]), np.float32)
    wide = placed.length // height
    raw = store.read(placed, first_row * wide, count * wide)
    shape = (count, *placed.shape[1:]) if placed.shape else ()
    found = _decode(store, placed, raw, shape)
    return _scaled(store, placed, found, first_row) if placed.dtype in _FP8 else found


def chunks_of(store: TensorStore, name: str, most_rows: int | None = None) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """A matrix piece by piece: the number of each piece's first row, and its rows. Raises as ``values_of``."""
    placed = find(store, name)
    if packing_of(store, placed) is not None:
        yield 0, values_of(store, name, 0, most_rows)
        return
    height = placed.shape[0] if placed.shape else 1
    last = height if most_rows is None else min(height, most_rows)
    # Block scales cover 128 rows, so a piece begins where a block does.
    step = max(128, _CHUNK // max(1, placed.length // height) // 128 * 128)
    for first in range(0, last, step):
        yield first, values_of(store, name, first, min(step, last - first))


def find(store: TensorStore, name: str) -> Placed:
    """The tensor of a name or a stem. Raises KeyError: there is none."""
    for suffix in ("", ".weight", ".qweight", ".weight_packed", ".gamma"):
        if name + suffix in store.tensors:
            return store.tensors[name + suffix]
    raise KeyError(name)


def _unpacked(store: TensorStore, placed: Placed, packing: str) -> NDArray[np.float32]:
    try:
        return unpack(store, placed, packing)
    except (ValueError, KeyError, StopIteration) as error:
        raise TargetError("packing_unreadable", tensor=placed.name[:80], packing=packing) from error


def _decode(store: TensorStore, placed: Placed, raw: bytes, shape: tuple[int, ...]) -> NDArray[np.float32]:
    if store.kind == "gguf":
        return _dequantised(placed, raw, shape)
    if placed.dtype == "BF16":
        return unpacking.bf16(raw).reshape(shape)
    if placed.dtype == "F8_E4M3":
        return unpacking.fp8_e4m3(raw).reshape(shape)
    if placed.dtype == "F8_E5M2":
        return unpacking.fp8_e5m2(raw).reshape(shape)
    if placed.dtype in _PLAIN:
        return np.frombuffer(raw, _PLAIN[placed.dtype]).astype(np.float32).reshape(shape)
    raise TargetError("dtype_unreadable", tensor=placed.name[:80], dtype=placed.dtype)


def _dequantised(placed: Placed, raw: bytes, shape: tuple[int, ...]) -> NDArray[np.float32]:
    import gguf

    kind = gguf.GGMLQuantizationType[placed.dtype]
    lines = int(np.prod(shape[:-1])) if len(shape) > 1 else 1
    data = np.frombuffer(raw, np.uint8).reshape(lines, -1)
    try:
        values = gguf.quants.dequantize(data, kind)
    except NotImplementedError as error:
        raise TargetError("dtype_unreadable", tensor=placed.name[:80], dtype=placed.dtype) from error
    found: NDArray[np.float32] = np.ascontiguousarray(values, np.float32).reshape(shape)
    return found


def _scaled(store: TensorStore, placed: Placed, found: NDArray[np.float32], first_row: int) -> NDArray[np.float32]:
    """FP8 values times their scales: one a block (DeepSeek-V3's README_WEIGHTS.md), one a row, or one in all."""
    scale = scale_of(store, placed)
    if scale is None:
        return found
    scales = values_of(store, scale.name)
    if scales.size == 1:
        whole: NDArray[np.float32] = found * scales.reshape(-1)[0]
        return whole
    if scales.ndim == 2 and found.ndim == 2 and scales.shape != (placed.shape[0], 1):
        return unpacking.apply_block_scales(found, scales, _block(placed, scales), first_row=first_row)
    rows = scales.reshape(-1)[first_row : first_row + len(found)]
    scaled: NDArray[np.float32] = found * rows.reshape(-1, *([1] * (found.ndim - 1)))
    return scaled


def _block(placed: Placed, scales: NDArray[np.float32]) -> tuple[int, int]:
    """The block that one scale covers: 128 × 128 unless so many scales call for another."""
    high, wide = (-(-side // count) for side, count in zip(placed.shape[-2:], scales.shape[-2:], strict=True))
    return (128 if -(-placed.shape[-2] // 128) == scales.shape[-2] else high,
            128 if -(-placed.shape[-1] // 128) == scales.shape[-1] else wide)  # fmt: skip
