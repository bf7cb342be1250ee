"""A model's attention, head by head, as references keep it; small, and read without torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

_LAYERS, _HEADS = 4096, 4096
ACTS = 0.1
"""Least that a head which acts moves, of what an average head of its layer adds. Judged: in trained models most
heads move a third of it or more, and those that rest on one token less than a tenth."""
Share = Annotated[float, Field(ge=0, le=1.001)]
Row = Annotated[tuple[Share, ...], Field(min_length=1, max_length=_HEADS)]


class AttentionProfile(BaseModel):
    """What ``engine.weights.heads`` saw of a trusted checkpoint.

    Attributes:
        entropy: normalised entropy by layer and head, on the shipped sentences.
        acting: how many heads act, by layer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    entropy: Annotated[tuple[Row, ...], Field(min_length=1, max_length=_LAYERS)]
    acting: Annotated[tuple[Annotated[int, Field(ge=0, le=_HEADS)], ...], Field(max_length=_LAYERS)] = ()

    @classmethod
    def of(cls, observation: Mapping[str, Any]) -> AttentionProfile:
        """The profile in an observation of the probe ``attention``."""
        rows = tuple(tuple(row) for row in observation["entropy"])
        return cls.model_construct(entropy=rows, acting=tuple(observation["acting"]))

    @property
    def shape(self) -> tuple[int, ...]:
        """Heads by layer."""
        return tuple(len(row) for row in self.entropy)


def apart(one: AttentionProfile, other: AttentionProfile) -> float | None:
    """Root mean square of the differences between two models' heads, by normalised entropy; ``None`` where they do
    not have the same layers and heads."""
    if one.shape != other.shape:
        return None
    pairs = [pair for rows in zip(one.entropy, other.entropy, strict=True) for pair in zip(*rows, strict=True)]
    return math.sqrt(math.fsum((here - there) ** 2 for here, there in pairs) / len(pairs))
