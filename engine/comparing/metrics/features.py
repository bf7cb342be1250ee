"""What answers are like, as the article's section 4.1 asks: sub-points, reasoning steps, background, length, hedging.

They are counted in what the reader gets, thoughts left aside, by words and marks that show what a sentence does. Such
counts say how two models differ, not which is right; tests hold them to sentences labelled by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache, partial
from importlib.resources import files

from engine.comparing.metrics.metric import Metric
from engine.comparing.metrics.tokens import CJK, tokens
from engine.comparing.records import Answer, Case, Language
from engine.text import parse_yaml

Mark = str
"""``reasoning``, ``background`` or ``hedging``."""

_LONGEST = 1_000  # characters of a sentence that are looked at; longer is no prose, and the patterns stay fast
_NUMERAL = "一二三四五六七八九十"
_ITEM = re.compile(
    rf"\s*(?:>\s*)?(?:[-+•·▪◦●○■–—]\s+|\*\s+|[(（]?(?:\d{{1,2}}|[a-z]|[{_NUMERAL}]{{1,3}})[)）]\s*"
    rf"|\*{{0,2}}\d{{1,2}}[.、:：](?!\d)\s*|[①-⑳]\s*|\*{{0,2}}[{_NUMERAL}]{{1,3}}、\s*|\*\*[^*\n]{{1,60}}(?:\*\*\s*[:：]|[:：]\s*\*\*))"
)
_ORDINAL = re.compile(
    rf"(?:(?-i:First|Second|Third|Fourth|Fifth|Next|Finally|Lastly)(?:ly)?(?: of all)?,|首先|其次|再次|再者|最后[，,]|第[{_NUMERAL}\d]+[，,、点])"
)
_CLOSING = "\"')\\]*”’"
_ENDS = re.compile(
    rf"(?:(?<=[.!?])|(?<=[.!?][{_CLOSING}])|(?<=[.!?][{_CLOSING}]{{2}}))\s+(?=[\"'“‘(\[*\\$A-Z\d{CJK}])|(?<=[。！？；])(?![”’」』）])|\n+"
)
_ABBREVIATED = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|cf|approx|Dr|Mr|Mrs|Ms|Prof|St|Fig|No|Eq|al)\.|^\s*\W*\d{1,2}\.)$")
_EQUATION = re.compile(
    r"[\d\w)}\]]\s*(?:[-+−*/×÷^]|\\(?:times|cdot|frac|div))[^=\n]*=|=[^=\n]*(?:[-+−*/×÷^]|\\frac)[^=\n]*|=\s*-?[\d\\$]"
)
_CODE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)


def metrics(language: Language) -> tuple[Metric, ...]:
    """The features, of which none is better for being more."""

    def of(count: Callable[[str], float]) -> Callable[[Case, Answer], float | None]:
        return lambda _, answer: None if answer.failed else float(count(answer.text))

    counts: dict[str, Callable[[str], float]] = {
        "sub_points": lambda text: len(sub_points(text)),
        "reasoning_steps": partial(_count, "reasoning", language),
        "background": partial(_count, "background", language),
        "length": length,
        "hedging": partial(hedging, language),
    }
    return tuple(Metric(name, None, "features", of(count)) for name, count in counts.items())


def length(text: str) -> float:
    """Words and, of Chinese, characters."""
    return len(tokens(text))


def sub_points(text: str) -> tuple[str, ...]:
    """The points a text is divided into: items of lists, numbered or not, nested ones too; and “First, …”, “其次……”."""
    points = []
    for line in _CODE.sub("\n", text).splitlines():
        if match := _ITEM.match(line):
            points.append(line[match.end() :].strip() or line.strip())
        else:
            points += [sentence for sentence in sentences(line) if _ORDINAL.match(sentence)]
    return tuple(points)


def hedging(language: Language, text: str) -> float:
    """The share of sentences that take something back: may, perhaps, 可能, 不一定…; 0..1."""
    found = [marks(sentence, language) for sentence in sentences(text)]
    return sum("hedging" in marked for marked in found) / len(found) if found else 0.0


def _count(mark: Mark, language: Language, text: str) -> float:
    return sum(mark in marks(sentence, language) for sentence in sentences(_CODE.sub("\n", text)))


@lru_cache(maxsize=20_000)
def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a text; a line break ends one too, a decimal point or ``e.g.`` does not."""
    found: list[str] = []
    for line in text.splitlines():
        held = ""
        for piece in _ENDS.split(line):
            if piece is None or not piece.strip():
                continue
            held = f"{held} {piece.strip()}".strip()
            if not _ABBREVIATED.search(held):
                found.append(held)
                held = ""
        if held:
            found.append(held)
    return tuple(sentence for sentence in found if tokens(sentence))


@lru_cache(maxsize=20_000)
def marks(sentence: str, language: Language) -> frozenset[Mark]:
    """What a sentence does. One that reasons is no background; an equation that is worked out is a step."""
    sentence = sentence[:_LONGEST]
    bare = _ITEM.sub("", sentence.strip(), count=1) if _ITEM.match(sentence) else sentence.strip()
    found = {mark for mark, pattern in _cues(language).items() if pattern.search(bare)}
    if _EQUATION.search(bare):
        found.add("reasoning")
    if "reasoning" in found:
        found.discard("background")
    return frozenset(found)


@cache
def _cues(language: Language) -> dict[Mark, re.Pattern[str]]:
    words = parse_yaml(files(__package__).joinpath("cues.yaml").read_text(encoding="utf-8"))[language]
    return {mark: re.compile("|".join(patterns), re.IGNORECASE) for mark, patterns in words.items()}
