"""`parameters`: the exact number of weights in the headers, by part and dtype.

Cost: the headers that `tensors` reads. Source of the reference counts: the catalog, computed from the
published configs on torch's ``meta`` device (``tests/benchmarks/parameters_on_meta.py``).
How it could be fooled: as `tensors`, with which it shares the group; and the count alone proves nothing
(the article's second pitfall), so it never decides by itself.
"""

from __future__ import annotations

import math

from pydantic import ValidationError

from engine.catalog.schema import Shape, Variant
from engine.dimensions import from_config
from engine.evidence import UNKNOWN, Evidence
from engine.layouts import implied_parameters
from engine.probes.probe import Hypotheses, Observation, Probe
from engine.probes.tensors import structure_of
from engine.targets.target import Target
from engine.units import billions, bytes_text

_MISMATCH = math.log(1e-2)
_CHANCE = math.log(1e-2)
_MOST_NAMED = 1_024
"""A config may state any number of experts and dense layers; naming their tensors must stay quick."""
_EXACT, _PACKED, _ROUNDED = 0.002, 0.05, 0.1
"""Relative tolerance: 0.2 % covers tied heads kept apart, resized vocabularies and rotary buffers in the
catalog's models; packed formats are counted by bit width, and some keep parts unpacked."""


def observe(target: Target) -> Observation | None:
    """Counts by part and dtype; multi-token-prediction layer and quantisation scales counted apart."""
    if not target.tensors:
        return None
    structure = structure_of(target.tensors)
    vocabulary = structure.dimensions.get("vocab_size", 0) * structure.dimensions.get("hidden_size", 0)
    return {
        "main": structure.main,
        "parts": dict(structure.elements),
        "scales": structure.scales,
        "dtypes": dict(structure.dtypes),
        "exact": structure.exact,
        "embedding": vocabulary,
        "tied": structure.tied,
        "weights_size": target.weights_size,
        "implied": _implied(target),
    }


def _implied(target: Target) -> int | None:
    """Weights that the declared dimensions call for, where they are complete and their layout is known."""
    declared = from_config(target.config) if target.config is not None else {}
    try:
        shape = Shape(**declared)
        named = max(shape.n_routed_experts or 0, shape.first_k_dense_replace or 0)
        return implied_parameters(shape) if named <= _MOST_NAMED else None
    except (ValidationError, ZeroDivisionError):
        return None


def score(observation: Observation, hypotheses: Hypotheses) -> Evidence:
    """Each variant's likelihood: the count is the published one within tolerance, or it is not."""
    likelihood = {variant.id: _likelihood(observation, variant) for variant in hypotheses.variants}
    likelihood[UNKNOWN] = _CHANCE
    return Evidence(
        probe="parameters",
        group="weights",
        observation=observation,
        log_likelihood=likelihood,
        expected={variant.id: f"{variant.parameters.main:,}" for variant in hypotheses.family()},
        values={
            "count": f"{observation['main']:,}",
            "short": billions(observation["main"]),
            "about": "" if observation["exact"] else "≈",
            "mtp": f"{observation['parts'].get('mtp', 0):,}",
            "form": _form(observation),
            "implied": billions(observation.get("implied") or 0),
            "size": bytes_text(observation["weights_size"]),
        },
    )


def _form(observation: Observation) -> str:
    implied = observation.get("implied")
    if implied and abs(implied - observation["main"]) > _PACKED * implied:
        return "implied"
    return "mtp" if observation["parts"].get("mtp") else ""


def _likelihood(observation: Observation, variant: Variant) -> float:
    tolerance = _ROUNDED if variant.parameters.about else _EXACT if observation["exact"] else _PACKED
    published = variant.parameters.main
    # A tied model may be stored with its head written out, and the other way round.
    counts = [observation["main"]]
    if variant.shape.tie_word_embeddings and not observation["tied"]:
        counts.append(observation["main"] - observation["embedding"])
    if not variant.shape.tie_word_embeddings and observation["tied"]:
        counts.append(observation["main"] + observation["embedding"])
    fits = any(abs(count - published) <= tolerance * published for count in counts)
    return 0.0 if fits else _MISMATCH


PROBE = Probe("parameters", observe, score)
