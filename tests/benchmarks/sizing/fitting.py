"""Sets the few constants of ``engine.sizing.efficiencies`` against measurements, and shows what they do unseen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, fields
from math import log

from engine.sizing.efficiencies import Efficiencies
from sizing.points import Question
from sizing.predicting import predict

JUDGED = Efficiencies(memory=0.8, compute=0.45, narrow=0.65, experts=0.5, kernel=4.5e-6, sequence=20e-6, request=0.02)
"""What one would say before any measurement; a fit is held near it."""
_HOLD = 0.1
"""Loss of a constant that moves by a factor of e."""
_HIGHEST = {"memory": 0.95, "compute": 0.8, "narrow": 1.0, "experts": 1.0}


def loss(questions: Sequence[Question], efficiencies: Efficiencies) -> float:
    """Mean absolute log error of runs with everything sent at once, and of those with few requests in flight, added.

    Every document weighs the same. Of the former, tokens per second count, and time per token a quarter beside; of the
    latter time per token, and time to the first one a quarter beside.
    """
    total = 0.0
    for burst in (True, False):
        part = [question for question in questions if question.burst is burst]
        documents = Counter(question.doc for question in part)
        for question in part:
            error = _error(question, efficiencies)
            total += error / documents[question.doc] / len(documents)
    held = sum(log(value / getattr(JUDGED, name)) ** 2 for name, value in asdict(efficiencies).items())
    return total + _HOLD * held


def _error(question: Question, efficiencies: Efficiencies) -> float:
    predicted = predict(question, efficiencies)
    per_token = abs(log(predicted.tpot / question.tpot))
    if question.burst:
        return abs(log(predicted.tokens / question.tokens)) + per_token / 4
    return per_token + abs(log(predicted.ttft / question.ttft)) / 4


def fit(questions: Sequence[Question]) -> Efficiencies:
    """The constants of least loss, by coordinate descent from the judged ones."""
    best = asdict(JUDGED)
    least = loss(questions, Efficiencies(**best))
    step = 0.25
    while step > 0.02:
        improved = False
        for name in (field.name for field in fields(Efficiencies)):
            for factor in (1 + step, 1 / (1 + step)):
                tried = {**best, name: min(best[name] * factor, _HIGHEST.get(name, 1.0))}
                if (now := loss(questions, Efficiencies(**tried))) < least - 1e-6:
                    best, least, improved = tried, now, True
        if not improved:
            step /= 2
    return Efficiencies(**best)
