"""What a look changes, and whether people are told of it. Each function belongs into the transaction that keeps what
the look found."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from bot.jobs import Job
from bot.requests import Origin, Request, schedule_from_json
from bot.store.models import WatchRow, now
from bot.store.queries import StoredVerdict, load_verdict
from bot.watches.known import Known, differs, known_from_json, known_of, known_to_json, same
from bot.watches.notices import Kind, post_notice

TOLD_AFTER = 3
"""Looks that fail in a row before people are told: once is an endpoint that was restarted."""
_AGAIN = timedelta(minutes=10)
"""Until a look that failed is tried again, if the next one is not sooner; twice as long after the second."""


def is_look(request: Request, origin: Origin) -> bool:
    """Whether a question is a watch's own look, which nobody waits for: it is neither begun nor answered in sight.
    Somebody may ask the same question again, and is answered."""
    return request.verb == "identify" and request.watch is not None and origin.surface in ("watch", "cli")


def looked(session: Session, job: Job, verdict_id: str) -> None:
    """Compare what a look found with what people know, and keep a notice where it is something else."""
    row, stored = _locked(session, job.request), load_verdict(session, verdict_id)
    if row is None or stored is None:  # the watch was stopped and forgotten meanwhile
        return
    moment, before = now(), known_from_json(row.known)
    found = known_of(stored.identification.verdict, moment)
    if _tells_nothing(stored, before):
        _failed(session, row, job, "undecided", verdict_id=verdict_id)
        return
    recovered, row.failures = row.failures >= TOLD_AFTER, 0
    kind: Kind | None = "recovered" if recovered else None
    if before is None:
        kind = "first"
    elif differs(before, found):
        kind = "changed"
    elif kind is None and schedule_from_json(row.schedule).once is not None:
        kind = "unchanged"
    if kind is not None:
        post_notice(session, row, job.id, kind, moment, verdict_id=verdict_id)
    _remember(row, before, found, verdict_id)


def look_failed(session: Session, job: Job, error: Mapping[str, Any]) -> None:
    """Count a look that could not be done: people are told when that goes on, and the look is tried again sooner.

    Args:
        error: its code and values.
    """
    row = _locked(session, job.request)
    if row is not None:
        _failed(session, row, job, "failing", error=error)


def seen(session: Session, watch_id: str, verdict_id: str) -> None:
    """A verdict on a watch's target that somebody asked for, and is told anyhow."""
    row, stored = session.get(WatchRow, watch_id, with_for_update=True), load_verdict(session, verdict_id)
    if row is None or stored is None:
        return
    before = known_from_json(row.known)
    if not _tells_nothing(stored, before):
        row.failures = 0
        _remember(row, before, known_of(stored.identification.verdict, now()), verdict_id)


def _locked(session: Session, request: Request) -> WatchRow | None:
    row = session.get(WatchRow, request.watch or "", with_for_update=True, populate_existing=True)
    return row if row is not None and row.state != "removed" else None


def _tells_nothing(stored: StoredVerdict, before: Known | None) -> bool:
    """Whether an endpoint's answers do not say what it is, though they did. Files that say less than before have
    changed; an endpoint may be busy."""
    found = stored.identification
    inconclusive = found.verdict.outcome == "inconclusive" and found.target.kind == "endpoint"
    return inconclusive and before is not None and before.outcome != "inconclusive"


def _remember(row: WatchRow, before: Known | None, found: Known, verdict_id: str) -> None:
    """What was told is what people know. Where nothing changed, the newest verdict stands for it, but only if it says
    exactly the same: else many small steps would pass as none."""
    row.looked_at = found.since
    if before is None or differs(before, found):
        row.known, row.verdict_id = known_to_json(found), verdict_id
    elif same(before, found):
        row.verdict_id = verdict_id


def _failed(
    session: Session,
    row: WatchRow,
    job: Job,
    kind: Kind,
    *,
    verdict_id: str | None = None,
    error: Mapping[str, Any] | None = None,
) -> None:
    row.failures += 1
    moment = now()
    if row.failures == TOLD_AFTER:
        post_notice(session, row, job.id, kind, moment, verdict_id=verdict_id, error=error, failures=row.failures)
    if row.failures < TOLD_AFTER and row.state in ("active", "done"):
        again = moment + _AGAIN * 2 ** (row.failures - 1)
        row.next_at = min(again, row.next_at) if row.next_at is not None else again
        row.state = "active"
