"""The records that leave the engine: one identification, and progress on the way to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.evidence import Evidence
from engine.sized import Sizing
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
class Said:
    """Something to be put in words: ``code`` is a key under ``recommendation`` in the engine's texts."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Option:
    """A variant in a quantisation on hardware, scored.

    Attributes:
        kind: which of the two it is.
        quality: of its answers for the task, 0 to 100, from published benchmarks less what quantisation loses.
        benchmarks: what ``quality`` was taken from, as published.
        score: what soft demands make of quality, latency, cost and memory together; higher is better.
        fails: demands that it does not meet; empty for what may be chosen.
        front: whether no other option is better in one respect and no worse in the rest.
    """

    variant: str
    title: Mapping[Any, str]
    kind: Literal["full", "distilled"]
    sizing: Sizing
    quality: float
    benchmarks: Mapping[str, float]
    score: float
    fails: tuple[Said, ...] = ()
    front: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """How to serve an option, ready to paste."""

    engine: str
    text: str
    notes: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Which to run.

    Attributes:
        choice: which of the two; ``None`` when nothing was said to choose by, or nothing can meet the demands.
        hits, conflict: scenario rules that fired, by priority, and whether they disagree.
        cautions: rules that warn.
        missing: constraints to ask for, in order of how much they would change the answer.
        fits_target: whether the identified model is of the chosen kind; ``None``: nothing was identified.
        constraints: what was understood, JSON-able, by name; free words as ``scenario``.
        unread: what in the words looked like a demand and was not understood.
        option, runner_up: the choice, and the best of another variant.
        options: everything that may be run or is worth showing: the front, and the best of each variant left out.
        reasons: three, the weightiest first.
        excluded: the best option of each variant that fails a demand, its ``fails`` saying which.
        risks: what may go wrong with the choice.
        command: how to serve the choice.
        counterfactuals: what would change the choice.
        meaning: what the identified model means for this scenario.
        assumed: what was taken for granted where nothing was said.
    """

    choice: Literal["full", "distilled"] | None
    hits: tuple[RuleHit, ...] = ()
    conflict: bool = False
    cautions: tuple[RuleHit, ...] = ()
    missing: tuple[str, ...] = ()
    fits_target: bool | None = None
    constraints: Mapping[str, Any] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    option: Option | None = None
    runner_up: Option | None = None
    options: tuple[Option, ...] = ()
    reasons: tuple[Said, ...] = ()
    excluded: tuple[Option, ...] = ()
    risks: tuple[Said, ...] = ()
    command: Command | None = None
    counterfactuals: tuple[Said, ...] = ()
    meaning: Said | None = None
    assumed: tuple[Said, ...] = ()


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
    """A step on the way.

    Attributes:
        stage: what is being done: ``open``, a probe's or a question's name, or ``verdict``.
        done, total: so many steps of so many are over.
        evidence: what the stage has just shown; ``None`` where it only begins. A stage may show several things, or none.
        ahead: the stages known to follow.
    """

    stage: str
    done: int
    total: int
    evidence: Evidence | None = None
    ahead: tuple[str, ...] = ()


OnProgress = Callable[[Progress], None]
