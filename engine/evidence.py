"""The Evidence record: an observation, its likelihood under each variant, and how far to trust it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

UNKNOWN = "unknown"
"""The hypothesis that the target is nothing the catalog knows."""

Group = Literal[
    "weights", "values", "declared", "tokenizer", "statement",
    "service", "accounting", "pieces", "cut", "tokens", "behaviour", "recall", "ability", "speed",
]  # fmt: skip
"""Files show the first five: headers, and the values under them, among these. An endpoint shows the others, and what it is called: what its server says of itself
(``service``), how it counts tokens, in which pieces text streams, where it is cut off, which token an id is, how
it answers, what it knows, what it can do, how fast it is."""

FORGED_UP: Mapping[Group, float] = {
    "weights": 0.01, "values": 1e-4, "declared": 0.05, "tokenizer": 0.02, "statement": 0.05,
    "service": 0.3, "behaviour": 0.05, "recall": 0.005, "ability": 0.05, "speed": 0.3,
}  # fmt: skip
"""Chance that everything a group shows was made to look like something worth more than it is.

Probes of one group read the same fact or are forged by the same edit (tensor names, shapes and counts
share one header), so the group shares one such chance and is not counted twice. Judged, not measured: a
header needs matching sparse files, values need the weights of the model itself, a tokenizer makes the model unusable, a config takes one edit, a name
nothing - yet most names are honest, and `card` allows for careless ones itself. A server's own words are a
constant in a gateway; knowledge could be forged only by asking the full model for it."""

FORGED_DOWN: Mapping[Group, float] = {
    "weights": 1e-6, "values": 1e-4, "declared": 0.02, "tokenizer": 0.01, "statement": 0.01,
    "service": 0.02, "behaviour": 0.01, "recall": 0.001, "ability": 0.1, "speed": 0.5,
}  # fmt: skip
"""The same for looking like something worth less. Nobody sells the full model as a distill, so this is
accident: files mixed up, a reading of ours that fails. Tensors cannot be there by accident: whatever the
other files say, a file of Qwen-14B's tensors is not the full model."""

LADDER: tuple[Group, ...] = ("accounting", "pieces", "cut", "tokens")
"""Four ways in which one fact shows, the vocabulary, from the easiest to the hardest to disguise: a gateway
that cuts text along another model's tokens also streams and counts along them. So the rungs are forged from
the bottom up, not independently."""
CLIMB_UP: Mapping[Group, float] = {"accounting": 0.3, "pieces": 0.4, "cut": 0.35, "tokens": 0.05}
"""Chance that a rung was made to look like something worth more, given that every rung below it was. Judged:
three sellers of something else in ten recount the usage by what they claim to sell, and one in seven of these
runs a proxy that streams and cuts by it as well; translating token ids both ways needs both vocabularies inside."""
CLIMB_DOWN: Mapping[Group, float] = {"accounting": 0.01, "pieces": 0.1, "cut": 0.1, "tokens": 0.1}
"""The same by accident: gateways that count every model with one tokenizer of their own, re-chunk streams by
words or bytes, estimate."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One row of evidence.

    Attributes:
        probe: name of the probe that saw it.
        group: which spoofing chance it shares, see ``FORGED_UP``.
        observation: what was seen, JSON-able; enough to score again under another catalog.
        log_likelihood: natural log of P(observation | variant, honest) per variant id, relative to
            a perfect match (0.0 = exactly what the variant shows). Empty: reported, no vote.
        expected: what each variant of the family would show, in words.
        spoofability: replaces the group's chances where the probe knows better (an official repository).
        values: what the row's sentences name (``evidence.<probe>.*`` in the text files).
    """

    probe: str
    group: Group
    observation: Mapping[str, Any]
    log_likelihood: Mapping[str, float] = field(default_factory=dict)
    expected: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    spoofability: float | None = None

    @property
    def votes(self) -> bool:
        """Whether the observation tells variants apart at all."""
        return len(set(self.log_likelihood.values())) > 1

    @property
    def strength(self) -> Literal["none", "weak", "medium", "strong"]:
        """How far the row tells variants apart, in words: up to 5:1, up to 20:1, or more."""
        if not self.votes:
            return "none"
        spread = max(self.log_likelihood.values()) - min(self.log_likelihood.values())
        forged = self.spoofability or forging(self.group)
        ratio = min(math.exp(min(spread, 50.0)), 1 / forged)
        return "weak" if ratio < 5 else "medium" if ratio < 20 else "strong"


def forging(group: Group) -> float:
    """Chance that a group was made to look like something worth more; of a rung, with all below it."""
    if group not in LADDER:
        return FORGED_UP[group]
    return math.prod(CLIMB_UP[rung] for rung in LADDER[: LADDER.index(group) + 1])
