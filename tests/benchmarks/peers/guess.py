"""What a method answers, and how a test against each reference becomes an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from engine.catalog import load_family, load_published

Outcome = Literal["full", "distilled", "other", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Guess:
    """An answer and its cost.

    Attributes:
        variant: catalog id of the nearest reference, where the method names one.
        confident: the method itself has no doubt; a wrong answer is then a confident mistake.
        requests: HTTP requests sent, retries included.
        prompt_tokens, completion_tokens: as the endpoint counts; where it does not, UTF-8 bytes / 4.
        seconds: wall-clock time.
    """

    outcome: Outcome
    variant: str | None
    confident: bool
    requests: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """An endpoint against one reference: the distance the test measures, and its p-value under "the same"."""

    statistic: float
    p: float


@cache
def _kinds() -> Mapping[str, str]:
    return {variant.id: variant.kind for variant in (*load_published(), *load_family("deepseek-r1").variants)}


def outcome_of(variant: str) -> Outcome:
    """The right outcome for a variant; relatives such as V3, and models outside the catalog, are ``other``."""
    kind = _kinds().get(variant, "other")
    return "full" if kind == "full" else "distilled" if kind == "distilled" else "other"


def decide(
    comparisons: Mapping[str, Comparison], near: Mapping[str, float], alpha: float
) -> tuple[Outcome, str | None, bool]:
    """Outcome, variant and confidence from one equality test per reference.

    The papers decide about one claimed model: rejected or not. With a reference per candidate this becomes:

    1. The references not rejected at ``alpha`` are what the endpoint may be (Gao et al. 2025, §5, reject a set of
       references when each is rejected). The nearest of them is the answer; sure when they share one outcome.
    2. All rejected: the endpoint serves none of them unchanged. Gao et al. (§4.3, §5) read the statistic as a
       distance and compare it with the distances between models, so: within ``near`` of a reference (half its
       distance to the nearest reference of another outcome) it is that one, changed, and not sure;
       farther away it is ``other``, sure.
    """
    if not comparisons:
        return "inconclusive", None, False
    kept = {name: result for name, result in comparisons.items() if result.p >= alpha}
    nearest = min(kept or comparisons, key=lambda name: comparisons[name].statistic)
    if kept:
        return outcome_of(nearest), nearest, len({outcome_of(name) for name in kept}) == 1
    if comparisons[nearest].statistic <= near.get(nearest, 0.0):
        return outcome_of(nearest), nearest, False
    return "other", None, True


def near_of(distances: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """Half the distance from each reference to the nearest one of another outcome."""
    foreign: dict[str, list[float]] = {}
    for (one, other), distance in distances.items():
        if outcome_of(one) != outcome_of(other):
            foreign.setdefault(one, []).append(distance)
    return {name: min(found) / 2 for name, found in foreign.items()}
