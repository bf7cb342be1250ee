"""What a written result is worth: numbers, fractions, percentages, roots, units, in plain text, LaTeX or Chinese.

Values are exact wherever they are rational. Nothing is evaluated but arithmetic, by a parser of its own: an answer is text
that a stranger's model wrote.
"""

from __future__ import annotations

import math
import re
import unicodedata
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from engine.comparing.metrics.numerals import in_digits

_LONGEST = 200  # characters of a result
_LARGEST_POWER = 1_000
_RELATIVE = 1e-9  # of two results with roots or π in them

_MARKS = re.compile(r"\\left|\\right|\\displaystyle|\\[()\[\],;:!]|\\ |[$￥¥€£`]|\*\*|\\quad|~")
_TEXT = re.compile(r"\\(?:text|mathrm|textbf|mathbf|mbox|operatorname)\s*\{([^{}]*)\}")
_THOUSANDS = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_WRITTEN = (
    (re.compile(r"\\[dtc]frac"), r"\\frac"),
    (re.compile(r"\^\s*\{?\s*\\circ\s*\}?|°"), " degrees"),
    (re.compile(r"\\(?:times|cdot)|×|·|∙"), "*"),
    (re.compile(r"\\div|÷"), "/"),
    (re.compile(r"\\pi(?![a-z])|π"), " pi "),
    (re.compile(r"\\%|％|\bper ?cent\b"), "%"),
    (re.compile(r"[−–‒]"), "-"),
    (re.compile(r"√\s*(\d+|\([^()]*\))"), r"\\sqrt{\1}"),
    (re.compile(r"(?<=\d),(?=\d{3}(?!\d))"), ""),
    *((re.compile(rf"(?<=\d)\s*{name}\b"), f"*{factor}") for name, factor in _THOUSANDS.items()),
)
_NAMED = re.compile(
    r"^(?:\([a-z](?:\s*,\s*[a-z])*\)|\\?[a-z]\w{0,12}|[\u4e00-\u9fff]{1,8})\s*(?:=|≈|\\approx|为|是)\s*"
)
_MIXED = re.compile(r"(?<![\d.)}/])(\d+)\s*(?:\\frac\s*\{?(\d+)\}?\s*\{?(\d+)\}?|(?<=\s)(\d+)\s*/\s*(\d+))(?![\d/])")
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d{1,3}(?![a-z\d]))?|\.\d+")
_UNIT = re.compile(
    r"[\u4e00-\u9fff]{1,6}|[a-zμωå]{1,15}(?:(?:\s*/\s*|[\s*{}()-]+)[a-zμωå]{1,15}|\^?\s*\{?-?\d\}?(?![\d\s])){0,4}[\s})]*"
)

_UNITS = {
    name: (kind, Fraction(factor))
    for kind, units in {
        "length": {
            "1/1000": "mm millimeter millimetre 毫米", "1/100": "cm centimeter centimetre 厘米", "1/10": "dm decimeter 分米",
            "1": "m meter metre 米", "1000": "km kilometer kilometre 千米 公里",
        },
        "time": {"1": "s sec second 秒 秒钟", "60": "min minute 分 分钟", "3600": "h hr hour 小时 时", "86400": "day 天 日"},
        "mass": {"1/1000": "mg milligram 毫克", "1": "g gram 克", "1000": "kg kilogram 千克 公斤", "1000000": "ton tonne 吨"},
        "volume": {"1/1000": "ml milliliter millilitre 毫升", "1": "l liter litre 升"},
        "area": {
            "1/10000": "cm^2 square centimeter 平方厘米", "1": "m^2 square meter 平方米", "1000000": "km^2 square kilometer 平方千米 平方公里",
        },
        "angle": {"1": "degree deg 度"},
    }.items()
    for factor, names in units.items()
    for name in (names.split() if "square" not in names else re.findall(r"square \w+|\S+", names))
}  # fmt: skip


class Value(NamedTuple):
    """``unit`` is empty where there is none that is known."""

    number: Fraction | float
    unit: str = ""


def same(one: Value, other: Value) -> bool:
    """Whether two values are equal: exactly, or to 1e-9 where roots or π are in them; 3 cm is 0.03 m, and 3, but not 3 m."""
    left, right = one.number, other.number
    if one.unit and other.unit:
        (kind, factor), (other_kind, other_factor) = _UNITS[one.unit], _UNITS[other.unit]
        if kind != other_kind:
            return False
        left, right = left * factor, right * other_factor
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return left == right
    try:
        return math.isclose(left, right, rel_tol=_RELATIVE, abs_tol=1e-12)
    except OverflowError:
        return False


@lru_cache(maxsize=20_000)
def value_of(text: str) -> Value | None:
    """The value of a result such as ``1,000``, ``50%``, ``\\frac{1}{2}``, ``$3\\text{ cm}$``, ``x = 2\\sqrt{3}``, ``二分之一``.

    ``None``: it is more than a number and its unit, or too large.
    """
    if len(text) > 2 * _LONGEST:
        return None
    text = written(text)
    if not text or len(text) > _LONGEST:
        return None
    try:
        number, end = _Reader(text).sum(0)
    except (ValueError, ZeroDivisionError, OverflowError, IndexError, RecursionError):
        return None
    rest = text[end:].strip()
    if rest and not _UNIT.fullmatch(rest):
        return None
    return Value(number, _unit(rest))


