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
_ID = r"(?:<@[UW][A-Z0-9]{2,20}(?:\|[^<>]{0,80})?>|@?[UW][A-Z0-9]{2,20}(?![\w-]))"
PEOPLE = re.compile(
    rf"(?:\b(?:and )?(?i:notify|tell|ping|alert|mention)|通知|告诉|提醒)[ :]*(?P<who>{_ID}(?: ?[,，、] ?{_ID})*)",
    re.ASCII,
)
"""People by their ids, as a terminal and a form have them; in a message Slack writes names as ids."""
_SUMS = r"(?:digest|summary|round-?up|recap|overview)"
_DAILY = r"(?:daily|once a day|every ?day|each day|per day|a day)"
_SUMS_ZH = r"(?:汇总|总结|摘要|简报|日报|汇报)"
_DIGEST = re.compile(
    rf"(?:[,;] ?)?(?:\b(?:and|but|with|as|in|send(?: me)?|give me|post|just|only) )*(?:a |an |the |one )?\b(?:(?:daily|nightly|everyday) {_SUMS}\b|{_SUMS}(?: of (?:the |all )?changes)?(?: it| them)? {_DAILY}\b|{_SUMS}\b(?= ?(?:at|@) ?{TIME})|digest\b)"
    rf"(?: (?:instead|only|please))?(?: ?(?:at |@ ?)?(?P<at>{TIME}))?"
    rf"|(?:[,;] ?)?(?:\b(?:and|but) )?\b(?:sum(?:mari[sz]e)?|batch)(?: (?:it|them|everything|(?:the |all )?(?:changes|news|notices)))?(?: up)?(?: for me)?(?: only)? {_DAILY}\b(?: ?(?:at|@) ?(?P<sum>{TIME}))?"
    rf"|(?:[,;] ?)?(?:\b(?:and|but) )?(?:\bonly (?:tell|notify|message|ping|write) (?:me|us)|\b(?:tell|notify|message|ping|write) (?:me|us) (?:only|at most)|\bat most one (?:message|notice|notification)) {_DAILY}\b(?: ?(?:at|@) ?(?P<only>{TIME}))?"
    rf"|[,，;；]?(?:变化|有变化|结果|通知|消息)?[就都]?(?:按[天日]|每[天日]|一天|每)(?:(?P<zh>{TIME})|(?P<part>早上?|晚上?|上午|下午))?[都就再统]?(?:一|给我|发|出|推送?|来|做|只)*(?:[一1][次份个条])?(?:的)?{_SUMS_ZH}(?:通知|告诉我|发我|成|为|发)?(?:[一1][次下份条])?"
    rf"|[,，;；]?(?:变化|结果|通知|消息)?[就都]?(?:汇总|攒起来|合并|攒)[起来成后到]*[，, ]?(?:每[天日]|一天)(?P<held>{TIME})?(?:再|统一)?(?:发|告诉|通知|推送?|说)?(?:给?我)?(?:[一1][次条份])?"
    rf"|[,，;；]?(?:要|发|用|只要)?每[日天]?{_SUMS_ZH}|[,，;；]?(?:发|出|要)(?:一?份|个)?日报",
    _FLAGS,
)
_PARTS_AT = {"早": "09:00", "上": "09:00", "晚": "18:00", "下": "15:00"}
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


@dataclass(frozen=True, slots=True)
class Digest:
    """``at`` as ``09:00``, where a time is said, at ``start``:``end``."""

    at: str | None
    start: int
    end: int


def digest_at(text: str) -> Digest | None:
    """Where a text asks for one message a day, instead of one a change.

    Raises:
        UsageError: a time that no day has.
    """
    match = _DIGEST.search(text)
    if match is None:
        return None
    said = next((match[name] for name in ("at", "sum", "only", "zh", "held") if match[name]), None)
    part = match["part"]
    return Digest(clock(said) if said else _PARTS_AT[part[0]] if part else None, *match.span())


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
