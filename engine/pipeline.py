"""A spec becomes a target; probes turn it into evidence; evidence becomes a verdict and a recommendation."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import engine
from engine.catalog import load_family, load_published
from engine.catalog.schema import Family
from engine.claim import read_claim
from engine.evidence import Evidence
from engine.identification import Identification, OnProgress, Progress, Recommendation, TargetSummary
from engine.probes import PROBES, Hypotheses
from engine.rules.constraints import parse_constraints
from engine.rules.recommend import load_rules, recommend
from engine.targets import open_target
from engine.targets.target import Target
from engine.verdict import Verdict, decide


def identify(
    spec: str,
    *,
    family: str,
    constraints: Mapping[str, Any],
    scenario: str,
    family_files: tuple[Path, ...],
    rule_files: tuple[Path, ...],
    on_progress: OnProgress | None,
) -> Identification:
    """See ``engine.identify``. Constraints and catalog are checked before the target is touched."""
    started = time.perf_counter()
    parse_constraints(constraints)
    load_rules(rule_files)
    chosen = load_family(family, family_files)
    hypotheses = hypotheses_of(chosen)
    report = on_progress or (lambda progress: None)
    steps = len(PROBES) + 1
    report(Progress("open", 0, steps))
    target = open_target(spec)
    rows: list[Evidence] = []
    for number, probe in enumerate(PROBES, start=1):
        report(Progress(probe.name, number, steps))
        observation = probe.observe(target)
        if observation is not None:
            rows.append(probe.score(observation, hypotheses))
    report(Progress("verdict", steps, steps))
    verdict = conclude(rows, hypotheses)
    return Identification(
        target=_summary(target),
        family=chosen.name,
        family_version=chosen.version,
        evidence=tuple(rows),
        verdict=verdict,
        recommendation=recommend(constraints, scenario=scenario, rule_files=rule_files, verdict=verdict),
        engine_version=engine.__version__,
        seconds=time.perf_counter() - started,
    )


def recompute(stored: Identification, *, family_files: tuple[Path, ...] = ()) -> Identification:
    """The same observations under today's catalog and model of evidence; the target is not touched."""
    started = time.perf_counter()
    chosen = load_family(stored.family, family_files)
    hypotheses = hypotheses_of(chosen)
    scorers = {probe.name: probe.score for probe in PROBES}
    rows = [scorers[row.probe](row.observation, hypotheses) for row in stored.evidence if row.probe in scorers]
    verdict = conclude(rows, hypotheses)
    return Identification(
        target=stored.target,
        family=chosen.name,
        family_version=chosen.version,
        evidence=tuple(rows),
        verdict=verdict,
        recommendation=_rejoin(stored.recommendation, verdict),
        engine_version=engine.__version__,
        seconds=time.perf_counter() - started,
    )


def hypotheses_of(family: Family) -> Hypotheses:
    """The family's variants and, unless it stands alone, every published model that is not one of these."""
    own = {variant.id for variant in family.variants}
    published = () if family.alone else tuple(variant for variant in load_published() if variant.id not in own)
    return Hypotheses((*family.variants, *published), family.tokenizers, family.vocabularies)


def conclude(rows: Sequence[Evidence], hypotheses: Hypotheses) -> Verdict:
    """Evidence → verdict, with the claim read from the rows and the target described by them."""
    by_probe = {row.probe: row for row in rows}
    statement = by_probe.get("card")
    claim = read_claim(statement.observation, hypotheses.variants) if statement else None
    return decide(rows, hypotheses, claim, _description(by_probe))


def _description(by_probe: Mapping[str, Evidence]) -> str:
    shape = by_probe.get("config") or by_probe.get("tensors")
    words = [str(shape.values["dimensions"])] if shape else []
    if parameters := by_probe.get("parameters"):
        words.append(f"{parameters.values['about']}{parameters.values['short']}")
    return " · ".join(words) or "?"


def _rejoin(recommendation: Recommendation, verdict: Verdict) -> Recommendation:
    from dataclasses import replace

    from engine.rules.recommend import fits_target

    return replace(recommendation, fits_target=fits_target(recommendation.choice, verdict))


def _summary(target: Target) -> TargetSummary:
    weights = tuple(file for file in target.files if file.name.endswith((".safetensors", ".gguf")))
    return TargetSummary(
        spec=target.spec,
        kind=target.kind,
        name=target.name,
        revision=target.revision,
        weights_size=target.weights_size,
        tensor_count=len(target.tensors),
        files=weights or target.files[:1],
        findings=target.findings,
        cost=target.cost,
    )
