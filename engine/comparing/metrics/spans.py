"""Question answering: exact match and token F1, by the rules of SQuAD 1.1's official script.

Its normalisation takes case, punctuation and English articles away. As MLQA's script does for other languages, what
Unicode calls punctuation goes too, and Chinese is compared by character (numbers and Latin words whole). On English text
with ASCII punctuation the figures are those of SQuAD's script, but for answers of articles alone, which keep them: “A” may
be a choice.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

from engine.comparing.metrics.tokens import CJK, plain, without_punctuation
from engine.comparing.records import Answer, Case, Language

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PIECES = re.compile(rf"[{CJK}]|[^\s{CJK}]+")


def exact(language: Language, case: Case, answer: Answer) -> float | None:
    """1.0 where the answer is one of the accepted ones, normalised; else 0.0."""
    if answer.failed:
        return None
    said = normalised(answer.text, language)
    return float(any(said == normalised(right, language) for right in case.answers))


def token_f1(language: Language, case: Case, answer: Answer) -> float | None:
    """The harmonic mean of precision and recall of the answer's tokens, by the accepted answer it is closest to; 0..1."""
    if answer.failed:
        return None
    said = normalised(answer.text, language)
    return max((_overlap(said, normalised(right, language)) for right in case.answers), default=0.0)


@lru_cache(maxsize=20_000)
def normalised(text: str, language: Language) -> tuple[str, ...]:
    """What is compared: tokens in order, after SQuAD's normalisation."""
    text = without_punctuation(plain(text))
    if language == "en":
        return tuple(_ARTICLES.sub(" ", text).split() or text.split())
    return tuple(_PIECES.findall(text))


def _overlap(said: tuple[str, ...], right: tuple[str, ...]) -> float:
    shared = sum((Counter(said) & Counter(right)).values())
    return 2 * shared / (len(said) + len(right)) if shared else 0.0
