"""One message a day instead of one a change: what it gathers, when it is told, and of whose watches.

A digest is a job whose request says which notices it tells; each notice is a request of its own, so that it goes with
who watches. Notices are added only while nobody has taken the job, and wait for the next day's where somebody has: each
is told once, whichever process dies when. Every function takes an open session; callers own the transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from bot.jobs import WatchLine
from bot.requests import Lang, Origin, Request, request_from_json, request_to_json, schedule_from_json
from bot.store.models import JobRow, LookRow, RequestRow, WatchRow
from bot.store.queries import add_request
from bot.watches.changing import line_of
from bot.watches.times import digest_after, week_after

if TYPE_CHECKING:
    from bot.watches.notices import Notice

_CHANGES = ("changed", "replaced", "recovered")
_WEEK = timedelta(days=7)
_MOST = 200
"""Watches of one place that a digest looks at."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What is told once a day.

    Attributes:
        due: when.
        notices: what was found since the last one, the earliest first.
        others: the watches of the place of which nothing is told.
        quiet: nothing is to be told, and nothing was in the week before.
        looks, failed: how many looks that week had, and how many of them failed, where it was quiet.
    """

    due: datetime
    notices: tuple[Notice, ...] = ()
    others: tuple[WatchLine, ...] = ()
    quiet: bool = False
    looks: int = 0
    failed: int = 0

    @property
    def empty(self) -> bool:
        """Whether there is nothing to say."""
        return not self.notices and not self.quiet


@dataclass(frozen=True, slots=True)
class Place:
    """Where a digest is told; ``user``: to whom alone."""

    team: str
    channel: str
    user: str = ""

    @property
    def origin(self) -> Origin:
        return Origin("watch", self.team, self.channel, self.user)


def place_of(origin: Origin, *, private: bool) -> Place:
    """Where the notices that go to ``origin`` are gathered: a channel has one digest, whatever its threads."""
    alone = private or origin.channel.startswith("D")
    return Place(origin.team, origin.channel, origin.user if alone else "")


def hold(session: Session, row: WatchRow, place: Place, notice_id: str, lang: Lang, seen: datetime) -> None:
    """Have the place's next digest tell a notice."""
    schedule, after = schedule_from_json(row.schedule), seen
    _lock(session, place)
    while True:
        due = digest_after(schedule, after, row.timezone)
        weekly = due == week_after(schedule, after, row.timezone)
        asked, job = _digest(session, place, due, lang, weekly=weekly)
        if job.state == "computed" and job.attempt == 0:
            break
        after = due
    request = request_from_json(asked.payload)
    told = {**(request.notice or {}), "notices": [*(request.notice or {}).get("notices", ()), notice_id]}
    asked.payload = request_to_json(replace(request, notice=told))
    session.flush()


def expect(session: Session, row: WatchRow, place: Place, lang: Lang, moment: datetime) -> None:
    """Have the place told once a week that all is quiet: only silence would not say whether anybody still looks."""
    due = week_after(schedule_from_json(row.schedule), moment, row.timezone)
    if session.scalar(select(RequestRow.id).where(RequestRow.dedup_key == _key(place, due))) is None:
        _lock(session, place)
        _digest(session, place, due, lang, weekly=True)


def load_digest(session: Session, request: Request, origin: Origin, load: Callable[[Request], Notice]) -> Digest:
    """What a digest tells. Of watches that were stopped meanwhile nothing is."""
    told = request.notice or {}
    due = datetime.fromisoformat(told["due"])
    kept = session.scalars(select(RequestRow).where(RequestRow.id.in_(told.get("notices", ())))).all()
    asked = [request_from_json(entry.payload) for entry in kept]
    place = Place(origin.team, origin.channel, origin.user)
    rows = _watches(session, place)
    named = {one.watch: session.get(WatchRow, one.watch or "") for one in asked}
    notices = [load(one) for one in asked if (row := named.get(one.watch)) is not None and row.state != "removed"]
    news = {notice.watch.id for notice in notices}
    others = tuple(line_of(row) for row in rows if row.id not in news)
    weekly = told["weekly"] and not notices and not _had_news(session, place, due)
    states = _week(session, [row.id for row in rows], due) if weekly else {}
    quiet = bool(states) and not any(state in states for state in _CHANGES)
    by_time = tuple(sorted(notices, key=lambda notice: notice.seen))
    return Digest(due, by_time, others, quiet, sum(states.values()), states.get("failing", 0))


def _digest(session: Session, place: Place, due: datetime, lang: Lang, *, weekly: bool) -> tuple[RequestRow, JobRow]:
    """The digest of a place at a time, made where there is none; nobody takes its job before the transaction ends."""
    found = select(RequestRow).where(RequestRow.dedup_key == _key(place, due))
    asked = session.scalars(found.execution_options(populate_existing=True)).one_or_none()
    if asked is None:
        told = {"kind": "digest", "due": due.isoformat(), "notices": [], "weekly": weekly}
        request = Request("watch", "digest", lang, notice=told, private=True if place.user else None)
        asked = session.get_one(RequestRow, add_request(session, request, place.origin, _key(place, due)))
        # Of its hour, not of the hour in which somebody first had something for it.
        session.add(JobRow(request_id=asked.id, created=due, state="computed", lease_until=due.timestamp()))
        session.flush()
    waiting = select(JobRow).where(JobRow.request_id == asked.id).with_for_update()
    return asked, session.scalars(waiting.execution_options(populate_existing=True)).one()


def _key(place: Place, due: datetime) -> str:
    return f"digest:{place.team}:{place.channel}:{place.user}:{due:%Y-%m-%dT%H:%MZ}"


def _lock(session: Session, place: Place) -> None:
    if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer at a time anyhow
        who = {"who": f"digest {place.team} {place.channel} {place.user}"}
        session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:who, 0))"), who)


def _watches(session: Session, place: Place) -> list[WatchRow]:
    """The watches that go on and are told of in the place's digest."""
    channel = func.coalesce(WatchRow.schedule["channel"].as_string(), WatchRow.channel)
    private = func.coalesce(WatchRow.request["private"].as_boolean(), False)
    query = select(WatchRow).where(
        WatchRow.team == place.team,
        WatchRow.state == "active",
        WatchRow.schedule["digest"].as_string().is_not(None),
        channel == place.channel,
    )
    if place.user:
        query = query.where(WatchRow.user == place.user)
        query = query if place.channel.startswith("D") else query.where(private, WatchRow.channel == place.channel)
    else:
        query = query.where(~private | (WatchRow.channel != place.channel))
    return list(session.scalars(query.order_by(WatchRow.created, WatchRow.id).limit(_MOST)))


def _had_news(session: Session, place: Place, due: datetime) -> bool:
    """Whether a digest of the week before told something, though it may be over: a failure, say."""
    within = (RequestRow.dedup_key > _key(place, due - _WEEK), RequestRow.dedup_key < _key(place, due))
    digests = session.scalars(select(RequestRow.payload).where(*within))
    return any((request_from_json(payload).notice or {}).get("notices") for payload in digests)


def _week(session: Session, watch_ids: list[str], due: datetime) -> dict[str, int]:
    """How many looks of the week before said what."""
    within = (LookRow.watch_id.in_(watch_ids), LookRow.at >= due - _WEEK, LookRow.at < due)
    counted = session.execute(select(LookRow.state, func.sum(LookRow.looks)).where(*within).group_by(LookRow.state))
    return {state: int(looks) for state, looks in counted if looks or state in _CHANGES}
