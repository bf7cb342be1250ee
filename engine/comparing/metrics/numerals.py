"""Numbers written in Chinese characters, as digits: 二分之一 → (1/2), 百分之五十 → (50/100), 三点一四 → 3.14, 一万二千 → 12000."""

from __future__ import annotations

import re

_DIGITS = {
    char: value
    for value, chars in enumerate(("零〇", "一壹", "二两贰", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖"))
    for char in chars
}
_TENS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1_000, "仟": 1_000}
_GROUPS = {"万": 10_000, "亿": 100_000_000}
_ONE = "[" + "".join((*_DIGITS, *_TENS, *_GROUPS)) + "]"
_NUMBER = rf"{_ONE}+(?:点[{''.join(_DIGITS)}]+)?"
_PART = re.compile(
    rf"(?P<sign>负)?(?:(?:(?P<whole>{_NUMBER})又)?(?P<below>{_NUMBER})分之(?P<above>{_NUMBER}|\d+(?:\.\d+)?)|(?P<plain>{_NUMBER}))"
)
_HALF = re.compile(r"(?<![一-鿿\d])(?:一半|二分之一)(?![一-鿿])")
_DIGITS_AND_GROUP = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)\s*([万亿])")


def in_digits(text: str) -> str:
    """``text`` with every number that is written in Chinese characters in digits."""
    text = _HALF.sub("(1/2)", text)
    text = _DIGITS_AND_GROUP.sub(lambda match: f"({match[1]}*{_GROUPS[match[2]]})", text)
    return _PART.sub(_written, text)


def _written(match: re.Match[str]) -> str:
    sign = "-" if match["sign"] else ""
    if match["plain"]:
        return sign + _value(match["plain"])
    above = match["above"] if match["above"][0].isascii() else _value(match["above"])
    fraction = f"{above}/{_value(match['below'])}"
    return f"{sign}({_value(match['whole'])}+{fraction})" if match["whole"] else f"{sign}({fraction})"


def _value(numeral: str) -> str:
    whole, _, decimals = numeral.partition("点")
    behind = "." + "".join(str(_DIGITS[char]) for char in decimals) if decimals else ""
    if all(char in _DIGITS for char in whole):  # read digit by digit: 二〇二四
        return str(int("".join(str(_DIGITS[char]) for char in whole))) + behind
    total, section, digit = 0, 0, 0
    for char in whole:
        if char in _DIGITS:
            digit = _DIGITS[char]
        elif char in _TENS:
            section += (digit or (1 if char in "十拾" or not (total or section) else 0)) * _TENS[char]
            digit = 0
        else:
            total = (total + section + digit) * _GROUPS[char]
            section = digit = 0
    return str(total + section + digit) + behind
