"""How a target went: which model it was and how sure that is, and what its checks say, over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from bot.store.looks import ALWAYS, Chosen, Span, Whose
from bot.store.models import QUIET_LOOKS, LookRow, VerdictRow, WatchRow
from bot.store.queries import not_others_private

MOST_POINTS = 1500
"""The latest looks that are drawn: more are no wider than a pixel each."""
MOST_VERDICTS = 200
FEWEST, _TRIED = 3, 50
"""Fewer points are no line."""


@dataclass(frozen=True, slots=True)
class Point:
    """A check. Evidence is in nats; ``seconds`` for a request; ``mark``: a state that is news, else empty."""

    at: datetime
    log_e: Mapping[str, float] = field(default_factory=dict)
    reference: float | None = None
    seconds: float | None = None
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """A verdict: which model it was held to be, and how sure that was."""

    at: datetime
    outcome: str
    title: str
    confidence: float
    claim_check: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Verdicts and checks of one target, the earliest first."""

    target: str
    verdicts: tuple[Held, ...] = ()
    points: tuple[Point, ...] = ()

    @property
    def is_long(self) -> bool:
        """Whether there is enough to draw."""
        return len(self.points) + len(self.verdicts) >= FEWEST


def timeline(
    session: Session, whose: Whose, target: str, ids: Chosen | None = None, span: Span = ALWAYS
) -> Timeline | None:
    """Of a target as it is named; where several are watched, of the watch that has looked last. ``None`` where there is
    too little to draw, or ``target`` is a part of several names.

    Args:
        ids: of the watches that are meant, where they are known.
    """
    chosen = _watch(session, whose, target, ids)
    name = chosen.target if chosen is not None else target
    verdicts = _verdicts(session, whose, name, span)
    points = _points(session, chosen.id, span) if chosen is not None else ()
    found = Timeline(name, verdicts, points)
    return found if found.is_long else None


def _watch(session: Session, whose: Whose, target: str, ids: Chosen | None) -> WatchRow | None:
    query = select(WatchRow).where(*whose.watches())
    if ids is None:
        query = query.where(func.lower(WatchRow.target) == target.lower())
    else:
        query = query.where(WatchRow.id.in_(ids))
    query = query.order_by(WatchRow.looked_at.desc().nulls_last(), WatchRow.id).limit(_TRIED)
    rows = session.scalars(query).all()
    return rows[0] if len({row.target.lower() for row in rows}) == 1 else None


def _verdicts(session: Session, whose: Whose, target: str, span: Span) -> tuple[Held, ...]:
    columns: tuple[Any, ...] = (
        VerdictRow.created, VerdictRow.outcome, VerdictRow.title, VerdictRow.confidence, VerdictRow.claim_check,
    )  # fmt: skip
    query = select(*columns).where(func.lower(VerdictRow.target) == target.lower(), *span.of(VerdictRow.created))
    if whose.team is not None:
        query = query.where(VerdictRow.team == whose.team)
    if whose.user is not None:
        query = not_others_private(query, whose.user)
    rows = session.execute(query.order_by(VerdictRow.created.desc()).limit(MOST_VERDICTS)).all()
    return tuple(Held(*row) for row in reversed(rows))


def _points(session: Session, watch_id: str, span: Span) -> tuple[Point, ...]:
    """The latest checks, and of what is older all that is news."""
    columns: tuple[Any, ...] = (LookRow.id, LookRow.at, LookRow.kind, LookRow.state, LookRow.record)
    mine = select(*columns).where(LookRow.watch_id == watch_id, LookRow.kind != "verdict", *span.of(LookRow.at))
    mine = mine.order_by(LookRow.at.desc(), LookRow.id.desc())
    told = mine.where(text(f"looks.state NOT IN {QUIET_LOOKS}")).limit(MOST_VERDICTS)
    rows = {row.id: row for query in (mine.limit(MOST_POINTS), told) for row in session.execute(query)}
    return tuple(_point(row) for row in sorted(rows.values(), key=lambda row: (row.at, row.id)))


def _point(row: Any) -> Point:
    record, quiet = row.record, row.state in QUIET_LOOKS
    if row.kind != "check":
        return Point(row.at, mark=row.state)
    reference = record.get("reference_log_e") or {}
    return Point(
        row.at,
        {str(name): float(value) for name, value in (record.get("log_e") or {}).items()},
        float(reference["total"]) if "total" in reference else None,
        record.get("seconds"),
        "" if quiet else row.state,
    )
