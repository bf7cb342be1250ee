"""A comparison on a task as it is kept and told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from engine.comparing.records import Comparison, Language, Omission, Side

Why = Literal["demands", "neither", "quality", "rule", "cheaper", "alike", "unweighed", "more"]


@dataclass(frozen=True, slots=True)
class Ruling:
    """Which of the two to take, under what the deployment demands.

    Attributes:
        take: ``None`` where the figures and the demands do not say.
        why: ``demands``: the other one fails some; ``neither``: both do; ``quality``: it answers better; ``rule``: a scenario
            rule says whether quality or speed goes first; ``cheaper``: as good, and faster; ``alike``: either will do;
            ``unweighed``: one is better and the other faster, and nothing says what matters; ``more``: not known yet.
        fails: by side, the demands that what was measured does not meet: name, what was demanded, what was measured.
        rules: what fired, by language, as its file says it.
    """

    take: Side | None
    why: Why
    fails: Mapping[Side, tuple[tuple[str, float, float], ...]] = field(default_factory=dict)
    rules: tuple[Mapping[Any, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """A case and both answers to it, cut to what is worth reading; ``scores`` of the main metric, by side."""

    case: str
    prompt: str
    answers: Mapping[Side, str]
    scores: Mapping[Side, float]
    right: tuple[str, ...] = ()
    omitted: tuple[Omission, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison, what it implies, and the cases on which the two differ most. The comparison is kept without its
    answers, but for those of ``pairs``."""

    comparison: Comparison
    ruling: Ruling
    language: Language = "en"
    pairs: tuple[Pair, ...] = ()
    id: str = ""
    created: datetime | None = None