def written(text: str) -> str:
    """``text`` in one way of writing: small letters, plain operators, digits, no ``$``, no ``x =`` before it."""
    text = unicodedata.normalize(
        "NFKC", _MARKS.sub(" ", text.replace("{,}", ",")).replace("²", "^2").replace("³", "^3")
    ).casefold()
    text = in_digits(_TEXT.sub(r" \1 ", text))
    for pattern, plain in _WRITTEN:
        text = pattern.sub(plain, text)
    text = _NAMED.sub("", text.strip().rstrip(".。,，;；").strip())
    return _MIXED.sub(lambda m: f"({m[1]}+{m[2] or m[4]}/{m[3] or m[5]})", text).strip()


def _unit(rest: str) -> str:
    rest = re.sub(r"[\s*{}]+", " ", rest).strip().replace("^ 2", "^2").replace(" ^", "^")
    for name in (rest, rest.removesuffix("s"), rest.removesuffix("es")):
        if name in _UNITS:
            return name
    return ""


class _Reader:
    """Arithmetic by recursive descent; each method takes a position and gives a value and the position after it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def sum(self, at: int) -> tuple[Fraction | float, int]:
        total, at = self._product(at)
        while (sign := self._next(at)) in ("+", "-"):
            part, at = self._product(self._skip(at) + 1)
            total = total + part if sign == "+" else total - part
        return total, at

    def _product(self, at: int) -> tuple[Fraction | float, int]:
        total, at = self._signed(at)
        while True:
            following = self._skip(at)
            sign = self._next(at)
            if sign in ("*", "/"):
                part, at = self._signed(following + 1)
                total = total * part if sign == "*" else total / part
            elif sign == "(" or re.compile(r"pi\b|\\sqrt|\\frac").match(self.text, following):
                part, at = self._signed(at)
                total *= part
            else:
                return total, at

    def _signed(self, at: int) -> tuple[Fraction | float, int]:
        at = self._skip(at)
        if self._next(at) in ("-", "+"):
            part, end = self._signed(at + 1)
            return (-part if self.text[at] == "-" else part), end
        return self._power(at)

    def _power(self, at: int) -> tuple[Fraction | float, int]:
        base, at = self._atom(at)
        if self._next(at) == "^":
            exponent, at = self._signed(self._skip(at) + 1)
            base = _raised(base, exponent)
        while self._next(at) == "%":
            base, at = base / 100, self._skip(at) + 1
        return base, at

    def _atom(self, at: int) -> tuple[Fraction | float, int]:
        at = self._skip(at)
        if match := _NUMBER.match(self.text, at):
            return Fraction(match[0]), match.end()
        if self.text.startswith("\\frac", at):
            above, at = self._argument(at + 5)
            below, at = self._argument(at)
            return above / below, at
        if match := re.compile(r"\\sqrt\s*(?:\[\s*(\d{1,2})\s*\])?").match(self.text, at):
            inside, at = self._argument(match.end())
            if inside < 0:
                raise ValueError
            return _root(inside, int(match[1] or 2)), at
        if re.compile(r"pi\b").match(self.text, at):
            return math.pi, at + 2
        if self.text[at] in "({":
            inside, end = self.sum(at + 1)
            if self._next(end) != {"(": ")", "{": "}"}[self.text[at]]:
                raise ValueError
            return inside, self._skip(end) + 1
        raise ValueError

    def _argument(self, at: int) -> tuple[Fraction | float, int]:
        """What stands in braces, or the one digit of ``\\frac12``."""
        at = self._skip(at)
        if self.text[at].isdigit():
            return Fraction(int(self.text[at])), at + 1
        return self._atom(at)

    def _skip(self, at: int) -> int:
        while at < len(self.text) and self.text[at].isspace():
            at += 1
        return at

    def _next(self, at: int) -> str:
        at = self._skip(at)
        return self.text[at] if at < len(self.text) else ""


def _raised(base: Fraction | float, exponent: Fraction | float) -> Fraction | float:
    if abs(float(exponent)) > _LARGEST_POWER or abs(float(base)) > 1e30:
        raise OverflowError
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
        if base.denominator > 10**30:
            raise OverflowError
        return Fraction(base ** int(exponent))
    if base < 0:
        raise ValueError
    return float(float(base) ** float(exponent))


def _root(inside: Fraction | float, degree: int) -> Fraction | float:
    if degree == 0:
        raise ValueError
    if degree == 2 and isinstance(inside, Fraction):
        above, below = math.isqrt(inside.numerator), math.isqrt(inside.denominator)
        if above * above == inside.numerator and below * below == inside.denominator:
            return Fraction(above, below)
    return float(float(inside) ** (1 / degree))
