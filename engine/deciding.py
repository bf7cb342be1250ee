"""Evidence → posterior over variants → full / distilled (which) / other / mixed / inconclusive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.evidence import UNKNOWN, Evidence, Group
from engine.posterior import Support, posterior, supports
from engine.reasons import CONTRADICTED, EQUAL, LIKELY, WORDS, contradictions, denied_claim, reasons, served
from engine.soundness import as_filler, filler_among, with_damage
from engine.verdict import Claim, ClaimCheck, Grade, Mixture, Outcome, Reason, Verdict, together

if TYPE_CHECKING:
    from engine.probes.probe import Hypotheses

CONFIDENT = 0.99
"""Posterior an outcome needs to be said without reserve. Judged."""
_EXCLUDED = 0.01
_LOOKED = 10
"""Replies from which on it is worth saying that they came from one model."""


def decide(
    evidence: Sequence[Evidence],
    hypotheses: Hypotheses,
    claim: Claim | None,
    description: str,
    mixture: Mixture | None = None,
) -> Verdict:
    """The verdict that the evidence allows. Pure: stored evidence gives the same verdict again.

    Args:
        description: the target's dimensions in words, its title when nothing published fits.
        mixture: how an endpoint's replies divide, where that was looked at.
    """
    groups = supports(evidence, hypotheses.ids)
    probability = posterior(groups, hypotheses)
    if (filler := filler_among(evidence)) is not None:
        rest = [row for row in evidence if row.group != "values"]
        headers = decide(rest, hypotheses, claim, description, mixture)
        return as_filler(headers, filler, probability, hypotheses)
    outcome_of = _outcomes(hypotheses)
    chances = {kind: _chance(probability, outcome_of, kind) for kind in ("full", "distilled", "other")}
    leading = max(chances, key=lambda kind: chances[kind])
    variant = max((name for name in probability if outcome_of[name] == leading), key=lambda name: probability[name])
    alike = _alike(variant, probability, outcome_of, groups)
    torn = contradictions(variant, groups, outcome_of)
    supporting = [support for support in groups if _supports(support, leading, outcome_of)]
    kinds = _kinds(groups, supporting)
    grade = _grade(leading, chances[leading], kinds)
    if torn and grade == "confident":
        grade = "likely"
    outcome: Outcome = "inconclusive" if grade == "inconclusive" else leading  # type: ignore[assignment]
    about_family = claim is not None and any(entry.id in claim.variants for entry in hypotheses.family())
    denied = denied_claim(claim, groups) if about_family and not served(groups) else []
    check = _check_claim(claim, probability, outcome, [*torn, *denied], about_family=about_family)
    known = variant in {entry.id for entry in hypotheses.variants}
    verdict = Verdict(
        outcome=outcome,
        grade=grade,
        variant=variant if known else None,
        title=_title(variant, alike, probability) if known else description,
        indistinguishable=alike,
        confidence=chances[leading],
        posterior=probability,
        claim=claim,
        claim_check=check,
        contradictions=(*torn, *denied),
        reasons=tuple(reasons(outcome, variant, chances, probability, groups, kinds, hypotheses)),
    )
    verdict = with_damage(verdict, evidence)
    return verdict if mixture is None else _with_mixture(verdict, mixture)


def _with_mixture(verdict: Verdict, mixture: Mixture) -> Verdict:
    """The verdict in the light of how replies divide: another outcome, or how large a share may still hide."""
    values = {
        "usual": mixture.usual,
        "other": mixture.other,
        "share": f"{mixture.share:.0%}",
        "low": f"{mixture.low:.0%}",
        "high": f"{mixture.high:.0%}",
        "replies": mixture.replies,
    }
    if not mixture.clear:
        reasons = verdict.reasons
        if mixture.replies >= _LOOKED or verdict.outcome == "full":
            reasons = (*reasons, Reason("one_model", values))
        if verdict.outcome != "full":
            return replace(verdict, reasons=reasons)
        # A few replies of the full model say little about the next ones.
        confidence = verdict.confidence * (1 - mixture.chance)
        # That few were seen is a reason for less confidence; that some look like another model's, for no verdict.
        if confidence < LIKELY and mixture.evidence > 1:
            return replace(
                verdict,
                outcome="inconclusive",
                grade="inconclusive",
                confidence=confidence,
                claim_check="unproven" if verdict.claim is not None else "none",
                reasons=(Reason("perhaps_mixed", values), *verdict.reasons),
            )
        grade: Grade = "likely" if confidence < CONFIDENT else verdict.grade
        return replace(verdict, confidence=confidence, grade=grade, reasons=reasons)
    return replace(
        verdict,
        outcome="mixed",
        grade="confident" if mixture.evidence >= 1e4 else "likely",
        title=f"{mixture.usual} + {mixture.other}",
        confidence=mixture.evidence / (mixture.evidence + 1),
        claim_check="misrepresented" if verdict.claim is not None else "none",
        contradictions=(),
        reasons=(Reason("mixed_replies", values), *(entry for entry in verdict.reasons if entry.code == "groups_fit")),
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
        and all(support.relative[name] > min(CONTRADICTED, support.relative[variant] / 2) for support in groups)
    ]
    return tuple(sorted(near, key=lambda name: -probability[name]))


def _title(variant: str, alike: Sequence[str], probability: Mapping[str, float]) -> str:
    """The variant, and those about as likely."""
    return together([variant, *(name for name in alike if probability[name] > probability[variant] / 2)])


def _supports(support: Support, leading: str, outcome_of: Mapping[str, Outcome]) -> bool:
    """Whether a group fits the leading outcome and speaks against another one."""
    best: dict[str, float] = {}
    for name, value in support.relative.items():
        best[outcome_of[name]] = max(best.get(outcome_of[name], 0.0), value)
    return best[leading] >= EQUAL and min(best.values()) <= 0.1


_HARD: tuple[Group, ...] = ("weights", "values", "tokens")
"""Groups that a seller of something smaller cannot forge, neither for all replies nor for a share of them."""


def _kinds(groups: Sequence[Support], supporting: Sequence[Support]) -> list[Support]:
    """The independent kinds of evidence among those that support the outcome."""
    return [support for support in supporting if not (served(groups) and support.group in WORDS)]


def _grade(leading: str, chance: float, kinds: Sequence[Support]) -> Grade:
    """Two independent groups, always; and nothing looks worth much for certain without one hard to forge."""
    if chance < LIKELY or len(kinds) < 2:
        return "inconclusive"
    hard = any(support.group in _HARD for support in kinds)
    from_files = any(support.group in ("declared", "tokenizer") for support in kinds)
    return "confident" if chance >= CONFIDENT and (hard or (leading != "full" and not from_files)) else "likely"


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
