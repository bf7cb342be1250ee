"""Which metrics a task has."""

from __future__ import annotations

from functools import partial

from engine.comparing.metrics import features, labels, maths, spans, summaries, terms
from engine.comparing.metrics.metric import Metric
from engine.comparing.records import Task


def metrics_of(task: Task) -> tuple[Metric, ...]:
    """What a task's answers are measured by: the main metric first, the features last.

    ``rubric`` and ``script`` have a metric of that name without a function: a judge or the script gives its scores.
    """
    return (*_quality(task), *features.metrics(task.language))


def _quality(task: Task) -> tuple[Metric, ...]:
    match task.kind:
        case "classification":
            return (
                Metric(
                    "f1",
                    True,
                    "quality",
                    partial(labels.right, task.labels),
                    partial(labels.macro_f1, task.labels),
                    partial(labels.macro_f1_resampled, task.labels),
                ),
                Metric("accuracy", True, "quality", partial(labels.right, task.labels)),
            )
        case "qa":
            return (
                Metric("em", True, "quality", partial(spans.exact, task.language)),
                Metric("token_f1", True, "quality", partial(spans.token_f1, task.language)),
            )
        case "summary":
            return (Metric("rouge_l", True, "quality", partial(summaries.rouge_l, task.language)),)
        case "terms":
            return (Metric("terms", True, "quality", terms.said),)
        case "maths":
            steps = (Metric("steps", True, "quality", maths.steps_shown),) if any(c.steps for c in task.cases) else ()
            return (Metric("result", True, "quality", maths.right), *steps)
        case _:
            return (Metric(task.kind, True, "quality"),)
