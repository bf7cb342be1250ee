"""What a verdict becomes when the weights themselves are filler, or damaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.evidence import Evidence
from engine.probes.sanity import FILLERS
from engine.verdict import Reason, Verdict

if TYPE_CHECKING:
    from engine.probes.probe import Hypotheses


def filler_among(evidence: Sequence[Evidence]) -> Evidence | None:
    """The row that says there is no trained model; ``None`` where none does."""
    return next((row for row in evidence if row.probe == "sanity" and row.values["form"] in FILLERS), None)


def as_filler(headers: Verdict, row: Evidence, probability: Mapping[str, float], hypotheses: Hypotheses) -> Verdict:
    """The verdict on filler: no variant, whatever the other files say.

    Under headers or a name of the family it is misrepresented. Of anything else, somebody's own model that was never
    trained, nobody was told otherwise. It stays ``likely``: one kind of evidence says so, though plainly.

    Args:
        headers: what everything but the weights says.
        probability: the posterior with the weights.
    """
    family = {variant.id for variant in hypotheses.family()}
    claimed = headers.claim is not None and bool(family & set(headers.claim.variants))
    shown = headers.variant in family and headers.outcome in ("full", "distilled")
    return replace(
        headers,
        outcome="other",
        grade="likely",
        variant=None,
        indistinguishable=(),
        confidence=max(probability.values()),
        posterior=probability,
        claim_check="misrepresented" if claimed or shown else "none" if headers.claim is None else "unproven",
        contradictions=(),
        reasons=(
            Reason(f"filler_{row.values['form']}", dict(row.values)),
            *(reason for reason in headers.reasons if reason.code == "groups_fit"),
        ),
    )


def with_damage(verdict: Verdict, evidence: Sequence[Evidence]) -> Verdict:
    """A verdict that headers allow, said with less confidence where weights under them are broken."""
    damaged = next((row for row in evidence if row.probe == "sanity" and row.values["form"] == "damaged"), None)
    if damaged is None:
        return verdict
    return replace(
        verdict,
        grade="likely" if verdict.grade == "confident" else verdict.grade,
        reasons=(Reason("damaged", {"files": damaged.values["files"]}), *verdict.reasons),
    )
