"""What people know of a watched target, and whether a new verdict says something else. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from engine.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Known:
    """A verdict in what matters to a watch; ``since`` when it was first so. ``variants``: what it may be;
    ``filler``: its weights are no trained model's."""

    outcome: str
    title: str
    claim_check: str
    confidence: float
    variants: tuple[str, ...]
    filler: bool
    since: datetime


def known_of(verdict: Verdict, since: datetime) -> Known:
    """A verdict as a watch remembers it."""
    return Known(
        outcome=verdict.outcome,
        title=verdict.title,
        claim_check=verdict.claim_check,
        confidence=verdict.confidence,
        variants=tuple(sorted({*((verdict.variant,) if verdict.variant else ()), *verdict.indistinguishable})),
        filler=any(reason.code.startswith("filler") for reason in verdict.reasons),
        since=since,
    )


def differs(before: Known, after: Known) -> bool:
    """Whether what people know is no longer so: it is something else, or its claim turned out false or true.

    A little more or less certainty, or a few variants more that cannot be told apart, is no change.
    """
    if before.outcome != after.outcome or before.filler != after.filler:
        return True
    if (before.claim_check == "misrepresented") != (after.claim_check == "misrepresented"):
        return True
    if after.outcome == "inconclusive":
        return False
    if after.outcome == "other" or not (before.variants and after.variants):
        return before.title != after.title
    return not set(before.variants) & set(after.variants)


def same(before: Known, after: Known) -> bool:
    """Whether nothing that is remembered differs, but how sure it is and since when."""
    return replace(before, confidence=0.0, since=after.since) == replace(after, confidence=0.0)


def known_to_json(known: Known) -> dict[str, Any]:
    """A JSON-able mapping; ``known_from_json`` gives the equal record back."""
    return {**asdict(known), "variants": list(known.variants), "since": known.since.isoformat()}


def known_from_json(payload: Mapping[str, Any] | None) -> Known | None:
    """What ``known_to_json`` wrote; ``None`` of nothing."""
    if not payload:
        return None
    variants, since = tuple(payload["variants"]), datetime.fromisoformat(payload["since"])
    return Known(**{**payload, "variants": variants, "since": since})
