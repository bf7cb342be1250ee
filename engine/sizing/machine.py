"""A device as sizing sees it: plain numbers in bytes and seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.hardware.schema import Device
from engine.sizing.quantizations import Quantization


@dataclass(frozen=True, slots=True)
class Machine:
    """``memory`` in bytes, ``bandwidth`` and ``link`` in bytes/s, ``flops`` in FLOP/s by number format."""

    id: str
    vendor: str
    kind: str
    memory: float
    bandwidth: float
    flops: Mapping[str, float]
    link_kind: str
    link: float
    per_node: int
    engines: tuple[str, ...]


_FALLBACK: Mapping[str, tuple[str, ...]] = {
    "fp4": ("fp4", "fp8", "bf16", "fp16"),
    "fp8": ("fp8", "bf16", "fp16"),
    "int8": ("int8", "fp16", "bf16"),
    "bf16": ("bf16", "fp16"),
    "fp16": ("fp16", "bf16"),
}
"""What a device multiplies in where it lacks the format: weights are widened on the way."""


_MACHINES: dict[int, tuple[Device, Machine]] = {}
"""By identity, as records of the catalog cannot be hashed; each entry keeps its device, so no identity is used twice."""
_KEPT = 1024


def machine_of(device: Device) -> Machine:
    """The numbers of a device of the catalog."""
    known = _MACHINES.get(id(device))
    if known is None:
        if len(_MACHINES) >= _KEPT:
            _MACHINES.clear()
        known = _MACHINES[id(device)] = (device, _machine(device))
    return known[1]


def _machine(device: Device) -> Machine:
    return Machine(
        id=device.id,
        vendor=device.vendor,
        kind=device.kind,
        memory=device.usable * 1e9,
        bandwidth=device.bandwidth * 1e9,
        flops={name: tera * 1e12 for name, tera in device.flops.items()},
        link_kind=device.link.kind,
        link=device.link.bandwidth * 1e9,
        per_node=device.per_node,
        engines=device.engines,
    )


def matrix_flops(machine: Machine, dtype: str) -> float:
    """FLOP/s that matrices are multiplied at in ``dtype``, at best."""
    for name in (*_FALLBACK[dtype], "fp32"):
        if name in machine.flops:
            return machine.flops[name]
    return max(machine.flops.values(), default=1e12)


def runs_on(machine: Machine, quantization: Quantization) -> bool:
    """Whether the device computes in a number format that the quantisation needs."""
    return not quantization.needs or any(name in machine.flops for name in quantization.needs)
