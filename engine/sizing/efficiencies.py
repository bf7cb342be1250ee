"""How far real serving stays behind a device's data sheet: a handful of constants, each one physical thing.

Those called fitted were set against ``tests/benchmarks/sizing/measurements.json`` (gpustack's performance lab) by
``tests/benchmarks/sizing/throughput.py --fit``; the others are judged, as those measurements say little of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Efficiencies:
    """Fitted.

    Attributes:
        memory: share of a device's bandwidth at which weights and cache are read.
        compute: share of its dense arithmetic that long prompts reach.
        narrow: of that again, what 8 and 4 bit arithmetic reaches of its higher peak; activations are scaled on the way.
        experts: of that again, what grouped products over many experts reach.
        kernel: seconds that the shortest kernel takes, its launch included.
        sequence: seconds of the engine's own work for each running request and step: scheduling, sampling, text.
        request: seconds from a request's arrival to its first step, and for its answer to leave: HTTP, tokenising.
    """

    memory: float = 0.82
    compute: float = 0.46
    narrow: float = 0.47
    experts: float = 0.47
    kernel: float = 4.8e-6
    sequence: float = 22e-6
    request: float = 0.024


FITTED = Efficiencies()

KERNELS, EXPERT_KERNELS, LATENT_KERNELS, SCALED_KERNELS = 10, 12, 10, 4
"""Kernels of a dense layer; more for routing, sorting, the grouped products and summing of experts; for MLA's low-rank
projections and absorbed products; for scaling activations in 8 or 4 bit arithmetic. Counted, about, from vLLM's layers."""

LINK = 0.6
"""Share of a link's bandwidth that an all-reduce reaches. Judged."""

_REDUCE_SECONDS: Mapping[str, float] = {
    "nvlink": 10e-6, "xgmi": 15e-6, "hccs": 20e-6, "pcie": 30e-6, "ethernet": 60e-6, "thunderbolt": 100e-6, "none": 100e-6,
}  # fmt: skip
_OTHER_REDUCE = 30e-6


def reduce_seconds(link: str) -> float:
    """How long an all-reduce of nearly nothing takes over such a link. Judged."""
    return _REDUCE_SECONDS.get(link, _OTHER_REDUCE)


_MAKERS: Mapping[str, float] = {"nvidia": 1.0, "amd": 0.8, "huawei": 0.5, "intel": 0.6, "apple": 0.9}
_OTHER_MAKER = 0.7


def maker_share(vendor: str) -> float:
    """How far software for a maker's devices comes, as a share of what it reaches on NVIDIA's. Judged."""
    return _MAKERS.get(vendor, _OTHER_MAKER)


_APPLE, _CPU, _CPU_MATRIX = 0.65, 0.3, 0.02
_MATRIX_UNITS = 4.0


def own_compute_share(vendor: str, kind: str, wide: float, single: float) -> float | None:
    """Share of its arithmetic that long prompts reach on a device unlike NVIDIA's; ``None``: as on those. Judged.

    Apple's GPUs have no matrix units, so that their data sheet is nearly reached (llama.cpp's table of Apple silicon: an
    M2 Ultra reads about 1,400 tokens/s of a 7B in 16 bits, two thirds of its 27 TFLOP/s). CPUs reach less, and little of
    what their matrix units (AMX) promise. ``wide`` and ``single``: FLOP/s in 16 and in 32 bits.
    """
    if kind == "cpu":
        return _CPU_MATRIX if wide > _MATRIX_UNITS * single else _CPU
    return _APPLE if vendor == "apple" and kind == "unified" else None
