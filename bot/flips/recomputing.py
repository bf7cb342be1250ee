"""Verdicts under a later version of their family: recomputed from what was observed, kept beside the first, and told."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

import engine
from bot.flips.noticing import note_families
from bot.flips.telling import keep_and_tell
from bot.settings import Settings
from bot.store import Store
from bot.store.models import now
from bot.store.queries import load_verdict
from bot.store.recomputed import FamilyRow, RecomputationRow, before, enlist, unfinished, waiting
from bot.watches.known import differs, known_of
from engine.catalog.schema import Family
from engine.errors import R1Error

if TYPE_CHECKING:
    from engine.identification import Identification

log = logging.getLogger("r1.flips")
SECONDS = 0.5
"""How long a worker recomputes between two jobs: people's questions go first."""
_LATE = timedelta(minutes=15)
"""How long after a version came a verdict under the one before it may still be kept, as it was under way."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of verdicts under new versions; ``flipped``: ids of verdicts and what they were recomputed to."""

    recomputed: int
    failed: int
    flipped: tuple[tuple[str, str | None], ...]


def tick(store: Store, settings: Settings) -> bool:
    """Note what came into use, and recompute for a while; whether something is left to do."""
    try:
        note_families(store, settings)
    except R1Error as error:  # a family file that is being edited: questions that need it say so
        log.warning("the catalog cannot be read: %s", error.sentence("en"))
    with store.read() as session:
        open_ = unfinished(session)
    if not open_:
        return False
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        if not recompute_waiting(store, settings):
            _close(store)
            return False
    return True


def recompute_waiting(store: Store, settings: Settings, ids: Sequence[int] | None = None) -> bool:
    """Recompute the next verdict that waits and that nobody else is at; ``False`` where there is none.

    Args:
        ids: of the versions that are meant.
    """
    with store.begin() as session:
        row = waiting(session, ids)
        if row is None:
            return False
        try:
            with session.begin_nested():
                row.state = _recomputed(session, row, settings)
        except OperationalError:  # the database may be restarting
            raise
        except Exception as error:
            sentence = error.sentence("en") if isinstance(error, R1Error) else ""
            log.warning("verdict %s was not recomputed: %s", row.verdict_id, sentence, exc_info=not sentence)
            row.state = "failed"
        row.done = now()
    return True


def settle(store: Store, settings: Settings, ids: Sequence[int], *, seconds: float = 600.0) -> bool:
    """Recompute all that waits under these versions, together with whoever else is at it; whether it is over in time."""
    left = select(func.count()).where(RecomputationRow.family_id.in_(ids), RecomputationRow.state == "waiting")
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if recompute_waiting(store, settings, ids):
            continue
        with store.read() as session:
            if not session.scalar(left):
                return True
        time.sleep(0.05)
    return False


def outcome_of(store: Store, ids: Sequence[int]) -> Outcome:
    """What became of the verdicts of these versions so far."""
    mine = RecomputationRow.family_id.in_(ids)
    with store.read() as session:
        counted = session.execute(
            select(RecomputationRow.state, func.count()).where(mine).group_by(RecomputationRow.state)
        )
        states: dict[str, int] = {state: count for state, count in counted}  # noqa: C416  # rows
        pair = select(RecomputationRow.verdict_id, RecomputationRow.new_verdict_id)
        flipped = session.execute(pair.where(mine, RecomputationRow.state == "flipped"))
        pairs = tuple((old, new) for old, new in flipped)
    done = sum(states.get(state, 0) for state in ("same", "flipped"))
    return Outcome(done, states.get("failed", 0), pairs)


def _recomputed(session: Session, row: RecomputationRow, settings: Settings) -> str:
    """``same``, or ``flipped``: it is something else, and would not be under the version before."""
    family = session.get_one(FamilyRow, row.family_id)
    stored, earlier = load_verdict(session, row.verdict_id), before(session, family)
    if stored is None or earlier is None:
        return "same"
    found = stored.identification

    def under(version: FamilyRow) -> Identification:
        chosen = _family(version.id, version)
        return engine.recompute(found, family=chosen, reference_files=settings.references)

    moment, after = now(), under(family)
    believed = known_of(found.verdict, stored.created)
    is_ = known_of(after.verdict, moment)
    if not differs(believed, is_) or not differs(known_of(under(earlier).verdict, moment), is_):
        return "same"  # what references or the program itself make of it now is no news of the catalog
    changes = (_family(earlier.id, earlier), _family(family.id, family))
    row.new_verdict_id = keep_and_tell(session, stored, after, changes, row.requests)
    return "flipped"


_KNOWN: dict[tuple[int, str, str], Family] = {}


def _family(id_: int, row: FamilyRow) -> Family:
    """The version as it was noted; the latest are kept, as each verdict asks for two."""
    key = (id_, row.version, row.created.isoformat())
    if key not in _KNOWN:
        _KNOWN[key] = Family.model_validate(row.content)
        for oldest in list(_KNOWN)[:-8]:
            del _KNOWN[oldest]
    return _KNOWN[key]


def _close(store: Store) -> None:
    """Take in what was kept late under an older version; once no more can come, all is done."""
    with store.begin() as session:
        clock = now()
        for row in session.scalars(select(FamilyRow).where(FamilyRow.done.is_(None)).with_for_update(skip_locked=True)):
            newest = session.scalar(select(func.max(FamilyRow.id)).where(FamilyRow.name == row.name))
            late = enlist(session, row, since=row.created) if newest == row.id else 0
            if newest != row.id or (not late and clock - row.created > _LATE):
                row.done = clock
