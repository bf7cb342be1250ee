"""Recording a reference of weights: a fingerprint of every layer, and what a forward pass shows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import engine
from engine.attention_profile import AttentionProfile
from engine.catalog import family_with
from engine.errors import R1Error, TargetError
from engine.identification import OnProgress, Progress
from engine.pipeline import hypotheses_of
from engine.probes import SANITY_PROBE
from engine.probes.sanity import STOPS
from engine.references import Reference
from engine.targets import open_target
from engine.weights.records import Fingerprint

if TYPE_CHECKING:
    from engine.backends import Backend


def record_weights(
    spec: str,
    variant: str,
    *,
    family_files: Iterable[Path] = (),
    backend: Backend | None = None,
    on_progress: OnProgress | None = None,
) -> dict[str, Any]:
    """See ``engine.record_reference``. A model that cannot be run here still gives its fingerprint."""
    from engine.backends import Job, run_on

    hypotheses = hypotheses_of(family_with(variant, tuple(family_files)))
    report = on_progress or (lambda progress: None)
    target = open_target(spec)
    if not target.tensors:
        raise TargetError("no_weights", name=target.name)
    seen = SANITY_PROBE.observe(target)
    if seen is not None and SANITY_PROBE.score(seen, hypotheses).values["form"] in STOPS:
        raise TargetError("reference_filler", name=target.name)
    jobs = [Job("lineage", spec, {"every_layer": True})] + [Job("forward", spec)] * (target.root is not None)
    outcomes = run_on(backend, jobs, lambda job, done, total: report(Progress(job.kind, done, total)))
    observed = {probe: seen for outcome in outcomes for probe, seen in outcome.observations.items()}
    if (error := outcomes[0].error) is not None:
        raise R1Error(error[0], **error[1])
    lineage = observed["lineage"]
    if "fingerprint" not in lineage:
        raise TargetError(str(lineage["problem"]), **lineage["values"])
    return Reference(
        variant=variant,
        fingerprint=Fingerprint.model_validate(lineage["fingerprint"]),
        attention=AttentionProfile.of(observed["attention"]) if "attention" in observed else None,
        entropies=observed["entropy"]["entropies"] if "entropy" in observed else {},
        host=target.name,
        created=datetime.now(UTC).date().isoformat(),
        engine_version=engine.__version__,
    ).model_dump(mode="json", exclude_defaults=True, exclude_unset=False)
