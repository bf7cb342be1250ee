"""The way in: whatever people write, press or fill in becomes a job here, or a sentence for them alone. A job is
committed before anything is acknowledged."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bot.access import check_place, check_quota, is_admin
from bot.commands import Names, language_of, parse, undecorate
from bot.jobs import accept
from bot.people import People, Person
from bot.requests import Earlier, Lang, Origin, Request
from bot.settings import Settings
from bot.slack.aside import forget_me
from bot.slack.assistant import Signs
from bot.slack.installing import Clients
from bot.store import Store
from bot.store.endpoints import endpoint_names
from bot.store.models import RequestRow, now
from bot.store.queries import earlier_in, load_request
from bot.understanding.assisted import assistant
from bot.usual import with_usual
from engine.errors import R1Error, UsageError

log = logging.getLogger("r1.slack")
_LINES = 8
_DOUBLE = timedelta(seconds=3)
"""Within which pressing the same again is one press: a double click, or impatience."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What taking something in needs. ``clients`` are quick or fail, as an acknowledgement waits for them; ``rooms``
    remembers which channel is whose direct messages; ``lines`` do one thing after the other, without being waited for.
    """

    store: Store
    settings: Settings
    clients: Clients
    people: People
    signs: Signs
    rooms: dict[tuple[str, str], str] = field(default_factory=dict)
    lines: tuple[ThreadPoolExecutor, ...] = field(
        default_factory=lambda: tuple(ThreadPoolExecutor(1, thread_name_prefix="line") for _ in range(_LINES))
    )

    def line_of(self, team: str, user: str) -> ThreadPoolExecutor:
        """The line in which what concerns one person is done in order."""
        return self.lines[hash((team, user)) % len(self.lines)]


@dataclass(frozen=True, slots=True)
class Taken:
    """The job that was made, if one was; what the person alone is told instead."""

    job: str | None = None
    aside: str | None = None


def understood(desk: Desk, written: str, origin: Origin, person: Person) -> Request:
    """The request that a message makes in its place, of who wrote it. Where it is understood as nothing, a language model
    may say what it could mean, if one is set; that is shown to be confirmed."""

    def names() -> Collection[str]:
        return endpoints_of(desk, origin.team)

    def earlier() -> Earlier | None:
        with desk.store.read() as session:
            return earlier_in(session, origin)

    lang, today = person.language(desk.settings.default_lang), person.today()
    request, assist = read(written, lang, names, earlier, today), assistant(desk.settings)
    if assist is None or request.verb != "other":
        return request
    return assist(request, undecorate(written), names(), today)


def read(
    written: str,
    lang: Lang,
    names: Names = tuple,
    earlier: Callable[[], Earlier | None] = lambda: None,
    today: date | None = None,
) -> Request:
    """The request that a message makes; what cannot be understood is a request too, to be refused with a sentence."""
    try:
        return parse(written, lang=lang, names=names, earlier=earlier, today=today)
    except UsageError as error:
        kept = "(removed: it seemed to hold a secret)" if error.code == "secret_pasted" else written[:4_000]
        refusal = (error.code, error.values)
        return Request(verb="refused", text=kept, lang=language_of(written, lang), refusal=refusal)


def take_in(desk: Desk, request: Request, origin: Origin, person: Person, dedup_key: str) -> Taken:
    """Commit a request and its job. What settles a pending question is taken once, whoever says it and how."""
    if request.verb == "forget":  # wherever it is said, and kept nowhere
        return Taken(aside=forget_me(request, origin, desk.store, desk.settings))
    wanted = _as_they_like(request, person)
    key = f"run:{wanted.confirms}" if wanted.confirms is not None else dedup_key

    def check(session: Session) -> None:
        if wanted.confirms is not None:
            pending_of(session, wanted.confirms, origin, desk.settings)
        if origin.surface in ("button", "shortcut") and wanted.confirms is None:
            _check_once(session, wanted, origin, key)
        check_quota(session, wanted, origin, desk.settings, key)

    try:
        check_place(origin, desk.settings)
        job = accept(desk.store, wanted, origin, dedup_key=key, check=check)
    except _Twice:
        log.info("%s was pressed twice", wanted.text[:80])
        return Taken()
    except R1Error as error:
        return Taken(aside=error.sentence(wanted.lang))
    if job is None:
        # Retried deliveries repeat the trigger or event id, so they find their job there already.
        log.info("%s was delivered again; its job is known", key)
        return Taken(aside=_settled(desk, wanted, origin, key))
    return Taken(job)


def pending_of(session: Session, request_id: str, origin: Origin, settings: Settings) -> Request:
    """The question that waits to be confirmed, for who may do that: whoever asked it, and admins.

    Raises:
        UsageError: it is kept no longer, or somebody else's.
    """
    found = load_request(session, request_id)
    if found is None or found[1].team != origin.team:
        raise UsageError("question_gone")
    if found[1].user != origin.user and not is_admin(origin, settings):
        raise UsageError("not_yours")
    return found[0]


def endpoints_of(desk: Desk, team: str) -> Collection[str]:
    """Names of the endpoints that a workspace may ask."""
    with desk.store.read() as session:
        return endpoint_names(session, team)


def room_of(desk: Desk, team: str, user: str) -> str:
    """The channel of somebody's direct messages with the bot.

    Raises:
        SlackApiError, OSError: Slack did not tell.
    """
    if (team, user) not in desk.rooms:
        opened = desk.clients(team).conversations_open(users=user)
        desk.rooms[team, user] = str(opened["channel"]["id"])
    return desk.rooms[team, user]


def _as_they_like(request: Request, person: Person) -> Request:
    """With what the person chose: who sees the answer, and what they usually ask about."""
    private = True if request.private is None and person.private else request.private
    return with_usual(replace(request, private=private), person.defaults)


class _Twice(Exception):
    """The same was pressed a moment ago."""


def _check_once(session: Session, request: Request, origin: Origin, dedup_key: str) -> None:
    """Refuse the second half of a double click: a press of its own to Slack, with a trigger of its own."""
    if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer at a time anyhow
        who = {"who": f"press {origin.team} {origin.user}"}
        session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:who, 0))"), who)
    mine = (RequestRow.user == origin.user) & (RequestRow.team == origin.team)
    place = (RequestRow.channel == origin.channel) & RequestRow.thread_ts.is_not_distinct_from(origin.thread_ts)
    same = place & (RequestRow.surface == origin.surface) & (RequestRow.text == request.text)
    recent = RequestRow.created > now() - _DOUBLE
    if session.scalar(select(RequestRow.dedup_key).where(mine, recent, same).limit(1)) not in (None, dedup_key):
        raise _Twice


def _settled(desk: Desk, request: Request, origin: Origin, dedup_key: str) -> str | None:
    """Why a pending question can be settled no other way any more; nothing for the same press or words once more."""
    if request.confirms is None:
        return None
    with desk.store.read() as session:
        verb = session.scalar(select(RequestRow.verb).where(RequestRow.dedup_key == dedup_key))
    if verb == request.verb and origin.surface != "modal":
        return None
    return UsageError("settled_cancel" if verb == "cancel" else "settled_run").sentence(request.lang)
