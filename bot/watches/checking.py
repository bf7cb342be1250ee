"""Cheap checks of watched endpoints: a look asks little, and identifies the model only where there is a reason to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, aliased

import engine
from bot.endpoints import Asked
from bot.jobs import LastCheck
from bot.requests import Request
from bot.settings import Settings
from bot.store import Store
from bot.store.models import QUIET_LOOKS, LookRow, WatchedRow, WatchRow, now
from bot.store.queries import storable
from bot.watches.known import known_from_json
from engine.drift.records import TELLING
from engine.errors import TargetError
from engine.identification import Progress

if TYPE_CHECKING:
    from engine.behaviour.records import Behaviour, Check, Watched
    from engine.targets.endpoint import Budget

_NEWS = text(f"looks.state NOT IN {QUIET_LOOKS}")
_GOING = ("changed", "replaced", "still")
"""States of a check of an endpoint that is not as it was, and of which nobody said that this is normal."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found, ``None`` where an endpoint says nothing that could be compared; ``due``: which model it is has to be
    identified too."""

    check: Check | None
    due: bool


def check_endpoint(
    store: Store,
    settings: Settings,
    request: Request,
    asked: Asked,
    on_progress: Callable[[Progress], None],
) -> Checked:
    """Check a watch's endpoint.

    Raises:
        R1Error: it cannot be asked; what is remembered of it stays as it was.
    """
    with store.read() as session:
        row = session.get(WatchRow, request.watch or "")
        watched = watched_of(session, request.watch or "")
        due = row is None or row.known is None or _is_due(session, row.id, settings)
        known = known_from_json(row.known) if row is not None else None
    reference = None
    if watched is None and known is not None and len(known.variants) == 1:
        reference = _reference(settings, known.variants[0])
    budget = _budget(asked.most, watched)
    try:
        check = engine.check(asked.endpoint, watched, reference=reference, budget=budget, on_progress=on_progress)
    except TargetError as error:
        if error.code != "behaviour_nothing":
            raise
        return Checked(None, due=True)
    return Checked(check, due or check.look.state in TELLING)


def _budget(most: int | None, watched: Watched | None) -> Budget | None:
    """What a check may spend where somebody set a limit below what it would."""
    from engine.behaviour.checking import AGAIN
    from engine.behaviour.finding import FIRST

    usual = FIRST if watched is None else AGAIN
    return replace(usual, tokens=most) if most is not None and most < usual.tokens else None


def watched_of(session: Session, watch_id: str) -> Watched | None:
    """What is remembered of a watch's endpoint; ``None`` before its first check."""
    from engine.behaviour.codec import from_json
    from engine.behaviour.records import Watched

    row = session.get(WatchedRow, watch_id)
    return from_json(Watched, row.state) if row is not None else None


def remember_watched(session: Session, watch_id: str, watched: Watched) -> None:
    """Keep what is remembered of a watch's endpoint."""
    from engine.behaviour.codec import to_json

    row = session.get(WatchedRow, watch_id)
    if row is None:
        row = WatchedRow(watch_id=watch_id)
        session.add(row)
    row.state, row.updated = storable(to_json(watched)), now()


def note_check(session: Session, watch_id: str, check: Check, verdict_id: str | None) -> None:
    """Keep what a check found, for history and the next one."""
    from engine.behaviour.codec import to_json

    remember_watched(session, watch_id, check.watched)
    look = check.look
    evidence = look.log_e.get("total")
    row = LookRow(watch_id=watch_id, kind="check", state=look.state, log_e=evidence, verdict_id=verdict_id)
    row.requests, row.tokens, row.record = look.requests, look.tokens, storable(to_json(look))
    session.add(row)


def latest_look(session: Session, watch_id: str, *kinds: str) -> LookRow | None:
    """The latest look of a watch that is of one of these kinds."""
    looks = select(LookRow).where(LookRow.watch_id == watch_id, LookRow.kind.in_(kinds))
    return session.scalars(looks.order_by(LookRow.at.desc(), LookRow.id.desc()).limit(1)).first()


def last_checks(session: Session, watch_ids: Sequence[str]) -> dict[str, LastCheck]:
    """What the latest check of each watch said, or that what it said was taken as normal since, in one query; those that
    were never checked are left out."""
    of_it = LookRow.watch_id == WatchRow.id
    latest = select(LookRow.id).where(of_it, LookRow.kind.in_(("check", "accept")))
    latest = latest.order_by(LookRow.at.desc(), LookRow.id.desc()).limit(1)
    begun = LookRow.state.in_(("changed", "replaced"))
    since = select(func.max(LookRow.at)).where(of_it, LookRow.kind == "check", begun, _NEWS)
    last = aliased(LookRow)
    rows = session.execute(
        select(last.watch_id, last.at, last.state, last.log_e, since.correlate(WatchRow).scalar_subquery())
        .select_from(WatchRow)
        .join(last, last.id == latest.correlate(WatchRow).scalar_subquery())
        .where(WatchRow.id.in_(watch_ids))
    )
    return {
        watch: LastCheck(at, state, log_e, changed if state in _GOING else None)
        for watch, at, state, log_e, changed in rows
    }


def _is_due(session: Session, watch_id: str, settings: Settings) -> bool:
    """Whether the last identification is old, or said what has to be confirmed."""
    last = latest_look(session, watch_id, "verdict")
    if last is None:
        return True
    return last.state == "deviates" or now() - last.at > timedelta(days=settings.verdict_days)


def _reference(settings: Settings, variant: str) -> Behaviour | None:
    """How a trusted endpoint with this model behaves, where one was recorded."""
    from engine.references import newest, references_in

    found = (one for one in newest(references_in(settings.references).references) if one.variant == variant)
    return next((one.behaved() for one in found), None)
