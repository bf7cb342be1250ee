"""What each simulated model knows and can work out. A simulation: no model was asked anything.

A fact is known with probability sigmoid(1.6 (knows - difficulty(level) + item)), after item response theory
(Rasch 1960); drawn once per model and item from a hash, so that a model answers alike wherever it is served.
Draws of models with a common origin are correlated: R1, R1-0528 and V3 know nearly the same, and a distill
shares much with its base. Who does not know a fact has one fixed wrong number for it, near the right one.
Problems are solved with probability sigmoid(1.3 (solves - difficulty(level))).
"""

from __future__ import annotations

from functools import cache
from math import exp

from arena.chance import below, normal, pick, uniform
from arena.models import MODELS, Model
from arena.solving import solve
from engine.questions.facts import Fact, load_facts

_FACT_LEVELS = {1: -2.6, 2: -1.2, 3: 0.1, 4: 1.2, 5: 2.2}
_PROBLEM_LEVELS = {1: -3.6, 2: -2.4, 3: -1.3, 4: -0.3, 5: 0.7, 6: 1.7}
_SLOPE, _PROBLEM_SLOPE = 1.6, 1.3
_KINSHIP = {"v3": 0.9}
_DISTANT_KINSHIP = 0.6
_SAME_MISTAKE = 0.55


def answer(model: str, line: str) -> int | None:
    """A model's own answer to a question or problem, right or wrong; ``None`` if it is neither."""
    fact = _facts().get(line)
    if fact is not None:
        return recalled(model, fact.id)
    solved = solve(line)
    if solved is None:
        return None
    right, level = solved
    chance = _sigmoid(_PROBLEM_SLOPE * (MODELS[model].solves - _PROBLEM_LEVELS[level]))
    if uniform("solves", model, line) < chance:
        return right
    return near(right, "slip", model, line)


@cache
def recalled(model: str, item: str) -> int:
    """What a model recalls of a fact."""
    fact = next(fact for fact in load_facts() if fact.id == item)
    mind = MODELS[model]
    if below(_draw(mind, item)) < knowing(model, fact.level, item):
        return fact.answer
    if uniform("same mistake", model, item) < _SAME_MISTAKE:
        return near(fact.answer, "mistake", mind.kin, item)
    return near(fact.answer, "mistake", model, item)


def knowing(model: str, level: int, item: str) -> float:
    """Chance that a model knows an item."""
    return _sigmoid(_SLOPE * (MODELS[model].knows - _FACT_LEVELS[level] + 0.4 * normal("item", item)))


def near(right: int, *about: object) -> int:
    """A wrong number such as somebody half-remembering would give."""
    if right < 12:
        step = pick((1, 2, 3, -1, -2), *about)
    elif right < 200:
        step = pick((1, 2, 3, 4, 6, 10, -1, -2, -3, -5, -10), *about)
    elif 1000 <= right <= 2100:
        step = pick((1, 2, 3, 4, 5, 7, 10, 12, -1, -2, -3, -4, -6, -9, -11), *about)
    else:
        step = round(right * pick((0.01, 0.03, 0.05, 0.1, -0.02, -0.04, -0.08), *about)) or 1
    return right + step if right + step >= 0 else right + abs(step)


def _draw(model: Model, item: str) -> float:
    shared = _KINSHIP.get(model.kin, _DISTANT_KINSHIP)
    return shared**0.5 * normal("kin", model.kin, item) + (1 - shared) ** 0.5 * normal("own", model.id, item)


def _sigmoid(value: float) -> float:
    return 1 / (1 + exp(-value))


@cache
def _facts() -> dict[str, Fact]:
    return {text: fact for fact in load_facts() for text in (fact.en, fact.zh)}
