"""Fills a module's parameters from the files: read, carried to the device, unpacked there.

Peak memory is the module itself and a few staging chunks. Where a tensor is stored as it is computed with, and
the device is the CPU, it is read straight into the parameter and nothing is staged.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from engine.errors import CorruptTarget
from engine.weights.page_cache import PageCache
from engine.weights.reading_plan import Piece
from engine.weights.store import Placed, TensorStore

TORCH_DTYPES: dict[str, torch.dtype] = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
    "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2,
}  # fmt: skip
_CHUNK = 8 << 20
_UNPACKED_CHUNK = 2 << 20
"""Raw bytes unpacked at once on the CPU: GGUF's blocks grow some sevenfold to float32, and again in between."""
_SLOTS = 3


@dataclass(slots=True)
class _Chunk:
    """Rows of a tensor on their way into a parameter. ``into``: the part they fill; ``slot``: ``None`` when read
    straight into it."""

    piece: Piece
    into: torch.Tensor
    first: int
    length: int
    slot: _Slot | None = None


class _Slot:
    """A staging buffer, page-locked where an accelerator copies out of it. ``free`` when the copy is done."""

    def __init__(self, size: int, device: torch.device) -> None:
        self.raw = torch.empty(size, dtype=torch.uint8, pin_memory=device.type == "cuda")
        self.copied: Any = None

    def wait(self) -> None:
        if self.copied is not None:
            self.copied.synchronize()
            self.copied = None


