"""Looks that are due, into jobs: each once, however many processes do this at the same time."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bot.jobs import accept
from bot.requests import Origin, request_from_json
from bot.settings import Settings
from bot.store import Store
from bot.store.models import JobRow, RequestRow, WatchRow
from bot.watches.changing import next_look

log = logging.getLogger("r1.watches")
EVERY = 2.0
"""Seconds between two ticks of a process."""
WAITING = 32
"""Looks that wait at the same time. People's own questions go first."""


class _Taken(Exception):
    """Another process made the job, or the watch was changed meanwhile."""


@dataclass(frozen=True, slots=True)
class _Due:
    row: WatchRow
    at: datetime

    @property
    def key(self) -> str:
        return f"watch:{self.row.id}:{self.at:%Y-%m-%dT%H:%M:%S.%fZ}"


def tick(store: Store, settings: Settings, *, moment: datetime | None = None, most: int = WAITING) -> int:
    """Have looks done that are due, those that wait longest first; returns for how many a job was made.

    However many times a watch missed, it looks once, and then goes on as scheduled.

    Args:
        moment: what time it is; by the database where it is not given.
        most: so many looks may wait to be done.
    """
    clock = moment or store.clock()
    with store.read() as session:
        due = _due(session, clock, most)
        room = most - _waiting(session) if due else 0
    return sum(_made(store, one, clock) for one in due[: max(room, 0)])


def _due(session: Session, clock: datetime, most: int) -> list[_Due]:
    late = (WatchRow.state == "active") & (WatchRow.next_at <= clock)
    rows = session.scalars(select(WatchRow).where(late).order_by(WatchRow.next_at, WatchRow.id).limit(most))
    return [_Due(row, row.next_at) for row in rows if row.next_at is not None]


def _waiting(session: Session) -> int:
    """Looks that are queued or under way; notices are computed already."""
    looks = RequestRow.dedup_key.like("watch:%") & JobRow.state.in_(("queued", "running"))
    query = select(func.count()).select_from(JobRow).join(RequestRow, RequestRow.id == JobRow.request_id).where(looks)
    return session.scalar(query) or 0


def _made(store: Store, due: _Due, clock: datetime) -> bool:
    """Make the job and set the next time in one transaction, if nobody else did."""
    row = due.row
    # A terminal's watch looks with the rights of a terminal: it was made by whoever runs the bot.
    surface, thread = ("watch", row.thread_ts) if row.team else ("cli", None)
    origin = Origin(surface, row.team, row.channel, row.user, thread)  # type: ignore[arg-type]
    try:
        job = accept(
            store,
            request_from_json(row.request),
            origin,
            dedup_key=due.key,
            check=lambda session: _move_on(session, due, clock),
        )
    except _Taken:
        return False
    if job is None:  # looked at that very moment before; clocks may be set back
        try:
            with store.begin() as session:
                _move_on(session, due, clock)
        except _Taken:
            pass
        return False
    return True


def _move_on(session: Session, due: _Due, clock: datetime) -> None:
    following = next_look(due.row, max(clock, due.at))
    mine = (WatchRow.id == due.row.id) & (WatchRow.state == "active") & (WatchRow.next_at == due.at)
    after = {"next_at": following} if following is not None else {"next_at": None, "state": "done", "ended": clock}
    changed = session.execute(update(WatchRow).where(mine).values(**after).returning(WatchRow.id)).all()
    if not changed:
        raise _Taken
