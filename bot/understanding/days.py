"""Days as people name them in English and Chinese: of the week, of the calendar, from now on. Pure.

Dates with the name of a month go through dateparser, which is slow to import and is only for them.
"""

from __future__ import annotations

import calendar
import re
from datetime import date, datetime, timedelta
from typing import get_args

from bot.requests import Day
from bot.understanding.clocks import NUMERAL, numeral
from engine.errors import UsageError

DAYS: tuple[Day, ...] = get_args(Day)
WORKDAYS, WEEKEND = DAYS[:5], DAYS[5:]
_WEEK = "一二三四五六日"
WEEKDAY = r"(?:mon(?:day)?|tue(?:s(?:day)?)?|wed(?:s|nesday|nsday)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)"
_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
_NTH = r"[0-9]{1,2}(?:st|nd|rd|th)?\b"
_N = rf"(?:[0-9]{{1,2}}|{NUMERAL})"
_FEASTS = {
    "christmas": (12, 25), "xmas": (12, 25), "圣诞节": (12, 25), "圣诞": (12, 25), "new year": (1, 1), "new year's day": (1, 1),
    "new year's": (1, 1), "元旦": (1, 1), "国庆节": (10, 1), "国庆": (10, 1), "劳动节": (5, 1),
}  # fmt: skip
_ISO = r"(?P<iso>[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2})(?![0-9])"
_SLASHED = r"(?P<slashed>(?<![0-9/])(?!24/7)[0-9]{1,2}/[0-9]{1,2}(?:/[0-9]{4}|/[0-9]{2})?(?![0-9/]))"
_ABSOLUTE = (
    rf"(?P<dated>(?:the )?{_NTH} (?:of )?{_MONTH}(?:,? [0-9]{{4}})?|\b{_MONTH} (?:the )?{_NTH}(?:,? [0-9]{{4}})?)"
    r"|the (?P<nth>[0-9]{1,2})(?:st|nd|rd|th)\b"
    rf"|(?:(?P<year>[0-9]{{4}}|明|今)年 ?)?(?:(?P<month>{_N}) ?月|(?P<months>(?:下|这|本)个?月)) ?(?P<day>(?:[0-9]{{1,2}}|三十一?|{NUMERAL})) ?[日号]?"
    r"|(?<![0-9.])(?P<ri>[0-9]{1,2})[日号](?![a-z])"
)
_RELATIVE = (
    r"(?P<near>\b(?:today|tonight|tomorrow|tmrw?|tomorow|tommorow|the day after tomorrow|yesterday|this (?:morning|afternoon|evening))\b"
    r"|大后天|今天|今日|今晚|明天|明日|明早|明晚|后天|昨天|前天|[今明后]天?(?= ?(?:早|晚|上午|下午|中午|凌晨|夜)))"
    rf"|(?P<which>next |this coming |coming |this |last |the )?\b(?P<weekday>{WEEKDAY})\b(?!s\b)"
    r"|(?P<qian>下下|下|这|本|上)?个?(?:周|星期|礼拜)(?P<zhou>[一二三四五六日天末])(?![次回遍])"
)
_ENDS = (
    r"(?P<end>(?:the )?(?:end|rest) of (?:(?:the|this|next) )?(?P<of>week|month|quarter|year|" + _MONTH + r")"
    r"|(?:the )?(?P<ends>week|month|quarter|year)(?:'s)?[ -]end|\beo(?P<eo>[wmqy])\b"
    r"|(?P<xia>下|这|本)?个?(?P<di>周|月|季度?|年)[底末])"
    r"|next (?P<next>week|month|year)\b|(?P<zhnext>下周|下星期|下礼拜|下个?月|明年)(?! ?[0-9一二三四五六七八九十日天末底])"
    r"|(?P<feast>" + "|".join(sorted(_FEASTS, key=len, reverse=True)) + r")(?![a-z])"
)
DATE = rf"(?:{_ISO}|{_SLASHED}|{_ABSOLUTE}|{_ENDS}|{_RELATIVE})"
"""A day. Its groups are read by ``day``."""
_FAR = 270
"""Days: a date without a year that has passed and is farther off than that in the next one is a slip."""


def day(match: re.Match[str], today: date) -> date | None:
    """What ``DATE`` matched, from ``today`` on; ``None`` where no calendar has such a day.

    Raises:
        UsageError: a day that two people would read as two.
    """
    for reader in (_written, _slashed, _numbered, _end, _near, _of_week):
        found = reader(match, today)
        if found is not None:
            return found
    return None


def weekday(word: str) -> Day:
    """The day that a word of ``WEEKDAY``, or a Chinese sign, stands for."""
    sign = word.strip()[-1].replace("天", "日")
    return DAYS[_WEEK.index(sign)] if sign in _WEEK else next(one for one in DAYS if one == word.strip().lower()[:3])


