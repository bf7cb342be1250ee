"""A flip: kept beside the verdict it was, and told once in each place where that was the last word on its target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.requests import Origin, Request, request_from_json, schedule_from_json
from bot.store.models import JobRow, RequestRow, WatchRow, now
from bot.store.queries import StoredVerdict, add_request, load_verdict, origin_of, save_identification, storable
from bot.watches.known import Known, known_from_json, known_of, known_to_json
from bot.watches.times import quiet_until
from engine.catalog.differences import Difference, behind, differences
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.catalog.schema import Family
    from engine.identification import Identification

_SHOWN = 6
"""Figures that are kept with a flip; of more, how many."""


@dataclass(frozen=True, slots=True)
class Flip:
    """A verdict that is something else under a later version of the catalog.

    Attributes:
        family, version, previous: the family, and its versions now and before.
        told: when people were told what ``was``.
        before: the verdict then, where it is still kept; ``after``: what the same observations make of it now.
        why: figures of the catalog for which it may be, the nearest first; ``more``: how many besides.
        advice: what was recommended with it: ``full`` or ``distilled``.
    """

    target: str
    family: str
    version: str
    previous: str
    told: datetime
    was: Known
    before: str | None
    after: StoredVerdict
    why: tuple[Difference, ...]
    more: int = 0
    advice: str | None = None


def is_flip(request: Request) -> bool:
    """Whether a request is none of a person's, but tells a flip."""
    return request.notice is not None and request.notice.get("kind") == "flip"


def keep_and_tell(
    session: Session,
    stored: StoredVerdict,
    found: Identification,
    versions: tuple[Family, Family],
    requests: Sequence[str],
) -> str:
    """Keep what a verdict was recomputed to, and a notice in each place; returns the new verdict's id.

    Args:
        versions: the version before, and the one now.
        requests: ids of the questions whose last answer the verdict is, a place each. In a terminal nobody is told: it is
            there when they look.
    """
    places = [row for name in requests if (row := session.get(RequestRow, name)) is not None]
    watches = session.scalars(select(WatchRow).where(WatchRow.verdict_id == stored.id).with_for_update()).all()
    told = _told(stored, found, versions)
    notes = [_place(session, row) for row in places] or [_place_of_watch(row) for row in watches[:1]]
    new_id: str | None = None
    for number, (asked, origin, waits, heard) in enumerate(notes):
        key = f"flip:{stored.id}:{versions[1].name}:{versions[1].version}" + (f":{number}" if number else "")
        request = replace(
            asked, verb="identify", target=found.target.spec, action=None, watch=None, schedule=None, notice=told,
            family=found.family, confirms=None, free=False, usual="", on_task=None, other=None,
        )  # fmt: skip
        request_id = add_request(session, request, origin, key)
        if new_id is None:
            new_id = save_identification(session, found, request_id=request_id, team=stored.team)
        if heard:
            job = JobRow(request_id=request_id, state="computed", verdict_id=new_id, other_verdict_id=stored.id)
            job.lease_until = waits.timestamp() if waits is not None else None
            session.add(job)
    new_id = new_id or save_identification(session, found, request_id=stored.request_id, team=stored.team)
    for watch in watches:  # else its next look would take another catalog for another model
        watch.known, watch.verdict_id = known_to_json(known_of(found.verdict, now())), new_id
    session.flush()
    return new_id


def load_flip(session: Session, request: Request, verdict_id: str | None) -> Flip:
    """What a flip's notice tells.

    Raises:
        UsageError: what it was recomputed to was forgotten.
    """
    told: Mapping[str, Any] = request.notice or {}
    after = load_verdict(session, verdict_id or "")
    was = known_from_json(told["was"])
    if after is None or was is None:
        raise UsageError("verdict_unknown", id=(verdict_id or "")[:40])
    kept = load_verdict(session, told["before"])
    return Flip(
        target=request.target or "",
        family=told["family"],
        version=told["version"],
        previous=told["previous"],
        told=datetime.fromisoformat(told["told"]),
        was=was,
        before=kept.id if kept is not None else None,
        after=after,
        why=tuple(Difference(**one) for one in told["why"]),
        more=told["more"],
        advice=told["advice"],
    )


def _told(stored: StoredVerdict, found: Identification, versions: tuple[Family, Family]) -> dict[str, Any]:
    before, after = versions
    meant = {*_variants(stored.identification), *_variants(found)}
    why = behind(differences(before, after), meant, before, after)
    kept: dict[str, Any] = storable(
        {
            "kind": "flip",
            "family": after.name,
            "version": after.version,
            "previous": before.version,
            "told": stored.created.isoformat(),
            "was": known_to_json(known_of(stored.identification.verdict, stored.created)),
            "before": stored.id,
            "why": [asdict(one) for one in why[:_SHOWN]],
            "more": len(why[_SHOWN:]),
            "advice": stored.identification.recommendation.choice,
        }
    )
    return kept


def _variants(found: Identification) -> tuple[str, ...]:
    verdict = found.verdict
    return (*((verdict.variant,) if verdict.variant else ()), *verdict.indistinguishable)


Note = tuple[Request, Origin, datetime | None, bool]
"""What was asked, where a flip is told, from when on, and whether it is told at all."""


def _place(session: Session, row: RequestRow) -> Note:
    """Where a question was asked; a watch's quiet hours hold, and muted it says nothing."""
    asked, origin = request_from_json(row.payload), origin_of(row)
    if origin.surface == "cli":
        return asked, replace(origin, response_url=None), None, False
    watch = session.get(WatchRow, asked.watch) if asked.watch is not None else None
    quiet, heard = None, True
    if watch is not None:
        quiet = quiet_until(schedule_from_json(watch.schedule), now(), watch.timezone)
        heard = watch.muted_until is None or watch.muted_until <= now()
    return asked, replace(origin, surface="watch", response_url=None), quiet, heard


def _place_of_watch(row: WatchRow) -> Note:
    """Of a verdict that only a watch goes by; nobody waits to be told of it."""
    origin = Origin("watch", row.team, row.channel, row.user, row.thread_ts)
    return request_from_json(row.request), origin, None, False
