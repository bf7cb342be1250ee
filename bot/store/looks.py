"""What watches saw, for history: what is news is listed, looks that found the same are summed up. Every function takes
an open session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, text
from sqlalchemy.orm import Session

from bot.store.models import QUIET_LOOKS, LookRow, VerdictRow, WatchRow, now

_NEWS = text(f"looks.state NOT IN {QUIET_LOOKS}")
_SAME = text(f"looks.state IN {QUIET_LOOKS}")
_READ = 6
"""Looks that are read for one that is listed: failures in a row become one line."""
_FEW = 20
"""Watches of one target whose looks are summed up since their last news; of more, those of a day are."""
_SUMMED, _SUMMED_OF_FEW = 2_000, 20_000
"""Looks that are summed up at most."""
_LISTED = 200
_DAY = timedelta(days=1)
Chosen = Sequence[str] | Select[Any]
"""Ids of watches; where they are many, the query that finds them."""


@dataclass(frozen=True, slots=True)
class LookLine:
    """A look that is news. ``times``: failures in a row are one line, the first of them at ``since``."""

    id: int
    at: datetime
    watch_id: str
    target: str
    kind: str
    state: str
    log_e: float | None = None
    requests: int = 0
    tokens: int = 0
    times: int = 1
    since: datetime | None = None
    record: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quiet:
    """Looks of which nobody was told: how many, of how many watches, since when, and what they took. ``suspicious``: so
    many leaned to a change that was not certain; ``still``: so many found what was told before."""

    watches: int
    looks: int
    since: datetime
    requests: int
    tokens: int
    suspicious: int = 0
    still: int = 0


@dataclass(frozen=True, slots=True)
class Span:
    """From ``since`` on, and before ``until``; UTC."""

    since: datetime | None = None
    until: datetime | None = None

    def of(self, at: Any) -> Iterator[ColumnElement[bool]]:
        """What lies in it, by a column that says when."""
        if self.since is not None:
            yield at >= self.since
        if self.until is not None:
            yield at < self.until


ALWAYS = Span()


@dataclass(frozen=True, slots=True)
class Whose:
    """For whom history is read: of ``None`` all is. ``user``: not what others watch in private."""

    team: str | None = None
    user: str | None = None

    def watches(self, target: str | None = None) -> Iterator[ColumnElement[bool]]:
        """The watches whose looks may be read, whether they go on or not; ``target``: as it is written, or a part of it."""
        if self.team is not None:
            yield WatchRow.team == self.team
        if self.user is not None:
            private = WatchRow.channel.startswith("D") | WatchRow.request["private"].as_boolean().is_(True)
            yield or_(WatchRow.user == self.user, ~func.coalesce(private, False))
        if target:
            yield WatchRow.target.icontains(target, autoescape=True)


def watches_of(session: Session, whose: Whose, target: str) -> Chosen:
    """The watches of what is named so; where nothing is, of what has it as a part of its name."""
    allowed = select(WatchRow.id).where(*whose.watches())
    named = allowed.where(func.lower(WatchRow.target) == target.lower())
    for query in (named, select(WatchRow.id).where(*whose.watches(target))):
        found = session.scalars(query.limit(_LISTED + 1)).all()
        if found:
            return found if len(found) <= _LISTED else query
    return ()


def news(
    session: Session, whose: Whose, *, ids: Chosen | None = None, limit: int = 10, span: Span = ALWAYS
) -> tuple[LookLine, ...]:
    """Looks that are news, the latest first. What a verdict tells is not among them: the verdict is.

    Args:
        ids: of the watches whose looks are read; ``None`` for all.
    """
    told = or_(LookRow.kind != "verdict", LookRow.state != "changed")
    query = select(LookRow, WatchRow.target).join(WatchRow, WatchRow.id == LookRow.watch_id).where(_NEWS, told)
    query = (
        query.where(*whose.watches(), *span.of(LookRow.at))
        .order_by(LookRow.at.desc(), LookRow.id.desc())
        .limit(limit * _READ)
    )
    if ids is None:
        return _merged(line_of(row, target) for row, target in session.execute(query))[:limit]
    found = [line_of(row, target) for row, target in session.execute(query.where(LookRow.watch_id.in_(ids)))]
    return _merged(found)[:limit]


def line_of(row: LookRow, target: str) -> LookLine:
    """A look in a line."""
    return LookLine(
        row.id, row.at, row.watch_id, target, row.kind, row.state, row.log_e, row.requests, row.tokens, row.looks,
        record=row.record,
    )  # fmt: skip


def _merged(lines: Iterable[LookLine]) -> tuple[LookLine, ...]:
    """Failures of a watch that follow each other as one line."""

    def run(line: LookLine) -> object:
        return (line.watch_id, "failing") if line.state == "failing" else line.id

    merged = []
    for _, several in groupby(lines, key=run):
        latest, *earlier = several
        last = earlier[-1].at if earlier else None
        merged.append(replace(latest, times=latest.times + len(earlier), since=last))
    return tuple(merged)


def quiet(session: Session, whose: Whose, *, ids: Chosen | None = None, span: Span = ALWAYS) -> Quiet | None:
    """Looks that found nothing new: in a span; where there is none, of a target since its last news, of all watches
    within a day. The latest of them where they are very many, so that it takes no longer the more there are. ``None``:
    there are none."""
    columns = (LookRow.watch_id, LookRow.at, LookRow.state, LookRow.looks, LookRow.requests, LookRow.tokens)
    query = select(*columns).where(_SAME, *span.of(LookRow.at)).order_by(LookRow.at.desc()).limit(_SUMMED)
    if ids is not None and span == ALWAYS and not isinstance(ids, Select) and len(ids) <= _FEW:
        since = [and_(LookRow.watch_id == one, *_after(_last_news(session, one))) for one in ids]
        query = query.where(or_(*since)).limit(_SUMMED_OF_FEW) if since else query.where(text("1 = 0"))
    else:
        query = query.where(LookRow.at > now() - _DAY) if span == ALWAYS else query
        if ids is not None:
            query = query.where(LookRow.watch_id.in_(ids))
            if span == ALWAYS and not isinstance(ids, Select):  # a day of a few watches: found by them, not by time
                query = query.order_by(None).limit(None)
        elif whose != Whose():
            query = query.where(LookRow.watch_id.in_(select(WatchRow.id).where(*whose.watches())))
    look = query.subquery().c
    each = select(
        func.sum(look.looks).label("looks"),
        func.min(look.at).label("since"),
        func.sum(look.requests).label("requests"),
        func.sum(look.tokens).label("tokens"),
        func.sum(case((look.state == "suspicious", look.looks), else_=0)).label("suspicious"),
        func.sum(case((look.state == "still", look.looks), else_=0)).label("still"),
    ).group_by(look.watch_id)  # to count watches by a table of them, not by sorting all looks
    of = each.subquery().c
    sums = [func.sum(of[name]) for name in ("looks", "requests", "tokens", "suspicious", "still")]
    watches, first, *counts = session.execute(select(func.count(), func.min(of.since), *sums)).one()
    if not watches:
        return None
    looks, requests, tokens, suspicious, still = map(int, counts)
    return Quiet(watches, looks, first, requests, tokens, suspicious, still)


def _last_news(session: Session, watch_id: str) -> datetime | None:
    query = select(LookRow.at).where(LookRow.watch_id == watch_id, _NEWS)
    return session.scalar(query.order_by(LookRow.at.desc()).limit(1))


def _after(moment: datetime | None) -> Iterator[ColumnElement[bool]]:
    if moment is not None:
        yield LookRow.at > moment


def silence(session: Session, verdict_id: str | None, request_id: str) -> None:
    """A verdict that a look came to and nobody is told of is not listed; one that somebody asked for is."""
    row = session.get(VerdictRow, verdict_id or "")
    if row is not None and row.request_id == request_id:
        row.silent = True


def told(session: Session, verdict_id: str) -> str:
    """Somebody is given a verdict: from now on it is listed."""
    row = session.get(VerdictRow, verdict_id)
    if row is not None and row.silent:
        row.silent = False
    return verdict_id
