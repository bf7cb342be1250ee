"""Watches in words: made, changed, listed, and what they tell. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, get_args
from zoneinfo import ZoneInfo

from bot.endpoints import is_name
from bot.jobs import WatchLine
from bot.presentation.view import Button, Mark, Part, View, percent, words
from bot.requests import Day, Lang, Request, Schedule

if TYPE_CHECKING:
    from bot.requests import Action

_CHANNEL = re.compile(r"[CG][A-Z0-9]+")
_USER = re.compile(r"[UW][A-Z0-9]{2,20}")
_BUTTONS_FOR = 1
_TOLD_AT = math.log(100.0)
"""The evidence at which people are told of a change: see ``engine.behaviour.judging.ALPHA``."""


def watch_view(watch: WatchLine, request: Request, mark: Mark, *, prefix: str) -> View:
    """A watch that was made or changed."""
    lang, said = request.lang, words(request.lang)["watches"]
    headline = _made(watch, request, mark)
    lines = [_when(watch, lang, mark)] if watch.state == "active" else []
    notes: list[str] = []
    if watch.state == "active":
        if watch.muted_change:
            lines.append(words(lang)["digests"]["muted_change_how"])
        else:
            lines += [_known(watch, lang, mark), *_told(watch, request, lang, mark, prefix=prefix)]
        notes += [words(lang)["checks"]["cost"]] if is_name(watch.target) and request.action in (None, "add") else []
    elif watch.state == "paused":
        notes.append(said["resume_how"].format(command=f"`{prefix}watch resume {watch.id}`"))
    elif watch.state == "removed":
        notes.append(said["kept"])
    parts = (Part(tuple(lines)), Part((*notes, f"`{watch.id}`"), quiet=True))
    shown = tuple(part for part in parts if part.lines)
    return View(headline, " ".join([headline, *lines[:1]]), shown, buttons=watch_buttons(watch, lang))


def watches_view(watches: tuple[WatchLine, ...], lang: Lang, mark: Mark, *, prefix: str) -> View:
    """What is watched, a line each."""
    said = words(lang)["watches"]["list"]
    if not watches:
        text = said["none"].format(example=f"`{prefix}{words(lang)['conversation']['examples']['watch']}`")
        return View(said["title"], text, (Part((text,)),))
    lines = tuple(_line(watch, lang, mark) for watch in watches)
    buttons = watch_buttons(watches[0], lang) if len(watches) == _BUTTONS_FOR else ()
    parts = (Part(lines), Part((said["how"].format(p=prefix),), quiet=True))
    return View(said["title"], said["count"].format(count=len(watches)), parts, buttons=buttons)


def looked_part(watch: WatchLine, lang: Lang) -> Part:
    """What a look that somebody asked for means to its watch."""
    said = words(lang)["watches"]["looked"]
    new = watch.since is None or watch.since == watch.looked_at
    since = clock_text(watch.since, watch.timezone) if watch.since is not None else ""
    return Part((said["new" if new else "same"].format(id=f"`{watch.id}`", since=since),), quiet=True)


def watch_buttons(
    watch: WatchLine, lang: Lang, *, verdict_id: str | None = None, changed: bool = False, troubled: bool = False
) -> tuple[Button, ...]:
    """What can be done with a watch, with the verdict it tells, with a change, and with trouble that goes on."""
    said, checks = words(lang)["watches"], words(lang)["checks"]["buttons"]
    labels = said["buttons"]
    explain = (Button("explain", labels["explain"], verdict_id, "primary"),) if verdict_id is not None else ()
    if watch.state == "removed":
        return explain
    run = (Button("watch_run", labels["run"], watch.id),)
    accept: tuple[Button, ...] = (Button("watch_accept", checks["accept"], watch.id),) if changed else ()
    if watch.muted_change or watch.muted_until is not None:
        accept += (Button("watch_unmute", checks["unmute"], watch.id),)
    elif changed or troubled:
        until_change = Button("watch_mute_change", words(lang)["digests"]["mute_change"], watch.id)
        accept += (Button("watch_mute", checks["mute"], watch.id), until_change)
    pause: tuple[Button, ...] = ()
    if watch.state in ("active", "paused"):
        action = "pause" if watch.state == "active" else "resume"
        pause = (Button(f"watch_{action}", labels[action], watch.id),)
    stop = (Button("watch_remove", labels["remove"], watch.id, "danger", said["sure"]),)
    return (*explain, *run, *accept, *pause, *stop)


def schedule_text(schedule: Schedule, lang: Lang, mark: Mark) -> str:
    """When a watch looks, in words; whom it tells and when not is said elsewhere."""
    said = words(lang)["watches"]["schedule"]
    if schedule.once is not None:
        text = said["once"].format(day=schedule.once)
    elif schedule.days and schedule.every in (None, "1d", "1w"):
        text = said["on_alone"].format(days=_days(schedule.days, said))
    else:
        text = _every(schedule.every or "1d", said, mark)
        text += said["on"].format(days=_days(schedule.days, said)) if schedule.days else ""
    text += said["at"].format(times=_listed(schedule.at, said)) if schedule.at else ""
    return str(text + (said["until"].format(day=schedule.until) if schedule.until is not None else ""))


def people_text(who: Iterable[str]) -> str:
    """People by their ids, so that Slack mentions them."""
    return " ".join(f"<@{user}>" for user in who if _USER.fullmatch(user))


def clock_text(moment: datetime, timezone: str, *, always_clock: bool = False) -> str:
    """A moment in a time zone: only the time, if that is today, or all that is wanted."""
    local, today = moment.astimezone(ZoneInfo(timezone)), datetime.now(UTC).astimezone(ZoneInfo(timezone))
    return f"{local:%H:%M}" if always_clock or local.date() == today.date() else f"{local:%Y-%m-%d %H:%M}"


def known_text(outcome: str, title: str, lang: Lang, mark: Mark) -> str:
    """What people know it is, in a few words."""
    said = words(lang)["verdict"]
    return str(said["what"][outcome].format(title=mark(title) if title != "?" else said["unknown"]))


def checked_text(watch: WatchLine, lang: Lang) -> str:
    """What the latest check of an endpoint said, in a few words; empty where there was none."""
    if watch.check is None:
        return ""
    said, check = words(lang)["checks"]["last"], watch.check
    since = clock_text(check.changed or check.at, watch.timezone)
    evidence = percent(math.exp(min(check.log_e or 0.0, _TOLD_AT) - _TOLD_AT))
    return str(said[check.state].format(at=clock_text(check.at, watch.timezone), since=since, evidence=evidence))


def _made(watch: WatchLine, request: Request, mark: Mark) -> str:
    said, checks, target = words(request.lang)["watches"], words(request.lang)["checks"], mark(watch.target)
    if request.action == "mute" and watch.muted_until is not None:
        return str(checks["muted"].format(target=target, until=clock_text(watch.muted_until, watch.timezone)))
    if request.action == "mute_change" and watch.muted_change:
        return str(words(request.lang)["digests"]["muted_change"].format(target=target))
    if request.action in ("accept", "unmute"):
        return str(checks["accepted" if request.action == "accept" else "unmuted"].format(target=target))
    return str(said[_headline(watch, request.action)].format(target=target))


def _headline(watch: WatchLine, action: Action | None) -> str:
    if watch.state == "removed":
        return "removed"
    if watch.state == "done":
        return "over"
    if action == "pause" and watch.state == "paused":
        return "paused"
    return {"resume": "resumed", "add": "made", None: "made"}.get(action, "again")


def _when(watch: WatchLine, lang: Lang, mark: Mark) -> str:
    said = words(lang)["watches"]
    schedule = schedule_text(watch.schedule, lang, mark)
    if watch.next_at is None:
        return str(said["when_never"].format(schedule=schedule))
    return str(said["when"].format(schedule=schedule, next=_next(watch, said)))


def _next(watch: WatchLine, said: Any) -> str:
    if watch.next_at is None:
        return ""
    if watch.next_at <= datetime.now(UTC):
        return str(said["next_now"])
    return str(said["next"].format(time=clock_text(watch.next_at, watch.timezone), zone=watch.timezone))


def _known(watch: WatchLine, lang: Lang, mark: Mark) -> str:
    said = words(lang)["watches"]
    if watch.since is None:
        return str(said["first"]) if watch.schedule.once is None else ""
    what = known_text(watch.outcome, watch.title, lang, mark)
    return str(said["compares"].format(what=what, since=clock_text(watch.since, watch.timezone)))


def _told(watch: WatchLine, request: Request, lang: Lang, mark: Mark, *, prefix: str) -> list[str]:
    """Where and when people are told."""
    said, channel = words(lang)["watches"], watch.schedule.channel
    lines: list[str] = []
    if not watch.channel:
        lines.append(said["terminal_channel" if channel else "terminal"])
    if watch.channel or channel:
        where = said["privately"] if request.private else said["here"]
        if channel is not None and channel != watch.channel:
            link = f"<#{channel}>" if prefix.startswith("/") and _CHANNEL.fullmatch(channel) else mark(channel)
            where = said["in_channel"].format(channel=link)
        lines.append(said["told"].format(where=where))
    if watch.schedule.quiet is not None and lines:
        start, _, end = watch.schedule.quiet.partition("-")
        lines.append(said["quiet"].format(start=start, end=end, zone=watch.timezone))
    return lines + _gathered(watch, lang, prefix=prefix) if lines else []


def _gathered(watch: WatchLine, lang: Lang, *, prefix: str) -> list[str]:
    """Who is mentioned, and that it is told once a day."""
    said, who = words(lang)["digests"], watch.schedule.notify
    people = people_text(who) if prefix.startswith("/") else ", ".join(f"@{user}" for user in who)
    lines = [said["mentions"].format(people=people)] if who else []
    if watch.schedule.digest is not None and (watch.channel or watch.schedule.channel):
        lines.append(said["daily"].format(time=watch.schedule.digest, zone=watch.timezone))
    return lines


def _line(watch: WatchLine, lang: Lang, mark: Mark) -> str:
    said = words(lang)["watches"]
    rows = said["list"]
    is_ = ""
    if watch.since is not None:
        what = known_text(watch.outcome, watch.title, lang, mark)
        is_ = rows["is"].format(what=what, since=clock_text(watch.since, watch.timezone))
    if checked := checked_text(watch, lang):
        is_ += f" · {checked}"
    if watch.failures:
        is_ += rows["failing"].format(failures=watch.failures)
    if watch.muted_change:
        is_ += words(lang)["digests"]["muted_change_line"]
    elif watch.muted_until is not None:
        until = clock_text(watch.muted_until, watch.timezone)
        is_ += words(lang)["checks"]["muted_line"].format(until=until)
    return str(
        rows["line"].format(
            target=mark(watch.target),
            schedule=schedule_text(watch.schedule, lang, mark),
            quiet=_gathered_line(watch, lang),
            state=rows["state"][watch.state].format(next=_next(watch, said)),
            **{"is": is_},
            id=f"`{watch.id}`",
        )
    )


def _gathered_line(watch: WatchLine, lang: Lang) -> str:
    """Quiet hours and the digest, as a list of watches has them."""
    rows, said, schedule = words(lang)["watches"]["list"], words(lang)["digests"], watch.schedule
    quiet = rows["quiet"].format(quiet=schedule.quiet) if schedule.quiet else ""
    return str(quiet + (said["line"].format(time=schedule.digest) if schedule.digest else ""))


def _every(every: str, said: Any, mark: Mark) -> str:
    match = re.fullmatch(r"(\d+)([mhdw])", every)
    if match is None:
        return mark(every)
    return str(said["each"][match[2]] if match[1] == "1" else said["every"][match[2]].format(n=match[1]))


def _days(days: tuple[Day, ...], said: Any) -> str:
    names = get_args(Day)
    if set(days) == set(names[:5]):
        return str(said["weekdays"])
    if set(days) == set(names[5:]):
        return str(said["weekends"])
    return _listed(tuple(said["days"][day] for day in sorted(set(days), key=names.index)), said)


def _listed(values: tuple[str, ...], said: Any) -> str:
    *most, last = values
    return str(said["comma"]).join(most) + (str(said["and"]) if most else "") + last
