"""The people of a workspace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.local_slack.errors import Body


@dataclass(slots=True)
class Person:
    """Somebody, as users.info tells of them. ``dm`` is their conversation with the bot."""

    id: str
    name: str
    dm: str
    locale: str = "en-US"
    tz: str = "Asia/Shanghai"
    admin: bool = False
    is_bot: bool = False


def person_json(person: Person, team: str, *, with_locale: bool) -> Body:
    """A person as users.info shows them; their locale only where it is asked for."""
    offset = datetime.now(ZoneInfo(person.tz)).utcoffset()
    shown: Body = {
        "id": person.id, "team_id": team, "name": person.name, "real_name": person.name.title(), "deleted": False,
        "tz": person.tz, "tz_label": person.tz, "tz_offset": int(offset.total_seconds()) if offset else 0,
        "is_bot": person.is_bot, "is_admin": person.admin, "is_owner": False,
        "profile": {"real_name": person.name.title(), "display_name": person.name},
    }  # fmt: skip
    return {**shown, "locale": person.locale} if with_locale else shown
