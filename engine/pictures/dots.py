"""A recommendation's options as dots: which there are, what they stand for along x and by size, what they are called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from engine.choosing.wording import hardware_text
from engine.identification import Option, Recommendation
from engine.sized import Sizing

_MAKERS = re.compile(r"^(?:NVIDIA|AMD|Intel|Apple|Huawei|Qualcomm) | \d+ GB$")
Role = Literal["choice", "runner_up", "other", "fails"]


@dataclass(frozen=True, slots=True)
class Dot:
    """An option on the plot. ``x``: seconds or dollars; ``weight``: what its size stands for."""

    option: Option
    role: Role
    x: float
    weight: float


@dataclass(frozen=True, slots=True)
class Scale:
    """What a picture shows along x (``ttft``, ``tpot`` or ``cost``) and by size (``cost`` or ``memory``)."""

    x: str
    size: str
    limit: float | None
    budget: float | None


def dots_of(advice: Recommendation) -> tuple[list[Dot], Scale]:
    """The dots of a recommendation, the weightiest first, and their scale. Empty where nothing was sized."""
    options = _options(advice)
    scale = _scale(advice, [option for option, _ in options])
    return [_dot(option, role, scale) for option, role in options], scale


def _dot(option: Option, role: Role, scale: Scale) -> Dot:
    return Dot(option, role, _x(option.sizing, scale.x), _weight(option.sizing, scale.size))


def name_of(option: Option, *, with_hardware: bool) -> str:
    sizing = option.sizing
    name = f"{option.variant}\n{sizing.quantization}"
    return f"{name}, {_hardware(sizing)}" if with_hardware else name


def _hardware(sizing: Sizing) -> str:
    """``2×RTX 4090``: without the maker, and without a memory that the name implies."""
    number, times, title = hardware_text(sizing.device, sizing.count).partition("×")
    return f"{number}{times}{_MAKERS.sub('', title)}"


def best_of_variants(shown: Sequence[Dot]) -> list[Dot]:
    """Of each variant that has no other name on the plot, the option with the best answers."""
    told = {dot.option.variant for dot in shown if dot.role != "other"}
    best: dict[str, Dot] = {}
    for dot in sorted(shown, key=lambda dot: (-dot.option.quality, dot.x)):
        if dot.option.variant not in told:
            best.setdefault(dot.option.variant, dot)
    return list(best.values())


def _options(advice: Recommendation) -> list[tuple[Option, Role]]:
    """Every option once, the weightiest first: so are labels placed."""
    first: list[tuple[Option | None, Role]] = [(advice.option, "choice"), (advice.runner_up, "runner_up")]
    rest: list[tuple[Option | None, Role]] = [
        (option, "fails" if option.fails else "other") for option in (*advice.excluded, *advice.options)
    ]
    kept: dict[tuple[str, str, str, int], tuple[Option, Role]] = {}
    for option, role in (*first, *rest):
        if option is not None:
            sizing = option.sizing
            kept.setdefault((option.variant, sizing.quantization, sizing.device, sizing.count), (option, role))
    return list(kept.values())


def _scale(advice: Recommendation, options: Sequence[Option]) -> Scale:
    said = advice.constraints
    priced = all(option.sizing.cost is not None for option in options)
    budget = said.get("budget")
    x = "tpot" if "tpot" in said else "ttft" if "ttft" in said else "cost" if budget is not None and priced else "tpot"
    size = "cost" if priced and x != "cost" else "memory"
    return Scale(x, size, said.get(x if x != "cost" else "budget"), budget if size == "cost" else None)


def _x(sizing: Sizing, name: str) -> float:
    if not sizing.fits:
        return float("inf")
    estimate = getattr(sizing, name)
    return float(estimate.value) if estimate.value > 0 else float("inf")


def _weight(sizing: Sizing, name: str) -> float:
    if name == "cost" and sizing.cost is not None:
        return sizing.cost.value
    return sizing.memory.needed * sizing.layout.replicas
