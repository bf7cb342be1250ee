"""Hardware as records, validated on load."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveFloat, PositiveInt, model_validator

from engine.catalog.schema import Record
from engine.hardware import short

Dtype = Literal["fp4", "fp8", "int8", "bf16", "fp16", "fp32"]
Name = Annotated[str, Field(min_length=2, max_length=60)]
Engine = Literal["vllm", "sglang", "llama.cpp", "ollama", "mlx", "mindie"]
"""Serving software."""


class Link(Record):
    """How devices of one node talk. ``bandwidth``: GB/s that one device can send, one direction, to all others."""

    kind: Literal["nvlink", "xgmi", "hccs", "pcie", "ethernet", "thunderbolt", "other", "none"]
    bandwidth: PositiveFloat


class Price(Record):
    """What one device costs to rent, in US dollars an hour, from a cheap to a dear provider. ``amortised``: not
    rented but bought: a street price spread over three years, with its electricity."""

    low: PositiveFloat
    high: PositiveFloat
    amortised: bool = False
    source: str


class Device(Record):
    """An accelerator, a unified-memory machine, a phone or a CPU server; everything of one device.

    Attributes:
        names: what people call it, in words. Case, spaces, hyphens and underscores do not matter; a word in
            (parentheses) may be left out. Devices may share a name: the memory written beside it tells them
            apart, and without any the first in the file is meant.
        memory: as its maker names it, in GB.
        usable: what its driver reports, in GB (1e9 bytes); of unified memory and CPUs what a model may take.
        bandwidth: of its memory, GB/s, the maker's figure.
        flops: dense matrix arithmetic by type, TFLOP/s, the maker's figure without sparsity.
        per_node: most of them in one usual node.
        watts: board or system power.
        official: whether its maker sells it; a modification is meant only where its memory is written.

    ``names``, ``flops``, ``link``, ``price`` and ``engines`` may be written in the short forms of ``short.py``.
    """

    id: str
    title: str
    vendor: Literal["nvidia", "amd", "huawei", "intel", "apple", "qualcomm", "mediatek", "cpu", "other"]
    kind: Literal["accelerator", "unified", "phone", "cpu"] = "accelerator"
    place: Literal["server", "workstation", "laptop", "edge", "embedded", "mobile"] = "server"
    names: Annotated[tuple[Name, ...], BeforeValidator(short.listed)]
    memory: PositiveFloat
    usable: PositiveFloat
    bandwidth: PositiveFloat
    flops: Annotated[dict[Dtype, PositiveFloat], BeforeValidator(short.numbers)]
    link: Annotated[Link, BeforeValidator(short.link)]
    per_node: PositiveInt = 1
    watts: PositiveFloat | None = None
    official: bool = True
    price: Price | None = None
    engines: Annotated[tuple[Engine, ...], BeforeValidator(short.listed)]
    year: int | None = Field(default=None, ge=2015, le=2030)
    source: str

    @model_validator(mode="before")
    @classmethod
    def _price(cls, given: Any) -> Any:
        if isinstance(given, dict) and "price" in given:
            return given | {"price": short.price(given["price"], given.get("watts"))}
        return given


class Machine(Record):
    """A product with several devices in it: ``names`` as a device's; ``count`` of one of ``devices`` (ids that share
    the name, the usual one first)."""

    names: Annotated[tuple[Name, ...], BeforeValidator(short.listed)]
    devices: Annotated[tuple[str, ...], BeforeValidator(short.listed), Field(min_length=1)]
    count: PositiveInt = Field(le=10_000)
    source: str


class HardwareFile(Record):
    """A file of devices; a later file's device replaces an earlier one of the same id."""

    devices: tuple[Device, ...] = ()
    machines: tuple[Machine, ...] = ()
