"""Old looks made few: of a watch's looks that found the same, one row a day (and kind) is kept, which stands for all of them. What
changed is never touched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from bot.store import Store
from bot.store.models import LookRow, now

MOST_LOOKS = 5000
"""Of a watch at a time: half a year of looks an hour."""
_TO_SUM_UP = {
    "postgresql": "looks.state = 'same' AND NOT looks.summed",
    "sqlite": "looks.state = 'same' AND looks.summed = 0",
}


def sum_up(store: Store, days: int, most: int) -> int:
    """Sum up what is older than so many days, whole days (UTC) only.

    Args:
        most: no more watches than this, those with the oldest looks first.

    Returns:
        Of how many watches looks were summed up.
    """
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    left = text(_TO_SUM_UP[store.engine.dialect.name])  # as the index says it
    with store.begin() as session:
        old = select(LookRow.watch_id).where(left, LookRow.at < today - timedelta(days=days))
        oldest = dict.fromkeys(session.scalars(old.order_by(LookRow.at).limit(most * 4)))
        chosen = list(oldest)[:most]
        for watch_id in chosen:
            mine = select(LookRow).where(left, LookRow.watch_id == watch_id)
            mine = mine.where(LookRow.at < today - timedelta(days=days)).order_by(LookRow.kind, LookRow.at, LookRow.id)
            # Another worker may be at the same: what it has is left to it.
            rows = session.scalars(mine.limit(MOST_LOOKS).with_for_update(skip_locked=True)).all()
            for _, looks in groupby(rows, key=lambda row: (row.kind, row.at.date())):
                _one(session, list(looks))
    return len(chosen)


def _one(session: Session, looks: Sequence[LookRow]) -> None:
    """The last look of a day stands for all of it: its evidence has theirs in it."""
    *earlier, last = looks
    last.looks = sum(look.looks for look in looks)
    last.requests = sum(look.requests for look in looks)
    last.tokens = sum(look.tokens for look in looks)
    last.summed = True
    seconds = [look.record["seconds"] for look in looks if look.record.get("seconds") is not None]
    last.record = {name: value for name, value in last.record.items() if name != "p"}
    if seconds:
        last.record = {**last.record, "seconds": sum(seconds) / len(seconds)}
    last.verdict_id = last.verdict_id or next((look.verdict_id for look in reversed(earlier) if look.verdict_id), None)
    if earlier:
        session.execute(delete(LookRow).where(LookRow.id.in_([look.id for look in earlier])))
