"""How often, in English and Chinese words → ``6h``. Pure."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from bot.understanding.clocks import NUMERAL, numeral
from engine.errors import UsageError

_WORDS = {word: number for number, word in enumerate(
    ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"], start=1)} | {
    "a": 1, "an": 1, "few": 3, "couple of": 2, "other": 2, "second": 2, "half a": 0.5, "half an": 0.5, "half": 0.5, "半": 0.5}  # fmt: skip
NUMBER = rf"(?:-?[0-9]{{1,6}}(?:\.[0-9]{{1,2}})?|{'|'.join(sorted(_WORDS, key=len, reverse=True))}|{NUMERAL})"
_UNITS = {
    "m": ("m", "min", "mins", "minute", "minutes", "分钟", "分"), "h": ("h", "hr", "hrs", "hour", "hours", "小时", "钟头"),
    "d": ("d", "day", "days", "daily", "天", "日"), "w": ("w", "wk", "wks", "week", "weeks", "weekly", "周", "星期", "礼拜"),
    "month": ("month", "months", "monthly", "mo", "月"), "s": ("s", "sec", "secs", "second", "seconds", "秒", "秒钟"),
}  # fmt: skip
_UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words} | {"hourly": "h"}
ZH_UNIT = r"(?:分钟|分(?!之)|小时|钟头|秒钟?|天|日|周|星期|礼拜|月)"
_MINUTES = {"m": 1, "h": 60, "d": 1440, "w": 10_080, "month": 43_200, "s": 1 / 60}
_MOST = 366 * 1440
EVERY = r"(?:every|evry|evrey|evey|eveyr|ever y|each)"
ONCE = r"(?:[各都再]?(?:检查|复查|查|看|测|跑|盯|来)?[一1](?:次|遍|回|下))"
_FIXED = {
    rf"{EVERY} (?:30 min\w{{0,4}}|half(?: an?)?[ -]hour)\b|\bhalf[- ]hourly\b|(?:每隔?|隔)半个?小时|半个?(?:小时|钟头)(?={ONCE})": "30m",
    rf"{EVERY} quarter(?: of an)?[ -]hour\b|每隔?一?刻钟|一刻钟(?={ONCE})": "15m",
    rf"{EVERY} hour and a half\b|(?:每隔?|隔)?一个?半(?:小时|钟头)": "90m",
    r"\b(?:every other|every second|alternate) days?\b|隔天|每隔一?[天日]|隔日|每两天": "2d",
    r"\b(?:every other|every second) weeks?\b|\bfortnightly|\bbi-?weekly|隔周|每两周|\bevery fortnight": "2w",
    r"\bhourly\b|[按逐]小时": "1h", r"\bweekly\b": "1w", r"\bmonthly\b": "30d",
}  # fmt: skip
_TIMES = re.compile(
    rf"\b(?P<n>once|twice|thrice|{NUMBER}(?:x| ?times?))(?: (?:a|an|per|each|every)|/)? ?(?P<unit>day|daily|hour|hourly|week|weekly|month)\b"
    rf"|(?:每|一|1) ?个?(?P<per>天|日|小时|钟头|周|星期|礼拜|月) ?(?:检查|复查|查|看|测|跑|盯)? ?(?P<zh>[0-9]{{1,4}}|{NUMERAL}) ?(?:次|遍|回)",
    re.IGNORECASE | re.ASCII,
)
_PLAIN = re.compile(
    rf"\b(?:once )?(?:{EVERY}|once in)(?: ?(?P<n>-?{NUMBER})[ -]?| )(?P<unit>[a-z]{{1,8}})\b"
    rf"|(?:每隔?|隔) ?(?P<zh>-?{NUMBER})? ?个?(?P<zhunit>{ZH_UNIT}|[a-z]{{1,7}}\b)(?![一二三四五六日末底](?!次|遍|回))"
    rf"|(?P<bare>{NUMBER}) ?个?(?P<bareunit>{ZH_UNIT}|(?:mins?|minutes?|h|hours?|hrs?|days?|d)\b) ?(?={ONCE})",
    re.IGNORECASE | re.ASCII,
)
_DAILY = re.compile(rf"\b(?:daily|{EVERY} ?days?)\b|每[天日]|(?<![今明昨后前每当])天天(?!气)", re.IGNORECASE | re.ASCII)
_FIXED_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE | re.ASCII), value) for pattern, value in _FIXED.items())


@dataclass(frozen=True, slots=True)
class Often:
    """``every`` as said at ``start``:``end``. ``times``: it was said as so many times a day, which times of day may
    spell out."""

    every: str
    start: int
    end: int
    times: bool = False


def often(text: str) -> Often | None:
    """How often a text says, wherever it does.

    Raises:
        UsageError: more than once a minute, less than once a year, or never.
    """
    for pattern, value in _FIXED_PATTERNS:
        if match := pattern.search(text):
            return Often(value, *match.span())
    if match := _TIMES.search(text):
        return _so_many_times(match)
    if match := _DAILY.search(text):
        return Often("1d", *match.span())
    for match in _PLAIN.finditer(text):
        unit = unit_of(match["unit"] or match["zhunit"] or match["bareunit"])
        if unit is not None:
            said = match["n"] or match["zh"] or match["bare"] or "1"
            return Often(_checked(amount(said), unit, match[0].strip()), *match.span())
    return None


def unit_of(word: str) -> str | None:
    """``m``, ``h``, ``d``, ``w``, ``month`` or ``s`` of a word, mistyped or not; ``None`` of another."""
    known = word.lower()
    if known in _UNIT_OF:
        return _UNIT_OF[known]
    near = (
        difflib.get_close_matches(known, [name for name in _UNIT_OF if len(name) > 3], 1, 0.8) if len(known) > 3 else []
    )
    return _UNIT_OF[near[0]] if near else None


def amount(text: str) -> float:
    """A number of ``NUMBER``."""
    said = text.strip().lower()
    if said in _WORDS:
        return _WORDS[said]
    return float(said) if said.lstrip("-")[0].isdigit() and said.isascii() else numeral(said)


def _so_many_times(match: re.Match[str]) -> Often:
    said = re.sub(r" ?(?:x|times?)$", "", (match["n"] or match["zh"]).lower())
    times = {"once": 1, "twice": 2, "thrice": 3}.get(said) or amount(said)
    unit = unit_of(match["unit"] or match["per"]) or "d"
    if times <= 0:
        raise UsageError("schedule_often", phrase=match[0].strip())
    daily = unit == "d"
    if times == 1:
        return Often(_checked(1, unit, match[0].strip()), *match.span(), times=daily)
    return Often(_checked(round(_MINUTES[unit] / times, 4), "m", match[0].strip()), *match.span(), times=daily)


def _checked(number: float, unit: str, phrase: str) -> str:
    """In the largest unit that says it in whole numbers, but none larger than was said."""
    minutes = number * _MINUTES[unit]
    if minutes < 1:
        raise UsageError("schedule_often", phrase=phrase)
    if minutes > _MOST:
        raise UsageError("schedule_seldom", phrase=phrase)
    if unit == "month":
        return f"{round(number * 30)}d"
    if number.is_integer() if isinstance(number, float) else True:
        if unit != "m" or not phrase or number % 60 or re.search(r"min|分|\dm\b", phrase, re.IGNORECASE):
            return f"{int(number)}{unit}"
        return f"{int(number) // 60}h"
    for smaller in ("d", "h", "m"):
        if _MINUTES[smaller] < _MINUTES[unit] and (minutes / _MINUTES[smaller]).is_integer():
            return f"{int(minutes / _MINUTES[smaller])}{smaller}"
    return f"{round(minutes)}m"
