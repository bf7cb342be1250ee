"""What a comparison implies under the rules that a deployment goes by. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.comparing.records import Ruling
from engine.comparing.records import Comparison, Line, Side
from engine.identification import Recommendation, RuleHit

_SIDES: tuple[Side, Side] = ("a", "b")
_OTHER: Mapping[Side, Side] = {"a": "b", "b": "a"}
_MEASURED: Mapping[str, tuple[str, Callable[[float], float]]] = {
    "ttft": ("ttft", lambda value: value),
    "tpot": ("tokens_per_second", lambda value: 1 / value if value else float("inf")),
}
"""Demands of a deployment that a comparison measures, in seconds at most: of which metric, and how."""


def rule(comparison: Comparison, advice: Recommendation | None = None) -> Ruling:
    """Which of the two to take.

    Args:
        advice: what the scenario rules say of the deployment's demands, where there are any.
    """
    hits = advice.hits if advice is not None else ()
    fails = _fails(comparison, advice.constraints if advice is not None else {})
    failing = [side for side in _SIDES if fails.get(side)]
    if len(failing) == 2:
        return Ruling(None, "neither", fails)
    if failing:
        return Ruling(_OTHER[failing[0]], "demands", fails)
    if comparison.decision == "more_data":
        return Ruling(None, "more")
    if comparison.decision in ("a", "b"):
        return Ruling(comparison.decision, "quality")
    better, faster = _better(comparison), faster_of(comparison)
    if comparison.decision == "alike":
        return Ruling(faster, "cheaper") if faster is not None else Ruling(None, "alike")
    return _traded(better, faster, hits)


def faster_of(comparison: Comparison) -> Side | None:
    """Which side answers faster, where their speeds differ and were measured on both."""
    line = next((line for line in comparison.lines if line.group == "speed" and line.better is not None), None)
    if line is None or line.a == line.b or line.low is None or line.high is None or line.low <= 0 <= line.high:
        return None
    return "b" if (line.b > line.a) == line.better else "a"


def main_line(comparison: Comparison) -> Line | None:
    """The line of the metric by which it is decided."""
    return next((line for line in comparison.lines if line.metric == comparison.main), None)


def _traded(better: Side | None, faster: Side | None, hits: tuple[RuleHit, ...]) -> Ruling:
    """One answers better, the other faster: the rule of the highest priority says which of these goes first."""
    votes = sorted((hit for hit in hits if hit.effect != "caution"), key=lambda hit: -hit.priority)
    if not votes or better is None:
        return Ruling(None, "unweighed")
    first = votes[0].effect
    agreed = tuple(hit.reason for hit in votes if hit.effect == first)
    take = better if first == "full" else faster or _OTHER[better]
    return Ruling(take, "rule", rules=agreed)


def _better(comparison: Comparison) -> Side | None:
    line = main_line(comparison)
    if line is None or line.a == line.b:
        return None
    return "b" if (line.b > line.a) == (line.better is not False) else "a"


def _fails(comparison: Comparison, demands: Mapping[str, object]) -> dict[Side, tuple[tuple[str, float, float], ...]]:
    lines = {line.metric: line for line in comparison.lines}
    found: dict[Side, tuple[tuple[str, float, float], ...]] = {}
    for name, (metric, seconds) in _MEASURED.items():
        most, line = demands.get(name), lines.get(metric)
        if not isinstance(most, int | float) or line is None:
            continue
        for side in _SIDES:
            if (measured := seconds(line.a if side == "a" else line.b)) > most:
                found[side] = (*found.get(side, ()), (name, float(most), measured))
    return found
