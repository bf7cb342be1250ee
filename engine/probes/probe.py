"""What every probe is: an observation read from the target, and a pure score of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from engine.catalog.schema import Tokenizer, Variant, Vocabulary
from engine.evidence import UNKNOWN, Evidence
from engine.references import Reference

Seen = TypeVar("Seen")

Observation = Mapping[str, Any]
IMPOSSIBLE = math.log(1e-6)
"""A published dimension that differs: an honest copy cannot show it, a broken reading of ours might."""


@dataclass(frozen=True, slots=True)
class Hypotheses:
    """What a target could be: the family's variants, the published models beside it, or neither.

    ``tokenizers`` and ``vocabularies`` are those of the family file, by id. ``references``: what trusted
    targets answered, at most one a variant.
    """

    variants: tuple[Variant, ...]
    tokenizers: Mapping[str, Tokenizer]
    vocabularies: Mapping[str, Vocabulary]
    references: tuple[Reference, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Every hypothesis, ``UNKNOWN`` last."""
        return (*(variant.id for variant in self.variants), UNKNOWN)

    def vocabulary_of(self, variant: Variant) -> str | None:
        """The base vocabulary of a variant's tokenizer; ``None`` where the catalog has none."""
        tokenizer = self.tokenizers.get(variant.tokenizer or "")
        return tokenizer.vocabulary if tokenizer else None

    def family(self) -> Sequence[Variant]:
        """The variants the question is about, without published models of other families."""
        return [variant for variant in self.variants if variant.kind != "other"]


@dataclass(frozen=True, slots=True)
class Probe(Generic[Seen]):
    """A probe by its two halves. ``observe`` reads a target's headers or a conversation with an endpoint, and
    returns ``None`` when there is nothing in it; ``score`` is pure, so stored observations can be scored again."""

    name: str
    observe: Callable[[Seen], Observation | None]
    score: Callable[[Observation, Hypotheses], Evidence]


def by_vocabulary(likelihood: Mapping[str, float], hypotheses: Hypotheses, *, elsewhere: float) -> dict[str, float]:
    """Log likelihood per variant from one per vocabulary.

    Args:
        elsewhere: for variants whose vocabulary has no entry, and for what the catalog does not know.
    """
    spread = {
        variant.id: likelihood.get(hypotheses.vocabulary_of(variant) or "", elsewhere)
        for variant in hypotheses.variants
    }
    return {**spread, UNKNOWN: elsewhere}


def log_mean(one: float, other: float, share: float) -> float:
    """Log of the mean of two likelihoods, given as logs; ``share``, of the other, is less than 1."""
    if share <= 0:
        return one
    more = max(one, other)
    return more + math.log((1 - share) * math.exp(one - more) + share * math.exp(other - more))
