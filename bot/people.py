"""Who somebody is to the bot: the language and time zone that Slack says they have, and what they chose."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.requests import Lang
from bot.store import Store
from bot.store.models import PersonRow, now
from bot.zones import timezones

log = logging.getLogger("r1.people")
DEFAULTS_LENGTH = 500
_FRESH = timedelta(days=1)
_AGAIN = 600.0
"""Seconds until somebody whom Slack told nothing about is asked for again."""
_LATE = 0.15
"""Seconds that an acknowledgement waits for what Slack says of somebody who was never seen before."""
Ask = Callable[[str, str], tuple[str, str]]
"""A workspace's and a person's id → their locale and time zone, as Slack writes them."""


@dataclass(frozen=True, slots=True)
class Person:
    """``lang``: as Slack says, ``chosen`` as they say; ``defaults``: what they usually ask about, in words."""

    lang: Lang | None = None
    chosen: Lang | None = None
    timezone: str = ""
    private: bool = False
    defaults: str = ""

    def language(self, default: Lang) -> Lang:
        """What they are answered in, where their words do not say."""
        return self.chosen or self.lang or default

    def today(self) -> date:
        """The day it is where they are."""
        return datetime.now(ZoneInfo(self.timezone or "UTC")).date()


def person_in(session: Session, team: str, user: str) -> Person:
    """What is known of somebody; nothing of those never seen."""
    row = session.get(PersonRow, (team, user))
    return _person(row) if row is not None else Person()


def timezone_of(session: Session, team: str, user: str) -> str:
    """Somebody's time zone by its IANA name; UTC where it is not known."""
    return person_in(session, team, user).timezone or "UTC"


def choose(session: Session, team: str, user: str, *, lang: Lang | None, private: bool, defaults: str) -> None:
    """Keep what somebody chose; ``lang=None`` leaves the language to Slack."""
    row = session.get(PersonRow, (team, user))
    if row is None:
        row = PersonRow(team=team, user=user, seen=now() - _FRESH)
        session.add(row)
    row.chosen_lang, row.private, row.defaults = lang or "", private, defaults[:DEFAULTS_LENGTH]


class People:
    """Looks people up, at Slack at most once a day each. Nobody waits long for it: who is asked for in vain is answered
    in the language that is set."""

    def __init__(self, store: Store, ask: Ask) -> None:
        self._store, self._ask = store, ask
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="people")
        self._lock = threading.Lock()
        self._asked: dict[tuple[str, str], tuple[float, Future[None]]] = {}

    def of(self, team: str, user: str, *, patience: float = _LATE) -> Person:
        """What is known of somebody, and what Slack says of those never seen before within ``patience`` seconds."""
        if not user:
            return Person()
        row = self._row(team, user)
        if row is not None and row.seen > now() - _FRESH:
            return _person(row)
        asked = self._look_up(team, user)
        if row is not None or asked is None:
            return _person(row) if row is not None else Person()
        wait([asked], timeout=patience)
        row = self._row(team, user)
        return _person(row) if row is not None else Person()

    def _look_up(self, team: str, user: str) -> Future[None] | None:
        with self._lock:
            since, asked = self._asked.get((team, user), (0.0, None))
            if asked is not None and time.monotonic() - since < _AGAIN:
                return asked if not asked.done() else None
            asked = self._pool.submit(self._remember, team, user)
            self._asked[team, user] = time.monotonic(), asked
            return asked

    def _remember(self, team: str, user: str) -> None:
        try:
            locale, timezone = self._ask(team, user)
            for _ in range(2):
                try:
                    with self._store.begin() as session:
                        _see(session, team, user, locale, timezone)
                    break
                except IntegrityError:  # another process saw them at the same moment
                    continue
            with self._lock:
                self._asked.pop((team, user), None)
        except Exception:
            log.info("Slack did not say who %s is", user, exc_info=True)

    def _row(self, team: str, user: str) -> PersonRow | None:
        with self._store.read() as session:
            return session.get(PersonRow, (team, user))


def asking_slack(client_of: Callable[[str], Any]) -> Ask:
    """Asks Slack, with the client of the person's workspace."""

    def ask(team: str, user: str) -> tuple[str, str]:
        told = client_of(team).users_info(user=user, include_locale=True)["user"]
        return str(told.get("locale") or ""), str(told.get("tz") or "")

    return ask


def _see(session: Session, team: str, user: str, locale: str, timezone: str) -> None:
    row = session.get(PersonRow, (team, user))
    if row is None:
        row = PersonRow(team=team, user=user)
        session.add(row)
    code = locale.replace("_", "-").partition("-")[0].lower()
    row.lang = code if code in ("en", "zh") else ""
    row.timezone = timezone if timezone in timezones() else ""
    row.seen = now()


def _person(row: PersonRow) -> Person:
    return Person(_lang(row.lang), _lang(row.chosen_lang), row.timezone, row.private, row.defaults)


def _lang(text: str) -> Lang | None:
    return "zh" if text == "zh" else "en" if text == "en" else None
