"""What every probe is: an observation read from the target, and a pure score of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.catalog.schema import Tokenizer, Variant, Vocabulary
from engine.evidence import UNKNOWN, Evidence
from engine.targets.target import Target

Observation = Mapping[str, Any]
IMPOSSIBLE = math.log(1e-6)
"""A published dimension that differs: an honest copy cannot show it, a broken reading of ours might."""


@dataclass(frozen=True, slots=True)
class Hypotheses:
    """What a target could be: the family's variants, the published models beside it, or neither.

    ``tokenizers`` and ``vocabularies`` are those of the family file, by id.
    """

    variants: tuple[Variant, ...]
    tokenizers: Mapping[str, Tokenizer]
    vocabularies: Mapping[str, Vocabulary]

    @property
    def ids(self) -> tuple[str, ...]:
        """Every hypothesis, ``UNKNOWN`` last."""
        return (*(variant.id for variant in self.variants), UNKNOWN)

    def family(self) -> Sequence[Variant]:
        """The variants the question is about, without published models of other families."""
        return [variant for variant in self.variants if variant.kind != "other"]


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe by its two halves. ``observe`` does the reading and returns ``None`` when the target has
    nothing for it; ``score`` is pure, so stored observations can be scored again."""

    name: str
    observe: Callable[[Target], Observation | None]
    score: Callable[[Observation, Hypotheses], Evidence]
