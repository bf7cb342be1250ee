"""Soft demands: quality against time, cost and memory; and the options that nothing beats in every respect."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, log2

from engine.choosing.demands import cost_of
from engine.constraints.record import Constraints, Task
from engine.identification import Option
from engine.sized import Workload

_PER_DOUBLED_TIME = 1.0
_PER_DOUBLED_TIME_WITHIN_DEMAND = 0.5
_PER_DOUBLED_COST = {"named": 0.3, "limited": 3.0, "ample": 0.5, "usual": 2.0}
_PER_DOUBLED_MEMORY = 0.2
"""Points of quality that twice the time, cost or memory must bring. Judged: hardware that is there already costs little
more in use; where money must be spent, two points of GPQA for twice the money is what 32B over 14B offers, and no more."""
_DETAIL = 1.5
"""Weight of quality where much depends on details. Judged."""
_COMFORT = {"served": (2.0, 0.1), "usual": (10.0, 0.15)}
"""Seconds to the first token and per token beyond which people stop waiting, where they did not say: a token every 0.15 s
is about the speed at which people read. Judged."""
_SERVED: frozenset[Task] = frozenset(("customer-service", "agent"))
_PER_DOUBLED_DISCOMFORT, _PER_DOUBLED_WISH = 4.0, 10.0
"""Points. Judged: nobody waits four times as long for what 32B has over 14B; who asks for real time waits for less."""
_CHEAPEST = 0.01
"""US dollars an hour below which cost does not matter."""


def answer_time(option: Option, workload: Workload) -> float:
    """Seconds to the end of a usual answer, thinking included."""
    return option.sizing.ttft.value + workload.output * option.sizing.tpot.value


@dataclass(frozen=True, slots=True)
class Wish:
    """Seconds to the first token and per token that a word asked for ("real-time"): no limit, but they weigh heavily."""

    ttft: float | None = None
    tpot: float | None = None


def score_of(
    option: Option, constraints: Constraints, workload: Workload, *, named: bool, wish: Wish | None = None
) -> float:
    """The score of an option, in points of quality.

    Args:
        named: the hardware is there already.
    """
    timed = constraints.ttft is not None or constraints.tpot is not None
    per_time = _PER_DOUBLED_TIME_WITHIN_DEMAND if timed else _PER_DOUBLED_TIME
    per_cost = _PER_DOUBLED_COST[_spending(constraints, named)]
    cost = cost_of(option, constraints)
    quality = option.quality * (_DETAIL if constraints.detail == "high" else 1.0)
    paid = per_cost * log2(max(cost.value, _CHEAPEST)) if cost is not None else 0.0
    held = _PER_DOUBLED_MEMORY * log2(max(option.sizing.memory.needed / 1e9, 1.0))
    waited = per_time * log2(max(answer_time(option, workload), 0.1)) + _discomfort(option, constraints, wish or Wish())
    return quality - waited - paid - held


def _discomfort(option: Option, constraints: Constraints, wish: Wish) -> float:
    """Points lost where people would wait too long; nothing where they said how long they wait."""
    first, each = _COMFORT["served" if constraints.task in _SERVED else "usual"]
    lost = 0.0
    if constraints.ttft is None:
        lost += _doublings(option.sizing.ttft.value, wish.ttft or first) * _per_doubling(wish.ttft)
    if constraints.tpot is None and constraints.throughput is None:
        lost += _doublings(option.sizing.tpot.value, wish.tpot or each) * _per_doubling(wish.tpot)
    return lost


def _doublings(seconds: float, most: float) -> float:
    """How often ``most`` must be doubled to reach ``seconds``."""
    return min(20.0, log2(seconds / most)) if seconds > most else 0.0


def _per_doubling(wished: float | None) -> float:
    return _PER_DOUBLED_DISCOMFORT if wished is None else _PER_DOUBLED_WISH


def _spending(constraints: Constraints, named: bool) -> str:
    if named:
        return "named"
    return constraints.compute or "usual"


def front_of(options: Iterable[Option], workload: Workload) -> set[int]:
    """Identities of the options that none beats: better quality, sooner answers, less cost, each or equal.

    Where cost is not known for all, memory stands in. Of equals the first is kept.
    """
    every = list(options)
    priced = all(option.sizing.cost is not None for option in every)
    points = sorted((-option.quality, answer_time(option, workload), _burden(option, priced), number)
                     for number, option in enumerate(every))  # fmt: skip
    kept: list[tuple[float, float, float, int]] = []
    for point in points:
        if not any(other[1] <= point[1] and other[2] <= point[2] for other in kept):
            kept.append(point)
    return {id(every[point[3]]) for point in kept}


def _burden(option: Option, priced: bool) -> float:
    if not priced:
        return float(option.sizing.memory.needed)
    return option.sizing.cost.value if option.sizing.cost is not None else inf
