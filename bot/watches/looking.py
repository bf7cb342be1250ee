"""What a look changes, and whether people are told of it. Each function belongs into the transaction that keeps what
the look found."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from bot.jobs import Job
from bot.requests import Origin, Request, schedule_from_json
from bot.store.looks import silence
from bot.store.models import LookRow, WatchRow, now
from bot.store.queries import StoredVerdict, load_verdict, storable
from bot.watches.checking import latest_look, note_check
from bot.watches.known import Known, differs, known_from_json, known_of, known_to_json, same
from bot.watches.notices import Kind, change_to_json, expect_digest, post_notice
from engine.drift.records import TELLING

if TYPE_CHECKING:
    from engine.behaviour.records import Check

TOLD_AFTER = 3
"""Looks that fail in a row before people are told: once is an endpoint that was restarted."""
_AGAIN = timedelta(minutes=10)
"""Until a look that failed is tried again, if the next one is not sooner; twice as long after the second."""


def is_look(request: Request, origin: Origin) -> bool:
    """Whether a question is a watch's own look, which nobody waits for: it is neither begun nor answered in sight.
    Somebody may ask the same question again, and is answered."""
    return request.verb == "identify" and request.watch is not None and origin.surface in ("watch", "cli")


def looked(session: Session, job: Job, verdict_id: str | None, check: Check | None = None) -> None:
    """Compare what a look found with what people know, and keep a notice where it is something else.

    Args:
        verdict_id: which model it is, where that was identified.
        check: of an endpoint.
    """
    row = _locked(session, job.request)
    stored = load_verdict(session, verdict_id) if verdict_id is not None else None
    if row is None or (stored is None and check is None):  # the watch was stopped and forgotten meanwhile
        return
    moment = now()
    expect_digest(session, row, moment)
    if check is not None:
        note_check(session, row.id, check, verdict_id)
    told = check is not None and check.look.state in TELLING
    if stored is None:
        _checked(session, row, job, moment)
        return
    before, found = known_from_json(row.known), known_of(stored.identification.verdict, moment)
    if _tells_nothing(stored, before) and not told:
        _note_verdict(session, row, found, "undecided", verdict_id, check)
        _failed(session, row, job, "undecided", verdict_id=verdict_id)
        return
    if check is not None and not told and _is_alone(session, row, before, found):
        _note_verdict(session, row, found, "deviates", verdict_id, check)
        if job.origin.surface == "watch":
            silence(session, verdict_id, job.request_id)
        row.next_at = min(moment + _AGAIN, row.next_at) if row.next_at is not None else moment + _AGAIN
        row.state = "active"
        return
    recovered, row.failures = row.failures >= TOLD_AFTER, 0
    kind = _kind(row, check, before, found, recovered=recovered)
    _note_verdict(session, row, found, "changed" if kind == "changed" else "same", verdict_id, check)
    if kind is None and job.origin.surface == "watch":
        silence(session, verdict_id, job.request_id)
    if kind is not None:
        change = change_to_json(check) if check is not None and told else None
        swapped = before is not None and differs(before, found) and not _tells_nothing(stored, before)
        swapped = swapped or (check is not None and check.change is not None and check.change.cause == "model")
        post_notice(session, row, job.id, kind, moment, verdict_id=verdict_id, change=change, swapped=swapped)
    if _tells_nothing(stored, before):  # that it changed is certain; which model it is now is not
        row.looked_at = moment
        return
    _remember(row, before, found, verdict_id or "")


def _kind(row: WatchRow, check: Check | None, before: Known | None, found: Known, *, recovered: bool) -> Kind | None:
    """What is told of a look, if anything is."""
    state = check.look.state if check is not None else ""
    if before is None:
        return "first"
    if state in TELLING:
        against_reference = check is not None and check.change is not None and check.change.against == "reference"
        return "restored" if state == "recovered" else "differs" if against_reference else "changed"
    if differs(before, found):
        return "changed"
    if recovered:
        return "recovered"
    return "unchanged" if schedule_from_json(row.schedule).once is not None else None


def _checked(session: Session, row: WatchRow, job: Job, moment: datetime) -> None:
    """A check that found nothing to tell, and no reason to identify the model."""
    recovered, row.failures, row.looked_at = row.failures >= TOLD_AFTER, 0, moment
    if recovered:
        post_notice(session, row, job.id, "recovered", moment)


def _is_alone(session: Session, row: WatchRow, before: Known | None, found: Known) -> bool:
    """Whether a verdict says that an endpoint is another model than before though no check says so, for the first time: that
    may be chance, and is looked at again before it is told."""
    if before is None or not differs(before, found):
        return False
    last = latest_look(session, row.id, "verdict")
    return last is None or last.state != "deviates" or last.record.get("title") != found.title


def _note_verdict(
    session: Session, row: WatchRow, found: Known, state: str, verdict_id: str | None, check: Check | None
) -> None:
    """Keep what a look identified; where it was a check too, it counts as a look once."""
    record = {"outcome": found.outcome, "title": found.title, "confidence": found.confidence}
    look = LookRow(watch_id=row.id, kind="verdict", state=state, record=storable(record), verdict_id=verdict_id)
    look.looks = 1 if check is None else 0
    session.add(look)


def look_failed(session: Session, job: Job, error: Mapping[str, Any]) -> None:
    """Count a look that could not be done: people are told when that goes on, and the look is tried again sooner.

    Args:
        error: its code and values.
    """
    row = _locked(session, job.request)
    if row is not None:
        session.add(LookRow(watch_id=row.id, kind="failed", state="failing", record=storable(dict(error))))
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
