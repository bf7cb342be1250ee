"""The identification engine: models, what they are, which to run. Knows no Slack, no database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.identification import Identification, OnProgress, Recommendation

__version__ = "0.1.0"
__all__ = ["identify", "recommend", "recompute"]


def identify(
    spec: str,
    *,
    family: str = "deepseek-r1",
    constraints: Mapping[str, Any] | None = None,
    scenario: str = "",
    family_files: Iterable[Path] = (),
    rule_files: Iterable[Path] = (),
    on_progress: OnProgress | None = None,
) -> Identification:
    """Say what the model at ``spec`` is, and whether the full or a distilled model suits ``constraints``.

    Args:
        spec: Hub id (``org/name[@revision]``), checkpoint directory, ``.safetensors`` or ``.gguf``.
        family: catalog family whose variants are the hypotheses.
        constraints: deployment constraints by name, see ``engine.rules.recommend``.
        scenario: free words (en/zh) that the scenario rules read too.
        family_files, rule_files: the user's own YAML, added to what ships.
        on_progress: called before and after each step, from this thread.

    Raises:
        R1Error: with a sentence for the user; nothing else escapes on bad input.
    """
    from engine.pipeline import identify as run

    return run(
        spec,
        family=family,
        constraints=constraints or {},
        scenario=scenario,
        family_files=tuple(family_files),
        rule_files=tuple(rule_files),
        on_progress=on_progress,
    )


def recommend(
    constraints: Mapping[str, Any] | None = None, *, scenario: str = "", rule_files: Iterable[Path] = ()
) -> Recommendation:
    """Full or distilled for these constraints, by the scenario rules alone.

    Raises:
        UsageError: a constraint is unknown or its value makes no sense; the sentence names it.
        CatalogError: a rule file is invalid; the sentence names file and line.
    """
    from engine.rules.recommend import recommend as run

    return run(constraints or {}, scenario=scenario, rule_files=tuple(rule_files))


def recompute(stored: Identification, *, family_files: Iterable[Path] = ()) -> Identification:
    """The verdict that stored observations give under today's catalog; the target is not touched.

    Raises:
        R1Error: the family of the stored verdict is no longer there.
    """
    from engine.pipeline import recompute as run

    return run(stored, family_files=tuple(family_files))
