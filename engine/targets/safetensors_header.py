"""safetensors headers: eight bytes of length, then JSON naming every tensor's dtype, shape and place.

Source: the format's description (huggingface/safetensors, "Format"): tensors fill the data section
without holes or overlaps, the header is at most 100 MB.
"""

from __future__ import annotations

from math import prod
from typing import Any

from engine.errors import CorruptTarget
from engine.targets.source import Source, parse_object
from engine.targets.target import Tensor

HEADER_LIMIT = 100_000_000
DTYPE_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
    "U16": 16, "I16": 16, "F16": 16, "BF16": 16,
    "U32": 32, "I32": 32, "F32": 32,
    "U64": 64, "I64": 64, "F64": 64, "C64": 64,
}  # fmt: skip


def read_safetensors(source: Source, first: int = 0) -> list[Tensor]:
    """The tensors that a file's header declares, checked against the file's size. As ``read_places``."""
    return read_places(source, first)[0]


def read_places(source: Source, first: int = 0) -> tuple[list[Tensor], list[tuple[int, int]]]:
    """The tensors of a file, and where in it the bytes of each begin and end.

    Args:
        first: bytes to ask for at once before the header's length is known (0: only the length).

    Raises:
        CorruptTarget: truncated, malformed or contradictory; names the file and the numbers.
    """
    if source.size < 10:
        raise CorruptTarget("safetensors_empty", name=source.name, size=source.size)
    head = source.read(0, min(max(first, 8), source.size))
    length = int.from_bytes(head[:8], "little")
    if not 2 <= length <= HEADER_LIMIT:
        raise CorruptTarget("safetensors_header_length", name=source.name, length=length)
    if 8 + length > source.size:
        raise CorruptTarget("truncated", name=source.name, expected=8 + length, found=source.size)
    body = head[8 : 8 + length]
    if len(body) < length:
        body += source.read(8 + len(body), length - len(body))
    if len(body) < length:
        raise CorruptTarget("truncated", name=source.name, expected=8 + length, found=8 + len(body))
    tensors, places = _tensors(parse_object(body, source.name), source.name, source.size - 8 - length)
    return tensors, [(8 + length + begin, 8 + length + end) for begin, end in places]


def _tensors(header: dict[str, Any], name: str, data_size: int) -> tuple[list[Tensor], list[tuple[int, int]]]:
    tensors: list[Tensor] = []
    places: list[tuple[int, int]] = []
    for key, entry in header.items():
        if key == "__metadata__":
            continue
        try:
            dtype, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
            plain = type(begin) is type(end) is int and {type(side) for side in shape} <= {int}
        except (TypeError, KeyError, ValueError) as error:
            raise CorruptTarget("safetensors_entry", name=name, tensor=key[:80]) from error
        if not plain or min(shape, default=0) < 0 or begin < 0 or end < begin or len(shape) > 16:
            raise CorruptTarget("safetensors_entry", name=name, tensor=key[:80])
        if dtype not in DTYPE_BITS:
            raise CorruptTarget("safetensors_dtype", name=name, tensor=key[:80], dtype=str(dtype)[:20])
        bits = prod(shape) * DTYPE_BITS[dtype]
        if (bits + 7) // 8 != end - begin:
            raise CorruptTarget(
                "safetensors_size",
                name=name,
                tensor=key[:80],
                dtype=dtype,
                needs=(bits + 7) // 8,
                has=end - begin,
            )
        tensors.append(Tensor(key, dtype, shape))
        places.append((begin, end))
    _check_places(places, name, data_size)
    return tensors, places


def _check_places(places: list[tuple[int, int]], name: str, data_size: int) -> None:
    """Tensors must tile the data section: no hole, no overlap, nothing beyond the file's end."""
    at = 0
    for begin, end in sorted(places):
        if begin != at:
            code = "safetensors_overlap" if begin < at else "safetensors_hole"
            raise CorruptTarget(code, name=name, offset=begin, expected=at)
        at = end
    if at > data_size:
        raise CorruptTarget("truncated", name=name, expected=at, found=data_size)
    if at < data_size:
        raise CorruptTarget("safetensors_trailing", name=name, extra=data_size - at)
