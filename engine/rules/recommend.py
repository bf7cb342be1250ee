"""Constraints → full or distilled, by the scenario rules, with the reasons that decided."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from engine.constraints.record import Constraints
from engine.identification import Recommendation
from engine.rules.applying import apply_rules
from engine.rules.constraints import parse_constraints
from engine.rules.loading import load_rules as load_rules
from engine.verdict import Verdict

Choice = Literal["full", "distilled"]

_ASKED_FOR = ("device", "memory", "latency", "detail", "context")
"""By the priority of the rules each can fire: the first to ask for changes the answer most."""
_RENAMED = {"latency": "ttft"}
_WORDS_READ = 4_000


def recommend(
    constraints: Mapping[str, Any],
    *,
    scenario: str = "",
    rule_files: tuple[Path, ...] = (),
    verdict: Verdict | None = None,
) -> Recommendation:
    """See ``engine.recommend``. With a ``verdict``, says whether the identified model is of the chosen kind.

    Conflicting rules are settled by priority (``engine/rules/*.yaml``), and the conflict is shown.
    """
    given = parse_constraints(constraints)
    renamed = {_RENAMED.get(name, name): value for name, value in given.items()}
    ruling = apply_rules(Constraints(**renamed), scenario, load_rules(rule_files))  # type: ignore[arg-type]
    return Recommendation(
        choice=ruling.kind,
        hits=ruling.hits,
        conflict=ruling.conflict,
        cautions=(*ruling.cautions, *ruling.chosen(ruling.kind)),
        missing=tuple(name for name in _ASKED_FOR if name not in given) if ruling.kind is None else (),
        fits_target=fits_target(ruling.kind, verdict),
        constraints={**given, **({"scenario": scenario[:_WORDS_READ]} if scenario else {})},
    )


def fits_target(choice: Choice | None, verdict: Verdict | None) -> bool | None:
    """Whether the identified model is of the chosen kind; ``None`` when either is open."""
    if choice is None or verdict is None or verdict.outcome in ("inconclusive", "other"):
        return None
    return verdict.outcome == choice
