"""What people are told of a watch: a job of its own, that waits for quiet hours to end and is answered once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy.orm import Session

from bot.jobs import WatchLine
from bot.requests import Origin, Request, request_from_json, schedule_from_json
from bot.settings import Settings
from bot.store.models import JobRow, WatchRow
from bot.store.queries import StoredVerdict, add_request, load_verdict, storable
from bot.watches.advice import Advice, advice_on, load_advice
from bot.watches.changing import line_of
from bot.watches.digests import expect, hold, place_of
from bot.watches.known import Known, known_from_json
from bot.watches.muting import is_told, muted
from bot.watches.times import quiet_until
from engine.errors import R1Error, UsageError

if TYPE_CHECKING:
    from engine.behaviour.records import Check
    from engine.drift.records import Change

Kind = Literal["first", "changed", "differs", "restored", "unchanged", "undecided", "failing", "recovered"]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to be told of a watch.

    Attributes:
        kind: ``first``: what it is, where nobody knew; ``unchanged``: the one look that was asked for found nothing
            new; ``undecided``: looks no longer tell what it is; ``failing``: they cannot be done; ``recovered``: they can
            again; ``differs``: it is not as the reference; ``restored``: it is again as it was before a change.
        seen: when it was found.
        was: what people knew.
        last: when it was last seen to be so.
        before, after: the verdicts, as far as they are kept.
        failures, error: how many looks failed in a row, and why the last one did.
        change: what a check found; in its examples prompts stand for streams.
        advice: what was recommended for the target, and is now.
    """

    watch: WatchLine
    kind: Kind
    seen: datetime
    was: Known | None = None
    last: datetime | None = None
    before: StoredVerdict | None = None
    after: StoredVerdict | None = None
    failures: int = 0
    error: R1Error | None = None
    change: Change | None = None
    advice: Advice | None = None


def post_notice(
    session: Session,
    row: WatchRow,
    key: str,
    kind: Kind,
    seen: datetime,
    *,
    verdict_id: str | None = None,
    error: Mapping[str, Any] | None = None,
    failures: int = 0,
    change: Mapping[str, Any] | None = None,
    swapped: bool = False,
) -> None:
    """Keep a notice for a worker to give, as the watch stands: at once, or in a digest. None where there is nowhere to
    tell it, or people want to hear nothing for now.

    Args:
        key: what it is told of; of the same there is one notice.
        error: a failure's code and values.
        swapped: it is another model now.
    """
    origin, look, schedule = _place(row), request_from_json(row.request), schedule_from_json(row.schedule)
    mute = muted(row.muted_until, seen)
    if origin is None or not is_told(kind, mute):
        return
    if mute is not None:
        row.muted_until = None
    told = {
        "kind": kind,
        "seen": seen.isoformat(),
        "was": row.known,
        "last": row.looked_at.isoformat() if row.looked_at is not None else None,
        "before": row.verdict_id,
        "after": verdict_id,
        "failures": failures,
        "error": error,
        "change": change,
        "advice": advice_on(session, row) if kind in ("changed", "differs", "restored") else None,
    }
    private = _private(row, look, origin)
    request = Request("watch", look.text, look.lang, target=row.target, watch=row.id, notice=told, private=private)
    gathered = schedule.digest is not None and not _at_once(kind, swapped=swapped)
    if gathered:
        origin = replace(origin, thread_ts=None)
    request_id = add_request(session, request, origin, f"notice:{row.id}:{key}")
    if gathered:
        hold(session, row, place_of(origin, private=bool(private)), request_id, look.lang, seen)
        return
    until = quiet_until(schedule, seen, row.timezone)
    waits = until.timestamp() if until is not None else None
    job = JobRow(request_id=request_id, state="computed", lease_until=waits)
    job.verdict_id, job.other_verdict_id = verdict_id, row.verdict_id
    session.add(job)
    session.flush()


def expect_digest(session: Session, row: WatchRow, moment: datetime) -> None:
    """After a look of a watch on digest: have it said once a week that all is quiet, if it is."""
    origin, look = _place(row), request_from_json(row.request)
    if origin is not None and schedule_from_json(row.schedule).digest is not None:
        expect(session, row, place_of(origin, private=bool(_private(row, look, origin))), look.lang, moment)


def load_notice(session: Session, request: Request, settings: Settings) -> Notice:
    """What a notice's job tells.

    Raises:
        UsageError: its watch was deleted.
    """
    row, told = session.get(WatchRow, request.watch or ""), request.notice or {}
    if row is None:
        raise UsageError("watch_unknown", id=(request.target or "")[:120])
    error = told.get("error")
    after = load_verdict(session, told["after"]) if told.get("after") else None
    verdict = after.identification.verdict if after is not None else None
    return Notice(
        watch=line_of(row),
        kind=told["kind"],
        seen=datetime.fromisoformat(told["seen"]),
        was=known_from_json(told.get("was")),
        last=datetime.fromisoformat(told["last"]) if told.get("last") else None,
        before=load_verdict(session, told["before"]) if told.get("before") else None,
        after=after,
        failures=told.get("failures", 0),
        error=R1Error(error["code"], **error["values"]) if error else None,
        change=_change_from_json(told.get("change")),
        advice=load_advice(session, told.get("advice"), verdict, settings),
    )


def change_to_json(check: Check) -> dict[str, Any] | None:
    """The change that a check found, as a notice keeps it."""
    if check.change is None:
        return None
    texts = {one.id: one.text for one in check.watched.prompts}
    examples = [
        (texts.get(stream.partition(":")[2], stream), before, now_) for stream, before, now_ in check.change.examples
    ]
    return storable({**asdict(check.change), "examples": examples})  # type: ignore[no-any-return]


def _change_from_json(payload: Mapping[str, Any] | None) -> Change | None:
    from engine.drift.records import Change

    if not payload:
        return None
    examples = tuple(tuple(example) for example in payload["examples"])
    return Change(**{**payload, "signals": tuple(payload["signals"]), "examples": examples})


def _at_once(kind: Kind, *, swapped: bool) -> bool:
    """What no digest waits for: that another model answers, and what somebody has just asked for."""
    return kind in ("first", "unchanged") or (kind == "changed" and swapped)


def _private(row: WatchRow, look: Request, origin: Origin) -> bool | None:
    return look.private if origin.channel == row.channel else None


def _place(row: WatchRow) -> Origin | None:
    """Where notices go: the channel that the schedule names, else where the watch was asked for."""
    channel = schedule_from_json(row.schedule).channel
    here = Origin("watch", row.team, row.channel, row.user, row.thread_ts)
    if channel is not None and channel != row.channel:
        return replace(here, channel=channel, thread_ts=None)
    return here if row.channel else None
