"""Whether people called verdicts right, in the store. Every function takes an open session."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.store.models import FeedbackRow, VerdictRow, now

Judging = Literal["new", "changed", "same", "gone"]


@dataclass(frozen=True, slots=True)
class Judged:
    """How many people called a verdict right, and how many wrong."""

    right: int = 0
    wrong: int = 0


def judge(session: Session, verdict_id: str, team: str, user: str, *, right: bool) -> Judging:
    """Keep what somebody thinks of a verdict of their team's; their last word counts. ``gone``: there is none such."""
    verdict = session.get(VerdictRow, verdict_id)
    if verdict is None or verdict.team != team:
        return "gone"
    row = session.get(FeedbackRow, (verdict_id, team, user))
    if row is None:
        session.add(FeedbackRow(verdict_id=verdict_id, team=team, user=user, right=right))
        return "new"
    if row.right == right:
        return "same"
    row.right, row.created = right, now()
    return "changed"


def judged(session: Session, verdict_ids: Iterable[str]) -> dict[str, Judged]:
    """What people think of verdicts, by id; those that nobody judged are left out."""
    counts = (
        select(FeedbackRow.verdict_id, FeedbackRow.right, func.count())
        .where(FeedbackRow.verdict_id.in_(list(verdict_ids)))
        .group_by(FeedbackRow.verdict_id, FeedbackRow.right)
    )
    found: dict[str, dict[bool, int]] = {}
    for verdict_id, right, count in session.execute(counts):
        found.setdefault(verdict_id, {})[right] = count
    return {verdict_id: Judged(said.get(True, 0), said.get(False, 0)) for verdict_id, said in found.items()}
