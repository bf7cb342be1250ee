"""`sanity`: whether there is a trained model under the headers at all, from a few megabytes of its weights.

Cost: at most 8 MB read, some 20 ms (50 ms for the 90,000 tensors of the full model), no torch. Sources: trained
matrices are correlated and unevenly scaled where random ones are not (Martin & Mahoney 2021; see
``engine.weights.noise``); what is read where: ``engine.weights.sampling``.
It accuses only where nearly everything sampled is filler: no trained model looks like that, pruned, quantised,
merged or fine-tuned; then no variant is possible, and chance explains nothing. Zeros and not-a-numbers in part are
damage, which no seller gains by: reported. Holes of a sparse file are neither: the file ends up with headers only.
How it could be fooled: by weights of another trained model cut to these shapes, and by random numbers given the
scales that rows and columns of a trained one have; lineage and a forward pass tell. (Such numbers still lack
correlations between rows. Small real models have them in 7 matrices of 10; how few a large one may have in so small
an excerpt could not be measured here, so nobody is accused of it.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from engine.evidence import UNKNOWN, Evidence
from engine.probes.probe import Hypotheses, Observation, Probe
from engine.targets.target import Target

State = Literal[
    "", "holes", "noise", "fresh", "bytes", "zeroed", "constant", "repeated", "damaged", "partly", "unread"
]  # fmt: skip
FILLERS: tuple[State, ...] = ("noise", "fresh", "bytes", "zeroed", "constant", "repeated")
"""States in which there is no trained model."""
STOPS: tuple[State, ...] = (*FILLERS, "holes", "damaged")
"""States in which nothing further could be read off the weights."""
_FILLED = ("noise", "wild", "zero", "constant", "repeating")
_NEARLY_ALL, _SOME, _LEAST = 0.9, 0.3, 4
"""Share of matrices inside the layers from which on the whole is filler, or worth a word; and how few are too few
to say. Judged: MiniLM's pooler is one of 37 matrices that nobody trained."""
_FEW_DISTINCT, _LEAST_COPIES = 0.34, 6
"""Layers or experts that are copies: models deepened by repeating layers (SOLAR; self-merges of 140 layers out of 80)
keep more than half of them distinct."""
_IMPOSSIBLE = 1e-12
"""Chance that a trained model shows this: four excerpts at least, each of which exceeds a normal score of 4.5 in
29,999 of 30,000 cases if it is noise and by far if it is not."""
_FILES = 5
_OUTSIDE = ("embed", "head")


def measure(spec: str) -> Observation:
    """What sampling the weights of a checkpoint finds.

    Raises:
        TargetError, CorruptTarget: as ``open_target``; ``no_weights`` where there are none.
    """
    from engine.weights.store import open_store

    with open_store(spec) as store:
        return _observation(store)


def observe(target: Target) -> Observation | None:
    """The same of a target that is open and on this machine; ``None`` for others."""
    if target.root is None or not target.tensors:
        return None
    from engine.weights.store import TensorStore

    with TensorStore(target) as store:
        return _observation(store)


def _observation(store: Any) -> dict[str, Any]:
    from engine.weights.sampling import sample

    found = sample(store)
    scores = sorted(found.scores)
    return {
        "spots": found.spots, "holes": found.holes, "zeros": found.zeros, "constants": found.constants,
        "no_numbers": found.no_numbers, "excerpts": dict(sorted(found.excerpts.items())),
        "kinds": {part: list(counts) for part, counts in sorted(found.kinds.items())},
        "least": scores[0] if scores else None, "middle": scores[len(scores) // 2] if scores else None,
        "norms": found.norms, "even_norms": found.even_norms, "random_bytes": found.random_bytes,
        "copies": {part: list(counts) for part, counts in sorted(found.copies.items())},
        "damaged": {name: found.damaged[name] for name in sorted(found.damaged)[:_FILES]},
        "damaged_files": len(found.damaged), "files": len(store.files), "bytes_read": store.bytes_read,
    }  # fmt: skip


def state_of(observation: Observation) -> State:
    """What the sample means."""
    excerpts: Mapping[str, int] = observation["excerpts"]
    if observation["spots"] and observation["holes"] == observation["spots"]:
        return "holes"
    inside = [counts for part, counts in observation["kinds"].items() if part not in _OUTSIDE]
    looked, trained = sum(counts[0] for counts in inside), sum(counts[1] for counts in inside)
    broken = excerpts.get("no_number", 0)
    broken = min(broken, looked - trained)
    filled = looked - trained - broken
    if filled >= max(_LEAST, broken) and filled >= _NEARLY_ALL * (looked - broken):
        return _filler(observation)
    compared = _copies(observation)[0]
    if compared and 2 * compared >= sum(counts[0] for counts in observation["copies"].values()):
        return "repeated"
    if observation["damaged_files"] and (
        observation["no_numbers"] or broken or sum(observation["damaged"].values()) > 1
    ):
        return "damaged"
    if not looked:
        return "unread"
    return "partly" if filled >= _SOME * looked and filled >= _LEAST else ""


def _copies(observation: Observation) -> tuple[int, int]:
    """Of the parts of which few are distinct: how many were compared, how many are distinct."""
    few = [
        (compared, distinct)
        for compared, distinct in observation["copies"].values()
        if compared >= _LEAST_COPIES and distinct <= _FEW_DISTINCT * compared
    ]
    return sum(compared for compared, _ in few), sum(distinct for _, distinct in few)


def _filler(observation: Observation) -> State:
    """Which filler most of it is."""
    excerpts: Mapping[str, int] = observation["excerpts"]
    counts = {name: excerpts.get(name, 0) for name in _FILLED}
    most = max(counts, key=lambda name: counts[name])
    if most == "zero":
        return "zeroed"
    if most in ("constant", "repeating"):
        return "constant"
    if most == "wild" or 2 * observation["random_bytes"] >= counts["noise"] + counts["wild"]:
        return "bytes"
    norms = observation["norms"]
    return "fresh" if norms >= 2 and observation["even_norms"] == norms else "noise"


def score(observation: Observation, hypotheses: Hypotheses) -> Evidence:
    """Filler is no variant of anything; all else is reported and does not vote."""
    state = state_of(observation)
    filler = state in FILLERS
    compared, distinct = _copies(observation)
    looked, trained = (sum(counts[at] for counts in observation["kinds"].values()) for at in (0, 1))
    files = list(observation["damaged"])
    return Evidence(
        probe="sanity",
        group="values",
        observation=observation,
        log_likelihood={**dict.fromkeys((variant.id for variant in hypotheses.variants), math.log(_IMPOSSIBLE)), UNKNOWN: 0.0}
        if filler
        else {},
        values={
            "form": state, "looked": looked, "trained": trained, "random": looked - trained,
            "spots": observation["spots"], "least": observation["least"], "compared": compared, "distinct": distinct,
            "files": ", ".join(files) + (" …" if observation["damaged_files"] > len(files) else ""),
        },
        spoofability=_IMPOSSIBLE if filler else None,
    )  # fmt: skip


PROBE = Probe("sanity", observe, score)
