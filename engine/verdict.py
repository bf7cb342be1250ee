"""Evidence → posterior over variants → full / distilled (which) / other / inconclusive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from engine.evidence import LADDER, UNKNOWN, Evidence, Group
from engine.posterior import Support, posterior, supports

if TYPE_CHECKING:
    from engine.probes.probe import Hypotheses

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
    """How an endpoint's replies divide: the variants behind the ``usual`` and the ``other`` ones, the other's
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
        weighed = _MIXED_PRIOR * self.evidence
        return weighed / (weighed + 1 - _MIXED_PRIOR)

    @property
    def clear(self) -> bool:
        """Whether the mixture is stated: at most 1 % of endpoints with one model ever get here (Ville)."""
        return self.evidence >= 100


_MIXED_PRIOR = 0.05
"""Chance that an endpoint sold as the full model sends a share of its requests elsewhere. Judged."""
LIKELY, CONFIDENT = 0.90, 0.99
"""Posterior an outcome needs to be said at all, and to be said without reserve. Judged."""
_EXCLUDED = 0.01
_RULED_OUT = 0.001
_CONTRADICTED = 1.5e-3
"""Relative likelihood under which a group plainly shows something else: beyond every soft mismatch."""
_OTHER_VOCABULARY = 2e-4
"""The same for a tokenizer: fine-tuning adds and drops special tokens, but another vocabulary is another model's."""
_EQUAL = 0.5
_LOOKED = 10
"""Replies from which on it is worth saying that they came from one model."""
_FULL_SIZE = ("full", "relative")
_TELLING = 16
"""A group that fits more variants than this says nothing worth a sentence."""


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
    outcome_of = _outcomes(hypotheses)
    chances = {kind: _chance(probability, outcome_of, kind) for kind in ("full", "distilled", "other")}
    leading = max(chances, key=lambda kind: chances[kind])
    variant = max((name for name in probability if outcome_of[name] == leading), key=lambda name: probability[name])
    alike = _alike(variant, probability, outcome_of, groups)
    contradictions = _contradictions(variant, groups, outcome_of)
    supporting = [support for support in groups if _supports(support, leading, outcome_of)]
    kinds = _kinds(groups, supporting)
    grade = _grade(leading, chances[leading], kinds)
    if contradictions and grade == "confident":
        grade = "likely"
    outcome: Outcome = "inconclusive" if grade == "inconclusive" else leading  # type: ignore[assignment]
    about_family = claim is not None and any(entry.id in claim.variants for entry in hypotheses.family())
    denied = _denied_claim(claim, groups) if about_family and not _served(groups) else []
    check = _check_claim(claim, probability, outcome, [*contradictions, *denied], about_family=about_family)
    known = variant in {entry.id for entry in hypotheses.variants}
    verdict = Verdict(
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
        reasons=tuple(_reasons(outcome, variant, chances, probability, groups, kinds, hypotheses)),
    )
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
        reasons=(Reason("mixed_replies", values), *(entry for entry in verdict.reasons if entry.code == "group_fits")),
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


_HARD: tuple[Group, ...] = ("weights", "cut", "tokens", "recall")
"""Groups that a seller of something smaller cannot forge with a line of code."""
_WORDS: tuple[Group, ...] = ("statement", "service", "behaviour", "ability", "speed")
"""What an endpoint says of itself is no evidence of another kind, and what it does, no proof of which model."""


def _served(groups: Iterable[Support]) -> bool:
    """Whether this is an endpoint's evidence: nothing was read off files."""
    return not any(support.group in ("weights", "declared", "tokenizer") for support in groups)


def _kinds(groups: Sequence[Support], supporting: Sequence[Support]) -> list[Support]:
    """The independent kinds of evidence among those that support the outcome."""
    return [support for support in supporting if not (_served(groups) and support.group in _WORDS)]


def _grade(leading: str, chance: float, kinds: Sequence[Support]) -> Grade:
    """Two independent groups, always; and nothing looks worth much for certain without one hard to forge."""
    if chance < LIKELY or len(kinds) < 2:
        return "inconclusive"
    hard = any(support.group in _HARD for support in kinds)
    from_files = any(support.group in ("declared", "tokenizer") for support in kinds)
    return "confident" if chance >= CONFIDENT and (hard or (leading != "full" and not from_files)) else "likely"


def _contradictions(variant: str, groups: Iterable[Support], outcome_of: Mapping[str, Outcome]) -> tuple[Reason, ...]:
    """Groups of the target's own files that show another model than the verdict names.

    Of an endpoint's, only those that show something worth more: a gateway that counts the full model's tokens
    with a tokenizer of its own deceives nobody.
    """
    found = []
    for support in groups:
        limit = _OTHER_VOCABULARY if support.group == "tokenizer" else _CONTRADICTED
        if support.group == "statement" or support.relative[variant] > limit:
            continue
        shown = [name for name in support.relative if support.relative[name] >= _EQUAL and name != UNKNOWN]
        flatters = any(outcome_of[name] == "full" for name in shown) and outcome_of[variant] != "full"
        if support.group in (*LADDER, "service") and not flatters:
            continue
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
    if not any(support.group == "weights" for support in groups) and not _served(groups):
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
    if _served(groups) and not any(support.votes and support.group not in _WORDS for support in groups):
        return Reason("nothing_measured")
    if max(chances.values()) >= LIKELY and len(supporting) == 1:
        return Reason("one_kind_of_evidence", {"group": supporting[0].group})
    if _full_size(probability, hypotheses) >= LIKELY:
        names = [name for name in ranked if name in full_size and probability[name] > 0.01]
        code = "tokenizer_is_shared" if _served(groups) else "full_size_shape_is_shared"
        return Reason(code, {"names": ", ".join(names)})
    if max(chances.values()) >= LIKELY and len(supporting) < 2:
        return Reason("one_kind_of_evidence", {"group": supporting[0].group if supporting else groups[0].group})
    first, second = [name for name in ranked if name != UNKNOWN][:2] if len(ranked) > 2 else ranked
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
