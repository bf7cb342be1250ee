"""The probes, in the order their rows are read: what is there, then what is said."""

from __future__ import annotations

from engine.probes import card, config, parameters, quantization, tensors, tokenizer
from engine.probes.probe import Hypotheses, Probe

PROBES: tuple[Probe, ...] = (
    tensors.PROBE,
    parameters.PROBE,
    config.PROBE,
    tokenizer.PROBE,
    quantization.PROBE,
    card.PROBE,
)
"""All read headers and small files, which `open_target` has fetched together; each costs milliseconds, so
there is nothing to plan between them yet."""

__all__ = ["PROBES", "Hypotheses", "Probe"]
