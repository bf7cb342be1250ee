"""Evidence → posterior over variants → full / distilled (which) / other / inconclusive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["full", "distilled", "other", "inconclusive"]
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
        outcome: the answer; ``inconclusive`` says why in ``reasons``.
        grade: ``confident`` needs a posterior of 0.99 and two independent evidence groups,
            ``likely`` 0.90.
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
