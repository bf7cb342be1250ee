"""What is somebody's own, in the store: the verdicts they asked for last. Every function takes an open session."""

from __future__ import annotations

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from bot.store.feedback import Judged
from bot.store.models import JobRow, RequestRow, VerdictRow
from bot.store.queries import HistoryRow, history_row


def verdicts_of(session: Session, team: str, user: str, *, limit: int) -> tuple[HistoryRow, ...]:
    """The verdicts that somebody was given, each once, the one they asked for last first."""
    mine = (
        select(JobRow.verdict_id.label("id"), func.max(RequestRow.created).label("asked"))
        .join(RequestRow, RequestRow.id == JobRow.request_id)
        .where(RequestRow.team == team, RequestRow.user == user, JobRow.verdict_id.is_not(None))
        .where(RequestRow.verb.in_(("identify", "compare", "watch")))
        .where(or_(RequestRow.dedup_key.is_(None), RequestRow.dedup_key.not_like("watch:%")))  # nobody asked for looks
        .group_by(JobRow.verdict_id)
        .order_by(func.max(RequestRow.created).desc())
        .limit(limit)
        .subquery()
    )
    rows = session.execute(
        select(VerdictRow, mine.c.asked)
        .join(mine, mine.c.id == VerdictRow.id)
        .where(VerdictRow.team == team)
        .order_by(mine.c.asked.desc(), VerdictRow.id)
    )
    return tuple(history_row(row, Judged()) for row, _ in rows)
