"""Bytes by range, from a local file or over HTTP, and bounded JSON out of them."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any, Protocol

from engine.errors import CorruptTarget, TargetError

JSON_LIMIT = 100_000_000
_BRACKETS, _QUOTES = 2_000_000, 8_000_000
"""Bounds on what JSON text may unfold to: 1.3 million strings is the most a real tokenizer.json holds."""


class Source(Protocol):
    """Something to read ranges of."""

    name: str
    size: int

    def read(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset``; fewer only at the end."""
        ...


class FileSource:
    """A regular local file. ``bytes_read`` counts what was read."""

    def __init__(self, path: Path) -> None:
        self.path, self.name, self.bytes_read = path, path.name, 0
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise TargetError("not_a_file", name=str(path))
            self._file = os.open(path, os.O_RDONLY)
        except PermissionError as error:
            raise TargetError("no_permission", name=str(path)) from error
        except OSError as error:
            raise TargetError("unreadable", name=str(path), problem=error.strerror or str(error)) from error
        self.size = status.st_size

    def read(self, offset: int, length: int) -> bytes:
        try:
            data = os.pread(self._file, length, offset)
        except OSError as error:
            raise TargetError("unreadable", name=str(self.path), problem=error.strerror or str(error)) from error
        self.bytes_read += len(data)
        return data

    def read_into(self, offset: int, buffer: memoryview) -> int:
        """Fill ``buffer`` from ``offset`` on, as far as one call of the system does; returns how far."""
        try:
            got = os.preadv(self._file, [buffer], offset)
        except OSError as error:
            raise TargetError("unreadable", name=str(self.path), problem=error.strerror or str(error)) from error
        self.bytes_read += got
        return got

    def is_hole(self, offset: int, length: int) -> bool:
        """Whether a sparse file has nothing on disk in this range; ``False`` where the system cannot tell."""
        try:
            return os.lseek(self._file, offset, os.SEEK_DATA) >= offset + length
        except (OSError, AttributeError) as error:
            # ENXIO: no data from here to the end of the file.
            return getattr(error, "errno", None) == errno.ENXIO

    def close(self) -> None:
        os.close(self._file)

    def __enter__(self) -> FileSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def check_bounds(data: bytes, name: str) -> None:
    """Refuse what would take too much memory as JSON.

    Raises:
        CorruptTarget: too much of it; names the file.
    """
    if len(data) > JSON_LIMIT or data.count(b"[") + data.count(b"{") > _BRACKETS or data.count(b'"') > _QUOTES:
        raise CorruptTarget("json_too_large", name=name)


def parse_json(data: bytes, name: str) -> Any:
    """JSON of bounded size, depth and fan-out.

    Raises:
        CorruptTarget: not JSON, or too much of it; names the file.
    """
    import orjson

    check_bounds(data, name)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        # Python's own parser takes NaN and Infinity, which transformers writes; orjson does not.
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise CorruptTarget("json_invalid", name=name, problem=_first_words(error)) from error


def parse_object(data: bytes, name: str) -> dict[str, Any]:
    """As ``parse_json``, and it must be an object."""
    value = parse_json(data, name)
    if not isinstance(value, dict):
        raise CorruptTarget("json_invalid", name=name, problem="it is no JSON object")
    return value


def _first_words(error: Exception) -> str:
    return (str(error).splitlines() or ["nested too deeply"])[0][:80]
