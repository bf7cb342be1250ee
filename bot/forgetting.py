"""Forgetting: what was asked, found and recommended is deleted for good, as a person, a team or a rule asks for it.

What several people's jobs refer to stays with those who are not forgotten. Questions still being answered are left,
so that no worker finds its question gone; those a day old that never got their answer are not.

A watch is no past question: it goes with who made it, its team or its target, and by time only once it is over; all that
it remembers and its looks go with it, and by time its looks go alone. What
Slack says of somebody and what they chose goes with them, and comes back when they ask again. Whether a verdict was
called right goes with the verdict, and with whoever called it so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Delete, and_, delete, func, or_, select, text, update
from sqlalchemy.orm import Session

from bot.store import Store
from bot.store.models import (
    EvidenceRow,
    FeedbackRow,
    JobRow,
    LookRow,
    PersonRow,
    RecommendationRow,
    RequestRow,
    VerdictRow,
    WatchedRow,
    WatchRow,
    now,
)
from bot.watches.changing import call_off

_BATCH = 400
"""Ids a statement: SQLite takes 999 values in its oldest builds."""
_GIVEN_UP = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Scope:
    """What to forget: everything for which all that is given holds.

    Attributes:
        before: asked before this time.
        target: what was asked about, as it was written or as the verdict names it, in any case of letters.
    """

    user: str | None = None
    team: str | None = None
    before: datetime | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many of each were deleted; ``pending`` questions were left, as they are still being answered."""

    requests: int = 0
    jobs: int = 0
    verdicts: int = 0
    evidence: int = 0
    recommendations: int = 0
    watches: int = 0
    looks: int = 0
    opinions: int = 0
    people: int = 0
    pending: int = 0

    def __add__(self, other: Forgotten) -> Forgotten:
        return Forgotten(*(getattr(self, part.name) + getattr(other, part.name) for part in fields(self)))

    @property
    def nothing(self) -> bool:
        """Whether there was nothing to delete but what Slack says of somebody, which is there whenever they ask."""
        return not any(getattr(self, part.name) for part in fields(self) if part.name not in ("pending", "people"))


class _Tried(Exception):
    """Takes a dry run's transaction back."""


def forget(store: Store, scope: Scope, *, dry: bool, most: int | None = None) -> Forgotten:
    """Delete in one transaction, or, ``dry``, do the same and take it back.

    Args:
        most: no more questions than this, the oldest first.

    Raises:
        ValueError: the scope is empty; there is no way to delete all by an oversight.
    """
    if scope == Scope():
        raise ValueError("a scope that names nothing")
    done = Forgotten()
    try:
        with store.begin() as session:
            if store.engine.dialect.name == "sqlite":  # else the text would stay in the file's free pages
                session.execute(text("PRAGMA secure_delete=ON"))
            done = _delete(session, scope, most)
            if dry:
                raise _Tried
    except _Tried:
        return done
    if store.engine.dialect.name == "sqlite" and (done.people or not done.nothing):
        _empty_the_log(store)
    return done


def expire(store: Store, days: int, most: int) -> int:
    """Delete what is older than ``days``, at most ``most`` questions and verdicts without one; returns how many went."""
    done = forget(store, Scope(before=now() - timedelta(days=days)), dry=False, most=most)
    return max(done.requests, done.verdicts, done.watches, done.looks)


def _delete(session: Session, scope: Scope, most: int | None) -> Forgotten:
    watches = _delete_watches(session, scope, most)  # first: their looks and notices are waited for by nobody
    nobody_asked = and_(RequestRow.dedup_key.like("flip:%"), JobRow.lease_owner.is_(None))  # nor was told yet
    over = or_(JobRow.id.is_(None), JobRow.state == "answered", nobody_asked, RequestRow.created < now() - _GIVEN_UP)
    asked = select(RequestRow.id).outerjoin(JobRow, JobRow.request_id == RequestRow.id).where(*_asked(scope))
    # On PostgreSQL: several workers that let old questions expire take different ones.
    oldest = asked.where(over).order_by(RequestRow.created).limit(most)
    chosen = session.scalars(oldest.with_for_update(of=RequestRow, skip_locked=most is not None)).all()
    pending = session.scalar(select(func.count()).select_from(asked.where(~over).subquery())) or 0
    done, going = watches + Forgotten(pending=pending) + _delete_own(session, scope), frozenset(chosen)
    for batch in _batches(chosen):
        done += _delete_requests(session, batch, going)
    if scope.user is None:  # verdicts whose question is gone are nobody's
        orphans = select(VerdictRow.id).where(VerdictRow.request_id.is_(None), *_found(scope)).limit(most)
        for batch in _batches(session.scalars(orphans).all()):
            done += _delete_verdicts(session, batch)
    return done


def _delete_watches(session: Session, scope: Scope, most: int | None) -> Forgotten:
    """With what they would have looked at or told, what they saw, and what they remember of it."""
    mine = select(WatchRow.id).where(*_watched(scope)).order_by(WatchRow.ended).limit(most)
    gone = Forgotten()
    for batch in _batches(session.scalars(mine.with_for_update(skip_locked=most is not None)).all()):
        call_off(session, batch)
        looks = _count(session, delete(LookRow).where(LookRow.watch_id.in_(batch)))
        session.execute(delete(WatchedRow).where(WatchedRow.watch_id.in_(batch)))
        watches = _count(session, delete(WatchRow).where(WatchRow.id.in_(batch)))
        gone += Forgotten(watches=watches, looks=looks)
    return gone + _delete_looks(session, scope, most) if scope.before is not None else gone


