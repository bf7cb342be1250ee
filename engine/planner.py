"""Which question next: expected information per unit of cost; when to stop.

The information a question is expected to bring is the entropy of the posterior over what its groups of
evidence can tell apart (all variants with one vocabulary look alike to a token count), times the chance that
the group speaks at all (Lindley 1956: the mutual information of a noiseless channel that is sometimes silent).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.evidence import LADDER, Evidence, Group
from engine.probes.probe import Hypotheses
from engine.questions.asking import Question
from engine.targets.endpoint import Conversation
from engine.verdict import Verdict

_PER_REQUEST = 150.0
"""A request costs as much as so many tokens: latency, rate limits, attention. Judged."""
_SECOND_KIND = 0.05
"""Bits that a group which has not spoken is worth beyond the entropy: a verdict needs kinds, not only odds."""
_TELLING = math.log(20)
"""How far the best must lead the next for a row to need no repetition. Judged."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The question to put next, the information in bits it is expected to bring, and what it costs in tokens."""

    question: Question
    gain: float
    tokens: int


def decided(verdict: Verdict, rows: Sequence[Evidence]) -> bool:
    """Whether nothing more needs to be asked: of a model the catalog does not know, its tokenizer at least."""
    return verdict.grade == "confident" and (
        verdict.variant is not None or any(row.probe == "token_count" for row in rows)
    )


def plan(
    questions: Iterable[Question],
    conversation: Conversation,
    rows: Sequence[Evidence],
    verdict: Verdict,
    hypotheses: Hypotheses,
) -> Plan | None:
    """The open question with the most information for its cost; ``None`` when nothing open would add any."""
    spoken = {row.group for row in rows if _tells(row, hypotheses)}
    plans = [
        Plan(question, _gain(question, spoken, verdict.posterior, hypotheses), question.tokens)
        for question in questions
        if question.open(conversation)
    ]
    worthwhile = [entry for entry in plans if entry.gain > 0]
    return max(worthwhile, key=lambda entry: entry.gain / _cost(entry.question), default=None)


def _tells(row: Evidence, hypotheses: Hypotheses) -> bool:
    """Whether a row names one of the things its group can tell apart, and plainly."""
    look = _look(row.group, hypotheses)
    best: dict[str, float] = {}
    for variant, value in row.log_likelihood.items():
        seen = look.get(variant, "?")
        best[seen] = max(best.get(seen, value), value)
    ranked = sorted(best.values(), reverse=True)
    return len(ranked) > 1 and ranked[0] - ranked[1] >= _TELLING


def _cost(question: Question) -> float:
    return question.requests * _PER_REQUEST + question.tokens


def _gain(question: Question, spoken: set[Group], posterior: Mapping[str, float], hypotheses: Hypotheses) -> float:
    """Expected bits; groups of the ladder show one fact, so that they add to the chance that it shows at all."""
    gain, silent, bits = 0.0, 1.0, 0.0
    for group, chance in question.speaks.items():
        if group in spoken:
            continue
        if group in LADDER:
            silent *= 1 - chance
            bits = max(bits, _entropy(posterior, _look(group, hypotheses)) + _SECOND_KIND)
        else:
            gain += chance * _entropy(posterior, _look(group, hypotheses))
    return gain + (1 - silent) * bits


def _look(group: Group, hypotheses: Hypotheses) -> Mapping[str, str]:
    """What each variant looks like to a group of evidence; those that look alike are not told apart by it."""
    if group == "behaviour":
        return {variant.id: variant.thinks or "?" for variant in hypotheses.variants}
    if group == "accounting":
        return {variant.id: variant.tokenizer or "?" for variant in hypotheses.variants}
    if group in LADDER:
        return {variant.id: hypotheses.vocabulary_of(variant) or "?" for variant in hypotheses.variants}
    return {variant.id: variant.id for variant in hypotheses.variants}


def _entropy(posterior: Mapping[str, float], look: Mapping[str, str]) -> float:
    shares: dict[str, float] = {}
    for variant, share in posterior.items():
        seen = look.get(variant, "?")
        shares[seen] = shares.get(seen, 0.0) + share
    return -sum(share * math.log2(share) for share in shares.values() if share > 0)
