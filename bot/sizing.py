"""A question about sizes → its figures: what the terminal and the worker share."""

from __future__ import annotations

from dataclasses import dataclass

import engine
from bot.requests import Request
from bot.settings import Settings
from engine.sized import Sizing, Workload


@dataclass(frozen=True, slots=True)
class Sized:
    """What a model takes. ``hardware``: as it was named; empty where it was not, and each quantisation is on the
    smallest usual purchase that carries it. ``workload``: what it was sized for."""

    model: str
    hardware: str
    workload: Workload
    sizings: tuple[Sizing, ...]


def sized(request: Request, settings: Settings) -> Sized:
    """Size the model that a request names.

    Raises:
        UsageError: a model, hardware, quantisation or figure is unknown or makes no sense; the sentence names it.
        TargetError: the model cannot be read.
    """
    from engine.choosing.workload import workload_of
    from engine.constraints.values import parse_constraints

    given = dict(request.constraints)
    hardware = given.pop("hardware", "") or request.scenario
    sizings = engine.size(
        request.target or "",
        hardware,
        quantization=request.quantization,
        constraints=given,
        family_files=settings.family_files,
        hardware_files=settings.hardware_files,
    )
    workload, _ = workload_of(parse_constraints(given))
    return Sized(sizings[0].model if sizings else request.target or "", hardware, workload, sizings)
