"""Classification: the label that an answer gives in its own words, accuracy and macro F1."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from engine.comparing.metrics.extra import needed
from engine.comparing.metrics.tokens import CJK, plain
from engine.comparing.records import Answer, Case

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MARKUP = re.compile(r"[*`\"“”'‘’「」『』《》]|(?<!\w)_+|_+(?!\w)|</?\w+>|\\(?:text|mathrm|mathbf)(?=\{)")
_BOXED = re.compile(r"\\boxed\s*\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}")
_SAID = re.compile(
    r"(?:\b(?:answer|label|category|class(?:ification)?|sentiment|intent|topic|verdict|prediction)\b"
    r"(?:\s+(?:is|would be|should be)\b\s*:?|\s*[:=])"
    r"|(?:答案|标签|类别|分类(?:结果)?|情感(?:倾向)?|意图|主题|结论|结果|判断|应归为|归类为|分类为|属于)\s*(?:[:=]|是|为|应为|应该是)?)"
    r"\s*(?P<said>[^\n]*)"
)
_NOT = re.compile(
    r"(?:\b(?:not|never|neither|nor|without|rather than|instead of|no(?! doubt)|(?:is|was|are|does|do|did|can|would|could)n.?t)"
    r"\s+(?:(?!but\b)[^\s,;.:]+\s+){0,3}"
    rf"|(?:不是|并非|并不|而非|不属于|不算|算不上|没有|不能|不应|不该|不太|谈不上|非|不|无)(?:(?!而是)[{CJK}\w]){{0,3}})$"
)
_BEFORE = 60  # characters in which a negation is looked for
_CACHED = 50_000


def right(labels: tuple[str, ...], case: Case, answer: Answer) -> float | None:
    """1.0 where the answer says the case's label and no other; else 0.0."""
    return None if answer.failed else float(label_said(answer.text, labels) in case.answers)


def macro_f1(labels: tuple[str, ...], cases: Sequence[Case], answers: Sequence[Answer]) -> float:
    """The unweighted mean of the F1 of every label that is right somewhere among the ``cases``; 0..1.

    An answer that gives no label, or several, is right about none. Labels that no case has are left out, so that both
    models are measured by the same ones.
    """
    metrics = needed("sklearn.metrics")
    pairs = [
        (case.answers[0], label_said(a.text, labels)) for case, a in zip(cases, answers, strict=True) if not a.failed
    ]
    if not pairs:
        return 0.0
    gold, said = zip(*pairs, strict=True)
    return float(metrics.f1_score(gold, said, labels=sorted(set(gold)), average="macro", zero_division=0.0))


def macro_f1_resampled(
    labels: tuple[str, ...], cases: Sequence[Case], answers: Sequence[Answer], indices: NDArray[Any]
) -> NDArray[Any]:
    """``macro_f1`` of each row of ``indices``, (resamples, cases) → (resamples,), without scikit-learn's checks of each."""
    import numpy as np

    code = {label: number for number, label in enumerate(labels)}
    gold = np.array([-1 if a.failed else code[case.answers[0]] for case, a in zip(cases, answers, strict=True)])
    said = np.array([-2 if a.failed else code.get(label_said(a.text, labels), -2) for a in answers])
    total, seen = np.zeros(len(indices)), np.zeros(len(indices))
    for number in range(len(labels)):
        is_gold, is_said = (gold == number)[indices], ((said == number) & (gold >= 0))[indices]
        there = is_gold.sum(axis=1)
        both = (is_gold & is_said).sum(axis=1)
        total += np.where(there > 0, 2 * both / np.maximum(there + is_said.sum(axis=1), 1), 0.0)
        seen += there > 0
    return np.asarray(total / np.maximum(seen, 1))


@lru_cache(maxsize=_CACHED)
def label_said(text: str, labels: tuple[str, ...]) -> str:
    """The label that ``text`` gives; empty: none, several, or only what it is not.

    What follows the last “answer:” (``label:``, 答案…), or stands in ``\\boxed{}``, goes before the rest; then a line that
    is a label and nothing else; then whatever labels are said, the longest reading first and those denied left out.
    """
    text = plain(text)
    boxed = _BOXED.findall(text)
    text = _MARKUP.sub("", text)
    parts = [_MARKUP.sub("", boxed[-1])] if boxed else []
    parts += [match["said"] for match in list(_SAID.finditer(text))[::-1]]
    for part in parts:
        if len(found := _affirmed(part, labels)) == 1:
            return found.pop()
        if found:
            return ""
    by_itself = {label for line in text.splitlines() for label in labels if _bare(line) == _bare(plain(label))}
    if by_itself:
        return by_itself.pop() if len(by_itself) == 1 else ""
    found = _affirmed(text, labels)
    return found.pop() if len(found) == 1 else ""


def _bare(line: str) -> str:
    return line.strip(" \t.。,，!！:：;；()（）[]【】#>-•")


def _affirmed(text: str, labels: tuple[str, ...]) -> set[str]:
    """The labels said in ``text`` and not denied there."""
    found = set()
    for match in _pattern(labels).finditer(text):
        if not _NOT.search(text[max(0, match.start() - _BEFORE) : match.start()]):
            found.add(labels[int(str(match.lastgroup)[1:])])
    return found


@lru_cache(maxsize=200)
def _pattern(labels: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the labels, the longest first: “very positive” is not “positive”."""
    order = sorted(range(len(labels)), key=lambda number: -len(labels[number]))
    return re.compile("|".join(f"(?P<l{number}>{_one(plain(labels[number]))})" for number in order) or r"(?!)")


def _one(label: str) -> str:
    words = re.sub(r"(?:\\?[\s_-])+", r"[\\s_-]+", re.escape(label))
    before = rf"(?<![^\W{CJK}])" if re.match(rf"[^\W{CJK}]", label) else ""
    after = rf"(?![^\W{CJK}])" if re.search(rf"[^\W{CJK}]$", label) else ""
    if len(label) == 1 and label.isascii() and label.isalpha():  # a letter to choose by; “a” is a word too
        after = r"(?=\s*(?:[).:,;\]}]|$))"
    return f"{before}{words}{after}"
