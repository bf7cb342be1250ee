"""The probes, in the order their rows are read: what is there, then what is said."""

from __future__ import annotations

from collections.abc import Mapping

from engine.probes import (
    attention,
    capability,
    card,
    config,
    entropy,
    knowledge,
    lineage,
    logprobs,
    long_context,
    parameters,
    quantization,
    reasoning,
    routing,
    sanity,
    self_report,
    serving,
    speed,
    stream_boundaries,
    tensors,
    token_count,
    token_ids,
    tokenizer,
    truncation,
)
from engine.probes.probe import Hypotheses, Observation, Probe
from engine.targets.endpoint import Conversation
from engine.targets.target import Target

PROBES: tuple[Probe[Target], ...] = (
    tensors.PROBE,
    parameters.PROBE,
    config.PROBE,
    tokenizer.PROBE,
    quantization.PROBE,
    card.PROBE,
)
"""All read headers and small files, which `open_target` has fetched together; each costs milliseconds, so
there is nothing to plan between them."""

SANITY_PROBE: Probe[Target] = sanity.PROBE
"""Reads a few megabytes of the weights of a target on this machine."""

WEIGHT_PROBES: tuple[Probe[Mapping[str, Observation]], ...] = (
    lineage.PROBE,
    attention.PROBE,
    entropy.FORWARD_PROBE,
)
"""All read what a backend measured of a checkpoint's weights, by probe."""

ENDPOINT_PROBES: tuple[Probe[Conversation], ...] = (
    token_ids.PROBE,
    truncation.PROBE,
    stream_boundaries.PROBE,
    logprobs.PROBE,
    token_count.PROBE,
    reasoning.PROBE,
    routing.PROBE,
    knowledge.PROBE,
    capability.PROBE,
    entropy.PROBE,
    long_context.PROBE,
    speed.PROBE,
    serving.PROBE,
    card.ENDPOINT_PROBE,
    self_report.PROBE,
)
"""All read the same conversation; which questions it is made of is the planner's to choose."""

__all__ = [
    "ENDPOINT_PROBES",
    "PROBES",
    "SANITY_PROBE",
    "WEIGHT_PROBES",
    "Hypotheses",
    "Probe",
]
