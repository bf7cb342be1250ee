"""`capability`: how many freshly made problems of each difficulty the model solves.

Fresh numbers cannot be in anybody's training data or cache. Against recorded references the pass rates at each
level are compared directly. Without them published pass rates stand in: our levels are laid on MATH-500 (1-4)
and AIME 2024 (5-6) by judgement, so what follows is weighed at half.

Cost: the thinking for a few problems a request, hundreds to thousands of completion tokens.
How it could be fooled: by solving our problems with the full model.
"""

from __future__ import annotations

import math

from engine.catalog.schema import Variant
from engine.evidence import UNKNOWN, Evidence
from engine.probes.probe import Hypotheses, Observation, Probe
from engine.questions.answer_sheet import read_numbers
from engine.questions.problems import generate
from engine.references import Reference
from engine.targets.endpoint import Conversation

_PUBLISHED_WEIGHT = 0.5
_FAILS_OF_MATH = {1: 0.1, 2: 0.25, 3: 0.5, 4: 1.0}
"""Share of a model's MATH-500 failures that each level is laid on. Judged."""
_UNPUBLISHED = 0.6


def observe(conversation: Conversation) -> Observation | None:
    """Problems solved and put, by level; a reply that was cut off before its answers does not count."""
    levels: dict[str, list[int]] = {}
    for reply in conversation.of("problems:"):
        _, _, level, seed, count = reply.ask.split(":")
        problems = generate(int(seed), int(level), int(count))
        read = read_numbers(reply.text, len(problems))
        if reply.finish == "length" and not any(value is not None for value in read):
            continue
        solved, put = levels.get(level, [0, 0])
        right = sum(value == problem.answer for value, problem in zip(read, problems, strict=True))
        levels[level] = [solved + right, put + len(problems)]
    return {"levels": levels} if levels else None


def score(observation: Observation, hypotheses: Hypotheses) -> Evidence:
    """Each variant's likelihood: binomial at its recorded pass rates, or at its published ones."""
    levels: dict[str, list[int]] = observation["levels"]
    recorded = {entry.variant: entry for entry in hypotheses.references if entry.problems}
    likelihood = {}
    for variant in hypotheses.variants:
        reference = recorded.get(variant.id)
        weight = 1.0 if reference else _PUBLISHED_WEIGHT
        likelihood[variant.id] = weight * sum(
            _binomial(solved, put, _recorded(reference, level) if reference else published_rate(variant, int(level)))
            for level, (solved, put) in levels.items()
        )
    likelihood[UNKNOWN] = _PUBLISHED_WEIGHT * sum(
        _binomial(entry[0], entry[1], _UNPUBLISHED) for entry in levels.values()
    )
    solved, put = (sum(entry[at] for entry in levels.values()) for at in (0, 1))
    return Evidence(
        probe="capability",
        group="ability",
        observation=observation,
        log_likelihood=likelihood,
        expected={
            variant.id: f"{published_rate(variant, 6):.0%}" for variant in hypotheses.family() if variant.benchmarks
        },
        values={
            "solved": solved,
            "put": put,
            "levels": " · ".join(f"{level}: {entry[0]}/{entry[1]}" for level, entry in sorted(levels.items())),
            "form": "" if recorded else "published",
        },
    )


def published_rate(variant: Variant, level: int) -> float:
    """Pass rate at a level, from the benchmarks of the model cards (catalog); 0.6 where none are published."""
    math_500, aime = variant.benchmarks.get("math_500"), variant.benchmarks.get("aime_2024")
    if math_500 is None or aime is None:
        return _UNPUBLISHED
    if level <= 4:
        return 1 - (1 - math_500 / 100) * _FAILS_OF_MATH[level]
    return (math_500 + aime) / 200 if level == 5 else aime / 100


def _recorded(reference: Reference, level: str) -> float:
    solved, put = reference.problems.get(level, (0, 0))
    return (solved + 1) / (put + 2)


def _binomial(solved: int, put: int, rate: float) -> float:
    rate = min(max(rate, 0.01), 0.99)
    return solved * math.log(rate) + (put - solved) * math.log(1 - rate)


PROBE = Probe("capability", observe, score)
