"""Numbers with units, as people type them in English and Chinese → one number in the unit of a constraint."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from engine.constraints.lexicon import NUMBER, SCALES, lexicon

TOKENS_PER_HANZI = 0.7
"""Tokens of a Chinese character with its punctuation, on the safe side: DeepSeek's API documentation gives about 0.6;
``tests/benchmarks/constraints.py`` measured 0.63 to 0.69 with the vocabularies of DeepSeek and
Qwen on this project's own sentences, and 0.81 with Llama's, whose distills need a sixth more than is said here."""
TOKENS_PER_WORD = 1.4
"""Tokens of an English word with its punctuation, on the safe side, measured in the same place."""
CNY_PER_USD = 7.2
"""As the prices of ``engine/hardware/devices.yaml`` take it: about the rate of 2025, fixed so that answers do not move
with the market (judged)."""
HOURS_PER_MONTH = 730
"""8760 hours a year over twelve."""
_DEFINITIONS = (
    "second = [time]", "microsecond = 1e-6 * second", "millisecond = 0.001 * second", "minute = 60 * second", "hour = 3600 * second", "day = 24 * hour",
    "week = 7 * day", f"month = {HOURS_PER_MONTH} * hour", "year = 8760 * hour",
    "byte = [information]", "megabyte = 1e6 * byte", "gigabyte = 1e9 * byte", "terabyte = 1e12 * byte", "petabyte = 1e15 * byte",
    "mebibyte = 1048576 * byte", "gibibyte = 1073741824 * byte", "tebibyte = 1099511627776 * byte", "gigabit = 1.25e8 * byte",
    "token = [token]", f"hanzi = {TOKENS_PER_HANZI} * token", f"word = {TOKENS_PER_WORD} * token", "page = [page]",
    "request = [request]", "user = request", "usd = [currency]", f"cny = usd / {CNY_PER_USD}", "percent = [share]", "foreign = [foreign]", "watt = [power]",
)  # fmt: skip
_BINARY = {"k": 1024.0, "m": 1024.0**2}
"""k and M of tokens, as context windows are named: 32K is 32,768."""
_NUMERALS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"两": 2}
_PERIOD = (
    "second|sec|s|minute|min|hour|hr|h|day|week|month|mo|year|yr|秒|分钟|小时|天|日|周|个?月|年|token|tok|个?token|字"
)
_PEOPLE = "users?|requests?|req|streams?|sessions?|用户|请求|路|人|card|gpu|卡"


@dataclass(frozen=True, slots=True)
class Quantity:
    """``low`` to ``high`` (equal unless a range) of ``unit`` (a name of the registry, ``""``: none), at ``start``:``end``.

    ``each``: of one user or request. ``word``: the unit as it was written. ``scaled``: with a k or 万. ``spoken``: an English
    word, as in "a second". ``kind``: what stands before the unit, as in "400 output tokens".
    """

    low: float
    high: float
    unit: str
    each: bool
    word: str
    start: int
    end: int
    scaled: bool = False
    spoken: bool = False
    kind: str = ""


def quantities(text: str) -> Iterator[Quantity]:
    """Every number with a unit or a k or 万 behind it, from left to right. Linear in the length of ``text``."""
    for match in _pattern().finditer(text):
        if match["unit"] or match["sign"] or match["scale"] or match["half"]:
            yield _quantity(match)


def quantity(text: str) -> Quantity | None:
    """The whole of ``text`` as one quantity, unit or not; ``None`` if it is none."""
    match = _pattern().fullmatch(text)
    return _quantity(match) if match else None


def convert(value: float, unit: str, target: str) -> float | None:
    """``value`` in ``target``; ``None`` where the dimensions differ. Both are expressions of the registry."""
    factor = _factor(unit, target)
    return None if factor is None else value * factor


@cache
def _factor(unit: str, target: str) -> float | None:
    import pint

    try:
        return float(_registry().Quantity(1.0, unit or "dimensionless").to(target or "dimensionless").magnitude)
    except pint.DimensionalityError:
        return None


@cache
def _registry() -> Any:
    import pint

    registry: Any = pint.UnitRegistry(None)
    for definition in _DEFINITIONS:
        registry.define(definition)
    return registry


@cache
def _pattern() -> re.Pattern[str]:
    words = sorted((word for word in lexicon().units if word not in "$¥￥€£"), key=len, reverse=True)
    units = "|".join(
        re.escape(word) + ("(?![a-z])" if word[-1].isascii() and word[-1].isalpha() else "") for word in words
    )
    # 块 is money behind digits (3 万块), else it counts cards (一块 4090).
    units = units.replace("|块|", "|(?<=[0-9万千百])块(?!显卡|卡|gpu|加速)|")
    scales = "|".join(sorted(SCALES, key=len, reverse=True))
    return re.compile(
        rf"(?:(?:每|一|per )(?P<first>{_PERIOD})(?=[^a-z])(?:[ \u4e00-\u9fff]{{0,6}}?))?"
        rf"(?<![a-z0-9_.第])(?<![a-z0-9][-])(?:(?P<times>[0-9]{{1,4}}) ?[x×*] ?)?(?:(?P<sign>us\$|[$¥￥€£]) ?)?"
        rf"(?:(?P<n>{NUMBER})|(?P<half>(?:half an?|an?|one|two|three|four|five|six|eight|ten|twenty|thirty|fifty|hundred) (?=(?:{units}))))"
        rf"(?: ?(?:[-~～–到至]|to) ?(?P<n2>{NUMBER}))?[ -]?"
        rf"(?:(?P<scale>{scales})(?!(?!tok)[a-z]))?"
        rf"(?:(?: {{0,2}}|-)(?P<kind>(?:concurrent|simultaneous|parallel|active|online|output|input|generated|chinese|english|个并发|并发|个) ?)?"
        rf"(?P<unit>{units}))?"
        rf"(?: ?(?:/|per |an? |每|一|every )? ?(?:(?<=[/每 ])|(?<=per )|(?<=一))(?P<per>{_PERIOD})(?![a-z]))?"
        rf"(?: ?(?:/|per |each |每个?) ?(?P<each>{_PEOPLE})(?![a-z]))?",
        re.IGNORECASE | re.ASCII,
    )  # fmt: skip


_SPOKEN = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "eight": 8, "ten": 10, "twenty": 20, "thirty": 30,
           "fifty": 50, "hundred": 100, "a": 1, "an": 1, "half a": 0.5, "half an": 0.5}  # fmt: skip


def _quantity(match: re.Match[str]) -> Quantity:
    units = lexicon().units
    word = (match["unit"] or match["sign"] or "").lower()
    unit = units.get(word, "")
    if match["sign"] and match["unit"] and unit not in ("usd", "cny"):
        unit = "" if not unit else f"{units[match['sign'].lower()]} * {unit}"
    period = match["per"] or match["first"]
    if period:
        period = period.lower()
        unit = f"{unit or 'dimensionless'} / {units.get(period, units.get(period.rstrip('s'), 'second'))}"
    scale = (match["scale"] or "").lower()
    binary = scale in _BINARY and (unit or "token") == "token"  # of a rate it is a thousand
    factor = (_BINARY[scale] if binary else SCALES.get(scale, 1.0)) * float(match["times"] or 1)
    first = number(match["n"]) if match["n"] else float(_SPOKEN[match["half"].strip().lower()])
    second = number(match["n2"]) if match["n2"] else first
    low, high = sorted((first * factor, second * factor))
    return Quantity(
        low,
        high,
        unit,
        bool(match["each"]),
        word,
        match.start(),
        match.end(),
        bool(scale),
        bool(match["half"]),
        match["kind"] or "",
    )


def number(text: str) -> float:
    """``text`` of ``NUMBER``; infinite where it is beyond floats."""
    if text[0] in "零一二两三四五六七八九十百半":
        return _numeral(text)
    try:
        return float(text.replace(",", ""))
    except (ValueError, OverflowError):
        return math.inf


def _numeral(text: str) -> float:
    if text == "半":
        return 0.5
    total, digit = 0.0, 0.0
    for char in text.rstrip("半"):
        if char in _NUMERALS:
            digit = float(_NUMERALS[char])
        else:
            total += (digit or 1.0) * (10 if char == "十" else 100)
            digit = 0.0
    return total + digit + (0.5 if text.endswith("半") else 0.0)
