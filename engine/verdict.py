"""The verdict on a target: the records in which it is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["full", "distilled", "other", "mixed", "inconclusive"]
Grade = Literal["confident", "likely", "inconclusive"]
ClaimCheck = Literal["holds", "misrepresented", "unproven", "none"]


@dataclass(frozen=True, slots=True)
class Claim:
    """What the target says it is: ``text`` as found in ``where`` (``name``, ``card``, ``config`` ...),
    read as catalog ``variants`` (several when the words fit several; empty when none)."""

    text: str
    where: str
    variants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence of the verdict by key (``reasons.<code>`` in the text files), with its values."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the target is.

    Attributes:
        outcome: the answer; ``mixed``: one endpoint, more than one model; ``inconclusive`` says why in ``reasons``.
        grade: ``confident`` needs a posterior of 0.99 and two independent evidence groups, one of them
            hard to forge; ``likely`` 0.90.
        variant: most probable variant id within the outcome (``None``: nothing in the catalog fits).
        title: what to call it: the variant, or for ``other`` its base in words.
        indistinguishable: further variants that the evidence cannot tell from ``variant``.
        confidence: posterior probability of the outcome.
        posterior: probability per variant id, summing to 1 (``unknown`` = nothing in the catalog).
        claim, claim_check: what it says it is, and whether that holds.
        contradictions: groups that point at different outcomes.
        reasons: what the verdict rests on, most important first.
    """

    outcome: Outcome
    grade: Grade
    variant: str | None
    title: str
    indistinguishable: tuple[str, ...]
    confidence: float
    posterior: Mapping[str, float]
    claim: Claim | None
    claim_check: ClaimCheck
    contradictions: tuple[Reason, ...] = ()
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Mixture:
    """How an endpoint's replies divide: what is behind the ``usual`` and the ``other`` ones, the other's
    share with its 95 % interval, the evidence against one model (a test martingale's value), the replies seen."""

    usual: str
    other: str
    share: float
    low: float
    high: float
    evidence: float
    replies: int

    @property
    def chance(self) -> float:
        """P(more than one model answers), the martingale's value read as a Bayes factor."""
        weighed = MIXED_PRIOR * self.evidence
        return weighed / (weighed + 1 - MIXED_PRIOR)

    @property
    def clear(self) -> bool:
        """Whether the mixture is stated: at most 1 % of endpoints with one model ever get here (Ville)."""
        return self.evidence >= CLEAR


CLEAR = 100.0
"""Evidence at which a mixture is stated."""
MIXED_PRIOR = 0.05
"""Chance that an endpoint sold as the full model sends a share of its requests elsewhere. Judged."""


def together(variants: Sequence[str]) -> str:
    """Several variants as one name: ``R1-Distill-Qwen-1.5B / 7B / 14B``; the first few of many."""
    named: list[str] = []
    for at, name in enumerate(variants):
        stem = name.rpartition("-")[0]
        shared = any(entry.rpartition("-")[0] == stem for entry in variants[:at])
        named.append(name.rpartition("-")[2] if shared else name)
    return " / ".join(named[:_NAMED]) + (" …" if len(named) > _NAMED else "")


_NAMED = 6
