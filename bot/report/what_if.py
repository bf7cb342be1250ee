"""What would change a verdict: the same observations without one kind of evidence after another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import engine
from bot.settings import Settings
from engine.errors import R1Error
from engine.evidence import Group
from engine.identification import Identification
from engine.verdict import Verdict

_SAME = 0.005
"""By how much a probability may move and still be called the same."""


def what_ifs(found: Identification, today: Verdict | None, settings: Settings) -> dict[Group, Verdict] | None:
    """The verdict without each kind of evidence, where it would be another one or as sure no more.

    Args:
        today: what all of the evidence gives under today's catalog; a difference is then the evidence's.

    Returns:
        ``None`` where the observations can no longer be scored.
    """
    if today is None:
        return None
    try:
        return dict(_changed(found, today, settings))
    except R1Error:
        return None


def _changed(found: Identification, today: Verdict, settings: Settings) -> Iterator[tuple[Group, Verdict]]:
    for group in dict.fromkeys(row.group for row in found.evidence if row.votes):
        rest = tuple(row for row in found.evidence if row.group != group)
        without = engine.recompute(
            replace(found, evidence=rest),
            family_files=settings.families,
            reference_files=settings.references,
        ).verdict
        if _what(without) != _what(today) or without.confidence < today.confidence - _SAME:
            yield group, without


def _what(verdict: Verdict) -> tuple[str, str | None, str]:
    return verdict.outcome, verdict.variant, verdict.grade
