"""What time it is. Several bots share a database server, and its clock: one whose own is wrong would look too soon, and take
over what another is doing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine, text

from bot.store.models import now

READ_EVERY = 60.0
"""Seconds after which the server's clock is read again; between, seconds are counted that no change of a clock moves."""


def clock_of(engine: Engine) -> Callable[[], datetime]:
    """The clock of a database server; of SQLite, this machine's."""
    return _ServerClock(engine) if engine.dialect.name == "postgresql" else now


class _ServerClock:
    def __init__(self, engine: Engine) -> None:
        self.engine, self.lock = engine, threading.Lock()
        self.read: tuple[float, datetime] | None = None

    def __call__(self) -> datetime:
        with self.lock:
            if self.read is None or time.monotonic() - self.read[0] > READ_EVERY:
                with self.engine.connect() as connection:
                    said: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
                self.read = time.monotonic(), said
            at, told = self.read
        return told + timedelta(seconds=time.monotonic() - at)
