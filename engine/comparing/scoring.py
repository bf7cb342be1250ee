"""Two answers to a case → their scores: by the task's metrics, its script, or a judge."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.comparing.asking import Asker
from engine.comparing.judging import judge
from engine.comparing.metrics import Metric, metrics_of
from engine.comparing.records import Answer, Case, Side, Task

SIDES: tuple[Side, Side] = ("a", "b")


@dataclass(frozen=True, slots=True)
class Pair:
    """Both answers to a case, and their scores by metric; a metric is missing where one of the two has none."""

    case: Case
    answers: Mapping[Side, Answer]
    scores: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    agreed: bool | None = None


async def scored(task: Task, pair: Pair, judging: Asker | None) -> Pair:
    """A pair with the scores that are known of it alone: by metrics, and by a judge."""
    found: dict[str, tuple[float, float]] = {}
    for metric in metrics_of(task):
        if metric.case is not None:
            first, second = (metric.case(pair.case, pair.answers[side]) for side in SIDES)
            if first is not None and second is not None:
                found[metric.name] = (first, second)
    agreed = None
    if task.kind == "rubric" and judging is not None and not any(one.failed for one in pair.answers.values()):
        judged = await judge(judging, task, pair.case, pair.answers["a"].text, pair.answers["b"].text)
        if judged is not None:
            found["rubric"], agreed = judged.scores, judged.agreed
    return Pair(pair.case, pair.answers, found, agreed)


async def by_script(task: Task, pairs: Sequence[Pair]) -> list[Pair]:
    """Pairs with what the task's own checks say of them.

    Raises:
        UsageError: the script fails, or does what it may not.
    """
    from engine.comparing.scripts import ScriptProblem, run_checks

    def checked(side: Side) -> Mapping[str, float]:
        try:
            return run_checks(task.script, cases, [pair.answers[side] for pair in fresh])
        except ScriptProblem as problem:
            if problem.complete and problem.scores:
                return problem.scores  # all that could be checked; the rest counts on neither side
            raise

    fresh = [pair for pair in pairs if "script" not in pair.scores]
    if not fresh:
        return list(pairs)
    cases = [pair.case for pair in fresh]
    found = [await asyncio.to_thread(checked, side) for side in SIDES]
    both = {case.id: (found[0][case.id], found[1][case.id]) for case in cases if all(case.id in one for one in found)}
    return [
        Pair(pair.case, pair.answers, {**pair.scores, "script": both[pair.case.id]}, pair.agreed)
        if pair.case.id in both
        else pair
        for pair in pairs
    ]


def main_metric(task: Task) -> Metric:
    """The metric by which a comparison is decided."""
    return metrics_of(task)[0]