def _written(match: re.Match[str], today: date) -> date | None:
    if match["iso"]:
        year, month, of_month = map(int, re.split(r"[-/.]", match["iso"]))
        return _made(year, month, of_month)
    if match["dated"] is None:
        return None
    import dateparser  # type: ignore[import-untyped]

    base = datetime(today.year, today.month, today.day)
    read: datetime | None = dateparser.parse(
        re.sub(r"\b(?:the|of) ", "", match["dated"]),
        languages=["en"],
        settings={"RELATIVE_BASE": base, "PREFER_DATES_FROM": "future", "REQUIRE_PARTS": ["day", "month"]},
    )
    if read is None:
        return None
    if re.search(r"[0-9]{4}", match["dated"]):
        return read.date()
    return _coming(read.month, read.day, today)


def _slashed(match: re.Match[str], today: date) -> date | None:
    """Month first or day first, where only one of them can be."""
    if match["slashed"] is None:
        return None
    first, second, *years = map(int, match["slashed"].split("/"))
    if first <= 12 and second <= 12 and first != second:
        raise UsageError("schedule_day_unclear", day=match["slashed"])
    month, of_month = (second, first) if first > 12 else (first, second)
    if years:
        return _made(years[0] if years[0] > 99 else 2000 + years[0], month, of_month)
    return _coming(month, of_month, today)


def _numbered(match: re.Match[str], today: date) -> date | None:
    alone = match["nth"] or match["ri"]
    if alone:
        this = _made(today.year, today.month, int(alone))
        return this if this and this >= today else _made(*_month_on(today, 1), int(alone))
    if match["day"] is None:
        return None
    of_month = numeral(match["day"])
    if match["months"]:
        return _made(*_month_on(today, 1 if match["months"].startswith("下") else 0), of_month)
    month = numeral(match["month"])
    if match["year"] is None:
        return _coming(month, of_month, today)
    years = {"今": today.year, "明": today.year + 1}
    return _made(years.get(match["year"]) or int(match["year"]), month, of_month)


def _end(match: re.Match[str], today: date) -> date | None:
    if match["feast"]:
        return _coming(*_FEASTS[match["feast"].lower()], today)
    if match["next"] or match["zhnext"]:
        said = match["next"] or match["zhnext"]
        if said in ("week", "下周", "下星期", "下礼拜"):
            return today + timedelta(days=7 - today.weekday())
        return date(today.year + 1, 1, 1) if said in ("year", "明年") else date(*_month_on(today, 1), 1)
    if match["end"] is None:
        return None
    ends = {"w": "week", "m": "month", "q": "quarter", "y": "year", "周": "week", "月": "month", "季": "quarter",
            "季度": "quarter", "年": "year"}  # fmt: skip
    said = (match["of"] or match["ends"] or match["eo"] or match["di"] or "").lower()
    later = 1 if match["xia"] == "下" or "next " in match["end"].lower() else 0
    period = ends.get(said, said)
    if period == "week":
        return today + timedelta(days=6 - today.weekday() + 7 * later)
    if period == "month":
        return _last(*_month_on(today, later))
    if period == "quarter":
        return _last(*_month_on(today, 2 - (today.month - 1) % 3 + 3 * later))
    if period == "year":
        return date(today.year + later, 12, 31)
    month = [name.lower() for name in calendar.month_abbr].index(said[:3])
    return _last(today.year + (month < today.month), month)


def _near(match: re.Match[str], today: date) -> date | None:
    if match["near"] is None:
        return None
    said = match["near"].lower()
    if said.startswith(("today", "tonight", "this", "今")):
        return today
    steps = {"the": 2, "大后": 3, "后": 2, "yes": -1, "昨": -1, "前": -2}
    step = next((step for begin, step in steps.items() if said.startswith(begin)), 1)
    return today + timedelta(days=step)


def _of_week(match: re.Match[str], today: date) -> date | None:
    """ "Friday" is the next that comes; "next Friday" and 下周五 are in the next week, which begins on Monday."""
    if match["weekday"] is None and match["zhou"] is None:
        return None
    which = (match["which"] or match["qian"] or "").strip().lower()
    number = 6 if match["zhou"] == "末" else DAYS.index(weekday(match["weekday"] or match["zhou"]))
    monday = today - timedelta(days=today.weekday())
    weeks = {"next": 1, "下": 1, "下下": 2, "last": -1, "上": -1}.get(which)
    if weeks is not None:
        return monday + timedelta(days=7 * weeks + number)
    ahead = (number - today.weekday()) % 7
    return today + timedelta(days=ahead or (0 if match["zhou"] == "末" or which == "this" else 7))


def _coming(month: int, of_month: int, today: date) -> date | None:
    """The day in this year, or in the next where it has passed for long."""
    this = _made(today.year, month, of_month)
    if this is not None and this >= today:
        return this
    after = _made(today.year + 1, month, of_month)
    return after if after is not None and (after - today).days <= _FAR else this


def _month_on(today: date, months: int) -> tuple[int, int]:
    number = today.month - 1 + months
    return today.year + number // 12, number % 12 + 1


def _last(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])


def _made(year: int, month: int, of_month: int) -> date | None:
    try:
        return date(year, month, of_month)
    except ValueError:
        return None


def months_on(today: date, months: int) -> date:
    """The same day of a later month, or its last."""
    year, month = _month_on(today, months)
    return date(year, month, min(today.day, calendar.monthrange(year, month)[1]))
