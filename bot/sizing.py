"""A question about sizes → its figures: what the terminal and the worker share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import engine
from bot.requests import Request
from bot.settings import Settings
from engine.sized import Sizing, Workload


@dataclass(frozen=True, slots=True)
class Sized:
    """What a model takes.

    Attributes:
        hardware: as it was named; empty where it was not, and each quantisation is on the smallest usual purchase that
            carries it.
        workload: what it was sized for.
        met: demands that were made of it, by constraint: what was demanded, and the quantisations that meet it.
        left: constraints that were not judged.
    """

    model: str
    hardware: str
    workload: Workload
    sizings: tuple[Sizing, ...]
    met: Mapping[str, tuple[float, tuple[str, ...]]] = field(default_factory=dict)
    left: tuple[str, ...] = ()


def sized(request: Request, settings: Settings) -> Sized:
    """Size the model that a request names.

    Raises:
        UsageError: a model, hardware, quantisation or figure is unknown or makes no sense; the sentence names it.
        TargetError: the model cannot be read.
    """
    from engine.choosing.sizes import WORKLOAD
    from engine.choosing.workload import workload_of
    from engine.constraints.values import parse_constraints

    given = dict(request.constraints)
    hardware = given.pop("hardware", "") or request.scenario
    # A command says what it means; of free words, what is no figure to size for is a demand to judge.
    asked = {name: value for name, value in given.items() if name in WORKLOAD} if request.free else given
    sizings = engine.size(
        request.target or "",
        hardware,
        quantization=request.quantization,
        constraints=asked,
        family_files=settings.families,
        hardware_files=settings.hardware_files,
    )
    workload, _ = workload_of(parse_constraints(asked))
    demanded = parse_constraints(given).stated() if request.free else {}
    # Without hardware each quantisation is on another: only what does not hang on that can be judged.
    judging = tuple(_MEETS) if hardware else ("memory",)
    judged = {name: value for name, value in demanded.items() if name in judging}
    met = {
        name: (
            value,
            tuple(dict.fromkeys(one.quantization for one in sizings if one.fits and _MEETS[name](one, value))),
        )
        for name, value in judged.items()
    }
    left = tuple(name for name in demanded if name not in (*judging, *WORKLOAD))
    model = sizings[0].model if sizings else request.target or ""
    return Sized(model, hardware, workload, sizings, met, left)


_MEETS: Mapping[str, Callable[[Sizing, float], bool]] = {
    "memory": lambda sizing, most: sizing.memory.needed <= most * 1e9,
    "ttft": lambda sizing, most: sizing.ttft.value <= most,
    "tpot": lambda sizing, most: sizing.tpot.value <= most,
    "throughput": lambda sizing, least: sizing.throughput.value >= least,
    "budget": lambda sizing, most: sizing.cost is not None and sizing.cost.value <= most,
}
"""Whether the estimate meets a demand."""
