"""`knowledge`: which facts near the knowledge boundary the model keeps, and what it says for those it does not.

A 671B model keeps what a 1.5-70B distill has lost, and every model is wrong in its own way, so the answers
tell variants apart where every sign of the tokenizer is disguised (idea: knowledge-boundary fingerprints,
arXiv 2605.29524). Compared with recorded references only; without any it reports and does not vote.

Each item is independent given the variant. With a reference: P(answer) is the recorded share, smoothed, with a
few percent of noise. Without one a model is anybody: it knows an unknown share of each level (flat prior:
a beta-binomial), and its wrong answers could be many.

Cost: some 60 prompt tokens and the thinking for ten questions a request.
How it could be fooled: by asking the full model for these answers, once the items are known.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping

from engine.evidence import Evidence
from engine.probes.probe import Hypotheses, Observation, Probe
from engine.questions.answer_sheet import read_numbers
from engine.questions.facts import load_facts
from engine.references import Reference
from engine.targets.endpoint import Conversation

_WRONG = 1 / 40
"""Chance of one certain wrong answer where nothing is known of a model's mistakes. Judged."""
_NOISE = 0.05
"""Items on which a model departs from its own recorded answer: quantisation, batching, sampling. Judged."""
_SIBLING = 0.15
"""The same for a variant that was not recorded by the reference of one trained from the same base. Judged."""
_SMOOTHING = 0.5


def observe(conversation: Conversation) -> Observation | None:
    """Answers by fact; of a fact asked twice the first that could be read."""
    answers: dict[str, int | None] = {}
    for reply in conversation.of("facts:"):
        ids = reply.ask.partition(":")[2].partition(":")[2].split(",")
        for fact, answer in zip(ids, read_numbers(reply.text, len(ids)), strict=True):
            if answers.get(fact) is None:
                answers[fact] = answer
    return {"answers": answers} if answers else None


def score(observation: Observation, hypotheses: Hypotheses) -> Evidence:
    """Each variant's likelihood by its reference; variants without one share that of an unknown model."""
    facts = {fact.id: fact for fact in load_facts()}
    answers = {name: value for name, value in observation["answers"].items() if value is not None and name in facts}
    right = {name: value == facts[name].answer for name, value in answers.items()}
    levels: dict[int, list[bool]] = defaultdict(list)
    for name, correct in right.items():
        levels[facts[name].level].append(correct)
    likelihood: dict[str, float] = {}
    if answers and hypotheses.references:
        anybody = sum(_anybody(results) for results in levels.values())
        recorded = {entry.variant: entry for entry in hypotheses.references}
        full_size = {variant.id for variant in hypotheses.variants if variant.kind in ("full", "relative")}
        for variant in hypotheses.ids:
            siblings = [entry for name, entry in recorded.items() if variant in full_size and name in full_size]
            if variant in recorded:
                likelihood[variant] = _by_reference(recorded[variant], answers, _NOISE)
            elif siblings:
                likelihood[variant] = max(_by_reference(entry, answers, _SIBLING) for entry in siblings)
            else:
                likelihood[variant] = anybody
    return Evidence(
        probe="knowledge",
        group="recall",
        observation=observation,
        log_likelihood=likelihood,
        expected={entry.variant: _shares(entry) for entry in hypotheses.references},
        values={
            "right": sum(right.values()),
            "asked": len(observation["answers"]),
            "read": len(answers),
            "levels": " · ".join(f"{level}: {sum(levels[level])}/{len(levels[level])}" for level in sorted(levels))
            or "–",
            "form": "" if hypotheses.references else "alone",
        },
    )


def _anybody(results: list[bool]) -> float:
    """Log P(these results and these very wrong answers) for a model nobody recorded."""
    right, wrong = sum(results), len(results) - sum(results)
    beta = math.lgamma(right + 1) + math.lgamma(wrong + 1) - math.lgamma(right + wrong + 2)
    return beta + wrong * math.log(_WRONG)


def _by_reference(reference: Reference, answers: Mapping[str, int], noise: float) -> float:
    return sum(_recorded(reference, name, value, noise) for name, value in answers.items())


def _recorded(reference: Reference, fact: str, answer: int, noise: float) -> float:
    counts: Mapping[str, int] = reference.facts.get(fact, {})
    total = sum(counts.values())
    if total == 0:
        return math.log(0.5)
    share = (counts.get(str(answer), 0) + _SMOOTHING * _WRONG) / (total + _SMOOTHING)
    return math.log((1 - noise) * share + noise * _WRONG)


def _shares(reference: Reference) -> str:
    facts = {fact.id: fact for fact in load_facts()}
    known = [(facts[name].answer, counts) for name, counts in reference.facts.items() if name in facts]
    right = sum(max(counts, key=lambda text: counts[text], default="") == str(answer) for answer, counts in known)
    return f"{right}/{len(known)}"


PROBE = Probe("knowledge", observe, score)
