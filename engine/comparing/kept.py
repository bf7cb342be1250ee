"""Answers kept by what was asked of whom, so that no model is asked the same twice: after a crash, or of another model."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from engine.comparing.records import Answer

KEPT_DAYS = 7.0
"""An endpoint may be another model next week: older answers are asked for again."""
_FILE = "answers.sqlite"


class Kept:
    """Answers in a file; one that is damaged counts as empty. ``None`` for the folder: none are kept."""

    def __init__(self, folder: Path | None) -> None:
        self._database = _opened(folder / _FILE) if folder is not None else None

    def get(self, key: str, case: str) -> Answer | None:
        """The answer kept under a key, as that of this case."""
        if self._database is None:
            return None
        since = time.time() - KEPT_DAYS * 86_400
        with closing(
            self._database.execute("SELECT answer FROM answers WHERE key = ? AND at > ?", (key, since))
        ) as found:
            row = found.fetchone()
        return replace(Answer(**json.loads(row[0])), case=case, cached=True) if row else None

    def put(self, key: str, answer: Answer) -> None:
        """Keep an answer; at once, whatever happens next."""
        if self._database is not None:
            values = (key, time.time(), json.dumps(asdict(answer), ensure_ascii=False))
            self._database.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", values)

    def close(self) -> None:
        """Let go of the file."""
        if self._database is not None:
            self._database.close()


@contextmanager
def kept_in(folder: Path | None) -> Iterator[Kept]:
    """The answers kept in a folder."""
    kept = Kept(folder)
    try:
        yield kept
    finally:
        kept.close()


def key_of(**asked: Any) -> str:
    """The key of what was asked of whom."""
    return hashlib.sha256(json.dumps(asked, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _opened(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _ready(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        path.rename(path.with_suffix(f".damaged-{int(time.time())}"))
        return _ready(path)


def _ready(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=30, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute(
        "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, at REAL NOT NULL, answer TEXT NOT NULL)"
    )
    database.execute("DELETE FROM answers WHERE at < ?", (time.time() - KEPT_DAYS * 86_400,))
    return database
