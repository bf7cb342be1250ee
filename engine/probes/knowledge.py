"""`knowledge`: which facts near the knowledge boundary the model keeps, and what it says for those it does not.

A 671B model keeps what a 1.5-70B distill has lost, and every model is wrong in its own way, so the answers
tell variants apart where every sign of the tokenizer is disguised (idea: knowledge-boundary fingerprints,
arXiv 2605.29524). Compared with recorded references only; without any it reports and does not vote.

Each item is independent given the variant. With a reference: P(answer) is the recorded share, smoothed, with a
few percent of noise. Without one a model knows, of each level, about what recorded models of its size know
(between two of them by the logarithm of their parameters), or anything where that cannot be said: a beta-binomial
either way; and its wrong answers could be many.

Cost: some 60 prompt tokens and the thinking for ten questions a request.
How it could be fooled: by asking the full model for these answers, once the items are known.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from engine.evidence import Evidence
from engine.probes.probe import Hypotheses, Observation, Probe
from engine.questions.answer_sheet import read_numbers
from engine.questions.facts import load_facts
from engine.references import Reference
from engine.targets.endpoint import Conversation, Reply

_WRONG = 1 / 40
"""Chance of one certain wrong answer where nothing is known of a model's mistakes. Judged."""
_NOISE = 0.05
"""Items on which a model departs from its own recorded answer: quantisation, batching, sampling. Judged."""
_OBSERVATIONS = 6.0
"""How many observations the share expected of a size is worth: models of one size differ. Judged."""
_SIBLING = 0.15
"""The same for a variant that was not recorded by the reference of one trained from the same base. Judged."""
_SMOOTHING = 0.2


def observe(conversation: Conversation) -> Observation | None:
    """Answers by fact; of a fact asked twice the first that could be read."""
    answers: dict[str, int | None] = {}
    for reply in conversation.of("facts:"):
        for fact, answer in answers_in(reply):
            if answers.get(fact) is None:
                answers[fact] = answer
    return {"answers": answers} if answers else None


def answers_in(reply: Reply) -> list[tuple[str, int | None]]:
    """The facts that a reply was asked, each with its answer; ``None`` where none can be read."""
    ids = reply.ask.split(":")[2].split(",")
    return list(zip(ids, read_numbers(reply.text, len(ids)), strict=True))


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
        sizes = {variant.id: variant.parameters.main for variant in hypotheses.variants}
        known = _known_by_size(hypotheses.references, sizes)
        anybody = sum(_results(results, 1.0, 1.0) for results in levels.values())
        recorded = {entry.variant: entry for entry in hypotheses.references}
        full_size = {variant.id for variant in hypotheses.variants if variant.kind in ("full", "relative")}
        for variant in hypotheses.ids:
            siblings = [entry for name, entry in recorded.items() if variant in full_size and name in full_size]
            if variant in recorded:
                likelihood[variant] = _by_reference(recorded[variant], answers, _NOISE)
            elif siblings:
                likelihood[variant] = max(_by_reference(entry, answers, _SIBLING) for entry in siblings)
            elif variant in sizes and len(known) > 1:
                likelihood[variant] = sum(
                    _results(results, *_expected_share(known, sizes[variant], level))
                    for level, results in levels.items()
                )
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


def _results(results: Sequence[bool], right: float, wrong: float) -> float:
    """Log P(these results and these very wrong answers) where the share known is Beta(right, wrong)."""
    hits, misses = sum(results), len(results) - sum(results)
    beta = math.lgamma(hits + right) + math.lgamma(misses + wrong) - math.lgamma(hits + misses + right + wrong)
    norm = math.lgamma(right + wrong) - math.lgamma(right) - math.lgamma(wrong)
    return beta + norm + misses * math.log(_WRONG)


def _known_by_size(references: Sequence[Reference], sizes: Mapping[str, int]) -> list[tuple[float, dict[int, float]]]:
    """The share of each level's facts that recorded models know, with the logarithm of their size, in order."""
    facts = {fact.id: fact for fact in load_facts()}
    found = []
    for reference in references:
        levels: dict[int, list[bool]] = defaultdict(list)
        for name, counts in reference.facts.items():
            if name in facts and counts:
                usual = max(counts, key=lambda text: counts[text])
                levels[facts[name].level].append(usual == str(facts[name].answer))
        if reference.variant in sizes:
            shares = {level: sum(right) / len(right) for level, right in levels.items()}
            found.append((math.log(sizes[reference.variant]), shares))
    return sorted(found, key=lambda entry: entry[0])


def _expected_share(known: Sequence[tuple[float, dict[int, float]]], size: int, level: int) -> tuple[float, float]:
    """The share of a level that a model of this size knows, as a beta distribution worth a few observations."""
    points = [(at, shares[level]) for at, shares in known if level in shares]
    if len({at for at, _ in points}) < 2:
        return 1.0, 1.0
    at = math.log(size)
    below = max((point for point in points if point[0] <= at), default=points[0])
    above = min((point for point in points if point[0] > at), default=points[-1])
    width = above[0] - below[0]
    share = below[1] + (above[1] - below[1]) * ((at - below[0]) / width if width > 0 else 0.0)
    share = min(max(share, 0.03), 0.97)
    return share * _OBSERVATIONS, (1 - share) * _OBSERVATIONS


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
