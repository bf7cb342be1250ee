"""What is told of the past: verdicts, what watches saw, how a target went, and all of it as a table."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bot.jobs import Answer, ReportFile
from bot.requests import Request
from bot.settings import Settings
from bot.store.looks import ALWAYS, Span, Whose, news, quiet, watches_of
from bot.store.queries import StoredVerdict, history
from bot.store.timeline import Timeline, timeline

MOST_EXPORTED = 100_000
"""Rows of a table that is uploaded: some 15 MB. A terminal writes all."""


def past(session: Session, request: Request, whose: Whose, span: Span = ALWAYS) -> Answer:
    """The answer to ``history``: of all, or of a target."""
    if request.action == "export":
        return Answer(history=(), export=_exported(session, request, whose))
    target, limit = request.target, request.limit
    rows = history(session, team=whose.team, user=whose.user, target=target, limit=limit, span=span)
    if target is None:
        looks = news(session, whose, limit=limit, span=span)
        return Answer(history=rows, looks=looks, quiet=quiet(session, whose, span=span))
    ids = watches_of(session, whose, target)
    if ids == ():
        return Answer(history=rows, timeline=timeline(session, whose, target, span=span))
    return Answer(
        history=rows,
        looks=news(session, whose, ids=ids, limit=limit, span=span),
        quiet=quiet(session, whose, ids=ids, span=span),
        timeline=timeline(session, whose, target, ids, span),
    )


def beside(session: Session, stored: StoredVerdict, whose: Whose) -> Timeline | None:
    """How the target of a verdict went, for its report."""
    return timeline(session, whose, stored.identification.target.spec)


def timeline_beside(settings: Settings, stored: StoredVerdict) -> Timeline | None:
    """The same in a terminal, which sees all."""
    from bot.store import open_store

    with open_store(settings.store_url).read() as session:
        return beside(session, stored, Whose())


def _exported(session: Session, request: Request, whose: Whose) -> ReportFile:
    from itertools import islice

    from bot.store.export import csv_lines, entries

    rows = islice(entries(session, whose, target=request.target), MOST_EXPORTED)
    return ReportFile("r1-history.csv", b"".join(line.encode() for line in csv_lines(rows)))
