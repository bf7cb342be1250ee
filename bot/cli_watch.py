"""`r1 watch`: have a target looked at again and again, and what is watched."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.completing import target as proposed
from bot.completing import watch as known
from bot.terminal import give, progress_line
from bot.typed import LANG, printed

if TYPE_CHECKING:
    from bot.requests import Request

_KEYS = (
    "id", "target", "schedule", "timezone", "state", "channel", "user", "next_at", "looked_at", "verdict_id",
    "failures", "outcome", "title", "since", "muted_until", "muted_change", "check",
)  # fmt: skip


class _Watches(click.Group):
    """What is no action is a target to watch."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            return _add.name, _add, args
        return super().resolve_command(ctx, args)


@click.group(cls=_Watches)
def watch() -> None:
    pass


@watch.command("add")
@click.argument("target", shell_complete=proposed)
@click.argument("when", nargs=-1)
@click.option("--notify", multiple=True, metavar="U…")
@click.option("--digest", metavar="HH:MM")
@LANG
@printed(*_KEYS)
def _add(
    target: str,
    when: tuple[str, ...],
    notify: tuple[str, ...],
    digest: str | None,
    lang: str | None,
    as_json: bool,
) -> int:
    given = {"--notify": [",".join(notify)] if notify else [], "--digest": [digest] if digest else []}
    return _asked("add", target, " ".join(when), lang=lang, as_json=as_json, given=given)


@watch.command("list")
@click.argument("target", required=False, shell_complete=proposed)
@LANG
@printed(*_KEYS, many=True)
def _list(target: str | None, lang: str | None, as_json: bool) -> int:
    return _asked("list", target, lang=lang, as_json=as_json)


@watch.command("pause")
@click.argument("named", metavar="WATCH", shell_complete=known)
@LANG
@printed(*_KEYS)
def _pause(named: str, lang: str | None, as_json: bool) -> int:
    return _asked("pause", named, lang=lang, as_json=as_json)


@watch.command("resume")
@click.argument("named", metavar="WATCH", shell_complete=known)
@LANG
@printed(*_KEYS)
def _resume(named: str, lang: str | None, as_json: bool) -> int:
    return _asked("resume", named, lang=lang, as_json=as_json)


@watch.command("remove")
@click.argument("named", metavar="WATCH", shell_complete=known)
@LANG
@printed(*_KEYS)
def _remove(named: str, lang: str | None, as_json: bool) -> int:
    return _asked("remove", named, lang=lang, as_json=as_json)


@watch.command("accept")
@click.argument("named", metavar="WATCH", shell_complete=known)
@LANG
@printed(*_KEYS)
def _accept(named: str, lang: str | None, as_json: bool) -> int:
    return _asked("accept", named, lang=lang, as_json=as_json)


@watch.command("mute")
@click.argument("named", metavar="WATCH", shell_complete=known)
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD")
@click.option("--until-change", is_flag=True)
@LANG
@printed(*_KEYS)
def _mute(named: str, until: datetime | None, until_change: bool, lang: str | None, as_json: bool) -> int:
    if until_change and until is not None:
        from engine.errors import UsageError

        raise UsageError("mute_change_alone")
    return _asked("mute_change" if until_change else "mute", named, until=until, lang=lang, as_json=as_json)


@watch.command("unmute")
@click.argument("named", metavar="WATCH", shell_complete=known)
@LANG
@printed(*_KEYS)
def _unmute(named: str, lang: str | None, as_json: bool) -> int:
    return _asked("unmute", named, lang=lang, as_json=as_json)


@watch.command("run")
@click.argument("named", metavar="WATCH", shell_complete=known)
@LANG
@printed(
    "id", "as_of", "format", "target", "family", "family_version", "evidence", "verdict", "recommendation",
    "engine_version", "seconds",
)  # fmt: skip
def _run(named: str, lang: str | None, as_json: bool) -> int:
    return _asked("run", named, lang=lang, as_json=as_json)


def _asked(
    action: str,
    target: str | None,
    when: str = "",
    *,
    lang: str | None,
    as_json: bool,
    until: datetime | None = None,
    given: dict[str, list[str]] | None = None,
) -> int:
    """Do it here; only the looks that come later are a worker's."""
    from bot.answering import Work, answer_of, find
    from bot.keeping import kept_question
    from bot.settings import backend_of, load_settings

    request, settings = _request(action, target, when, lang, until, given or {}), load_settings()
    store, origin, request_id = kept_question(settings, request)
    work = Work(
        store,
        settings,
        backend=lambda: backend_of(settings),
        request_id=request_id,
        on_progress=(progress_line(request.lang) if not as_json else None) or (lambda progress: None),
    )
    kept = find(request, origin, work)
    answer = answer_of(request, origin, kept, store, settings, request_id=request_id)
    store.close()
    if answer.error is not None:
        raise answer.error
    return give(request, answer, as_json=as_json)


def _request(
    action: str,
    target: str | None,
    when: str,
    lang: str | None,
    until: datetime | None,
    given: dict[str, list[str]],
) -> Request:
    from dataclasses import replace
    from datetime import date
    from typing import cast

    from bot.options import Parsed
    from bot.requests import Action, Request, Schedule
    from bot.terminal import spoken_here
    from bot.understanding.scheduled import typed_schedule
    from bot.understanding.schedules import read_schedule
    from engine.errors import UsageError

    spoken = "zh" if (lang or spoken_here()) == "zh" else "en"
    text = " ".join(part for part in ("watch", action, target or "", when) if part)
    request = Request("watch", text, "zh" if spoken == "zh" else "en", target, action=cast("Action", action))
    if action != "add":
        return replace(request, schedule=Schedule(until=until.date())) if until is not None else request
    read = read_schedule(when, date.today())
    left = read.rest.strip(" ,.;，。；、")
    if left or (when and read.schedule is None):
        raise UsageError("form_schedule", words=(left or when)[:60])
    schedule = read.schedule or Schedule()
    typed = typed_schedule(Parsed(options={name: values for name, values in given.items() if values}))
    if typed is not None:
        notify, digest = typed.notify or schedule.notify, typed.digest or schedule.digest
        schedule = replace(schedule, notify=notify, digest=digest)
    return replace(request, schedule=replace(schedule, timezone=schedule.timezone or _zone_here()))


def _zone_here() -> str:
    """The time zone of this machine, by its name."""
    from zoneinfo import available_timezones

    link = Path("/etc/localtime")
    linked = os.path.realpath(link).partition("/zoneinfo/")[2] if link.is_symlink() else ""
    names = (os.environ.get("TZ", "").lstrip(":"), linked)
    return next((name for name in names if name in available_timezones()), "UTC")
