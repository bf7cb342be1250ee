"""A watch and its schedule as options give them, and as options write them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import get_args

from bot.options import WATCH_ACTIONS, Parsed
from bot.requests import MOST_TOKENS, Action, Day, Request, Schedule
from bot.zones import timezones
from engine.errors import UsageError

_EVERY = re.compile(r"[1-9][0-9]{0,3}[mhdw]")
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_QUIET = re.compile(rf"{_CLOCK}-{_CLOCK}")
_CHANNEL = re.compile(r"#[\w-]{1,80}|[CGD][A-Z0-9]{2,20}")
_PERSON = re.compile(r"@?(?:<@)?(?P<id>[UW][A-Z0-9]{2,20})(?:\|[^>]*)?>?")
_DIGEST = re.compile(r"(?:daily|每天|每日)? ?(?P<at>[0-9]{1,2}:[0-9]{2})?", re.IGNORECASE)
MOST_NOTIFIED = 10
DIGEST_AT = "09:00"
"""When a digest is told where no time is said (judged)."""
_GROUPS: dict[str, tuple[str, ...]] = {
    "weekdays": ("mon", "tue", "wed", "thu", "fri"), "weekend": ("sat", "sun"), "weekends": ("sat", "sun"),
    "daily": (),
}  # fmt: skip


def typed_watch(plain: Request, parsed: Parsed) -> Request:
    """What to do with which watch, and when it looks.

    Raises:
        UsageError: a value that no schedule has, or "until it changes" of what is not to be muted.
    """
    schedule, words = typed_schedule(parsed), list(parsed.words)
    action: Action | None = WATCH_ACTIONS.get(words[0].lower()) if words else None
    if action is not None:
        words = words[1:]
    if "--until-change" in parsed.options:
        if action != "mute" or schedule is not None:
            raise UsageError("mute_change_alone")
        action = "mute_change"
    target = words[0] if words else None
    if action == "list":
        return replace(plain, action="list", target=target)
    return replace(
        plain,
        action=action or "add",
        target=target,
        schedule=schedule,
        ask=None if target else "target",
        family=parsed.one("--family", "deepseek-r1"),
        budget_tokens=parsed.number("--budget-tokens", MOST_TOKENS),
    )


def typed_schedule(parsed: Parsed) -> Schedule | None:
    """What options say of a schedule; ``None`` where none does.

    Raises:
        UsageError: a value that no schedule has.
    """
    given = {name: parsed.one(f"--{name}") for name in _NAMES if f"--{name}" in parsed.options}
    if not given:
        return None
    return Schedule(
        every=_matching("every", given.get("every"), _EVERY),
        once=_day("once", given.get("once")),
        at=tuple(sorted({_matching("at", part, re.compile(_CLOCK)) or "" for part in _parts(given.get("at"))})),
        days=_days(given.get("days")),
        until=_day("until", given.get("until")),
        channel=_matching("channel", given.get("channel"), _CHANNEL),
        quiet=_matching("quiet", given.get("quiet"), _QUIET),
        timezone=_zone(given.get("timezone")),
        notify=people(given.get("notify") or ""),
        digest=digest_time(given.get("digest")),
    )


def people(value: str) -> tuple[str, ...]:
    """Ids of people, as ``@ana`` becomes in Slack: each once, in the order they are named.

    Raises:
        UsageError: a name that Slack did not make an id of, or more people than may be named.
    """
    found = []
    for part in _parts(value):
        match = _PERSON.fullmatch(part)
        if match is None:
            raise UsageError("notify_unknown", name=part[:40])
        found.append(match["id"])
    if len(set(found)) > MOST_NOTIFIED:
        raise UsageError("notify_many", most=MOST_NOTIFIED)
    return tuple(dict.fromkeys(found))


def options_of(schedule: Schedule) -> list[str]:
    """The options that say the same."""
    values = {
        "every": schedule.every or "",
        "once": schedule.once.isoformat() if schedule.once else "",
        "at": ",".join(schedule.at),
        "days": ",".join(schedule.days),
        "until": schedule.until.isoformat() if schedule.until else "",
        "channel": schedule.channel or "",
        "quiet": schedule.quiet or "",
        "timezone": schedule.timezone or "",
        "notify": ",".join(schedule.notify),
        "digest": schedule.digest or "",
    }
    return [word for name, value in values.items() if value for word in (f"--{name}", value)]


_NAMES = ("every", "once", "at", "days", "until", "channel", "quiet", "timezone", "notify", "digest")
_SHOWN = {
    "every": "6h", "once": "2026-12-31", "at": "09:00,17:30", "days": "mon,thu", "until": "2026-12-31",
    "channel": "#ops", "quiet": "22:00-08:00", "timezone": "Asia/Shanghai",
    "notify": "@ana,@bo", "digest": "daily 09:00",
}  # fmt: skip


def _parts(value: str | None) -> list[str]:
    return [part for part in re.split(r"[,，\s]+", value or "") if part]


def _matching(name: str, value: str | None, pattern: re.Pattern[str]) -> str | None:
    if value is None:
        return None
    text = value.strip()
    if name == "at" and re.fullmatch(r"[0-9]:[0-5][0-9]", text):
        text = f"0{text}"
    if not pattern.fullmatch(text):
        raise _refusal(name)
    return text


def _day(name: str, value: str | None) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        raise _refusal(name) from None


def _days(value: str | None) -> tuple[Day, ...]:
    said: set[str] = set()
    for part in _parts(value):
        word = part.lower()
        if word in _GROUPS:
            said.update(_GROUPS[word])
        elif word[:3] in get_args(Day) and word.isalpha():
            said.add(word[:3])
        else:
            raise _refusal("days")
    return tuple(day for day in get_args(Day) if day in said)


def _zone(value: str | None) -> str | None:
    if value is None:
        return None
    if value not in timezones():
        raise _refusal("timezone")
    return value


def digest_time(value: str | None) -> str | None:
    """The time of day at which a digest is told; ``off`` says that there is none.

    Raises:
        UsageError: no day has such a time.
    """
    if value is None or value.strip().lower() in ("off", "no", "none", "关", "不要"):
        return None
    match = _DIGEST.fullmatch(value.strip())
    if match is None:
        raise _refusal("digest")
    return _matching("digest", (match["at"] or DIGEST_AT).zfill(5), re.compile(_CLOCK))


def _refusal(name: str) -> UsageError:
    return UsageError("option_value", option=f"--{name}", example=_SHOWN[name])
