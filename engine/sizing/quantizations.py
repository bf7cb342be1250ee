"""How weights are stored: the quantisations of ``quantizations.yaml``, validated on load."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from engine.catalog.schema import Record, Text
from engine.catalog.yaml_file import read_records
from engine.hardware.schema import Dtype, Engine


class Bits(Record):
    """Bits per weight with its scales, by part of a model; averages where a part is stored in several types.
    ``latent_attention``: MLA's, where it is stored otherwise."""

    attention: PositiveFloat
    latent_attention: PositiveFloat | None = None
    feed_forward: PositiveFloat
    experts: PositiveFloat
    embedding: PositiveFloat
    head: PositiveFloat


class Quantization(Record):
    """One way to store weights.

    Attributes:
        kind: a number format of safetensors (``plain``), or a mixture that llama.cpp writes (``gguf``).
        compute: what matrices are multiplied in; devices that lack it fall back to 16 bits.
        needs: the device must have one of these; empty: runs anywhere.
        loss: share of benchmark quality lost against the published weights, 0 to 1.
        only: architectures it exists for; empty: any.
        block: weights that share a scale; what a tensor-parallel rank holds must be whole blocks.
    """

    id: str
    title: Text
    kind: Literal["plain", "gguf"]
    compute: Dtype
    needs: tuple[Dtype, ...]
    loss: Annotated[float, Field(ge=0, lt=1)]
    loss_source: str
    engines: tuple[Engine, ...]
    only: tuple[str, ...] = ()
    block: PositiveInt = 1
    bits: Bits
    source: str


class QuantizationFile(Record):
    quantizations: tuple[Quantization, ...]


@cache
def quantizations() -> Mapping[str, Quantization]:
    """Every quantisation by id, from most to fewest bits."""
    path = Path(str(files(__package__).joinpath("quantizations.yaml")))
    return MappingProxyType({entry.id: entry for entry in read_records(path, QuantizationFile).quantizations})
