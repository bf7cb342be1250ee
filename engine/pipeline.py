"""A spec becomes a target; probes turn it into evidence; evidence becomes a verdict and a recommendation."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import engine
from engine.catalog import load_family, load_published
from engine.catalog.schema import Family
from engine.claim import read_claim
from engine.deciding import decide
from engine.evidence import Evidence
from engine.identification import Identification, OnProgress, Progress, Recommendation, TargetSummary
from engine.inspection import Inspection, inspect
from engine.posterior import posterior, supports
from engine.probes import ENDPOINT_PROBES, PROBES, SANITY_PROBE, WEIGHT_PROBES, Hypotheses, Probe
from engine.probes.routing import share_of
from engine.references import SKIPPED, Reference, newest, references_in
from engine.targets import open_target
from engine.targets.endpoint import Budget, Endpoint
from engine.targets.spec import parse_spec
from engine.targets.target import Target
from engine.verdict import Mixture, Verdict, together

if TYPE_CHECKING:
    from engine.backends import Backend


def identify(
    spec: str,
    *,
    family: str,
    constraints: Mapping[str, Any],
    scenario: str,
    family_files: tuple[Path, ...],
    rule_files: tuple[Path, ...],
    hardware_files: tuple[Path, ...],
    reference_files: tuple[Path, ...],
    endpoint: Endpoint | None,
    budget: Budget | None,
    thorough: bool,
    backend: Backend | None,
    on_progress: OnProgress | None,
) -> Identification:
    """See ``engine.identify``. Constraints, catalog and references are checked before the target is touched."""
    started = time.perf_counter()
    _check_demands(constraints, scenario, rule_files, hardware_files)
    chosen = load_family(family, family_files)
    asked = endpoint or _as_endpoint(spec)
    if asked is not None:
        loaded = references_in(reference_files)
        hypotheses = hypotheses_of(chosen, loaded.references, served=True)
        target, rows = _ask(spec, asked, hypotheses, budget or Budget(), on_progress)
    else:
        loaded = references_in(reference_files if thorough else ())
        hypotheses = hypotheses_of(chosen, loaded.references)
        target, rows = _read(spec, hypotheses, thorough, backend, on_progress)
    verdict = conclude(rows, hypotheses)
    return Identification(
        target=replace(target, findings=(*target.findings, *loaded.findings)),
        family=chosen.name,
        family_version=chosen.version,
        evidence=tuple(rows),
        verdict=verdict,
        recommendation=_recommend(constraints, scenario, rule_files, hardware_files, family_files, verdict),
        engine_version=engine.__version__,
        seconds=time.perf_counter() - started,
    )


def _check_demands(
    constraints: Mapping[str, Any], scenario: str, rule_files: tuple[Path, ...], hardware_files: tuple[Path, ...]
) -> None:
    if constraints or scenario.strip():
        from engine.constraints.settling import settle

        settle(constraints, scenario, hardware_files)
    if rule_files:
        from engine.rules.loading import load_rules

        load_rules(rule_files)
    if hardware_files:
        from engine.hardware import load_hardware

        load_hardware(hardware_files)


def _recommend(
    constraints: Mapping[str, Any],
    scenario: str,
    rule_files: tuple[Path, ...],
    hardware_files: tuple[Path, ...],
    family_files: tuple[Path, ...],
    verdict: Verdict,
) -> Recommendation:
    """Loads hardware, rules and sizing only where there is something to choose by."""
    if not constraints and not scenario.strip():
        from engine.choosing.unsaid import nothing_said

        return nothing_said()
    from engine.choosing.recommending import recommend

    return recommend(
        constraints,
        scenario=scenario,
        rule_files=rule_files,
        hardware_files=hardware_files,
        family_files=family_files,
        verdict=verdict,
    )


def _as_endpoint(spec: str) -> Endpoint | None:
    where = parse_spec(spec)
    return where if isinstance(where, Endpoint) else None


def _read(
    spec: str, hypotheses: Hypotheses, thorough: bool, backend: Backend | None, on_progress: OnProgress | None
) -> tuple[TargetSummary, list[Evidence]]:
    """Headers and small files, through every probe; then the weights, a few megabytes or as asked."""
    report = on_progress or (lambda progress: None)
    steps = len(PROBES) + (5 if thorough else 3)
    report(Progress("open", 0, steps))
    target = open_target(spec)
    rows: list[Evidence] = []
    stages = ("sanity", "lineage", "forward")
    every = (*(probe.name for probe in PROBES), *stages[: 3 if thorough else 1])
    for number, probe in enumerate(PROBES, start=1):
        report(Progress(probe.name, number, steps, ahead=every[number:]))
        observation = probe.observe(target)
        if observation is not None:
            rows.append(probe.score(observation, hypotheses))
            report(Progress(probe.name, number, steps, rows[-1]))

    def reached(stage: str, shown: Evidence | None = None) -> None:
        report(Progress(stage, len(PROBES) + 1 + stages.index(stage), steps, shown))

    seen = inspect(target, hypotheses, thorough=thorough, backend=backend, report=reached)
    report(Progress("verdict", steps, steps))
    return _summary(target, seen), [*rows, *seen.rows]


def _ask(
    spec: str, endpoint: Endpoint, hypotheses: Hypotheses, budget: Budget, on_progress: OnProgress | None
) -> tuple[TargetSummary, list[Evidence]]:
    """Questions to an endpoint, until it is decided."""
    from engine.inquiry import inquire

    found = inquire(
        endpoint,
        hypotheses,
        lambda rows: conclude(rows, hypotheses, of_each_reply=True),
        budget=budget,
        on_progress=on_progress,
    )
    said = found.conversation
    summary = TargetSummary(
        spec=spec,
        kind="endpoint",
        name=said.endpoint.model,
        revision=None,
        weights_size=0,
        tensor_count=0,
        files=(),
        findings=said.findings,
        cost=said.cost,
    )
    return summary, list(found.rows)


def recompute(
    stored: Identification,
    *,
    family: Family | None = None,
    family_files: tuple[Path, ...] = (),
    reference_files: tuple[Path, ...] = (),
) -> Identification:
    """The same observations under today's catalog, or one version of its family, and today's model of evidence; the target
    is not touched."""
    started = time.perf_counter()
    chosen = family if family is not None else load_family(stored.family, family_files)
    served = stored.target.kind == "endpoint"
    opened = any(row.probe == "lineage" for row in stored.evidence)
    loaded = references_in(reference_files if served or opened else ())
    hypotheses = hypotheses_of(chosen, loaded.references, served=served)
    probes: tuple[Probe[Any], ...] = ENDPOINT_PROBES if served else (*PROBES, SANITY_PROBE, *WEIGHT_PROBES)
    scorers = {probe.name: probe.score for probe in probes}
    rows = [scorers[row.probe](row.observation, hypotheses) for row in stored.evidence if row.probe in scorers]
    verdict = conclude(rows, hypotheses)
    told = (finding for finding in stored.target.findings if finding.code != SKIPPED)
    return Identification(
        target=replace(stored.target, findings=(*told, *loaded.findings)),
        family=chosen.name,
        family_version=chosen.version,
        evidence=tuple(rows),
        verdict=verdict,
        recommendation=_rejoin(stored.recommendation, verdict),
        engine_version=engine.__version__,
        seconds=time.perf_counter() - started,
    )


_OTHERS_SERVED = 3.0
"""Weight at endpoints of all published models beside the family together, but for those that are served widely
(``prior_served``), where one variant has about 1: how many the catalog happens to list is no evidence. Judged."""


def hypotheses_of(family: Family, references: tuple[Reference, ...] = (), *, served: bool = False) -> Hypotheses:
    """The family's variants and, unless it stands alone, every published model that is not one of these."""
    own = {variant.id for variant in family.variants}
    published = () if family.alone else tuple(variant for variant in load_published() if variant.id not in own)
    variants = family.variants
    if served:
        share = _OTHERS_SERVED / max(1, len(published))
        published = tuple(entry.model_copy(update={"prior": entry.prior_served or share}) for entry in published)
        variants = tuple(entry.model_copy(update={"prior": entry.prior_served or entry.prior}) for entry in variants)
    every = (*variants, *published)
    known = {variant.id for variant in every}
    # References of all families lie in one folder.
    of_these = newest(entry for entry in references if entry.variant in known)
    return Hypotheses(every, family.tokenizers, family.vocabularies, of_these)


