"""Verifiable maths: whether the result is right, and how much of the derivation is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from engine.comparing.metrics.mentions import says
from engine.comparing.metrics.numbers import Value, same, value_of, written
from engine.comparing.records import Answer, Case

_PHRASE = re.compile(
    r"(?:####|\b(?:final\s+)?(?:answer|result|solution)\b\s*(?:is|:|=|equals)\s*:?"
    r"|(?:最终)?(?:答案|结果|解)\s*(?:[:：=]|是|为|等于)\s*:?|[答][:：])\s*(?P<said>[^\n]+)",
    re.IGNORECASE,
)
_LONGEST_LINE = 2_000  # characters; longer is no result, and the patterns stay fast
_LONGEST_RESULT = 400
_MOST_BOXES = 20
_CUT = re.compile(
    r"[;；。]|[,，](?!\d{3}(?!\d))|\.(?!\d)|\b(?:because|since|as|which|where|so|per|for)\b|因为|由于|所以"
)
_NUMBER = re.compile(
    r"-?(?:\\[dt]?frac\s*\{[^{}]*\}\s*\{[^{}]*\}|\d[\d,]*(?:\.\d+)?(?:\s*/\s*\d+)?(?:\\?%|[eE]-?\d+)?)"
)
_BULLET = re.compile(r"^[\s*#>]*(?:[-•]\s+)?")
_ASIDE = re.compile(r"\s*[(（](?=[^()（）]*[a-z\u4e00-\u9fff]{2})[^()（）]*[)）]")
_BETWEEN = re.compile(r"\s*(?:[,，、;；]|\bor\b|\band\b|或|和)\s*")
_SQUEEZED = re.compile(r"\\(?:left|right|quad|text|mathrm|displaystyle)|\\[,;:! ()\[\]]|[\s$*`{}]+|\\")


def right(case: Case, answer: Answer) -> float | None:
    """1.0 where the answer's result equals one of the case's; else 0.0."""
    if answer.failed:
        return None
    return float(any(_right(answer.text, wanted) for wanted in case.answers))


def steps_shown(case: Case, answer: Answer) -> float | None:
    """The share of the case's steps that are found in the answer or its thoughts, each in one of its ways; 0..1."""
    if answer.failed or not case.steps:
        return None
    text = f"{answer.reasoning}\n{answer.text}"
    return sum(shows(text, ways) for ways in case.steps) / len(case.steps)


def results_said(text: str) -> Iterator[tuple[str, ...]]:
    """What ``text`` may give as its result, the likeliest first; several writings of one where it says ``1/9 ≈ 0.11``.

    The last ``\\boxed{}`` alone where there is one; else what follows the last “answer is” or “####”; else the last line,
    what stands behind its last “=”, and its last number.
    """
    if boxed := _last_boxed(text):
        yield _writings(boxed)
        return
    lines = [stripped for line in text.splitlines() if (stripped := _BULLET.sub("", line).strip(" *\t"))]
    if not lines:
        return
    phrases = [match["said"] for match in _PHRASE.finditer(text)]
    line = _ASIDE.sub("", phrases[-1].strip(" *")[:_LONGEST_LINE] if phrases else lines[-1][-_LONGEST_LINE:])
    last = re.split(r"(?<![<>!])=", line)[-1]
    yield (line,)
    yield _writings(last)
    if phrases:
        yield _writings(_CUT.split(line)[0])
    yield _writings(_CUT.split(last)[0])
    numbers = [match[0] for match in _NUMBER.finditer(_CUT.split(last)[0] if phrases else line)]
    yield from ((number,) for number in (numbers[:1] if phrases else numbers[-1:]))


def _writings(said: str) -> tuple[str, ...]:
    return tuple(re.split(r"≈|\\approx", said))


@lru_cache(maxsize=20_000)
def _right(text: str, wanted: str) -> bool:
    gold = _values(wanted)
    for writings in results_said(text):
        if any(_letters(said) == _letters(wanted) for said in writings):
            return True
        read = [values for said in writings if (values := _values(said)) is not None]
        if gold is not None and read:
            return any(_equal(values, gold) for values in read)
    return False


def _values(text: str) -> tuple[bool, Sequence[Value]] | None:
    """Whether the order counts, and the values: one, several (``x = 1 or x = 2``), or a point (``(1, 2)``)."""
    if (one := value_of(text)) is not None:
        return False, [one]
    if len(text) > _LONGEST_RESULT:
        return None
    text = written(text)
    bracketed = re.fullmatch(r"[(\[{\\]+(.*?)[)\]}\\]+", text)
    inside = bracketed[1] if bracketed and "," in bracketed[1] else text
    parts = _BETWEEN.split(inside)
    values = [value for part in parts if (value := value_of(part)) is not None]
    if len(values) < 2 or len(values) < len(parts):
        return None
    return bracketed is not None and text.startswith("("), values


def _equal(said: tuple[bool, Sequence[Value]], gold: tuple[bool, Sequence[Value]]) -> bool:
    if len(said[1]) != len(gold[1]):
        return False
    if gold[0]:
        return all(same(one, other) for one, other in zip(said[1], gold[1], strict=True))
    left = list(said[1])
    for wanted in gold[1]:
        found = next((place for place, value in enumerate(left) if same(value, wanted)), None)
        if found is None:
            return False
        left.pop(found)
    return True


def _letters(text: str) -> str:
    """A result that is no number, such as a formula, or the ``(B)`` of a choice."""
    squeezed = _squeezed(text)
    return squeezed.strip("().") if len(squeezed) <= 4 else squeezed


def _last_boxed(text: str) -> str:
    """What stands in the last ``\\boxed{}`` that is closed; braces may be nested."""
    for match in reversed(list(re.finditer(r"\\(?:boxed|fbox)\s*\{", text))[-_MOST_BOXES:]):
        depth = 1
        for place in range(match.end(), min(len(text), match.end() + _LONGEST_LINE)):
            depth += {"{": 1, "}": -1}.get(text[place], 0)
            if depth == 0:
                return text[match.end() : place].strip()
    return ""


def shows(text: str, ways: Sequence[str]) -> bool:
    """Whether ``text`` has one of the ``ways`` in it: formulas however they are spaced or set, the rest as words."""
    formulas = [way for way in ways if re.search(r"[\d=+*/^<>×÷]", way)]
    if says(text, [way for way in ways if way not in formulas]):
        return True
    squeezed = _squeezed(text)
    return any(
        re.search(rf"(?<![\d.]){re.escape(_squeezed(way))}(?!\d|\.\d)", squeezed) for way in formulas if _squeezed(way)
    )


@lru_cache(maxsize=20_000)
def _squeezed(text: str) -> str:
    """``text`` as one run of characters, so that ``2 x + 3 = 7`` and ``$2x+3=7$`` are the same."""
    text = re.sub(r"\\[dtc]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"\1/\2", text)
    text = text.replace("\\times", "×").replace("\\cdot", "×").replace("·", "×").replace("\\div", "÷").replace("÷", "/")
    text = re.sub(r"(?<=[\d\w)])\s*\*\s*(?=[\d\w(])", "×", text)
    text = re.sub(r"[−–]", "-", re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text))
    return _SQUEEZED.sub("", text).casefold().rstrip(".。")
