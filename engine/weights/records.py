"""The records of a lineage fingerprint, as references keep them; they need no numpy."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Kind = Literal["qk", "vo", "gate", "norm_in", "norm_mid"]
SYMMETRIC: frozenset[Kind] = frozenset({"gate", "norm_in", "norm_mid"})
"""Kinds of which the upper triangle says all."""
RelationKind = Literal["same", "tuned", "resized", "akin", "unrelated", "incomparable"]
"""``same``: the very weights, at most quantised or converted. ``tuned``: these weights, trained on or merged.
``resized``: these weights with layers taken out or doubled. ``akin``: alike by more than chance, by less than
descendants are, as a student that was distilled or models that began from the same random numbers. ``incomparable``: too few tokens or no layer in common."""


Sketch = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$")]


class Layer(BaseModel):
    """One layer: its sketches (base64 of float16, [anchors, anchors], or the upper triangle) by kind, and samples of its norms."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int = Field(ge=0, le=10_000)
    sketches: dict[Kind, Sketch]
    norms: tuple[tuple[float, ...], ...] = ()


class Fingerprint(BaseModel):
    """What ``compare`` needs of a checkpoint.

    Attributes:
        anchors: which of ``engine.weights.anchors.ANCHORS`` lie in the vocabulary, by place.
        tokens: the texts of all of these, where a tokenizer was at hand.
        hidden, depth: hidden size and number of layers, as the weights have them.
        gram: the anchors' own Gram matrix, as a sketch.
        layers: those that were read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    anchors: tuple[Annotated[int, Field(ge=0, le=63)], ...] = Field(max_length=64)
    tokens: tuple[Annotated[str, Field(max_length=400)], ...] = Field((), max_length=64)
    hidden: int = Field(ge=1, le=1_000_000)
    depth: int = Field(ge=1, le=10_000)
    gram: Sketch
    layers: tuple[Layer, ...] = Field(min_length=1, max_length=10_000)

    @model_validator(mode="after")
    def _whole(self) -> Fingerprint:
        """Every sketch must be of so many anchors; nothing is unpacked for it."""
        side = len(self.anchors)
        square, triangle = _base64_length(2 * side**2), _base64_length(side * (side + 1))
        if list(self.anchors) != sorted(set(self.anchors)):
            raise ValueError("anchors out of order")
        lengths = [(len(self.gram), triangle)]
        lengths += [
            (len(text), triangle if kind in SYMMETRIC else square)
            for layer in self.layers
            for kind, text in layer.sketches.items()
        ]
        if any(length != wanted for length, wanted in lengths):
            raise ValueError("a sketch is cut off")
        return self


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


def _base64_length(count: int) -> int:
    return -(-count // 3) * 4
