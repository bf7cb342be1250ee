"""What a verdict rests on, in reasons that become sentences: supports, contradictions, why it is inconclusive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from engine.evidence import LADDER, UNKNOWN, Group
from engine.posterior import Support
from engine.verdict import Claim, Outcome, Reason

if TYPE_CHECKING:
    from engine.probes.probe import Hypotheses

LIKELY = 0.90
"""Posterior an outcome needs to be said at all. Judged."""
EQUAL = 0.5
CONTRADICTED = 1.5e-3
"""Relative likelihood under which a group plainly shows something else: beyond every soft mismatch."""
WORDS: tuple[Group, ...] = ("statement", "service", "behaviour", "ability", "speed")
"""What an endpoint says of itself is no evidence of another kind, and what it does, no proof of which model."""
_OTHER_VOCABULARY = 2e-4
"""The same for a tokenizer: fine-tuning adds and drops special tokens, but another vocabulary is another model's."""
_RULED_OUT = 0.001
_FULL_SIZE = ("full", "relative")
_TELLING, _TELLING_OF_RUNGS = 16, 60
"""A group that fits more variants than this says nothing worth a sentence; an endpoint shows vocabularies, which
dozens share."""


def served(groups: Iterable[Support]) -> bool:
    """Whether this is an endpoint's evidence: nothing was read off files."""
    return not any(support.group in ("weights", "declared", "tokenizer") for support in groups)


def reasons(
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
    if not any(support.group == "weights" for support in groups) and not served(groups):
        yield Reason("no_headers")
    if groups and outcome == "full" and chances["distilled"] < _RULED_OUT:
        yield Reason("distills_ruled_out")
    if groups and outcome in ("distilled", "other") and _full_size(probability, hypotheses) < _RULED_OUT:
        yield Reason("full_ruled_out")
    yield from _fitting(variant, probability, groups)


def _fitting(variant: str, probability: Mapping[str, float], groups: Sequence[Support]) -> Iterable[Reason]:
    """What each group fits; groups that fit the same variants together. One that shows something else than the
    verdict is named among the contradictions."""
    together: dict[tuple[str, ...], list[Group]] = {}
    for support in groups:
        if support.votes and support.relative[variant] > CONTRADICTED:
            best = [name for name, value in support.relative.items() if value >= EQUAL and name != UNKNOWN]
            if 0 < len(best) <= (_TELLING_OF_RUNGS if support.group in LADDER else _TELLING):
                best.sort(key=lambda name: -probability[name])
                together.setdefault(tuple(best), []).append(support.group)
    for names, fitting in together.items():
        values = {"groups": fitting, "best": ", ".join(names[:4]), "more": max(0, len(names) - 4)}
        yield Reason("groups_fit", values)


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
    if served(groups) and not any(support.votes and support.group not in WORDS for support in groups):
        return Reason("nothing_measured")
    if max(chances.values()) >= LIKELY and len(supporting) == 1:
        return Reason("one_kind_of_evidence", {"group": supporting[0].group})
    if _full_size(probability, hypotheses) >= LIKELY:
        names = [name for name in ranked if name in full_size and probability[name] > 0.01]
        code = "tokenizer_is_shared" if served(groups) else "full_size_shape_is_shared"
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


def contradictions(variant: str, groups: Iterable[Support], outcome_of: Mapping[str, Outcome]) -> tuple[Reason, ...]:
    """Groups of the target's own files that show another model than the verdict names.

    Of an endpoint's, only those that show something worth more: a gateway that counts the full model's tokens
    with a tokenizer of its own deceives nobody.
    """
    found = []
    for support in groups:
        limit = _OTHER_VOCABULARY if support.group == "tokenizer" else CONTRADICTED
        if support.group == "statement" or support.relative[variant] > limit:
            continue
        shown = [name for name in support.relative if support.relative[name] >= EQUAL and name != UNKNOWN]
        flatters = any(outcome_of[name] == "full" for name in shown) and outcome_of[variant] != "full"
        if support.group in (*LADDER, "service") and not flatters:
            continue
        values = {"group": support.group, "shown": ", ".join(shown[:4]) or "–", "verdict": variant}
        found.append(Reason("contradiction" if shown else "contradiction_unpublished", values))
    return tuple(found)


def denied_claim(claim: Claim | None, groups: Iterable[Support]) -> list[Reason]:
    """Groups that plainly show none of what is claimed, whatever else the model may be."""
    if claim is None or not claim.variants:
        return []
    denying = [
        support.group
        for support in groups
        if support.group != "statement" and max(support.relative[name] for name in claim.variants) <= CONTRADICTED
    ]
    values = {"groups": denying, "claimed": ", ".join(claim.variants)}
    return [Reason("claim_denied", values)] if denying else []
