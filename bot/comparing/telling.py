"""Comparisons on tasks as answers: to the question itself, and to those who ask for one of the past."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bot.comparing.kept import load_compared
from bot.jobs import Answer
from bot.requests import Request
from engine.errors import UsageError


def told_compared(session: Session, compared_id: str) -> Answer:
    """The answer to a question for a comparison that was found."""
    found = load_compared(session, compared_id)
    return Answer(compared=found) if found is not None else Answer(error=UsageError("comparison_gone"))


def past_compared(session: Session, request: Request, team: str | None) -> Answer | None:
    """What ``explain`` and ``report`` say of a comparison; ``None`` where the id is of none."""
    found = load_compared(session, request.verdict_id, team=team) if request.verdict_id else None
    if found is None or request.verb != "report":
        return Answer(compared=found) if found is not None else None
    from bot.report.comparison import comparison_report

    return Answer(compared=found, report=comparison_report(found, request.lang))
