"""Opening a checkpoint's weights: are they sane; and if asked, whence they come and what they do in a forward pass.

Cheap first: a few megabytes tell filler from weights before anything expensive runs, here; fingerprint and forward
pass run on a backend.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.evidence import Evidence
from engine.probes import SANITY_PROBE, WEIGHT_PROBES, Hypotheses
from engine.probes.sanity import STOPS
from engine.targets.target import Finding, Target

if TYPE_CHECKING:
    from engine.backends import Backend

OnStage = Callable[[str, Evidence | None], None]
"""Told the stage that begins: ``sanity``, ``lineage`` or ``forward``; and then what it showed."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """Rows of evidence, what else is worth telling, and how many bytes were read for them."""

    rows: tuple[Evidence, ...] = ()
    findings: tuple[Finding, ...] = ()
    bytes_read: int = 0


def inspect(
    target: Target, hypotheses: Hypotheses, *, thorough: bool, backend: Backend | None, report: OnStage
) -> Inspection:
    """What the weights show.

    Args:
        thorough: also take the fingerprint and run the model; else only files on this machine are sampled.
        backend: where that runs; ``None``: on this machine's devices.
    """
    if not target.tensors:
        return Inspection()
    report("sanity", None)
    seen = SANITY_PROBE.observe(target)
    rows, read = (
        (SANITY_PROBE.score(seen, hypotheses),) if seen is not None else (),
        int((seen or {}).get("bytes_read", 0)),
    )
    for row in rows:
        report("sanity", row)
    if not thorough:
        return Inspection(rows, (), read)
    if any(row.values["form"] in STOPS for row in rows):
        # Filler, damage or nothing at all: what more could be read off it would mean nothing.
        return Inspection(rows, (Finding("weights_left"),), read)
    looked = _look(target, hypotheses, backend, report)
    return Inspection((*rows, *looked.rows), looked.findings, read + looked.bytes_read)


def _look(target: Target, hypotheses: Hypotheses, backend: Backend | None, report: OnStage) -> Inspection:
    from engine.backends import Job, run_on

    kinds = ["lineage", "forward"] if target.root is not None else ["lineage"]
    # A vocabulary may have been cut or renumbered since: then the tokens are known by their texts.
    tokens = {entry.fingerprint.tokens for entry in hypotheses.references if entry.fingerprint is not None}
    options = {"lineage": {"tokens": sorted(map(list, tokens - {()}))}, "forward": {}}
    jobs = [Job(kind, target.spec, options[kind]) for kind in kinds]
    outcomes = run_on(backend, jobs, lambda job, done, total: report(job.kind, None))
    observed = {probe: seen for outcome in outcomes for probe, seen in outcome.observations.items()}
    rows = [probe.score(seen, hypotheses) for probe in WEIGHT_PROBES if (seen := probe.observe(observed)) is not None]
    for row in rows:
        report("lineage" if row.probe == "lineage" else "forward", row)
    findings = [note for outcome in outcomes for note in outcome.notes]
    findings += [
        Finding("look_failed", {"question": kind, "code": outcome.error[0], "values": dict(outcome.error[1])})
        for kind, outcome in zip(kinds, outcomes, strict=True)
        if outcome.error is not None
    ]
    if "forward" not in kinds:
        findings.append(Finding("weights_remote"))
    return Inspection(tuple(rows), tuple(findings), sum(outcome.bytes_read for outcome in outcomes))
