"""How many of a device somebody means: numbers before and behind its name, in English and Chinese."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.errors import UsageError

MOST = 10_000
_REACH = 60
"""Characters before and behind a name in which its number is looked for."""

_WORDS = {
    "a": 1, "an": 1, "a single": 1, "a pair of": 2, "a couple of": 2, "one": 1, "single": 1, "two": 2, "dual": 2, "double": 2, "couple of": 2, "pair of": 2, "three": 3,
    "four": 4, "quad": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12,
    "dozen": 12, "sixteen": 16, "双": 2, "单": 1,
}  # fmt: skip
_DIGITS = {"零": 0, **{sign: value for value, sign in enumerate("一二三四五六七八九", 1)}, "两": 2}
_NUMBER = rf"\d{{1,12}}(?:\.\d+)?|{'|'.join(sorted(_WORDS, key=len, reverse=True))}|[零一二两三四五六七八九十百]{{1,5}}"
_CARDS = r"x|\*|张|块|片|卡|颗|枚|个|路|套|way|gpus?|cards?|pcs|pieces|units|sockets?"
_MACHINES = r"台|机|套|nodes?|servers?|machines?|box(?:es)?|hosts?|个?节点"
_LEADING = r"(?:(?<![a-z\d.第])|(?<=\dx))(?P<sign>(?<![a-z\d])-)?"

_BEFORE = re.compile(rf"{_LEADING}(?P<number>{_NUMBER})[\s-]{{0,2}}(?:{_CARDS})(?:\s+of)?[\s-]{{0,2}}$")
_BESIDE = re.compile(
    rf"(?:(?<![a-z\d.,:$#/=\u4e00-\u9fff-])|(?<=[有用共买租要和与是在每]))(?P<sign>(?<![^\s(])-)?(?P<number>{_NUMBER.rpartition('|')[0]}|两)\s{{0,2}}$"
)
_OF_MACHINES = re.compile(
    rf"{_LEADING}(?P<number>{_NUMBER})\s{{0,2}}(?:(?:{_MACHINES})\s?(?:服务器|机器|主机|节点)?|[x*])"
    r"(?:[\s,:]{0,2}(?:of|with|each|having|的|每台|每机|每个?节点|各有?|都?是|装有?|配有?|配备|搭载|x|\*|$)){0,3}[\s,:]{0,2}$"
)
_BEHIND = re.compile(
    r"\s{0,2}(?:gpus?|cards?|servers?|显卡|加速卡|服务器|卡)?[\s,]{0,2}"
    r"(?:(?P<total>(?:一|总)?共|合计|in (?:all|total))|每台|每机|每个?节点|各|each (?:with|has|having))?\s?\(?(?:"
    rf"[x*]\s{{0,2}}(?P<times>-?\d{{1,12}}(?:\.\d+)?)\s?(?:张|块|片|卡|台)?|:(?P<colon>-?\d{{1,12}})"
    rf"|(?P<cards>-?(?:{_NUMBER}))\s?(?:张|块|片|卡|颗|枚|台)|(?P<gpus>\d{{1,12}})[\s-]?(?:gpus?|cards?|pcs)"
    r"|(?<=\()(?P<inside>\d{1,12})\s?x?(?=\)))(?![\d.a-z])\)?"
)
_BRANDS = re.compile(
    r"(?:(?<![a-z\d])(?:nvidia|geforce|tesla|quadro|amd|radeon|instinct|intel|apple|huawei|qualcomm|mediatek|gpu|"
    r"mac ?studio|mac ?pro|mac ?mini|macbook(?: ?pro| ?air)?|imac|atlas|ascend)|英伟达|华为|昇腾|苹果|高通|联发科|英特尔|搭载|型号)"
    r"[\s_/-]{0,2}$"
)


@dataclass(frozen=True, slots=True)
class Counted:
    """``number`` of a device; ``start``: where the words for it begin, the maker's name among them.

    ``stated``: whether somebody wrote a number at all; ``explicit``: and with a sign or word that makes it one.
    ``machines``: whether it counts machines.
    """

    number: int
    start: int
    stated: bool = False
    explicit: bool = False
    machines: bool = False


@dataclass(frozen=True, slots=True)
class Behind:
    """``number`` behind a name, and where the words for it ``end``. ``machines``: it counts machines; ``cards``: it
    counts cards, in each machine or in ``total``."""

    number: int
    end: int
    machines: bool
    cards: bool
    total: bool


def count_before(text: str, floor: int, start: int) -> Counted:
    """The number before a name at ``start``, looking no further back than ``floor``.

    Raises:
        UsageError: none, fewer than none, a part of one, or more than anybody has.
    """
    start = skip_brands(text, floor, start)
    floor = max(floor, start - _REACH)
    inner = _BEFORE.search(text[floor:start])
    explicit = inner is not None
    if inner is None:
        inner = _BESIDE.search(text[floor:start])
        if inner and inner["number"][0].isdigit() and (len(inner["number"]) > 3 or "." in inner["number"]):
            inner = None
    number, at = 1, start
    if inner:
        number, at = _value(inner), floor + inner.start()
    outer = _OF_MACHINES.search(text[floor:at])
    if outer is None or (inner is None and outer[0].rstrip().endswith(("x", "*"))):
        return Counted(number, at, inner is not None and inner["number"] not in ("a", "an"), explicit)
    total = _checked(number * _value(outer), text[floor + outer.start() : start].strip())
    return Counted(total, floor + outer.start(), True, True, machines=inner is None)


def count_behind(text: str, end: int) -> Behind | None:
    """The number behind a name that ends at ``end``.

    Raises:
        UsageError: as ``count_before``.
    """
    match = _BEHIND.match(text, end, end + _REACH)
    if match is None:
        return None
    written = next(value for name, value in match.groupdict().items() if value and name != "total")
    machines = match[0].rstrip(") ").endswith("台")
    cards = not machines and bool(match["cards"] or match["gpus"])
    return Behind(number_of(written), match.end(), machines, cards, bool(match["total"]))


def skip_brands(text: str, floor: int, start: int) -> int:
    """Where a name at ``start`` begins with its maker's and series' names before it."""
    while match := _BRANDS.search(text[max(floor, start - 20) : start]):
        start = max(floor, start - 20) + match.start()
    return start


def number_of(written: str) -> int:
    """A number in digits, or in English or Chinese words, from 1 to ``MOST``.

    Raises:
        UsageError: it is none of these.
    """
    text = written.strip()
    if text in _WORDS:
        return _WORDS[text]
    if text[-1].isdigit():
        value = float(text)
        return _checked(int(value) if value.is_integer() else 0, text)
    return _checked(0 if text.startswith("-") else _chinese(text), text)


def _value(match: re.Match[str]) -> int:
    return number_of((match["sign"] or "") + match["number"])


def _chinese(text: str) -> int:
    """Up to 999, as 八, 十六, 三十二, 一百二十八."""
    total, digit = 0, None
    for sign in text:
        if sign in "十百":
            total, digit = total + (1 if digit is None else digit) * (10 if sign == "十" else 100), None
        else:
            digit = _DIGITS[sign]
    return total + (digit or 0)


def _checked(number: int, written: str) -> int:
    if not 1 <= number <= MOST:
        raise UsageError("hardware_count", value=written[:40], most=MOST)
    return number