def _delete_looks(session: Session, scope: Scope, most: int | None) -> Forgotten:
    """Those before a time, of watches that go on."""
    old = select(LookRow.id).where(LookRow.at < scope.before).order_by(LookRow.at).limit(most)
    watches = select(WatchRow.id).where(*_watched(replace(scope, before=None)))
    if replace(scope, before=None) != Scope():
        old = old.where(LookRow.watch_id.in_(watches))
    gone = 0
    for batch in _batches(session.scalars(old.with_for_update(skip_locked=most is not None)).all()):
        gone += _count(session, delete(LookRow).where(LookRow.id.in_(batch)))
    return Forgotten(looks=gone)


def _watched(scope: Scope) -> Iterator[ColumnElement[bool]]:
    if scope.user is not None:
        yield WatchRow.user == scope.user
    if scope.team is not None:
        yield WatchRow.team == scope.team
    if scope.before is not None:
        yield WatchRow.ended < scope.before
    if scope.target is not None:
        yield func.lower(WatchRow.target) == func.lower(scope.target)


def _delete_own(session: Session, scope: Scope) -> Forgotten:
    """What is kept of people themselves, and what they think of others' verdicts."""
    if scope.target is not None or (scope.user is None and scope.team is None):
        return Forgotten()  # opinions go with their verdicts
    opinions, people = delete(FeedbackRow), delete(PersonRow)
    if scope.user is not None:
        opinions, people = opinions.where(FeedbackRow.user == scope.user), people.where(PersonRow.user == scope.user)
    if scope.team is not None:
        opinions, people = opinions.where(FeedbackRow.team == scope.team), people.where(PersonRow.team == scope.team)
    if scope.before is not None:
        opinions = opinions.where(FeedbackRow.created < scope.before)
        return Forgotten(opinions=_count(session, opinions))
    return Forgotten(opinions=_count(session, opinions), people=_count(session, people))


def _asked(scope: Scope) -> Iterator[ColumnElement[bool]]:
    if scope.user is not None:
        yield RequestRow.user == scope.user
    if scope.team is not None:
        yield RequestRow.team == scope.team
    if scope.before is not None:
        yield RequestRow.created < scope.before
    if scope.target is not None:
        about = select(VerdictRow.request_id).where(func.lower(VerdictRow.target) == func.lower(scope.target))
        written = func.lower(RequestRow.payload["target"].as_string()) == func.lower(scope.target)
        yield or_(written, RequestRow.id.in_(about.where(VerdictRow.request_id.is_not(None))))


def _found(scope: Scope) -> Iterator[ColumnElement[bool]]:
    if scope.team is not None:
        yield VerdictRow.team == scope.team
    if scope.before is not None:
        yield VerdictRow.created < scope.before
    if scope.target is not None:
        yield func.lower(VerdictRow.target) == func.lower(scope.target)


def _delete_requests(session: Session, batch: Sequence[str], going: frozenset[str]) -> Forgotten:
    verdicts = set(session.scalars(select(VerdictRow.id).where(VerdictRow.request_id.in_(batch))))
    for part in _batches(sorted(verdicts)):
        verdicts -= _handed_over(session, part, going)
    done = Forgotten()
    for part in _batches(sorted(verdicts)):
        done += _delete_verdicts(session, part)
    alone = and_(RecommendationRow.request_id.in_(batch), RecommendationRow.verdict_id.is_(None))
    advice = _count(session, delete(RecommendationRow).where(alone))
    jobs = _count(session, delete(JobRow).where(JobRow.request_id.in_(batch)))
    requests = _count(session, delete(RequestRow).where(RequestRow.id.in_(batch)))
    return done + Forgotten(requests=requests, jobs=jobs, recommendations=advice)


def _handed_over(session: Session, verdicts: Sequence[str], going: frozenset[str]) -> set[str]:
    """Those verdicts that somebody else's job answers with too; they are that question's from now on."""
    using = select(JobRow.verdict_id, JobRow.request_id).where(JobRow.verdict_id.in_(verdicts))
    others = {verdict: request for verdict, request in session.execute(using) if request not in going}
    for verdict, request in others.items():
        for table, key in ((VerdictRow, VerdictRow.id), (RecommendationRow, RecommendationRow.verdict_id)):
            session.execute(update(table).where(key == verdict).values(request_id=request))
    return {verdict for verdict in others if verdict is not None}


def _delete_verdicts(session: Session, batch: Sequence[str]) -> Forgotten:
    opinions = _count(session, delete(FeedbackRow).where(FeedbackRow.verdict_id.in_(batch)))
    evidence = _count(session, delete(EvidenceRow).where(EvidenceRow.verdict_id.in_(batch)))
    advice = _count(session, delete(RecommendationRow).where(RecommendationRow.verdict_id.in_(batch)))
    verdicts = _count(session, delete(VerdictRow).where(VerdictRow.id.in_(batch)))
    return Forgotten(verdicts=verdicts, evidence=evidence, recommendations=advice, opinions=opinions)


def _count(session: Session, statement: Delete) -> int:
    result: Any = session.execute(statement, execution_options={"synchronize_session": False})
    return int(result.rowcount)


def _batches(ids: Sequence[Any]) -> Iterator[list[Any]]:
    waiting = iter(ids)
    while batch := list(islice(waiting, _BATCH)):
        yield batch


def _empty_the_log(store: Store) -> None:
    """Write SQLite's log back into the file and empty it: it has the deleted text, too. Waits for no reader."""
    raw = store.engine.raw_connection()
    try:
        for step in ("busy_timeout=0", "wal_checkpoint(TRUNCATE)", "busy_timeout=30000"):
            raw.cursor().execute(f"PRAGMA {step}").fetchall()
    finally:
        raw.close()
