"""What is typed behind `compare`: the task on which two models are compared, or which tasks there are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bot.options import TASKS, Parsed
from bot.requests import OnTask, Request
from engine.errors import UsageError

_PRICE = re.compile(r"\d{1,4}(?:\.\d{1,4})?/\d{1,4}(?:\.\d{1,4})?")


def lists(words: Sequence[str]) -> bool:
    """Whether words after ``compare`` ask which tasks there are."""
    return len(words) == 1 and words[0].lower() in TASKS


def on_task(request: Request, parsed: Parsed) -> Request:
    """The request with the task that the options name, and what is demanded of the deployment.

    Raises:
        UsageError: something is said of a task, and none is named; or a value makes no sense.
    """
    name = parsed.one("--task").strip()
    prices = [_price(parsed, option) for option in ("--price-a", "--price-b")]
    if not name:
        if {
            "--task",
            "--kind",
            "--gap",
            "--judge",
            "--scenario",
            "--constraint",
            "--ttft",
            "--price-a",
            "--price-b",
        } & set(parsed.options):
            raise UsageError("task_missing")
        return request
    gap, judge = parsed.share("--gap"), parsed.one("--judge").strip() or None
    demands = parsed.without("--task").constraints()
    return replace(
        request,
        on_task=OnTask(
            name,
            kind=parsed.one("--kind").strip().lower() or None,
            gap=gap,
            judge=judge,
            price_a=prices[0],
            price_b=prices[1],
        ),
        constraints=demands,
        scenario=" ".join(parsed.options.get("--scenario", [])),
    )


def prices_of(asked: OnTask) -> dict[str, tuple[float, float]]:
    """By side, US dollars for a million prompt tokens and a million generated ones; none for what has no price."""
    named = {"a": asked.price_a, "b": asked.price_b}
    return {
        side: (float(price.split("/")[0]), float(price.split("/")[1]))
        for side, price in named.items()
        if price is not None
    }


def _price(parsed: Parsed, option: str) -> str | None:
    value = parsed.one(option).strip()
    if option not in parsed.options:
        return None
    if not _PRICE.fullmatch(value):
        raise UsageError("option_price", option=option, value=value[:20])
    return value
