"""SQLite has one bot: two that look at watches and answer from one file would wait for each other's locks, and a file that
several machines share is soon damaged. Several instances share a PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

from bot.store.connection import StoreError


@contextmanager
def only_instance(url: str) -> Iterator[None]:
    """Be the only bot on a SQLite file for as long as the block runs; the lock goes with the process, however that ends.
    On a database server there may be any number.

    Raises:
        StoreError: another bot runs on the file.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        yield
        return
    path = Path(f"{parsed.database}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError("store_unusable", url=url, problem=error.strerror or "?") from error
    try:
        if not _locked(held):
            raise StoreError("store_taken", file=parsed.database)
        yield
    finally:
        os.close(held)


def _locked(held: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows has no such lock, and only development is done there
        return True
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
