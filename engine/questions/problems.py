"""Problems made afresh from a seed, each with one integer answer that is computed with the problem.

Fresh numbers cannot have been learnt by heart, so what is measured is exact work. Levels 1 to 6 go by how many
exact steps the shortest way takes. By our judgement, not measured: 1 is as hard as the easy end of GSM8K (Cobbe
et al. 2021), 2 to 6 as MATH levels 1 to 5 (Hendrycks et al. 2021), with more bookkeeping and less insight.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from engine.questions.answer_sheet import ask, read_numbers
from engine.questions.problem_kinds import KINDS

__all__ = ["LEVELS", "Problem", "ask", "generate", "read_numbers"]

LEVELS = tuple(sorted(KINDS))


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem in both languages; ``id`` names its kind, and the seed, level and place that made it."""

    id: str
    level: int
    en: str
    zh: str
    answer: int


def generate(seed: int, level: int, count: int) -> tuple[Problem, ...]:
    """``count`` problems of ``level``, the same for the same ``seed``; the level's kinds take turns.

    Raises:
        ValueError: there is no such level.
    """
    if level not in KINDS:
        raise ValueError(f"problems have levels {LEVELS[0]} to {LEVELS[-1]}, not {level}")
    return tuple(_make(seed, level, place) for place in range(count))


def _make(seed: int, level: int, place: int) -> Problem:
    kind = KINDS[level][(seed + place) % len(KINDS[level])]
    name = f"{kind.__name__.replace('_', '-')}-{seed}-{level}-{place}"
    return Problem(name, level, *kind(Random(name)))
