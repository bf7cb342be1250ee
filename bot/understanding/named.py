"""Whom a message names to be told: ``tell <@U2> if it changes`` → ``tell me if it changes``, and ``U2``. Pure.

That somebody is to be told is understood of "tell me" already, so whoever is named is taken out, and "me" put in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bot.requests import Request, Schedule
from bot.understanding.scheduled import people
from engine.errors import UsageError

_FLAGS = re.IGNORECASE
_PERSON = r"(?:<@[UW][A-Z0-9]{2,20}(?:\|[^<>]{0,80})?>|<!(?!date)[^<>]{1,80}>|(?<![\w.@/])@[^\s,，。;；:：、<>@/和与跟]{1,40})"
_AND = r"\s*(?:,|，|、|;|&|\+|\band\b|以及|[和与跟及])?\s*"
_ME = r"(?:\bme\b|\bus\b|我们?)"
_PEOPLE = (
    rf"(?:{_ME}\s*(?:,|、|\band\b|[和与跟])\s*)?{_PERSON}(?:{_AND}{_PERSON})*(?:\s*(?:,|、|\band\b|[和与跟])\s*{_ME})?"
)
_OPTION = re.compile(rf"(?P<cue>--notify)(?:=|\s+)(?P<who>{_PERSON}(?:{_AND}{_PERSON})*)", _FLAGS)
_TOLD = (
    (re.compile(rf"(?P<cue>(?<!-)\b(?:tell|notify|alert|ping|mention|message|inform|warn|tag|let|dm))(?P<gap>[\s:]+)(?P<who>{_PEOPLE})", _FLAGS), r"{cue} me"),
    (re.compile(rf"(?P<cue>告诉|告知|通知[给到]?|提醒|[喊叫]|艾特|抄送给?|发送?给|让|给|跟|向)(?P<gap>\s*)(?P<who>{_PEOPLE})", _FLAGS), "{cue}我"),
    (re.compile(rf"(?P<cue>[就请并后时都要]|马上|立刻|立即|@\s*一下|[,，]\s*@)(?P<gap>\s*)(?P<who>{_PEOPLE})", _FLAGS), "{cue}告诉我"),
    (re.compile(rf"(?P<cue>[,，;；]?\s*(?:\b(?:and\s+)?cc\b:?|\bwith\b(?={_AND}{_PEOPLE}\s+(?:notified|informed|told|pinged|mentioned|in copy))))(?P<gap>\s*)(?P<who>{_PEOPLE})(?:\s+(?:notified|informed|told|pinged|mentioned|in copy))?", _FLAGS), " "),
)  # fmt: skip
_ID = re.compile(r"<@(?P<id>[UW][A-Z0-9]{2,20})")
_ONE = re.compile(_PERSON, _FLAGS)


@dataclass(frozen=True, slots=True)
class Named:
    """``text`` without those who are named; they as ``U…``, or as they were written where that is nobody's id."""

    text: str
    who: tuple[str, ...] = ()


def named(text: str) -> Named:
    """Who is to be told, of a message as Slack delivers it. After ``--notify`` ids stand in the text as they are."""
    if "@" not in text and "<!" not in text:
        return Named(text)
    text = _OPTION.sub(lambda match: f"{match['cue']} {','.join(_each(match['who']))}", text)
    found: list[str] = []

    def taken(match: re.Match[str], said: str) -> str:
        found.extend(_each(match["who"]))
        return said.format(cue=match["cue"])

    for pattern, said in _TOLD:
        text = pattern.sub(lambda match, said=said: taken(match, said), text)  # type: ignore[misc]
    return Named(text, tuple(found))


def notifying(request: Request, named: Named) -> Request:
    """The watch with those who are to be told; what is no new watch tells nobody, and is left as it is.

    Raises:
        UsageError: somebody is named that Slack does not know by that name, or too many are.
    """
    if not named.who or request.verb != "watch" or request.action not in (None, "add"):
        return request
    schedule = request.schedule or Schedule()
    every = people(",".join((*schedule.notify, *named.who)))
    return replace(request, schedule=replace(schedule, notify=every))


def check_notified(schedule: Schedule, *, private: bool) -> None:
    """Refuse to name people where they do not see what is told.

    Raises:
        UsageError: notices go to one person alone.
    """
    if schedule.notify and private:
        raise UsageError("notify_private")


def _each(who: str) -> list[str]:
    return [_id(match[0]) for match in _ONE.finditer(who)]


def _id(person: str) -> str:
    match = _ID.match(person)
    if match is not None:
        return match["id"]
    group = re.match(r"<!(?:subteam\^\w+\|)?@?([^<>|]+)", person)
    return f"@{group[1]}" if group is not None else person
