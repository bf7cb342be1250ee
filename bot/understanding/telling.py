"""Where notices go, and when nobody wants one, in English and Chinese words. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.understanding.clocks import BARE, RANGE, TIME, clock, clocks

_FLAGS = re.IGNORECASE | re.ASCII
NIGHT = "22:00-08:00"
"""What "at night" means to somebody who wants to sleep (judged)."""
CHANNEL = re.compile(
    r"(?:\b(?:and )?(?:(?:report|post|send|tell|notify|alert|ping|message|write)(?: (?:it|them|me|us|everything|results?|notices?))? )?(?:(?:in|to|into|on) )?"
    r"|(?:结果|通知|消息|提醒)?[都就]?(?:发送?|通知|提醒|贴|报|推送?|告诉|说)?[到在给至]? ?)"
    r"(?:<#(?P<id>[A-Z0-9]{2,20})(?:\|(?P<shown>[\w-]{0,80}))?>|(?<![\w/.:?=&#-])#(?P<name>(?![0-9]{1,10}(?![\w-]))[\w-]{1,80}))"
    r"(?: channel\b| ?(?:频道|群)里?|里)?",
    _FLAGS,
)
CHANNEL_ID = re.compile(r"\b(?:in|to) (?P<id>[CGD][A-Z0-9]{2,20})(?![\w-])", re.ASCII)
_TOLD = r"(?:ping|alone|in peace|notif|notice|messag|bother|disturb|wak|alert|alarm|post|noise|tell|writ)[a-z]{0,8}"
_NO = r"\b(?:no|leave|without|not|never|don'?t|do not|stop|hold|pause|mute|skip)\b"
_HUSH = r"(?:别|不要|不用|不必|请?勿|免|不许?)再?(?:来|去|给我)?(?:打扰|吵|通知|提醒|发|叫|推|响|@|艾特|烦)[^\s,。;，；]{0,4}"
_QUIETLY = r"(?:\bquiet(?: (?:hours?|times?))?|\bsilent|\bsilence|\bmuted?|\bdo not disturb|\bdnd|静默(?:时段|时间)?|免打扰(?:时段|时间)?|勿扰(?:时段|时间)?|静音(?:时段|时间)?|安静时[段间])"
_RANGE = re.compile(RANGE, _FLAGS)
_TIME = re.compile(rf"\b(?P<which>after|before) (?P<time>{TIME}|{BARE})", _FLAGS)
_REACH = 70
"""Characters before and behind times in which words say what they are of."""
_AHEAD = re.compile(
    rf"(?:(?:\bwith )?{_QUIETLY}(?: ?[:=是为设]| is| are| from| between|从| )*|(?:\b(?:and|but) )?{_NO}[^,;.。]{{0,20}}?\b{_TOLD}[^,;.。]{{0,25}}?"
    r"|(?:\b(?:and|but) )?\bnot (?:between|from) )$",
    _FLAGS,
)
_AHEAD_ZH = re.compile(r"(?:别|不要|请?勿)[在从] ?$", _FLAGS)
_FROM_ZH = re.compile(r"[在从] ?$")
_BEHIND = re.compile(
    rf" ?(?:之间|期间|这段时间)?[请都就]?{_HUSH}| ?(?:is |are |as )?(?:quiet(?: hours)?\b|silent\b|静默|免打扰|勿扰|静音|(?:保持)?安静)",
    _FLAGS,
)
_BEHIND_ZH = re.compile(r" ?(?:之间|期间)?(?:打扰|吵|通知|提醒|发|叫)[^\s,。;，；]{0,4}", _FLAGS)
_AT_NIGHT = re.compile(
    rf"{_NO}[^,;.。]{{0,20}}?\b{_TOLD}[^,;.。]{{0,15}}?(?:at night|overnight|during the night)|\b(?:mute|quiet|silent) (?:at night|overnight)|(?:夜里|夜间|晚上|半夜|深夜)[请都就]?{_HUSH}",
    _FLAGS,
)


@dataclass(frozen=True, slots=True)
class Quiet:
    """``hours`` as ``22:00-08:00``, said at ``start``:``end``."""

    hours: str
    start: int
    end: int


def quiet_hours(text: str) -> Quiet | None:
    """When nobody is to be told, wherever a text says so.

    Raises:
        UsageError: a time that no day has.
    """
    for match in _RANGE.finditer(text):
        if span := _told(text, *match.span()):
            first, last = clocks(match[0])[:2]
            return Quiet(f"{first}-{last}", *span)
    for match in _TIME.finditer(text):
        if span := _told(text, *match.span()):
            hour = clock(match["time"])
            return Quiet(f"{hour}-08:00" if match["which"].lower() == "after" else f"00:00-{hour}", *span)
    if night := _AT_NIGHT.search(text):
        return Quiet(NIGHT, *night.span())
    return None


def _told(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Where the words begin and end that make times at ``start``:``end`` quiet ones."""
    floor = max(0, start - _REACH)
    before, behind = text[floor:start], text[end : end + _REACH]
    if said := _AHEAD.search(before):
        return floor + said.start(), end
    ahead, after = _AHEAD_ZH.search(before), _BEHIND_ZH.match(behind)
    if ahead and after:
        return floor + ahead.start(), end + after.end()
    if hush := _BEHIND.match(behind):
        opened = _FROM_ZH.search(before)
        return floor + opened.start() if opened else start, end + hush.end()
    return None
