"""Where each tensor of a target lies, and its bytes by range: local files, or a Hub repository by range requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from engine.errors import CorruptTarget, TargetError
from engine.targets import open_target
from engine.targets.source import FileSource, Source
from engine.targets.target import Target


class Placed(NamedTuple):
    """A tensor and where its bytes lie. ``offset``: absolute, in the file numbered ``file``; ``length`` in bytes.
    ``dtype`` is the format's own name; ``shape`` in PyTorch order (outermost first)."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    file: int
    offset: int
    length: int


class TensorStore:
    """The tensors of one target, readable. Use as a context manager, or ``close`` it.

    Attributes:
        paths: the weight files where they are on this machine, else empty.
        tensors: by the name in the file.
        metadata: the scalars of a GGUF file, else empty.
        config: config.json, where there is one.
        target: that it was made of.
        bytes_read: what was read so far.
    """

    def __init__(self, target: Target) -> None:
        """A store over an opened target; reads nothing yet.

        Raises:
            TargetError: the target has no weights that could be read.
        """
        if not target.tensors:
            raise TargetError("no_weights", name=target.name)
        self.name, self.config = target.name, target.config
        self.kind: Literal["safetensors", "gguf"] = "gguf" if target.gguf is not None else "safetensors"
        self.files = tuple(file.name for file in target.weights)
        self.paths = tuple(target.root / name for name in self.files) if target.root is not None else ()
        self.metadata: Mapping[str, Any] = target.gguf or {}
        self.tensors: Mapping[str, Placed] = {
            tensor.name: Placed(*tensor, place.file, place.begin, place.end - place.begin)
            for tensor, place in zip(target.tensors, target.places, strict=True)
        }
        self.bytes_read = 0
        self.target = target
        self._sources: dict[int, Source] = {}
        self._hub: Any = None

    def read(self, placed: Placed, first: int = 0, length: int | None = None) -> bytes:
        """The bytes of a tensor, or ``length`` of them from its byte ``first``.

        Raises:
            CorruptTarget: the file ends before them.
        """
        wanted = placed.length - first if length is None else min(length, placed.length - first)
        data = self._source(placed.file).read(placed.offset + first, wanted)
        self.bytes_read += len(data)
        if len(data) < wanted:
            self._truncated(placed, first + wanted)
        return data

    def read_into(self, placed: Placed, buffer: memoryview | bytearray, first: int = 0) -> int:
        """Fill ``buffer`` from the tensor's byte ``first`` on, without a copy; local files only. Returns its size.

        Raises:
            CorruptTarget: the file ends before it is full.
        """
        source = self._source(placed.file)
        if not isinstance(source, FileSource):
            data = self.read(placed, first, len(buffer))
            buffer[: len(data)] = data
            return len(data)
        view, done = memoryview(buffer).cast("B"), 0
        while done < len(view):
            got = source.read_into(placed.offset + first + done, view[done:])
            if not got:
                self._truncated(placed, first + len(view))
            done += got
        self.bytes_read += done
        return done

    def is_hole(self, placed: Placed, first: int, length: int) -> bool:
        """Whether a sparse file has nothing on disk there; ``False`` where that cannot be known."""
        source = self._source(placed.file)
        return isinstance(source, FileSource) and source.is_hole(placed.offset + first, length)

    def close(self) -> None:
        """Close every file."""
        for source in self._sources.values():
            if isinstance(source, FileSource):
                source.close()
        self._sources.clear()
        if self._hub is not None:
            self._hub.client.close()
            self._hub = None

    def __enter__(self) -> TensorStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _source(self, number: int) -> Source:
        if number not in self._sources:
            self._sources[number] = self._open(number)
        return self._sources[number]

    def _open(self, number: int) -> Source:
        if self.paths:
            return FileSource(self.paths[number])
        if self._hub is None:
            from engine.targets.hub import reopen

            self._hub = reopen(self.target)
        source: Source = self._hub.open(self.files[number])
        return source

    def _truncated(self, placed: Placed, wanted: int) -> None:
        raise CorruptTarget(
            "truncated",
            name=self.files[placed.file],
            expected=placed.offset + wanted,
            found=self._source(placed.file).size,
        )


def open_store(spec: str) -> TensorStore:
    """The tensors of the target that ``spec`` names.

    Raises:
        TargetError, CorruptTarget, UsageError: as ``engine.targets.open_target``; ``no_weights`` where there are none.
    """
    return TensorStore(open_target(spec))
