"""Brings what will be read next from the disk into the system's page cache, while something else is computed.

By reading it, into a small buffer that is thrown away, rather than by asking for it (``posix_fadvise`` with
WILLNEED): Linux answers that in single pages, which take three times the processor time to fill and to copy out of
as the large ones it uses for a reader; and it works wherever files do. Measured in ``tests/benchmarks/streaming.py``.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

_STEP = 1 << 20
"""Bytes read at once: less than a core's cache, and enough for a disk."""
_READERS = 4
"""One leaves the disk idle while it copies; on two busy cores four streamed at 2.9 GB/s, two at 1.8 (medians of seven
runs by turns)."""


class PageCache:
    """Walks through what will be read and stays a bounded way ahead of the reader.

    It holds a megabyte a thread: the page cache is the system's, and is given up when a process needs room. Does
    nothing where the files are not here.
    """

    def __init__(self, paths: Sequence[Path], wanted: Iterable[tuple[int, int, int]], ahead: int) -> None:
        """Begin with the first of ``wanted`` (file, offset, length).

        Args:
            ahead: most bytes asked for and not yet read.
        """
        self._paths, self._ahead = paths, ahead
        self._steps = iter(
            (file, begin, min(_STEP, offset + length - begin))
            for file, offset, length in list(wanted)
            for begin in range(offset, offset + length, _STEP)
        )
        self._asked = self._read = 0
        self._changed = threading.Condition()
        self._closed = not paths or ahead <= 0
        count = 0 if self._closed else _READERS
        self._threads = [threading.Thread(target=self._walk, name="page-cache", daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def read(self, count: int) -> None:
        """The reader got ``count`` bytes further."""
        with self._changed:
            self._read += count
            self._changed.notify_all()

    def close(self) -> None:
        """Read nothing more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _next(self) -> tuple[int, int, int] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._asked < self._read + self._ahead)
            step = None if self._closed else next(self._steps, None)
            self._asked += step[2] if step else 0
            return step

    def _walk(self) -> None:
        files: dict[int, int] = {}
        buffer = memoryview(bytearray(_STEP))
        try:
            while (step := self._next()) is not None:
                number, begin, length = step
                if number not in files:
                    files[number] = os.open(self._paths[number], os.O_RDONLY)
                os.preadv(files[number], [buffer[:length]], begin)
        except OSError:
            return  # reading ahead is a favour; whoever reads the file itself reports what is wrong with it
        finally:
            for opened in files.values():
                os.close(opened)
