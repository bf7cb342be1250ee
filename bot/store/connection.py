"""Opening the store: SQLite or PostgreSQL, migrated to this version's schema on first use."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session, sessionmaker

from bot.store.clock import clock_of
from engine.errors import R1Error, UsageError

HEAD = "0006"
"""Newest migration. Kept here so that an up-to-date store opens without importing Alembic; a test holds
it to Alembic's own head."""
_ADVISORY_LOCK = 0x5231
_BUSY_SECONDS = 30.0
_LOOKS = "r1_looks"


class StoreError(R1Error):
    """The database cannot be used; nothing in it was changed."""


@dataclass(frozen=True, slots=True)
class Store:
    """An open database.

    Attributes:
        turn: held by whoever writes. SQLite has one writer at a time, and lets those who wait sleep for up to a tenth
            of a second; threads of one process take turns instead.
        clock: what time it is for all who share the database.
    """

    engine: Engine
    sessions: sessionmaker[Session]
    readers: sessionmaker[Session]
    turn: AbstractContextManager[Any]
    clock: Callable[[], datetime]

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only looks: on SQLite, which has one writer at a time, nobody waits for it."""
        with self.readers.begin() as session:
            yield session

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """A transaction: committed at the end, rolled back on error."""
        with self.turn, self.sessions.begin() as session:
            yield session

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


def open_store(url: str) -> Store:
    """Open the database at ``url``, creating or migrating it where needed.

    Raises:
        UsageError: the URL is no database URL.
        StoreError: unreachable, unwritable, damaged, or of a newer version; the sentence says which.
    """
    parsed = _parse(url)
    shown = parsed.render_as_string(hide_password=True)
    try:
        engine = _connect(parsed)
        found = schema_version(engine)
        if found != HEAD:
            if found is not None and found > HEAD:
                raise StoreError("store_newer", url=shown, found=found, known=HEAD)
            upgrade(engine)
    except (DBAPIError, OSError) as error:
        problem = str(getattr(error, "orig", None) or error).strip().splitlines()[0][:160]
        raise StoreError("store_unusable", url=shown, problem=problem) from error
    looking = engine.execution_options(**{_LOOKS: True})
    return Store(
        engine,
        sessionmaker(engine, expire_on_commit=False),
        sessionmaker(looking, expire_on_commit=False),
        threading.RLock() if engine.dialect.name == "sqlite" else nullcontext(),
        clock_of(engine),
    )


def look_at(url: str, *, seconds: int) -> Engine | None:
    """An engine for looking: nothing is created or migrated; ``None`` where SQLite's file is not there yet.

    Args:
        seconds: how long a server may take to answer.

    Raises:
        UsageError: the URL is no database URL.
    """
    parsed = _parse(url)
    missing = parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists()
    return None if missing else _connect(parsed, seconds)


def schema_version(engine: Engine) -> str | None:
    """The migration the database is at; ``None`` for an empty one."""
    with engine.connect() as connection:
        if not engine.dialect.has_table(connection, "alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def upgrade(engine: Engine) -> None:
    """Bring the schema to ``HEAD``; safe when several processes do it at once."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_path()))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        # On SQLite the transaction begins as a writer: a second process waits, then finds nothing to do.
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)


def migrations_path() -> Path:
    """Where the migrations are: beside this module when installed, at the top of a checkout."""
    installed = Path(__file__).parent / "migrations"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "migrations"


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise UsageError("store_url", url=url[:120]) from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise UsageError("store_url", url=parsed.render_as_string(hide_password=True)[:120])
    if parsed.get_backend_name() == "postgresql" and parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    return parsed


def _connect(url: URL, seconds: int = 10) -> Engine:
    if url.get_backend_name() == "postgresql":
        try:
            return create_engine(url, pool_pre_ping=True, pool_size=10, connect_args={"connect_timeout": seconds})
        except (ModuleNotFoundError, NoSuchModuleError) as error:
            raise UsageError("store_driver") from error
    if url.database and url.database != ":memory:":
        path = Path(url.database)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            # Verdicts name internal paths and users: theirs alone to read.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    engine = create_engine(url, connect_args={"timeout": 30})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver
    for pragma in ("busy_timeout=30000", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    until = time.monotonic() + _BUSY_SECONDS
    while True:  # several processes that switch a new database at once are refused without a wait
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


def _begin_sqlite(connection: Any) -> None:
    # A deferred transaction that turns to writing can fail at once with SQLITE_BUSY; one that begins
    # as a writer waits its turn.
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(_LOOKS) else "BEGIN IMMEDIATE")
