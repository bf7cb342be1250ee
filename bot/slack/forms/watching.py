"""The form that has a target watched: which, how often, where and to whom to say so, and when to be quiet."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bot.presentation import words
from bot.requests import Request, Schedule
from bot.settings import Settings
from bot.slack.forms.fields import Block, Typed, Where, Wrong, checked, field, modal, plain, section, text
from bot.slack.forms.targets import Offered, target_fields, target_of
from bot.understanding.scheduled import MOST_NOTIFIED, digest_time, people
from engine.errors import R1Error, UsageError

_QUIET = re.compile(r"((?:[01]?\d|2[0-3]):[0-5]\d)\s*(?:-|–|—|to|到|至)\s*((?:[01]?\d|2[0-3]):[0-5]\d)")
_CHANNEL = re.compile(r"[CGD][A-Z0-9]{2,}")


def watch_view(given: Request, where: Where, offered: Offered) -> Block:
    """What a question or a verdict said already is filled in."""
    said, schedule = words(where.lang)["acting"]["forms"]["watch"], given.schedule or Schedule()
    zone = schedule.timezone or offered.timezone
    channel: Block = {
        "type": "conversations_select",
        "placeholder": plain(said["channel"]["placeholder"]),
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
    }
    known = schedule.channel or (where.channel if where.channel[:1] in ("C", "G") else "")
    if _CHANNEL.fullmatch(known):
        channel["initial_conversation"] = known
    notify: Block = {
        "type": "multi_users_select",
        "placeholder": plain(said["notify"]["placeholder"]),
        "max_selected_items": MOST_NOTIFIED,
    }
    if schedule.notify:
        notify["initial_users"] = list(schedule.notify)
    blocks = [
        *([section(offered.note)] if offered.note else []),
        *target_fields("target", said, given.target, offered),
        field("schedule", said["schedule"], text(said["schedule"], _written(schedule), 300), zone=zone),
        field("channel", said["channel"], channel),
        field("notify", said["notify"], notify),
        field("digest", said["digest"], text(said["digest"], schedule.digest or "", 40), zone=zone),
        field("quiet", said["quiet"], text(said["quiet"], schedule.quiet or "", 40), zone=zone),
    ]
    rest = {name: value for name, value in (("timezone", zone), ("family", given.family)) if value}
    return modal("watch", said, replace(where, rest=rest), blocks)


def read_watch(typed: Typed, where: Where, settings: Settings) -> Request:
    """What is to be watched. Left out, the schedule is the usual one.

    Raises:
        Wrong: the target is missing, or the schedule is not understood.
    """
    zone = where.rest.get("timezone", "UTC")
    today = datetime.now(ZoneInfo(zone)).date()
    target, errors = "", dict[str, R1Error]()
    try:
        target = target_of("target", typed)
    except Wrong as wrong:
        errors |= wrong.errors
    try:
        made = checked(typed, {"schedule": lambda said: _schedule(said, today), "quiet": _quiet, "digest": digest_time})
    except Wrong as wrong:
        raise Wrong({**errors, **wrong.errors}) from wrong
    if errors:
        raise Wrong(errors)
    schedule: Schedule = made.get("schedule") or Schedule()
    schedule = replace(
        schedule,
        channel=typed.get("channel") or schedule.channel,
        quiet=made.get("quiet") or schedule.quiet,
        notify=people(typed.get("notify") or "") or schedule.notify,
        digest=made.get("digest") or schedule.digest,
        timezone=schedule.timezone or zone,
    )
    return Request(
        verb="watch",
        text="",
        lang=where.lang,
        action="add",
        target=target,
        family=where.rest.get("family", "deepseek-r1"),
        schedule=schedule,
    )


def _schedule(said: str, today: date) -> Schedule:
    from bot.understanding.schedules import read_schedule

    read = read_schedule(" ".join(said.split()), today)
    left = read.rest.strip(" ,.;，。；、")
    if read.schedule is None or left:
        raise UsageError("form_schedule", words=(left or said)[:60])
    return read.schedule


def _quiet(said: str) -> str:
    match = _QUIET.fullmatch(said.strip())
    if match is None or match[1].zfill(5) == match[2].zfill(5):
        raise UsageError("form_quiet", words=said[:40])
    return f"{match[1].zfill(5)}-{match[2].zfill(5)}"


def _written(schedule: Schedule) -> str:
    """When, in words; all else has places of its own."""
    plain_ = replace(schedule, channel=None, quiet=None, timezone=None, notify=(), digest=None)
    if plain_ == Schedule():
        return ""
    from bot.understanding.schedules import schedule_line

    return schedule_line(plain_)
