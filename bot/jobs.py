"""Request → durable job → engine → reply, exactly once.

Accepted means durable: `accept` commits request and job before anything is acknowledged. A worker holds a
job under a lease that it renews; when it dies, the lease runs out and another takes over where the store
says the job is: what was computed is not computed again, and an answer is an update of one message, so
giving it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import engine
from bot.requests import Origin, Request, Schedule, request_from_json
from bot.settings import Settings
from bot.sizing import Sized
from bot.store import Store
from bot.store.endpoints import EndpointLine
from bot.store.looks import LookLine, Quiet
from bot.store.models import JobRow, RequestRow, now
from bot.store.queries import HistoryRow, StoredVerdict, add_request, origin_of
from bot.store.timeline import Timeline
from engine.backends import Device
from engine.errors import R1Error
from engine.identification import Identification, Recommendation
from engine.verdict import Verdict

if TYPE_CHECKING:
    from bot.comparing.records import Compared
    from bot.flips.telling import Flip
    from bot.presentation.going import TaskLine
    from bot.watches.digests import Digest
    from bot.watches.notices import Notice

LONG = 2
"""Rank of jobs that take minutes to hours: whoever does these does no others, so that nobody waits behind one."""
JobState = Literal["queued", "running", "computed", "answered"]


class LeaseLost(Exception):
    """Another worker has this job now; whoever sees this drops it without a word."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its worker holds it."""

    id: str
    request: Request
    origin: Origin
    state: JobState
    attempt: int
    owner: str
    message_ref: str | None
    verdict_id: str | None
    recommendation_id: str | None
    request_id: str
    error: tuple[str, Mapping[str, Any]] | None
    other_verdict_id: str | None = None
    created: datetime = field(default_factory=now)


@dataclass(frozen=True, slots=True)
class WatchLine:
    """A watch in a line; times are UTC, ``timezone`` that of its schedule. ``outcome`` and ``title``: what people know
    it is, ``since`` when; ``failures``: how many looks failed in a row; ``muted_until``: nobody is told before, ``muted_change``: nor before it changes;
    ``check``: the latest one of an endpoint."""

    id: str
    target: str
    schedule: Schedule
    timezone: str
    state: str
    channel: str
    user: str
    next_at: datetime | None
    looked_at: datetime | None
    verdict_id: str | None
    failures: int = 0
    outcome: str = ""
    title: str = ""
    since: datetime | None = None
    muted_until: datetime | None = None
    muted_change: bool = False
    check: LastCheck | None = None


@dataclass(frozen=True, slots=True)
class LastCheck:
    """What the latest check of a watched endpoint said; ``log_e``: the evidence for a change so far (nats); ``changed``: when
    a change was found that goes on."""

    at: datetime
    state: str
    log_e: float | None = None
    changed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two verdicts beside each other, in the order they were asked for."""

    first: StoredVerdict
    second: StoredVerdict


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A report, or a table of history, as it is written or uploaded: the file's name and its bytes."""

    name: str
    html: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reply is rendered from; the field for the request's verb is set, or ``error``. ``looks`` go with ``history``,
    as do ``quiet``, which sums up looks of which nobody was told, ``timeline`` of one target and ``export``, a table;
    ``today`` is what the explained observations give now; ``link`` where a report is had by HTTP; ``compared`` two models on a task, ``tasks`` those that ship; ``watch`` one that was
    made or changed; ``notice`` what a watch tells, ``digest`` what several do; ``pending`` the id of a question that waits to be confirmed; ``asked``
    the question's own id; ``as_of`` when a verdict was given that is repeated."""

    identification: Identification | None = None
    verdict_id: str | None = None
    recommendation: Recommendation | None = None
    history: tuple[HistoryRow, ...] | None = None
    looks: tuple[LookLine, ...] = ()
    quiet: Quiet | None = None
    timeline: Timeline | None = None
    export: ReportFile | None = None
    explanation: StoredVerdict | None = None
    today: Verdict | None = None
    report: ReportFile | None = None
    link: str | None = None
    endpoints: tuple[EndpointLine, ...] | None = None
    added: EndpointLine | None = None
    removed: str | None = None
    devices: tuple[Device, ...] | None = None
    sizes: Sized | None = None
    comparison: Comparison | None = None
    compared: Compared | None = None
    tasks: tuple[TaskLine, ...] | None = None
    watches: tuple[WatchLine, ...] | None = None
    watch: WatchLine | None = None
    notice: Notice | None = None
    flip: Flip | None = None
    digest: Digest | None = None
    pending: str | None = None
    asked: str | None = None
    as_of: datetime | None = None
    error: R1Error | None = None


