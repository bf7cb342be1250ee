"""The records that leave the engine: one identification, and progress on the way to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.evidence import Evidence
from engine.targets.target import Cost, File, Finding
from engine.verdict import Verdict


@dataclass(frozen=True, slots=True)
class TargetSummary:
    """Which target it was; enough to find it again. ``files`` are the weight files only."""

    spec: str
    kind: str
    name: str
    revision: str | None
    weights_size: int
    tensor_count: int
    files: tuple[File, ...]
    findings: tuple[Finding, ...]
    cost: Cost


@dataclass(frozen=True, slots=True)
class RuleHit:
    """A scenario rule that fired. ``effect``: ``full`` or ``distilled`` vote, ``caution`` warns; ``reason`` is by language."""

    id: str
    effect: Literal["full", "distilled", "caution"]
    priority: int
    reason: Mapping[Any, str]
    source: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Which of the two to run. ``choice`` is ``None`` when nothing was said to choose by; then
    ``missing`` names the constraints to ask for, in order of how much they would change the answer."""

    choice: Literal["full", "distilled"] | None
    hits: tuple[RuleHit, ...] = ()
    conflict: bool = False
    cautions: tuple[RuleHit, ...] = ()
    missing: tuple[str, ...] = ()
    fits_target: bool | None = None
    constraints: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Identification:
    """Everything one ``identify`` found. ``to_json``/``from_json`` live in ``engine.codec``."""

    target: TargetSummary
    family: str
    family_version: str
    evidence: tuple[Evidence, ...]
    verdict: Verdict
    recommendation: Recommendation
    engine_version: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Progress:
    """A step on the way: ``stage`` is ``open`` or a probe's name; ``done`` of ``total`` steps are over."""

    stage: str
    done: int
    total: int


OnProgress = Callable[[Progress], None]
