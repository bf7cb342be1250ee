"""Evidence → posterior over variants → full / distilled (which) / other / inconclusive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from engine.evidence import UNKNOWN, Evidence, Group
from engine.posterior import Support, posterior, supports

if TYPE_CHECKING:
    from engine.probes.probe import Hypotheses

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


LIKELY, CONFIDENT = 0.90, 0.99
"""Posterior an outcome needs to be said at all, and to be said without reserve. Judged."""
_EXCLUDED = 0.01
_RULED_OUT = 0.001
_CONTRADICTED = 1.5e-3
"""Relative likelihood under which a group plainly shows something else: beyond every soft mismatch."""
_OTHER_VOCABULARY = 2e-4
"""The same for a tokenizer: fine-tuning adds and drops special tokens, but another vocabulary is another model's."""
_EQUAL = 0.5
_FULL_SIZE = ("full", "relative")
_TELLING = 16
"""A group that fits more variants than this says nothing worth a sentence."""


def decide(evidence: Sequence[Evidence], hypotheses: Hypotheses, claim: Claim | None, description: str) -> Verdict:
    """The verdict that the evidence allows. Pure: stored evidence gives the same verdict again.

    Args:
        description: the target's dimensions in words, its title when nothing published fits.
    """
    groups = supports(evidence, hypotheses.ids)
    probability = posterior(groups, hypotheses)
    outcome_of = _outcomes(hypotheses)
    chances = {kind: _chance(probability, outcome_of, kind) for kind in ("full", "distilled", "other")}
    leading = max(chances, key=lambda kind: chances[kind])
    variant = max((name for name in probability if outcome_of[name] == leading), key=lambda name: probability[name])
    alike = _alike(variant, probability, outcome_of, groups)
    contradictions = _contradictions(variant, groups)
    supporting = [support for support in groups if _supports(support, leading, outcome_of)]
    grade = _grade(chances[leading], supporting, has_weights=any(s.group == "weights" for s in groups))
    if contradictions and grade == "confident":
        grade = "likely"
    outcome: Outcome = "inconclusive" if grade == "inconclusive" else leading  # type: ignore[assignment]
    about_family = claim is not None and any(entry.id in claim.variants for entry in hypotheses.family())
    denied = _denied_claim(claim, groups) if about_family else []
    check = _check_claim(claim, probability, outcome, [*contradictions, *denied], about_family=about_family)
    known = variant in {entry.id for entry in hypotheses.variants}
    return Verdict(
        outcome=outcome,
        grade=grade,
        variant=variant if known else None,
        title=variant if known else description,
        indistinguishable=alike,
        confidence=chances[leading],
        posterior=probability,
        claim=claim,
        claim_check=check,
        contradictions=(*contradictions, *denied),
        reasons=tuple(_reasons(outcome, variant, chances, probability, groups, supporting, hypotheses)),
    )


def _outcomes(hypotheses: Hypotheses) -> dict[str, Outcome]:
    of_kind: dict[str, Outcome] = {"full": "full", "distilled": "distilled"}
    return {variant.id: of_kind.get(variant.kind, "other") for variant in hypotheses.variants} | {UNKNOWN: "other"}


def _chance(probability: Mapping[str, float], outcome_of: Mapping[str, Outcome], kind: str) -> float:
    return min(1.0, sum(value for name, value in probability.items() if outcome_of[name] == kind))


def _alike(
    variant: str,
    probability: Mapping[str, float],
    outcome_of: Mapping[str, Outcome],
    groups: Sequence[Support],
) -> tuple[str, ...]:
    """Variants of the same outcome within a factor of ten of the best, most probable first."""
    near = [
        name
        for name, value in probability.items()
        if name not in (variant, UNKNOWN)
        and outcome_of[name] == outcome_of[variant]
        and value > probability[variant] / 10
        and all(support.relative[name] > _CONTRADICTED for support in groups)
    ]
    return tuple(sorted(near, key=lambda name: -probability[name]))


def _supports(support: Support, leading: str, outcome_of: Mapping[str, Outcome]) -> bool:
    """Whether a group fits the leading outcome and speaks against another one."""
    best: dict[str, float] = {}
    for name, value in support.relative.items():
        best[outcome_of[name]] = max(best.get(outcome_of[name], 0.0), value)
    return best[leading] >= _EQUAL and min(best.values()) <= 0.1


def _grade(chance: float, supporting: Sequence[Support], *, has_weights: bool) -> Grade:
    """Two independent groups, always; and nothing is certain while no header was seen."""
    if chance < LIKELY or len(supporting) < 2:
        return "inconclusive"
    return "confident" if chance >= CONFIDENT and has_weights else "likely"


