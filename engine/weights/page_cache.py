"""Brings what will be read next from the disk into the system's page cache, while something else is computed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

_STEP = 1 << 20
"""Bytes a request. Linux cuts one off at its readahead window (8 MB here, 128 KB by default), so it is made
smaller where the device says that its window is."""
_LEAST = 128 << 10


class PageCache:
    """Walks through what will be read and stays a bounded way ahead of the reader.

    It holds no memory of its own: the page cache is the system's, and is given up when a process needs room.
    Does nothing where the system has no ``posix_fadvise`` (macOS) or the files are not here.
    """

    def __init__(self, paths: Sequence[Path], wanted: Iterable[tuple[int, int, int]], ahead: int) -> None:
        """Begin with the first of ``wanted`` (file, offset, length).

        Args:
            ahead: most bytes asked for and not yet read.
        """
        self._paths, self._wanted, self._ahead = paths, list(wanted), ahead
        self._asked = self._read = 0
        self._changed = threading.Condition()
        self._closed = not paths or ahead <= 0 or not hasattr(os, "posix_fadvise")
        self._thread = threading.Thread(target=self._walk, name="page-cache", daemon=True)
        if not self._closed:
            self._thread.start()

    def read(self, count: int) -> None:
        """The reader got ``count`` bytes further."""
        with self._changed:
            self._read += count
            self._changed.notify()

    def close(self) -> None:
        """Ask for nothing more."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()

    def _walk(self) -> None:
        files: dict[int, tuple[int, int]] = {}
        try:
            for number, offset, length in self._wanted:
                if number not in files:
                    opened = os.open(self._paths[number], os.O_RDONLY)
                    files[number] = opened, _window(opened)
                file, step = files[number]
                for begin in range(offset, offset + length, step):
                    with self._changed:
                        self._changed.wait_for(lambda: self._closed or self._asked < self._read + self._ahead)
                        if self._closed:
                            return
                    size = min(step, offset + length - begin)
                    os.posix_fadvise(file, begin, size, os.POSIX_FADV_WILLNEED)
                    self._asked += size
        except OSError:
            return  # reading ahead is a favour; whoever reads the file itself reports what is wrong with it
        finally:
            for opened, _ in files.values():
                os.close(opened)


def _window(file: int) -> int:
    """The bytes that one request may ask of the device a file is on."""
    device = os.fstat(file).st_dev
    folder = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    for queue in (folder / "queue", folder / "../queue"):
        try:
            return max(_LEAST, min(_STEP, int((queue / "read_ahead_kb").read_text()) << 10))
        except (OSError, ValueError):
            continue
    return _LEAST
