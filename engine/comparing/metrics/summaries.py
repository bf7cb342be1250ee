"""Summaries: ROUGE-L, by the rouge-score package.

Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004: the F measure of the longest common subsequence of
tokens, without stemming. Chinese is compared by character, as is usual since LCSTS (Hu et al., 2015); numbers and Latin
words stay whole.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from engine.comparing.metrics.extra import needed
from engine.comparing.metrics.tokens import tokens
from engine.comparing.records import Answer, Case, Language


class _Characters:
    """What rouge-score asks of a tokenizer."""

    def tokenize(self, text: str) -> list[str]:
        return list(tokens(text))


def rouge_l(language: Language, case: Case, answer: Answer) -> float | None:
    """The F measure by the reference the summary is closest to; 0..1."""
    return None if answer.failed else _rouge_l(language, answer.text, case.answers)


@lru_cache(maxsize=20_000)
def _rouge_l(language: Language, summary: str, references: tuple[str, ...]) -> float:
    return float(_scorer(language).score_multi(references, summary)["rougeL"].fmeasure)


@cache
def _scorer(language: Language) -> Any:
    tokenizer = _Characters() if language == "zh" else None
    return needed("rouge_score.rouge_scorer").RougeScorer(["rougeL"], use_stemmer=False, tokenizer=tokenizer)