def _contradictions(variant: str, groups: Iterable[Support]) -> tuple[Reason, ...]:
    """Groups of the target's own files that show another model than the verdict names."""
    found = []
    for support in groups:
        limit = _OTHER_VOCABULARY if support.group == "tokenizer" else _CONTRADICTED
        if support.group != "statement" and support.relative[variant] <= limit:
            shown = [name for name in support.relative if support.relative[name] >= _EQUAL and name != UNKNOWN]
            values = {"group": support.group, "shown": ", ".join(shown[:4]) or "–", "verdict": variant}
            found.append(Reason("contradiction" if shown else "contradiction_unpublished", values))
    return tuple(found)


def _denied_claim(claim: Claim | None, groups: Iterable[Support]) -> list[Reason]:
    """Groups that plainly show none of what is claimed, whatever else the model may be."""
    if claim is None or not claim.variants:
        return []
    denying = [
        support.group
        for support in groups
        if support.group != "statement" and max(support.relative[name] for name in claim.variants) <= _CONTRADICTED
    ]
    values = {"groups": denying, "claimed": ", ".join(claim.variants)}
    return [Reason("claim_denied", values)] if denying else []


def _check_claim(
    claim: Claim | None,
    probability: Mapping[str, float],
    outcome: Outcome,
    contradictions: Sequence[Reason],
    *,
    about_family: bool,
) -> ClaimCheck:
    """Whether the target is what it says; files that contradict each other misrepresent it by themselves.

    Only claims about the family are judged: of other models the catalog knows too few to accuse anybody.
    """
    if contradictions:
        return "misrepresented"
    if claim is None:
        return "none"
    claimed = sum(probability.get(name, 0.0) for name in claim.variants)
    if about_family and (claimed < _EXCLUDED or (claimed < 0.1 and outcome != "inconclusive")):
        return "misrepresented"
    return "unproven" if outcome == "inconclusive" or claimed < 0.5 else "holds"


def _reasons(
    outcome: Outcome,
    variant: str,
    chances: Mapping[str, float],
    probability: Mapping[str, float],
    groups: Sequence[Support],
    supporting: Sequence[Support],
    hypotheses: Hypotheses,
) -> Iterable[Reason]:
    """What the verdict rests on, most important first."""
    if outcome == "inconclusive":
        yield _why_inconclusive(chances, probability, groups, supporting, hypotheses)
    if variant == UNKNOWN and (nearest := _nearest(groups, hypotheses)):
        yield Reason("nothing_published_fits", {"nearest": nearest})
    if not any(support.group == "weights" for support in groups):
        yield Reason("no_headers")
    if groups and outcome == "full" and chances["distilled"] < _RULED_OUT:
        yield Reason("distills_ruled_out")
    if groups and outcome in ("distilled", "other") and _full_size(probability, hypotheses) < _RULED_OUT:
        yield Reason("full_ruled_out")
    for support in groups:
        if not support.votes:
            continue
        best = [name for name, value in support.relative.items() if value >= _EQUAL and name != UNKNOWN]
        best.sort(key=lambda name: -probability[name])
        if 0 < len(best) <= _TELLING:
            values = {"group": support.group, "best": ", ".join(best[:4]), "more": max(0, len(best) - 4)}
            yield Reason("group_fits", values)


def _why_inconclusive(
    chances: Mapping[str, float],
    probability: Mapping[str, float],
    groups: Sequence[Support],
    supporting: Sequence[Support],
    hypotheses: Hypotheses,
) -> Reason:
    full_size = {variant.id for variant in hypotheses.variants if variant.kind in _FULL_SIZE}
    ranked = sorted(probability, key=lambda name: -probability[name])
    if not groups:
        return Reason("nothing_seen")
    if _full_size(probability, hypotheses) >= LIKELY:
        names = [name for name in ranked if name in full_size and probability[name] > 0.01]
        return Reason("full_size_shape_is_shared", {"names": ", ".join(names)})
    if max(chances.values()) >= LIKELY and len(supporting) < 2:
        return Reason("one_kind_of_evidence", {"group": supporting[0].group if supporting else groups[0].group})
    first, second = ranked[0], ranked[1]
    shares = {
        "first": first,
        "p1": f"{probability[first]:.0%}",
        "second": second,
        "p2": f"{probability[second]:.0%}",
    }
    return Reason("undecided_between", shares)


def _full_size(probability: Mapping[str, float], hypotheses: Hypotheses) -> float:
    return sum(probability[variant.id] for variant in hypotheses.variants if variant.kind in _FULL_SIZE)


def _nearest(groups: Sequence[Support], hypotheses: Hypotheses) -> str | None:
    """The published model whose headers (or else declared dimensions) differ least."""
    by_group: dict[Group, Support] = {support.group: support for support in groups}
    support = by_group.get("weights") or by_group.get("declared")
    if support is None:
        return None
    return max((variant.id for variant in hypotheses.variants), key=lambda name: support.relative[name], default=None)
