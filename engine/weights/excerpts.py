"""A block of a matrix's values out of its middle, read without the rest, whatever it is packed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from engine.weights import unpacking
from engine.weights.packed import packing_of, scale_of
from engine.weights.store import Placed, TensorStore

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS, COLUMNS = 64, 1024
_ALIGNED = 256
"""Columns begin at a multiple: GGUF's superblocks are that wide, FP8's blocks and quantisers' groups divide it."""
_MOST = 4 << 20
"""Bytes of one piece at most: rows of a packed matrix are read whole, and a header may call them any length."""
_PLAIN = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "F8_E4M3": "u1", "F8_E5M2": "u1", "I8": "i1"}
_PACKED = {**_PLAIN, "I32": "<i4", "U32": "<u4", "U8": "u1", "I64": "<i8"}


@dataclass(frozen=True, slots=True)
class Excerpt:
    """``values`` float32 ``[rows, columns]`` (inputs and outputs may be swapped), and the bytes they came from."""

    values: NDArray[np.float32]
    raw: bytes


def excerpt(store: TensorStore, placed: Placed) -> Excerpt | None:
    """Up to 64 × 1,024 values, at a place that follows from the tensor's name; ``None`` for what has no values to
    read: unknown formats, and vectors.

    Raises:
        CorruptTarget: the file ends before them.
    """
    if len(placed.shape) < 2 or min(_sides(placed)) < 8 or not placed.length:
        return None
    with np.errstate(all="ignore"):  # what was never meant as numbers overflows
        return _excerpt(store, placed)


def _excerpt(store: TensorStore, placed: Placed) -> Excerpt | None:
    try:
        if store.kind == "gguf":
            return _gguf(store, placed)
        packing = packing_of(store, placed)
        if packing is not None:
            return _packed(store, placed, packing)
        return _plain(store, placed) if placed.dtype in _PLAIN else None
    except (LookupError, ValueError, TypeError, ArithmeticError, NotImplementedError):
        return None  # what lies beside it does not fit it: other probes read that


def where_read(store: TensorStore, placed: Placed) -> tuple[int, int]:
    """The first byte and the number of bytes that ``excerpt`` spans, to see whether anything is on disk there."""
    high = _sides(placed)[0]
    rows = min(high, ROWS)
    row = placed.length // high
    return _first(placed.name, high, rows) * row, rows * row


def _sides(placed: Placed) -> tuple[int, int]:
    """Rows and columns, stacked experts below each other."""
    high = 1
    for side in placed.shape[:-1]:
        high *= side
    return high, placed.shape[-1]


def _first(name: str, count: int, taken: int, aligned: int = ROWS) -> int:
    """Where to begin: anywhere, but always there."""
    places = (count - taken) // aligned + 1
    return crc32(name.encode()) % places * aligned


def _slice(
    store: TensorStore, placed: Placed, rows: tuple[int, int], columns: tuple[int, int] | None = None
) -> NDArray[Any]:
    """``[rows, columns]`` of a matrix as it is stored."""
    kind = np.dtype(_PACKED[placed.dtype])
    high, wide = _sides(placed) if len(placed.shape) > 1 else (placed.shape[0], 1)
    first, count = rows
    at, width = columns or (0, wide)
    if first + count > high or at + width > wide or count * width * kind.itemsize > _MOST:
        raise IndexError(placed.name)
    raw = _bytes(store, placed, (first, count), wide * kind.itemsize, (at * kind.itemsize, width * kind.itemsize))
    return np.frombuffer(raw, kind).reshape(count, width)


def _bytes(store: TensorStore, placed: Placed, rows: tuple[int, int], row: int, part: tuple[int, int]) -> bytes:
    """Part of each of some rows; in one read where that is most of them."""
    first, count = rows
    at, size = part
    if size * 2 > row:
        whole = store.read(placed, first * row, count * row)
        if size == row:
            return whole
        return np.frombuffer(whole, np.uint8).reshape(count, row)[:, at : at + size].tobytes()
    return b"".join(store.read(placed, (first + number) * row + at, size) for number in range(count))


