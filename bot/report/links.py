"""Links under which reports are had over HTTP: whoever has the link has the report, until it expires."""

from __future__ import annotations

import hmac
import time
from urllib.parse import parse_qs, urlsplit

from sqlalchemy.orm import Session

from bot.requests import Lang
from bot.settings import Settings
from bot.store.models import VerdictRow

_DAYS, _DAY = 30, 86_400
_DIGITS = 32
"""Of the signature, in hexadecimal: 128 bits."""
_PURPOSE = b"r1 report links, version 1"
_LONGEST = 16


def links_are_made(settings: Settings) -> bool:
    """Whether reports can be had over HTTP: where from, and signed with what, is set."""
    return bool(settings.public_url and settings.secret_key.get_secret_value())


def link_of(verdict_id: str, team: str, settings: Settings, lang: Lang = "en") -> str | None:
    """The link to a verdict's report, good for as long as verdicts are kept, at most thirty days; ``None`` where links
    are not made. Asked for again on the same day (UTC), it is the same."""
    if not links_are_made(settings):
        return None
    days = min(_DAYS, settings.retention_days or _DAYS)
    until = int(time.time()) // _DAY + days + 1
    tail = "&lang=zh" if lang == "zh" else ""
    key = f"{until}-{_signature(verdict_id, team, until, settings)}"
    return f"{settings.public_url}/reports/{verdict_id}?key={key}{tail}"


def opens(session: Session, verdict_id: str, key: str, settings: Settings) -> bool:
    """Whether the key is good for this verdict, which is still kept, and still today."""
    day, _, signature = key.partition("-")
    if not links_are_made(settings) or not _plain(verdict_id) or not day.isdecimal() or len(day) > 6:
        return False
    row = session.get(VerdictRow, verdict_id)
    # The same work whether or not there is such a verdict: how long it takes tells nothing.
    wanted = _signature(verdict_id, row.team if row is not None else "", int(day), settings)
    right = hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "replace"))
    return right and row is not None and int(day) * _DAY > time.time()


def read_link(url: str, settings: Settings) -> tuple[str, str] | None:
    """The verdict's id and the key in a link of ours; ``None`` for any other."""
    start = f"{settings.public_url}/reports/"
    if not links_are_made(settings) or not url.startswith(start):
        return None
    parts = urlsplit(url)
    key = parse_qs(parts.query).get("key", [""])[0]
    verdict_id = parts.path.rpartition("/")[2]
    return (verdict_id, key) if _plain(verdict_id) and parts.path.endswith(f"/reports/{verdict_id}") else None


def _plain(verdict_id: str) -> bool:
    return verdict_id.isascii() and verdict_id.isalnum() and len(verdict_id) <= _LONGEST


def _signature(verdict_id: str, team: str, until: int, settings: Settings) -> str:
    """Bound to the team too: an id that some other team's verdict bears some day is another's."""
    own = hmac.digest(settings.secret_key.get_secret_value().encode(), _PURPOSE, "sha256")
    return hmac.digest(own, f"{verdict_id}\n{team}\n{until}".encode(), "sha256").hex()[:_DIGITS]
