"""SQLite has one bot: two that look at watches and answer from one file would wait for each other's locks, and a file that
several machines share is soon damaged. Several instances share a PostgreSQL."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import make_url

from bot.store.connection import StoreError


@dataclass(frozen=True, slots=True)
class Holder:
    """The bot that runs on a file: its process, the machine and since when (UTC), as far as it says so."""

    pid: str = ""
    host: str = ""
    since: str = ""


@contextmanager
def only_instance(url: str) -> Iterator[None]:
    """Be the only bot on a SQLite file for as long as the block runs; the lock goes with the process, however that ends.
    On a database server there may be any number.

    Raises:
        StoreError: another bot runs on the file.
    """
    path = _lock_file(url)
    if path is None:
        yield
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError("store_unusable", url=url, problem=error.strerror or "?") from error
    try:
        if not _locked(held):
            raise StoreError("store_taken", file=str(path).removesuffix(".lock"))
        os.ftruncate(held, 0)
        os.write(held, f"{os.getpid()} {socket.gethostname()} {datetime.now(UTC):%Y-%m-%dT%H:%MZ}\n".encode())
        yield
    finally:
        os.close(held)


def holder_of(url: str) -> Holder | None:
    """The bot that runs on a SQLite file; ``None`` where none does."""
    path = _lock_file(url)
    try:
        held = os.open(path, os.O_RDWR) if path is not None else None
    except OSError:  # nobody ever ran on it
        return None
    if held is None:
        return None
    try:
        if _locked(held, tries=1):  # let go of at once
            return None
        pid, host, since, *_ = (*os.read(held, 400).decode(errors="replace").split(), "", "", "")
    finally:
        os.close(held)
    return Holder(pid, host, since)


def _lock_file(url: str) -> Path | None:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        return None
    return Path(f"{parsed.database}.lock")


def _locked(held: int, *, tries: int = 3) -> bool:
    """Whether the file is this process's now. Who only looks has it for a moment: it is tried again."""
    try:
        import fcntl
    except ImportError:  # Windows has no such lock, and only development is done there
        return True
    for left in reversed(range(tries)):
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(0.05 if left else 0.0)
        else:
            return True
    return False