def _place(placed: Placed, columns: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Rows and columns to read of a matrix that is not packed."""
    high, wide = _sides(placed)
    rows, width = min(high, ROWS), min(wide, columns)
    return (_first(placed.name, high, rows), rows), (_first(placed.name, wide, width, _ALIGNED), width)


def _plain(store: TensorStore, placed: Placed) -> Excerpt:
    rows, columns = _place(placed, COLUMNS if np.dtype(_PLAIN[placed.dtype]).itemsize <= 2 else COLUMNS // 2)
    stored = _slice(store, placed, rows, columns)
    if placed.dtype == "BF16":
        return Excerpt(unpacking.bf16(stored), stored.tobytes())
    if placed.dtype.startswith("F8_"):
        values = unpacking.fp8_e4m3(stored) if placed.dtype == "F8_E4M3" else unpacking.fp8_e5m2(stored)
        return Excerpt(_scaled(store, placed, values, rows, columns), stored.tobytes())
    return Excerpt(stored.astype(np.float32), stored.tobytes())


def _scaled(
    store: TensorStore, placed: Placed, values: NDArray[np.float32], rows: tuple[int, int], columns: tuple[int, int]
) -> NDArray[np.float32]:
    """FP8 values times the scales of their rows or blocks; one scale for all tells nothing here."""
    scale = scale_of(store, placed)
    if scale is None or scale.length <= 4:
        return values
    if scale.shape[-1] == 1 or len(scale.shape) == 1:
        return values * _floats(store, scale, rows)
    tall, wide = (-(-side // count) for side, count in zip(placed.shape[-2:], scale.shape[-2:], strict=True))
    tall, wide = (128 if 64 < side <= 128 else side for side in (tall, wide))
    per = -(-placed.shape[-2] // tall)  # block rows an expert of a stack
    expert, row = divmod(rows[0], placed.shape[-2])
    blocks = (expert * per + row // tall, (row + rows[1] - 1) // tall - row // tall + 1)
    along = (columns[0] // wide, (columns[0] + columns[1] - 1) // wide - columns[0] // wide + 1)
    factors = _floats(store, scale, blocks, along)
    down = (row + np.arange(rows[1])) // tall - row // tall
    right = (columns[0] + np.arange(columns[1])) // wide - columns[0] // wide
    scaled: NDArray[np.float32] = values * factors[np.ix_(down, right)]
    return scaled


def _floats(
    store: TensorStore, placed: Placed, rows: tuple[int, int], columns: tuple[int, int] | None = None
) -> NDArray[np.float32]:
    stored = _slice(store, placed, rows, columns)
    return unpacking.bf16(stored) if placed.dtype == "BF16" else stored.astype(np.float32)


def _gguf(store: TensorStore, placed: Placed) -> Excerpt:
    import gguf

    kind = gguf.GGMLQuantizationType[placed.dtype]
    block, size = gguf.GGML_QUANT_SIZES[kind]
    plain = kind in (gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16, gguf.GGMLQuantizationType.BF16)
    rows, columns = _place(placed, COLUMNS // 2 if not plain else COLUMNS)
    if columns[1] % block or columns[0] % block:
        raise ValueError(placed.name)
    part = (columns[0] // block * size, columns[1] // block * size)
    raw = _bytes(store, placed, rows, placed.shape[-1] // block * size, part)
    data = np.frombuffer(raw, np.uint8).reshape(rows[1], -1)
    values = gguf.quants.dequantize(data, kind)
    return Excerpt(np.ascontiguousarray(values, np.float32), raw)


def _packed(store: TensorStore, placed: Placed, packing: str) -> Excerpt | None:
    stem = placed.name.rpartition(".")[0]

    def beside(suffix: str) -> Placed:
        return store.tensors[stem + suffix]

    if packing in ("gptq", "awq"):
        return _by_inputs(store, placed, packing, stem)
    high, wide = placed.shape[-2], placed.shape[-1]
    rows = (_first(placed.name, high, min(high, ROWS)), min(high, ROWS))
    if packing == "nf4":
        return _nf4(store, placed)
    if packing == "bnb8":
        columns = (_first(placed.name, wide, min(wide, COLUMNS), _ALIGNED), min(wide, COLUMNS))
        codes = _slice(store, placed, rows, columns)
        return Excerpt(unpacking.int8_rows(codes, _floats(store, beside(".SCB"), rows)), codes.tobytes())
    codes = _slice(store, placed, rows)
    if packing == "mlx":
        scales, biases = _floats(store, beside(".scales"), rows), _floats(store, beside(".biases"), rows)
        group = int((store.config or {}).get("quantization", {}).get("group_size") or 64)
        return _cut(unpacking.mlx(codes, scales, biases, wide * 32 // (group * scales.shape[1])), codes)
    single = beside(".weight_scale").length <= 4
    scales = np.ones((1, 1), np.float32) if single else _floats(store, beside(".weight_scale"), rows)
    inputs = wide
    if placed.dtype == "I32":
        inputs = int(_slice(store, beside(".weight_shape"), (1, 1))[0, 0])
    bits = 8 if placed.dtype == "I8" or wide * 4 >= inputs else 4
    # Zero points shift whole groups, which the score of means would take for structure: centred instead.
    values = unpacking.compressed_int(codes, scales, None, (rows[1], inputs), bits)
    return _cut(_centred(values, scales.shape[-1]) if f"{stem}.weight_zero_point" in store.tensors else values, codes)


def _by_inputs(store: TensorStore, placed: Placed, packing: str, stem: str) -> Excerpt:
    """GPTQ and AWQ lie with inputs as rows, and so do the values: ``[in, out]``, 64 inputs."""
    scale, zero = store.tensors[f"{stem}.scales"], store.tensors[f"{stem}.qzeros"]
    groups, outputs = scale.shape
    order = store.tensors.get(f"{stem}.g_idx")
    if packing == "awq":
        bits, inputs, per = 4, placed.shape[0], 1
    else:
        bits = zero.shape[-1] * 32 // outputs
        inputs, per = placed.shape[0] * 32 // bits, 32 // bits
        if 32 % bits:
            raise ValueError(stem)
    taken = min(ROWS, inputs)
    first = _first(placed.name, inputs, taken)
    width = min(outputs, COLUMNS) // 32 * 32
    column = _first(placed.name, outputs, width, _ALIGNED)
    words = (column // 8, width // 8) if packing == "awq" else (column, width)
    codes = _slice(store, placed, (first // per, taken // per), words)
    if order is not None:
        group = _slice(store, order, (first, taken))[:, 0]
    else:
        group = np.arange(first, first + taken) // -(-inputs // groups)
    low, count = int(group.min()), int(group.max()) - int(group.min()) + 1
    scales = _floats(store, scale, (low, count), (column, width))
    zeros = _slice(store, zero, (low, count), (column * bits // 32, width * bits // 32))
    values = (
        unpacking.gptq(codes, zeros, scales, group - low, bits)
        if packing == "gptq"
        else unpacking.awq(codes, np.repeat(zeros, taken // count, 0), np.repeat(scales, taken // count, 0))
    )
    return Excerpt(np.ascontiguousarray(values.T), codes.tobytes())


def _nf4(store: TensorStore, placed: Placed) -> Excerpt | None:
    """Blocks of 64 of a flat run; rows are as wide as the state says, or the values are taken as they lie."""
    import orjson

    state = store.tensors.get(f"{placed.name}.quant_state.bitsandbytes__nf4") or store.tensors.get(
        f"{placed.name}.quant_state.bitsandbytes__fp4"
    )
    if state is None:
        return None
    said = orjson.loads(store.read(state))
    high, wide = said["shape"]
    rows = min(ROWS, high)
    if high * wide > 2 * placed.length or rows * wide > 2 * _MOST:
        raise ValueError(placed.name)
    first = _first(placed.name, high, rows)
    raw = store.read(placed, first * wide // 2, rows * wide // 2)
    size = int(said.get("blocksize") or 64)
    whole = store.tensors[f"{placed.name}.absmax"]
    largest = _slice(store, whole, (first * wide // size, -(-rows * wide // size)))[:, 0]
    if whole.dtype == "U8":
        levels = _floats(store, store.tensors[f"{placed.name}.nested_quant_map"], (0, 256))[:, 0]
        wider, at = int(said.get("nested_blocksize") or 256), first * wide // size
        outer = (at // wider, (at + len(largest) - 1) // wider - at // wider + 1)
        factors = _floats(store, store.tensors[f"{placed.name}.nested_absmax"], outer)[:, 0].repeat(wider)
        largest = levels[largest] * factors[at % wider :][: len(largest)] + float(said.get("nested_offset") or 0)
    code = _floats(store, store.tensors[f"{placed.name}.quant_map"], (0, 16))[:, 0]
    values = unpacking.nf4(raw, largest, (rows, wide), blocksize=size, code=code)
    return _cut(values, np.frombuffer(raw, np.uint8))


def _cut(values: NDArray[np.float32], codes: NDArray[Any]) -> Excerpt:
    return Excerpt(np.ascontiguousarray(values[:, :COLUMNS]), codes.tobytes())


def _centred(values: NDArray[np.float32], groups: int) -> NDArray[np.float32]:
    """Each row's groups about their own mean."""
    split = values.reshape(len(values), groups, -1)
    level: NDArray[np.float32] = (split - split.mean(axis=-1, keepdims=True)).reshape(values.shape)
    return level
