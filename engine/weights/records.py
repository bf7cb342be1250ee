"""The records of a lineage fingerprint, as references keep them; they need no numpy."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["qk", "vo", "gate", "norm_in", "norm_mid"]
SYMMETRIC: frozenset[Kind] = frozenset({"gate", "norm_in", "norm_mid"})
"""Kinds of which the upper triangle says all."""
RelationKind = Literal["same", "tuned", "resized", "unrelated", "unclear", "incomparable"]
"""``same``: the very weights, at most quantised or converted. ``tuned``: these weights, trained on or merged.
``resized``: these weights with layers taken out or doubled. ``unclear``: alike by more than chance, by less than a
descendant. ``incomparable``: too few tokens or no layer in common."""


class Layer(BaseModel):
    """One layer: its sketches (base64 of float16, [anchors, anchors], or the upper triangle) by kind, and samples of its norms."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int = Field(ge=0, le=10_000)
    sketches: dict[Kind, str]
    norms: tuple[tuple[float, ...], ...] = ()


class Fingerprint(BaseModel):
    """What ``compare`` needs of a checkpoint.

    Attributes:
        anchors: how many of ``engine.weights.anchored.ANCHORS`` lie in the vocabulary.
        hidden, depth: hidden size and number of layers, as the weights have them.
        gram: the anchors' own Gram matrix, as a sketch.
        layers: those that were read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    anchors: int = Field(ge=0, le=64)
    hidden: int = Field(ge=1, le=1_000_000)
    depth: int = Field(ge=1, le=10_000)
    gram: str
    layers: tuple[Layer, ...]


class Relation(BaseModel):
    """What two fingerprints say of each other.

    Attributes:
        score: mean over the layers looked at of the correlation with the reference's most similar layer.
        same_norms: whether every norm read is equal, as it stays under quantisation and conversion.
        matches: for each layer looked at, the reference's most similar layer and the correlation.
    """

    model_config = ConfigDict(frozen=True)

    kind: RelationKind
    score: float
    same_norms: bool = False
    matches: tuple[tuple[int, int, float], ...] = ()