def conclude(rows: Sequence[Evidence], hypotheses: Hypotheses, *, of_each_reply: bool = False) -> Verdict:
    """Evidence → verdict, with the claim read from the rows and the target described by them.

    Args:
        of_each_reply: judge the model behind the replies seen, whether or not others answer the rest.
    """
    by_probe = {row.probe: row for row in rows}
    statement = by_probe.get("card")
    claim = read_claim(statement.observation, hypotheses.variants) if statement else None
    looked = "routing" in by_probe and not of_each_reply
    mixture = mixture_of(by_probe["routing"], rows, hypotheses) if looked else None
    return decide(rows, hypotheses, claim, _description(by_probe), mixture)


def mixture_of(row: Evidence, rows: Sequence[Evidence], hypotheses: Hypotheses) -> Mixture:
    """The routing row, with the variants that its vocabularies most likely mean."""
    share = share_of(row.observation, hypotheses)
    chances = posterior(supports(rows, hypotheses.ids), hypotheses)

    def meant(vocabulary: str) -> str:
        with_it = [variant.id for variant in hypotheses.variants if hypotheses.vocabulary_of(variant) == vocabulary]
        best = max((chances[name] for name in with_it), default=0.0)
        likely = sorted((name for name in with_it if chances[name] > best / 2), key=lambda name: -chances[name])
        return together(likely) or "?"

    return replace(share, usual=meant(share.usual), other=meant(share.other))


def _description(by_probe: Mapping[str, Evidence]) -> str:
    """The target in words, for a title where nothing published fits."""
    for probe, name in (("token_count", "tokenizer"), ("token_ids", "vocabulary"), ("logprobs", "vocabulary")):
        if (row := by_probe.get(probe)) and row.values[name] != "?":
            return f"{row.values[name]} tokenizer"
    shape = by_probe.get("config") or by_probe.get("tensors")
    words = [str(shape.values["dimensions"])] if shape else []
    if parameters := by_probe.get("parameters"):
        words.append(f"{parameters.values['about']}{parameters.values['short']}")
    return " · ".join(words) or "?"


def _rejoin(recommendation: Recommendation, verdict: Verdict) -> Recommendation:
    from engine.choosing.meaning import fits_target

    return replace(recommendation, fits_target=fits_target(recommendation.choice, verdict))


def _summary(target: Target, seen: Inspection) -> TargetSummary:
    weights = tuple(file for file in target.files if file.name.endswith((".safetensors", ".gguf")))
    return TargetSummary(
        spec=target.spec,
        kind=target.kind,
        name=target.name,
        revision=target.revision,
        weights_size=target.weights_size,
        tensor_count=len(target.tensors),
        files=weights or target.files[:1],
        findings=(*target.findings, *seen.findings),
        cost=replace(target.cost, bytes_read=target.cost.bytes_read + seen.bytes_read),
    )
