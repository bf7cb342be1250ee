"""Days of the week as people list them: "weekdays", "Mon, Wed and Fri", "周一到周五", "not on weekends". Pure."""

from __future__ import annotations

import re

from bot.requests import Day
from bot.understanding.days import DAYS, WEEKDAY, WEEKEND, WORKDAYS, weekday
from bot.understanding.frequency import EVERY

_ZH = r"(?:周|星期|礼拜)[一二三四五六日天](?![次回遍])"
_LIST = rf"(?:{WEEKDAY}s?(?:(?: ?(?:,|/|&|\+)| and| ?, ?and)+ ?(?:on )?{WEEKDAY}s?){{0,6}}(?![a-z])|{_ZH}(?:[、,/和与及跟 ]{{0,2}}(?:周|星期|礼拜)?[一二三四五六日天](?![次回遍点])){{0,6}})"
_WORK = r"(?:week ?days?|work(?:ing)? ?days?|business days?|工作日|平日)"
_REST = r"(?:week-?ends?|周末|双休日|休息日)"
_SPAN = rf"(?:{WEEKDAY} ?(?:-|–|to|through|thru) ?{WEEKDAY}(?![a-z])|(?:周|星期|礼拜)[一二三四五六日天] ?[到至~–-] ?(?:周|星期|礼拜)?[一二三四五六日天])"
SOME = rf"(?:{_SPAN}|{_WORK}|{_REST}|{_LIST})"
BUT = re.compile(
    r"(?:\bbut )?\b(?:not|never|except|excluding|exclude|skip(?:ping)?|no|without|apart from|other than|besides)\b(?: (?:for|checks?|it|them))?"
    rf"(?: on)? (?:the )?(?P<en>{SOME})(?![a-z])"
    rf"|(?:\bbut )?\b(?:no|don'?t|do not|never|without)\b[^,;.0-9]{{0,25}}? (?:on|at|over|during) (?:the )?(?P<told>{SOME})(?![a-z])"
    rf"|(?P<behind>{SOME}) ?(?:就|都|也)?(?:除外|不用|不需要|不必|不查|不看|不要|别|跳过|休息|不跑|不算|off\b|excluded)[了查跑看管测]?"
    rf"|除(?:了|开|去)? ?(?P<zh>{SOME}) ?(?:以外|之外|外)?",
    re.IGNORECASE | re.ASCII,
)
"""Days said to be left out."""
RECURS = re.compile(
    rf"(?:\b(?P<each>{EVERY}|days:?|all) |(?P<mei>每个?|逢)|\b(?:only )?on |\bonly )?(?<![a-z这本下])(?<![这本下]个)(?<!this )(?<!next )(?P<some>{SOME})(?![a-z])(?P<dou>都)?",
    re.IGNORECASE | re.ASCII,
)
"""Days on which something may be done again and again: ``recurring`` tells."""
SPANS = re.compile(
    rf"(?:\b(?P<each>{EVERY}|days:?|all) |(?P<mei>每个?|逢)|\b(?:only )?on |\bonly |\bfrom )?(?<![a-z])(?P<some>{_SPAN})(?P<dou>都)?",
    re.IGNORECASE | re.ASCII,
)
"""Days from one to another, which no last day is: "Monday to Friday"."""
_ONE = re.compile(rf"{WEEKDAY}(?P<s>s)?|[一二三四五六日天]", re.IGNORECASE | re.ASCII)
_IS_SPAN = re.compile(_SPAN, re.IGNORECASE | re.ASCII)


def listed(text: str) -> tuple[Day, ...]:
    """The days that ``SOME`` matched, in the week's order."""
    said = text.strip().lower()
    if re.fullmatch(_WORK, said):
        return WORKDAYS
    if re.fullmatch(_REST, said):
        return WEEKEND
    found = [weekday(match[0].rstrip("s") if match["s"] else match[0]) for match in _ONE.finditer(said)]
    if _IS_SPAN.fullmatch(said):
        first, last = DAYS.index(found[0]), DAYS.index(found[-1])
        return tuple(
            DAYS[place % 7]
            for place in sorted(range(first, (last if last >= first else last + 7) + 1), key=lambda at: at % 7)
        )
    return tuple(one for one in DAYS if one in found)


def recurring(match: re.Match[str], weekly: bool) -> tuple[Day, ...]:
    """The days of a match of ``RECURS``; none where it is one day that comes once, as in "on Monday", unless it was
    said to be ``weekly``."""
    days = listed(match["some"])
    again = match["each"] or match["mei"] or match["dou"] or len(days) > 1 or weekly
    return days if again or re.search(r"days$", match["some"], re.IGNORECASE) else ()
