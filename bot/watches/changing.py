"""Making, changing and listing watches. Every function takes an open session; callers own the transaction."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, text
from sqlalchemy.orm import Session

from bot.access import check_place, check_target, is_admin
from bot.endpoints import is_endpoint_url, is_name, resolve
from bot.jobs import WatchLine
from bot.people import timezone_of
from bot.requests import Action, Origin, Request, Schedule, request_to_json, schedule_from_json, schedule_to_json
from bot.settings import Settings
from bot.store.models import JobRow, LookRow, RequestRow, WatchRow, new_id, now
from bot.store.queries import latest_verdict, storable
from bot.watches.checking import last_checks, remember_watched, watched_of
from bot.watches.known import known_from_json, known_of, known_to_json
from bot.watches.muting import FOR, UNTIL_CHANGE, muted
from bot.watches.times import check_schedule, next_run, spread, usual
from engine.errors import TargetError, UsageError
from engine.targets.spec import HubRef, parse_spec

LISTED = 30
_LIVE = ("active", "paused")


def add_watch(
    session: Session, request: Request, origin: Origin, settings: Settings, *, request_id: str | None = None
) -> WatchRow:
    """Watch a target from now on. Watched already by the same person for the same place, it gets the new schedule.

    Args:
        request_id: the question's own.

    Raises:
        R1Error: it may not be watched, there is nothing to look at any more, or these are too many.
    """
    asked = resolve(session, request, origin, settings)
    check_target(request, origin, settings, registered=asked is not None)
    target = _here(request, registered=asked is not None) if origin.surface == "cli" else request.target or ""
    schedule = usual(request.schedule, endpoint=asked is not None)
    check_schedule(schedule)
    _check_channel(schedule, origin, settings)
    _check_notified(schedule, origin, private=bool(request.private))
    known = _watched_already(session, target, request, origin)
    if known is None:
        _check_count(session, origin, settings)
    moment = now()
    row = known or WatchRow(id=new_id(), created=moment, team=origin.team, user=origin.user, target=storable(target))
    row.channel, row.thread_ts = origin.channel, origin.thread_ts
    row.request = storable(request_to_json(_look(request, target, row.id)))
    row.schedule = storable(schedule_to_json(schedule))
    row.timezone = schedule.timezone or timezone_of(session, origin.team, origin.user)
    row.state, row.ended, row.failures, row.request_id = "active", None, 0, request_id
    row.next_at = next_look(row, moment)
    if row.next_at is None:
        raise UsageError("watch_never")
    if row.known is None:
        _remember_latest(session, row, request)
    if row.known is None and schedule.once is None:  # nothing to compare with yet: the first look is at once
        row.next_at = moment
    session.add(row)
    session.flush()
    return row


def change_watch(
    session: Session,
    watch_id: str,
    action: Action,
    origin: Origin,
    settings: Settings,
    *,
    request_id: str | None = None,
    until: date | None = None,
) -> WatchLine:
    """Pause, resume or stop a watch, have it look now, take what its endpoint changed into as normal, or tell nobody for a
    while or until it changes; named by its id or its target.

    Args:
        until: for ``mute``, the last day on which nobody is told; a week from now where none is given.

    Raises:
        UsageError: there is none such, it is somebody else's, it has nothing more to look at, or nothing has changed.
    """
    row = watch_meant(session, watch_id, origin, settings, locked=True)
    moment = now()
    if action == "pause" and row.state == "active":
        row.state, row.next_at = "paused", None
    elif action == "resume" and row.state != "active":
        following = next_look(row, moment)
        if following is None:
            raise UsageError("watch_over", target=row.target[:120])
        row.state, row.next_at, row.failures, row.ended = "active", following, 0, None
    elif action == "remove":
        row.state, row.next_at, row.ended = "removed", None, moment
        call_off(session, [row.id])
    elif action == "run":
        row.next_at, row.state = moment, "active"
    elif action == "accept":
        _accept(session, row)
    elif action == "mute":
        row.muted_until = _end_of(until, row.timezone) if until is not None else moment + FOR
    elif action == "mute_change":
        row.muted_until = UNTIL_CHANGE
    elif action == "unmute":
        row.muted_until = None
    row.request_id = request_id or row.request_id
    session.flush()
    return line_of(row)


def _accept(session: Session, row: WatchRow) -> None:
    """Compare with what the endpoint is now from now on."""
    from engine.behaviour.checking import accept

    watched = watched_of(session, row.id)
    if watched is None or (watched.change is None and not watched.differs):
        raise UsageError("watch_nothing_changed", target=row.target[:120])
    remember_watched(session, row.id, accept(watched))
    session.add(LookRow(watch_id=row.id, kind="accept", state="accepted", record={}))


def _end_of(day: date, timezone: str) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(timezone)).astimezone(UTC)


def watch_meant(session: Session, named: str, origin: Origin, settings: Settings, *, locked: bool = False) -> WatchRow:
    """The watch that a person means and may change: by its id, or by its target.

    Args:
        locked: it is about to be changed.

    Raises:
        UsageError: there is none such, it is somebody else's, or it may be any of several.
    """
    said, anybodys = named.strip().strip("`#"), origin.surface == "cli" or is_admin(origin, settings)
    row = session.get(WatchRow, said, with_for_update=locked or None)
    if row is not None and _is_of(row, origin) and row.state != "removed":
        if not anybodys and row.user != origin.user:
            raise UsageError("watch_not_yours", id=row.id)
        return row
    about = or_(func.lower(WatchRow.target) == said.lower(), WatchRow.target == str(Path(said).expanduser().absolute()))
    query = select(WatchRow).where(about, WatchRow.state.in_((*_LIVE, "done")), *_team(origin))
    found = session.scalars(query.with_for_update() if locked else query).all()
    mine = [row for row in found if row.user == origin.user] or (list(found) if anybodys else [])
    live = [row for row in mine if row.state in _LIVE] or mine
    if not live:
        raise UsageError("watch_not_yours" if found else "watch_unknown", id=said[:120])
    if len(live) > 1:
        raise UsageError("watch_several", target=said[:120], ids=", ".join(row.id for row in live[:10]))
    return live[0]


def list_watches(
    session: Session, origin: Origin, *, target: str | None = None, limit: int = LISTED
) -> tuple[WatchLine, ...]:
    """What a person has watched, and what others have watched for the channel they are in; in a terminal all of it."""
    query = select(WatchRow).where(WatchRow.state.in_(_LIVE), *_team(origin))
    if origin.surface != "cli":
        private = WatchRow.request["private"].as_boolean()
        here = and_(WatchRow.channel == origin.channel, or_(private.is_(None), private.is_(False)))
        query = query.where(or_(WatchRow.user == origin.user, here))
    if target:
        query = query.where(WatchRow.target.icontains(target, autoescape=True))
    rows = session.scalars(query.order_by(WatchRow.created.desc(), WatchRow.id).limit(limit)).all()
    checks = last_checks(session, [row.id for row in rows])
    return tuple(replace(line_of(row), check=checks.get(row.id)) for row in rows)


def line_of(row: WatchRow) -> WatchLine:
    """A watch in a line."""
    known, mute = known_from_json(row.known), muted(row.muted_until, now())
    return WatchLine(
        id=row.id,
        target=row.target,
        schedule=schedule_from_json(row.schedule),
        timezone=row.timezone,
        state=row.state,
        channel=row.channel,
        user=row.user,
        next_at=row.next_at,
        looked_at=row.looked_at,
        verdict_id=row.verdict_id,
        failures=row.failures,
        outcome=known.outcome if known is not None else "",
        title=known.title if known is not None else "",
        since=known.since if known is not None else None,
        muted_until=mute.until if mute is not None else None,
        muted_change=mute is not None and mute.until is None,
    )


def next_look(row: WatchRow, after: datetime) -> datetime | None:
    """When a watch looks next after a moment."""
    schedule = schedule_from_json(row.schedule)
    begun = row.created + spread(row.id, schedule)
    return next_run(schedule, max(after, begun), row.timezone, anchor=begun)


def call_off(session: Session, watch_ids: Sequence[str]) -> None:
    """Delete looks that nobody has begun and notices that nobody was given yet."""
    waiting = select(JobRow.request_id).where(JobRow.lease_owner.is_(None), JobRow.state.in_(("queued", "computed")))
    keys = [f"{kind}:{name}:%" for name in watch_ids for kind in ("watch", "notice")]
    for key in keys:
        going = RequestRow.dedup_key.like(key) & RequestRow.id.in_(waiting)
        session.execute(delete(RequestRow).where(going), execution_options={"synchronize_session": False})


def _look(request: Request, target: str, watch_id: str) -> Request:
    """The question that each look asks."""
    plain = Request("identify", f"watch {target}", request.lang, target=target, family=request.family, fresh=True)
    return replace(plain, budget_tokens=request.budget_tokens, private=request.private, watch=watch_id)


def _here(request: Request, *, registered: bool) -> str:
    """A target named in a terminal, so that a worker anywhere on this machine finds it.

    Raises:
        R1Error: it is neither a Hub id nor something that is there, or a URL that is not registered.
    """
    target = request.target or ""
    if registered:
        return target
    if is_endpoint_url(target):
        raise TargetError("endpoint_not_registered", url=target[:200])
    path = Path(target).expanduser()
    if os.path.lexists(path):
        return str(path.absolute())
    if is_name(target):
        raise UsageError("endpoint_unknown", name=target[:80])
    if isinstance(parse_spec(target), HubRef):
        return target
    return str(path.absolute())


def _check_channel(schedule: Schedule, origin: Origin, settings: Settings) -> None:
    """Notices may go only where the person could have asked."""
    if schedule.channel is not None and origin.surface != "cli":
        check_place(replace(origin, channel=schedule.channel), settings)


def _check_notified(schedule: Schedule, origin: Origin, *, private: bool) -> None:
    """People may be named only where they see what is told.

    Raises:
        UsageError: it is told to one person alone, or nowhere.
    """
    elsewhere = schedule.channel is not None and schedule.channel != origin.channel
    seen = elsewhere or (origin.channel[:1] in ("C", "G") and not private)
    if not seen and set(schedule.notify) - {origin.user}:
        raise UsageError("notify_private")


def _watched_already(session: Session, target: str, request: Request, origin: Origin) -> WatchRow | None:
    mine = (WatchRow.user == origin.user) & (WatchRow.team == origin.team) & (WatchRow.channel == origin.channel)
    same = (func.lower(WatchRow.target) == target.lower()) & WatchRow.state.in_(_LIVE)
    family = WatchRow.request["family"].as_string() == request.family
    return session.scalars(select(WatchRow).where(mine, same, family).with_for_update()).first()


def _check_count(session: Session, origin: Origin, settings: Settings) -> None:
    if origin.surface == "cli" or is_admin(origin, settings):
        return
    if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer at a time anyhow
        who = {"who": f"watches {origin.team} {origin.user}"}
        session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:who, 0))"), who)
    mine = (WatchRow.user == origin.user) & (WatchRow.team == origin.team) & WatchRow.state.in_(_LIVE)
    if (session.scalar(select(func.count()).where(mine)) or 0) >= settings.watches_per_person:
        raise UsageError("watch_limit", most=settings.watches_per_person)


def _remember_latest(session: Session, row: WatchRow, request: Request) -> None:
    """What the team was last told of the target is what people know."""
    latest = latest_verdict(session, row.target, row.team)
    if latest is not None and latest.identification.family == request.family:
        row.known = known_to_json(known_of(latest.identification.verdict, latest.created))
        row.verdict_id = latest.id


def _team(origin: Origin) -> tuple[ColumnElement[bool], ...]:
    return () if origin.surface == "cli" else (WatchRow.team == origin.team,)


def _is_of(row: WatchRow, origin: Origin) -> bool:
    return origin.surface == "cli" or row.team == origin.team
