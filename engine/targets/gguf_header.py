"""GGUF headers: metadata, vocabulary and tensor list, read front to back and no further.

The format's numbers (value types, tensor types, block sizes) come from the ``gguf`` package. Its
``GGUFReader`` is not used for reading: it maps a local file, so it cannot read over HTTP, and it keeps an
object for every array element. On the real Gemma 3 270M it takes 9.4 s and 731 MB where this takes 0.2 s
and 74 MB (``tests/benchmarks/gguf_readers.py``). A test compares both field by field.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from math import prod
from typing import Any

from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFValueType

from engine.errors import CorruptTarget
from engine.targets.source import Source
from engine.targets.target import ANCHORS, SAMPLE_IDS, Tensor, Vocabulary

HEADER_LIMIT = 150_000_000
_CHUNKS = (64 << 10, 512 << 10, 2 << 20)
_STRING_LIMIT = 4 << 20
_SCALARS = {
    GGUFValueType.UINT8: "<B", GGUFValueType.INT8: "<b", GGUFValueType.UINT16: "<H", GGUFValueType.INT16: "<h",
    GGUFValueType.UINT32: "<I", GGUFValueType.INT32: "<i", GGUFValueType.FLOAT32: "<f", GGUFValueType.BOOL: "<?",
    GGUFValueType.UINT64: "<Q", GGUFValueType.INT64: "<q", GGUFValueType.FLOAT64: "<d",
}  # fmt: skip
_FORMATS = {int(kind): struct.Struct(text) for kind, text in _SCALARS.items()}
_STRING, _ARRAY = int(GGUFValueType.STRING), int(GGUFValueType.ARRAY)
_CONTROL_TYPES = (3, 4)
"""llama.cpp token types: 3 control, 4 user-defined; together tokenizer.json's added tokens."""


@dataclass(slots=True)
class GGUFHeader:
    """What one GGUF file declares. ``metadata`` holds scalars and strings; arrays are counted in ``arrays``.
    ``places``: where in the file the bytes of each tensor begin and end."""

    metadata: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, int] = field(default_factory=dict)
    tokens: list[bytes] = field(default_factory=list)
    token_types: list[int] = field(default_factory=list)
    token_scores: list[float] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)


def read_gguf(source: Source) -> GGUFHeader:
    """Read the header of one file and check that its tensors lie within it.

    Raises:
        CorruptTarget: not GGUF, an unknown version, truncated or contradictory; names the file.
    """
    cursor = _Cursor(source)
    if source.size < 24 or cursor.take(4) != b"GGUF":
        raise CorruptTarget("gguf_magic", name=source.name)
    version = cursor.number("<I")
    if version not in (2, 3):
        # A big-endian file shows its version in the upper bytes; no current model is published so.
        raise CorruptTarget("gguf_version", name=source.name, version=version)
    tensor_count, pair_count = cursor.number("<Q"), cursor.number("<Q")
    if (
        pair_count * 13 > source.size
        or tensor_count * 24 > source.size
        or pair_count > 1 << 16
        or tensor_count > 1 << 20
    ):
        raise CorruptTarget("gguf_counts", name=source.name, tensors=tensor_count, pairs=pair_count)
    header = GGUFHeader()
    for _ in range(pair_count):
        _read_pair(cursor, header)
    within = [_read_tensor(cursor, header) for _ in range(tensor_count)]
    start = _check_data(cursor, header, max((end for _, end in within), default=0))
    header.places = [(start + begin, start + end) for begin, end in within]
    return header


def read_vocabulary(header: GGUFHeader) -> Vocabulary | None:
    """The vocabulary of a header that carries one (the first part of a split file)."""
    if not header.tokens:
        return None
    text = [token.decode("utf-8", "replace") for token in header.tokens]
    added = {
        text[index]: index
        for index, kind in enumerate(header.token_types[: len(text)])
        if kind in _CONTROL_TYPES and not text[index].startswith("[PAD")
    }
    return Vocabulary(
        source="gguf",
        size=sum(not token.startswith("[PAD") for token in text),
        merges=header.arrays.get("tokenizer.ggml.merges"),
        added=added,
        sample={index: text[index] for index in SAMPLE_IDS if index < len(text)},
        anchors={index: text[index] for index in ANCHORS if index < len(text)},
    )


def _read_pair(cursor: _Cursor, header: GGUFHeader) -> None:
    key = cursor.string()
    kind = cursor.number("<I")
    if kind == _STRING:
        header.metadata[key] = cursor.string()
    elif kind in _FORMATS:
        header.metadata[key] = cursor.unpack(_FORMATS[kind])
    elif kind == _ARRAY:
        _read_array(cursor, header, key)
    else:
        raise CorruptTarget("gguf_type", name=cursor.name, key=key[:80], type=kind)