class Filler:
    """Gives modules their weights and takes them away again, keeping the memory for the next of the same shape.

    ``close`` it.
    """

    def __init__(self, store: TensorStore, device: torch.device, ahead: PageCache) -> None:
        self.store, self.device, self.ahead = store, device, ahead
        self._kept: dict[tuple[torch.Size, torch.dtype], list[torch.Tensor]] = {}
        self._slots: list[_Slot] = []
        readers = 1 if device.type == "cpu" else max(1, min(4, (os.cpu_count() or 1) // 2))
        self._pool = ThreadPoolExecutor(readers, thread_name_prefix="weights")

    def close(self) -> None:
        """Stop reading, and give up all memory but the modules'."""
        self._pool.shutdown(cancel_futures=True)
        self.forget()

    def forget(self) -> None:
        """Give up the memory kept for reuse."""
        self._kept.clear()
        self._slots.clear()

    def fill(self, module: nn.Module, pieces: Sequence[Piece], dtypes: Mapping[str, torch.dtype]) -> None:
        """Give ``module`` its weights.

        Args:
            pieces: of the module, as ``Names.pieces`` finds them.
            dtypes: the type of each parameter, by its name within the module.

        Raises:
            CorruptTarget: the files end too early, or a packed tensor has another shape than it should.
            torch.OutOfMemoryError, RuntimeError, MemoryError: the device is full.
        """
        wanted = {piece.target: None for piece in pieces}
        needed = [(_held(module, name).shape, dtypes[name]) for name in wanted]
        self._drop_all_but(needed)
        filled = {name: self._memory(*key) for name, key in zip(wanted, needed, strict=True)}
        self._read_all(pieces, filled)
        for name, value in filled.items():
            put(module, name, value)

    def empty(self, module: nn.Module, pieces: Sequence[Piece]) -> None:
        """Take the weights away; their memory is kept for the next module."""
        for name in {piece.target: None for piece in pieces}:
            value = _held(module, name)
            put(module, name, torch.empty_like(value, device="meta"))
            self._kept.setdefault((value.shape, value.dtype), []).append(value.detach())

    def rows(self, piece: Piece, first: int, into: torch.Tensor) -> None:
        """Fill ``into``, ``[rows, columns]``, with a matrix's rows from row ``first`` on."""
        self._carry(_split(piece, into, first))

    def scratch(self, count: int, width: int, dtype: torch.dtype) -> torch.Tensor:
        """Room for ``[count, width]``, until a module is filled: what is kept for it, where that is large enough."""
        for (_, kind), held in self._kept.items():
            if kind == dtype and held and held[0].numel() >= count * width:
                return held[0].view(-1)[: count * width].view(count, width)
        return torch.empty((count, width), dtype=dtype, device=self.device)

    def _drop_all_but(self, needed: Sequence[tuple[torch.Size, torch.dtype]]) -> None:
        """Before anything is allocated, so that two layers of different shapes are never held together."""
        for key in list(self._kept):
            del self._kept[key][needed.count(key) :]

    def _memory(self, shape: torch.Size, dtype: torch.dtype) -> torch.Tensor:
        kept = self._kept.get((shape, dtype))
        return kept.pop() if kept else torch.empty(shape, dtype=dtype, device=self.device)

    def _read_all(self, pieces: Sequence[Piece], filled: dict[str, torch.Tensor]) -> None:
        self._carry(chunk for piece in pieces for chunk in _split(piece, piece.cut(filled[piece.target])))

    def _carry(self, chunks: Iterator[_Chunk]) -> None:
        for chunk in self._staged(chunks):
            self._unpack(chunk)
            self.ahead.read(chunk.length)

    def _staged(self, chunks: Iterator[_Chunk]) -> Iterator[_Chunk]:
        """The chunks in order, each once its bytes are there; the next ones are read meanwhile."""
        waiting: deque[tuple[_Chunk, Future[int]]] = deque()
        free = list(range(_SLOTS))
        taken: dict[int, int] = {}
        for chunk in chunks:
            while len(waiting) >= _SLOTS or (_is_staged(chunk, self.device) and not free):
                yield from self._next(waiting, free, taken)
            if _is_staged(chunk, self.device):
                number = free.pop(0)
                chunk.slot = self._slot(number, chunk.length)
                taken[id(chunk)] = number
            waiting.append((chunk, self._pool.submit(self._read, chunk)))
        while waiting:
            yield from self._next(waiting, free, taken)

    def _next(
        self, waiting: deque[tuple[_Chunk, Future[int]]], free: list[int], taken: dict[int, int]
    ) -> Iterator[_Chunk]:
        chunk, read = waiting.popleft()
        read.result()
        yield chunk
        if (number := taken.pop(id(chunk), None)) is not None:
            free.append(number)

    def _slot(self, number: int, size: int) -> _Slot:
        while len(self._slots) <= number:
            self._slots.append(_Slot(max(size, _CHUNK), self.device))
        if self._slots[number].raw.numel() < size:
            self._slots[number] = _Slot(size, self.device)
        return self._slots[number]

    def _read(self, chunk: _Chunk) -> int:
        """In a reading thread."""
        placed = chunk.piece.placed
        if chunk.piece.packed:
            return 0
        begin = chunk.first * row_bytes(placed)
        if chunk.slot is not None:
            chunk.slot.wait()
        raw = chunk.into.reshape(-1).view(torch.uint8) if chunk.slot is None else chunk.slot.raw[: chunk.length]
        return self.store.read_into(placed, memoryview(cast(Any, raw.numpy())), begin)

    def _unpack(self, chunk: _Chunk) -> None:
        """From the staging buffer into the parameter."""
        if chunk.piece.packed:
            chunk.into.copy_(self._unpacked(chunk))
            return
        if chunk.slot is None:
            return
        raw, placed, into = chunk.slot.raw[: chunk.length], chunk.piece.placed, chunk.into
        if self.store.kind == "gguf":
            into.copy_(_of_gguf(chunk, raw.numpy()))
            return
        dtype = TORCH_DTYPES.get(placed.dtype)
        if placed.dtype == "F8_E4M3" and chunk.piece.scale is not None and self.device.type not in ("cpu", "cuda"):
            dtype = torch.uint8  # the same bytes, where the device has no such type
        if dtype is None:
            raise CorruptTarget("dtype_unreadable", tensor=placed.name[:80], dtype=placed.dtype)
        # Only CUDA's copy out of a page-locked buffer is waited for before the buffer is filled again.
        there = raw if self.device.type == "cpu" else raw.to(self.device, non_blocking=self.device.type == "cuda")
        values = there.view(dtype).view(into.shape)
        if chunk.piece.scale is not None:
            values = self._scaled(chunk, values, chunk.piece.scale)
        into.copy_(values)
        if self.device.type == "cuda":
            chunk.slot.copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
            chunk.slot.copied.record()

    def _scaled(self, chunk: _Chunk, values: torch.Tensor, scale: Placed) -> torch.Tensor:
        from engine.weights import fp8

        high, wide = _block(chunk.piece.placed, scale)
        scales = torch.frombuffer(bytearray(self.store.read(scale)), dtype=TORCH_DTYPES[scale.dtype]).float()
        table = scales.view(scale.shape if len(scale.shape) == 2 else (-1, 1))
        table = table[chunk.first // high : -(-(chunk.first + len(values)) // high)].contiguous()
        return fp8.dequantise(values, table.to(self.device), (high, wide), chunk.into.dtype)

    def _unpacked(self, chunk: _Chunk) -> torch.Tensor:
        from engine.weights.values import values_of

        placed = chunk.piece.placed
        values = torch.from_numpy(values_of(self.store, placed.name, chunk.first, len(chunk.into)))
        if values.shape != chunk.into.shape:
            found, expected = (" × ".join(map(str, shape)) for shape in (values.shape, chunk.into.shape))
            raise CorruptTarget("tensor_shape", tensor=placed.name[:120], found=found, expected=expected)
        return values


def put(module: nn.Module, name: str, value: torch.Tensor) -> None:
    """Make ``value`` the parameter or buffer ``name`` of ``module``."""
    owner, last = _owner(module, name)
    if last in owner._parameters:
        owner._parameters[last] = nn.Parameter(value, requires_grad=False)
    else:
        owner._buffers[last] = value


def row_bytes(placed: Placed) -> int:
    """Stored bytes of one step along the first axis."""
    return placed.length // placed.shape[0] if placed.shape and placed.shape[0] else placed.length


def _split(piece: Piece, into: torch.Tensor, first: int = 0) -> Iterator[_Chunk]:
    """A tensor in chunks of whole rows: of whole blocks where one scale covers several, of whole heads where rows
    change places within one."""
    placed = piece.placed
    if piece.packed or not placed.shape:
        yield _Chunk(piece, into if piece.packed else into.view(placed.shape), first, placed.length)
        return
    into = into.reshape(placed.shape) if into.numel() == 1 else into
    wide = row_bytes(placed)
    together = placed.shape[0] // piece.heads if piece.heads else 1
    if piece.scale is not None:
        together = min(_block(placed, piece.scale)[0], placed.shape[0])
    most = _CHUNK if placed.dtype in TORCH_DTYPES else _UNPACKED_CHUNK
    step = max(1, most // max(1, wide * together)) * together
    for begin in range(0, len(into), step):
        part = into[begin : begin + step]
        yield _Chunk(piece, part, first + begin, len(part) * wide)


def _is_staged(chunk: _Chunk, device: torch.device) -> bool:
    piece, into = chunk.piece, chunk.into
    if piece.packed:
        return False
    plain = piece.scale is None and not piece.heads and not piece.added
    same = TORCH_DTYPES.get(piece.placed.dtype) == into.dtype
    return not (device.type == "cpu" and plain and same and into.is_contiguous())


def _of_gguf(chunk: _Chunk, raw: np.ndarray[Any, Any]) -> torch.Tensor:
    import gguf

    piece, shape = chunk.piece, chunk.into.shape
    kind = gguf.GGMLQuantizationType[piece.placed.dtype]
    lines = int(np.prod(shape[:-1])) if len(shape) > 1 else 1
    try:
        found = gguf.quants.dequantize(raw.reshape(lines, -1), kind)
    except NotImplementedError as error:
        raise CorruptTarget("dtype_unreadable", tensor=piece.placed.name[:80], dtype=piece.placed.dtype) from error
    values = torch.from_numpy(np.ascontiguousarray(found, np.float32)).view(shape)
    if piece.heads:
        # Rows 0, 1, 2, … of a head are stored as 0, half, 1, half + 1, …
        head = piece.placed.shape[0] // piece.heads
        values = values.view(-1, head // 2, 2, *shape[1:]).transpose(1, 2).reshape(shape)
    return values - piece.added if piece.added else values


def _block(placed: Placed, scale: Placed) -> tuple[int, int]:
    """The block that one scale covers: 128 a side unless so many scales call for another.

    Raises:
        CorruptTarget: the scales fit no blocks of this tensor.
    """
    counts = scale.shape if len(scale.shape) == 2 else (prod(scale.shape), 1)
    if len(placed.shape) != 2 or not all(0 < count <= side for count, side in zip(counts, placed.shape, strict=True)):
        found, expected = (" × ".join(map(str, shape)) for shape in (scale.shape, placed.shape))
        raise CorruptTarget("tensor_shape", tensor=scale.name[:120], found=found, expected=f"{expected} / 128")
    high, wide = (
        128 if -(-side // 128) == count else -(-side // count) for side, count in zip(placed.shape, counts, strict=True)
    )
    return high, wide


def _owner(module: nn.Module, name: str) -> tuple[nn.Module, str]:
    path, _, last = name.rpartition(".")
    return (module.get_submodule(path) if path else module), last


def _held(module: nn.Module, name: str) -> torch.Tensor:
    owner, last = _owner(module, name)
    parameter = owner._parameters.get(last)
    value = owner._buffers[last] if parameter is None else parameter
    assert value is not None
    return value
