"""The Evidence record: an observation, its likelihood under each variant, and how far to trust it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Group = Literal["weights", "declared", "tokenizer", "statement"]

GROUP_SPOOFABILITY: Mapping[Group, float] = {
    "weights": 0.01,
    "declared": 0.05,
    "tokenizer": 0.02,
    "statement": 0.05,
}
"""Chance that everything a group shows was made to look like something else. Probes of one group
read the same fact or are forged by the same edit (tensor names, shapes and counts share one header),
so the group shares one such chance and is not counted twice. Judged, not measured: a header needs
matching sparse files to forge, a tokenizer makes the model unusable, a config takes one edit, a name
nothing – yet most names are honest, and `card` allows for careless ones itself."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One row of evidence.

    Attributes:
        probe: name of the probe that saw it.
        group: which spoofing chance it shares, see ``GROUP_SPOOFABILITY``.
        observation: what was seen, JSON-able; enough to score again under another catalog.
        log_likelihood: natural log of P(observation | variant, honest) per variant id, relative to
            a perfect match (0.0 = exactly what the variant shows). Empty: reported, no vote.
        expected: what each variant would show, JSON-able, for the reader.
        values: what the row's sentences name (``evidence.<probe>.*`` in the text files).
    """

    probe: str
    group: Group
    observation: Mapping[str, Any]
    log_likelihood: Mapping[str, float] = field(default_factory=dict)
    expected: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def votes(self) -> bool:
        """Whether the observation tells variants apart at all."""
        return len(set(self.log_likelihood.values())) > 1
