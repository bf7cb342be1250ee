"""What it means for a scenario that a model is what it was found to be. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from engine.choosing.deciding import Kind, best
from engine.choosing.reasons import as_value, nearness
from engine.identification import Option, Said
from engine.verdict import Verdict


def fits_target(choice: Kind | None, verdict: Verdict | None) -> bool | None:
    """Whether the identified model is of the chosen kind; ``None`` when either is open."""
    if choice is None or verdict is None or verdict.outcome in ("inconclusive", "other"):
        return None
    return verdict.outcome == choice


def meaning_of(verdict: Verdict | None, chosen: Option | None, options: Sequence[Option]) -> Said | None:
    """The verdict's model held against the scenario; ``None`` where nothing was identified or nothing chosen."""
    if verdict is None or chosen is None:
        return None
    if verdict.outcome == "inconclusive":
        return Said("meaning.open", {"title": dict(chosen.title)})
    found = best(options, lambda option: option.variant == verdict.variant and not option.fails)
    failing = best(options, lambda option: option.variant == verdict.variant)
    if found is None and failing is None:
        return Said("meaning.other", {"title": dict(chosen.title)})
    if found is None:
        assert failing is not None
        nearest = min((option for option in options if option.variant == verdict.variant), key=nearness)
        failed = {"title": dict(failing.title), "chosen": dict(chosen.title), "why": as_value(nearest.fails[0])}
        return Said("meaning.fails", failed)
    values: dict[str, object] = {"title": dict(found.title), "chosen": dict(chosen.title), "quantization": found.sizing.quantization,
              "has_s": found.sizing.ttft.value, "each_s": found.sizing.tpot.value, "has_score": found.quality,
              "other_score": chosen.quality}  # fmt: skip
    if found.variant == chosen.variant:
        return Said("meaning.same", values)
    return Said("meaning.meets_less" if found.quality < chosen.quality else "meaning.meets_more", values)