def explained(stored: StoredVerdict, settings: Settings) -> Answer:
    """A past verdict, and what today's catalog and references make of its observations."""
    try:
        today = engine.recompute(
            stored.identification, family_files=settings.families, reference_files=settings.references
        )
    except R1Error:  # its family is gone, or a reference is damaged: the verdict can be explained all the same
        return Answer(explanation=stored)
    return Answer(explanation=stored, today=today.verdict)


def devices_seen(settings: Settings) -> Answer:
    """The devices of the backend that is set.

    Raises:
        UsageError: there is no such device, or no cluster answers.
    """
    return Answer(
        devices=engine.devices(
            settings.backend,
            address=settings.ray_address,
            devices=settings.devices,
            memory_budget=settings.memory_budget,
        )
    )


def accept(
    store: Store, request: Request, origin: Origin, *, dedup_key: str, check: Callable[[Session], None] | None = None
) -> str | None:
    """Commit a request and its job; ``None`` when this delivery was accepted before.

    Args:
        check: looked at in the same transaction; what it raises is raised, and nothing is kept.
    """
    try:
        with store.begin() as session:
            if check is not None:
                check(session)
            request_id = add_request(session, request, origin, dedup_key)
            job = JobRow(request_id=request_id, rank=_rank(request, dedup_key))
            session.add(job)
            session.flush()
            return job.id
    except IntegrityError:
        return None


def _rank(request: Request, dedup_key: str) -> int:
    if request.on_task is not None and request.sure:
        return LONG
    return 1 if dedup_key.startswith("watch:") else 0


def is_answered(store: Store, job_id: str) -> bool:
    """Whether somebody has the answer already."""
    with store.read() as session:
        return session.scalar(select(JobRow.state).where(JobRow.id == job_id)) in ("answered", None)


def take(store: Store, owner: str, lease_seconds: float, *, long: bool = False) -> Job | None:
    """Take the oldest job that nobody holds, or whose holder's lease ran out; people's before those of watches.

    Args:
        long: one of those that take minutes to hours, and no other; without it none of these.
    """
    clock = store.clock().timestamp()
    free = or_(JobRow.lease_until.is_(None), JobRow.lease_until < clock)
    oldest = (
        select(JobRow.id)
        .where(JobRow.state != "answered", free, JobRow.rank == LONG if long else JobRow.rank < LONG)
        .order_by(JobRow.rank, JobRow.created, JobRow.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    claim = (
        update(JobRow)
        .where(JobRow.id == oldest)
        .values(lease_owner=owner, lease_until=clock + lease_seconds, attempt=JobRow.attempt + 1)
        .returning(JobRow)
    )
    with store.begin() as session:
        row = session.scalars(claim, execution_options={"synchronize_session": False}).one_or_none()
        return _as_job(session, row) if row is not None else None


def renew(store: Store, job: Job, lease_seconds: float) -> bool:
    """Extend a lease; ``False`` when it is lost."""
    until = store.clock().timestamp() + lease_seconds
    with store.begin() as session:
        return _update(session, job, lease_until=until)


def advance(session: Session, job: Job, **values: Any) -> None:
    """Write to a job within a transaction.

    Raises:
        LeaseLost: another worker holds the job; the transaction must not commit.
    """
    if not _update(session, job, **values):
        raise LeaseLost


def finish(store: Store, job: Job) -> None:
    """Mark a job answered and let go of it."""
    with store.begin() as session:
        advance(session, job, state="answered", finished=now(), lease_owner=None, lease_until=None)


def release(store: Store, job: Job, *, seconds: float = 0.0) -> None:
    """Give a job back as it stands, for another worker to take at once, or not before ``seconds`` have gone by."""
    until = store.clock().timestamp() + seconds if seconds else None
    with store.begin() as session:
        _update(session, job, lease_owner=None, lease_until=until)


def _update(session: Session, job: Job, **values: Any) -> bool:
    """Fenced by the attempt number: a worker that lost its lease changes nothing."""
    jobs = JobRow.__table__.c
    mine = (jobs.id == job.id) & (jobs.attempt == job.attempt) & (jobs.lease_owner == job.owner)
    # Of the table, not the class: no object of the session is to follow, and looking for some takes longer than writing.
    changed = session.execute(update(JobRow.__table__).where(mine).values(**values).returning(jobs.id)).all()  # type: ignore[arg-type]  # a Table
    return bool(changed)


def _as_job(session: Session, row: JobRow) -> Job:
    asked = session.get_one(RequestRow, row.request_id)
    return Job(
        id=row.id,
        request=request_from_json(asked.payload),
        origin=origin_of(asked),
        state=row.state,  # type: ignore[arg-type]  # written as a JobState
        attempt=row.attempt,
        owner=row.lease_owner or "",
        message_ref=row.message_ref,
        verdict_id=row.verdict_id,
        recommendation_id=row.recommendation_id,
        request_id=row.request_id,
        other_verdict_id=row.other_verdict_id,
        created=row.created,
        error=(row.error["code"], row.error["values"]) if row.error else None,
    )
