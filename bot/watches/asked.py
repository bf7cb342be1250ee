"""What people ask of watches, in Slack and terminals: done, and answered."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.jobs import Answer
from bot.requests import Origin, Request, request_from_json
from bot.settings import Settings
from bot.store.models import WatchRow
from bot.store.queries import load_verdict
from bot.watches.changing import add_watch, change_watch, line_of, list_watches, watch_meant
from bot.watches.digests import load_digest
from bot.watches.notices import load_notice


def change(session: Session, request: Request, origin: Origin, settings: Settings, request_id: str | None) -> None:
    """Do what a question about watches asks for, but for a look; a list, and a notice, change nothing.

    Raises:
        R1Error: it may not be done, or there is no such watch.
    """
    if request.notice is not None or request.action == "list":
        return
    if request.action in (None, "add"):
        add_watch(session, request, origin, settings, request_id=request_id)
    elif request.action != "run":
        until = request.schedule.until if request.schedule is not None else None
        change_watch(
            session, request.target or "", request.action, origin, settings, request_id=request_id, until=until
        )


def look_asked(session: Session, request: Request, origin: Origin, settings: Settings) -> Request:
    """The look that somebody wants a watch to do now.

    Raises:
        UsageError: there is no such watch, or it is somebody else's.
    """
    row = watch_meant(session, request.target or "", origin, settings)
    return replace(request_from_json(row.request), lang=request.lang, text=request.text)


def answer(
    session: Session,
    request: Request,
    origin: Origin,
    settings: Settings,
    *,
    request_id: str | None,
    verdict_id: str | None,
) -> Answer:
    """The answer to a question about watches that was done, or a notice.

    Args:
        verdict_id: of the look that was asked for.

    Raises:
        UsageError: the watch was deleted.
    """
    if request.notice is not None and request.notice["kind"] == "digest":
        return Answer(digest=load_digest(session, request, origin, lambda one: load_notice(session, one, settings)))
    if request.notice is not None:
        notice = load_notice(session, request, settings)
        return Answer(notice=notice, verdict_id=notice.after.id if notice.after is not None else None)
    if request.action == "list":
        return Answer(watches=list_watches(session, origin, target=request.target))
    if request.action == "run":
        stored = load_verdict(session, verdict_id or "")
        row = watch_meant(session, request.target or "", origin, settings)
        if stored is not None:
            return Answer(identification=stored.identification, verdict_id=stored.id, watch=line_of(row))
    changed = session.scalars(select(WatchRow).where(WatchRow.request_id == request_id).limit(1)).first()
    # Changed again since, by another question: shown as it is now.
    row = (
        changed if request_id and changed is not None else watch_meant(session, request.target or "", origin, settings)
    )
    return Answer(watch=line_of(row))