def _read_array(cursor: _Cursor, header: GGUFHeader, key: str) -> None:
    kind, count = cursor.number("<I"), cursor.number("<Q")
    header.arrays[key] = count
    if kind == _STRING:
        tokens = cursor.strings(count, keep=key == "tokenizer.ggml.tokens")
        header.tokens = tokens or header.tokens
    elif kind in _FORMATS:
        width = _FORMATS[kind].size
        if count * width > cursor.left():
            raise CorruptTarget("truncated", name=cursor.name, expected=cursor.at + count * width, found=cursor.size)
        data = cursor.take(count * width)
        if key == "tokenizer.ggml.token_type":
            header.token_types = [value for (value,) in _FORMATS[kind].iter_unpack(data)]
        elif key == "tokenizer.ggml.scores":
            header.token_scores = [value for (value,) in _FORMATS[kind].iter_unpack(data)]
        elif count and key.endswith((".head_count_kv", ".head_count", ".feed_forward_length")):
            # One number a layer; the commonest speaks for the model.
            values = [value for (value,) in _FORMATS[kind].iter_unpack(data)]
            header.metadata[key] = max(set(values), key=values.count)
    else:
        raise CorruptTarget("gguf_type", name=cursor.name, key=key[:80], type=kind)


def _read_tensor(cursor: _Cursor, header: GGUFHeader) -> tuple[int, int]:
    """One tensor's entry; returns where its data begins and ends, counted from the start of the data section."""
    name = cursor.string()
    sides = cursor.number("<I")
    if sides > 8:
        raise CorruptTarget("gguf_tensor", name=cursor.name, tensor=name[:80])
    shape = tuple(cursor.number("<Q") for _ in range(sides))
    kind, offset = cursor.number("<I"), cursor.number("<Q")
    try:
        quantization = GGMLQuantizationType(kind)
    except ValueError as error:
        raise CorruptTarget("gguf_tensor_type", name=cursor.name, tensor=name[:80], type=kind) from error
    block, width = GGML_QUANT_SIZES[quantization]
    count = prod(shape)
    if count > 1 << 50 or (shape and shape[0] % block):
        raise CorruptTarget("gguf_tensor", name=cursor.name, tensor=name[:80])
    header.tensors.append(Tensor(name, quantization.name, shape[::-1]))
    return int(offset), int(offset + count // block * width)


def _check_data(cursor: _Cursor, header: GGUFHeader, end: int) -> int:
    """Where the data section begins."""
    alignment = header.metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 1 <= alignment <= 1 << 20:
        raise CorruptTarget("gguf_alignment", name=cursor.name, alignment=str(alignment)[:20])
    start = -(-cursor.at // alignment) * alignment
    if header.tensors and start + end > cursor.size:
        raise CorruptTarget("truncated", name=cursor.name, expected=start + end, found=cursor.size)
    return int(start)


class _Cursor:
    """Reads forward through a source, fetching more as it is needed."""

    def __init__(self, source: Source) -> None:
        self.source, self.name, self.size = source, source.name, source.size
        self.data = bytearray()
        self.at = 0
        self.fetches = 0

    def left(self) -> int:
        return self.size - self.at

    def need(self, end: int) -> None:
        if end > self.size:
            raise CorruptTarget("truncated", name=self.name, expected=end, found=self.size)
        if end > HEADER_LIMIT:
            raise CorruptTarget("gguf_header_length", name=self.name, limit=HEADER_LIMIT // 1_000_000)
        while len(self.data) < end:
            chunk = max(_CHUNKS[min(self.fetches, len(_CHUNKS) - 1)], min(end - len(self.data), 8 << 20))
            data = self.source.read(len(self.data), min(chunk, self.size - len(self.data)))
            if not data:
                raise CorruptTarget("truncated", name=self.name, expected=end, found=len(self.data))
            self.data += data
            self.fetches += 1

    def take(self, length: int) -> bytes:
        end = self.at + length
        if end > len(self.data):
            self.need(end)
        taken = bytes(self.data[self.at : end])
        self.at = end
        return taken

    def unpack(self, layout: struct.Struct) -> Any:
        end = self.at + layout.size
        if end > len(self.data):
            self.need(end)
        (value,) = layout.unpack_from(self.data, self.at)
        self.at = end
        return value

    def number(self, layout: str) -> int:
        return int(self.unpack(_NUMBERS[layout]))

    def string(self) -> str:
        length = self.number("<Q")
        if length > min(self.left(), _STRING_LIMIT):
            raise CorruptTarget("gguf_string", name=self.name, length=length)
        return self.take(length).decode("utf-8", "replace")

    def strings(self, count: int, *, keep: bool) -> list[bytes]:
        """An array of strings; skipped in place unless kept (merges run to half a million)."""
        if count * 8 > self.left():
            raise CorruptTarget("truncated", name=self.name, expected=self.at + count * 8, found=self.size)
        kept: list[bytes] = []
        at, data, unpack = self.at, self.data, _NUMBERS["<Q"].unpack_from
        filled = len(data)
        for _ in range(count):
            if at + 8 > filled:
                self.need(at + 8)
                filled = len(data)
            (length,) = unpack(data, at)
            at += 8
            if at + length > filled:
                if length > _STRING_LIMIT:
                    raise CorruptTarget("gguf_string", name=self.name, length=length)
                self.need(at + length)
                filled = len(data)
            if keep:
                kept.append(bytes(data[at : at + length]))
            at += length
        self.at = at
        return kept


_NUMBERS = {layout: struct.Struct(layout) for layout in ("<I", "<Q")}
