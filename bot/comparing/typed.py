"""What is typed behind `compare`: the task on which two models are compared, or which tasks there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.options import TASKS, Parsed
from bot.requests import OnTask, Request
from engine.errors import UsageError


def lists(words: Sequence[str]) -> bool:
    """Whether words after ``compare`` ask which tasks there are."""
    return len(words) == 1 and words[0].lower() in TASKS


def on_task(request: Request, parsed: Parsed) -> Request:
    """The request with the task that the options name, and what is demanded of the deployment.

    Raises:
        UsageError: something is said of a task, and none is named; or a value makes no sense.
    """
    name = parsed.one("--task").strip()
    if not name:
        if {"--task", "--kind", "--gap", "--judge", "--scenario", "--constraint", "--ttft"} & set(parsed.options):
            raise UsageError("task_missing")
        return request
    gap, judge = parsed.share("--gap"), parsed.one("--judge").strip() or None
    demands = parsed.without("--task").constraints()
    return replace(
        request,
        on_task=OnTask(name, kind=parsed.one("--kind").strip().lower() or None, gap=gap, judge=judge),
        constraints=demands,
        scenario=" ".join(parsed.options.get("--scenario", [])),
    )
