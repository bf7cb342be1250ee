"""A question for a comparison on a task → the engine's comparison, its ruling, and what is kept of both."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import engine
from bot.access import check_target
from bot.comparing.cached import folder_of
from bot.comparing.kept import compared_of
from bot.comparing.pace import Pace
from bot.comparing.records import Compared
from bot.comparing.ruling import rule
from bot.comparing.typed import prices_of
from bot.endpoints import resolve, unregistered
from bot.requests import OnTask, Origin, Request
from bot.settings import Settings
from bot.store import Store
from engine.errors import UsageError

if TYPE_CHECKING:
    from bot.comparing.uploads import Fetch
    from bot.presentation.going import Going, TaskLine
    from engine.comparing.records import Answered, Comparison, Task
    from engine.identification import Recommendation
    from engine.targets.endpoint import Endpoint

_OF_HARNESS = re.compile(r"lm-eval:[A-Za-z0-9_-]{1,100}")
"""A task of lm-eval's, by its name there; it is no file."""
USUAL_TOKENS = 500_000
"""What a comparison asked for in Slack may cost, where neither whoever asks nor whoever registered an endpoint says."""


class Runs(Protocol):
    """What running a comparison needs beside the question; a part of ``bot.answering.Work``."""

    @property
    def store(self) -> Store: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def started(self) -> Callable[[], None]: ...
    @property
    def on_going(self) -> Callable[[Going], None]: ...
    @property
    def stop(self) -> Callable[[], bool]: ...
    @property
    def fetch(self) -> Fetch: ...


def compared(request: Request, origin: Origin, work: Runs) -> Compared:
    """Ask both, and say what it came to.

    Raises:
        R1Error: one of the two, or the task, may not be asked or cannot be read; or it was called off before anything
            was asked.
    """
    asked, store, settings = request.on_task or OnTask(""), work.store, work.settings
    sides = [_side(request, target, origin, store, settings) for target in (request.target, request.other)]
    judge = _judge(request, asked.judge, origin, store, settings) if asked.judge else None
    advice = _advice(request, settings)
    work.started()
    task = task_of(asked, origin, work.fetch)
    made = _made(request, origin, sides, judge, task, work)
    if made.ended == "cancelled" and not made.asked:
        raise UsageError("comparison_called_off")
    return compared_of(made, task, rule(made, advice))


def task_of(asked: OnTask, origin: Origin, fetch: Fetch) -> Task:
    """The task that is meant: one that ships, one of lm-eval's, or that of a file; in Slack of an uploaded one only.

    Raises:
        R1Error: there is none of that name, or the file is no task.
    """
    from engine.comparing.tasks import load_task, parse_task, seeds

    kind = asked.kind or None
    if asked.file is not None:
        return parse_task(fetch(asked.file, asked.name), asked.name, kind=kind)
    shipped = seeds()
    if (seed := shipped.get(asked.name.lower())) is not None:
        if kind not in (None, seed.kind):
            raise UsageError("task_kind_shipped", name=seed.name, kind=seed.kind)
        return seed
    # What lies where the bot runs is not for people in Slack to read.
    if origin.surface != "cli" and not _OF_HARNESS.fullmatch(asked.name):
        raise UsageError("task_unknown_here", name=asked.name[:80], known=", ".join(shipped))
    return load_task(Path(asked.name).expanduser(), kind=kind)


def task_lines() -> tuple[TaskLine, ...]:
    """The tasks that ship."""
    from bot.presentation.going import TaskLine
    from engine.comparing.tasks import seeds

    return tuple(TaskLine(name, task.kind, task.language, len(task.cases)) for name, task in seeds().items())


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two, and the tokens that it may cost at most."""

    target: str | Endpoint
    most: int | None = None


def _made(
    request: Request,
    origin: Origin,
    sides: list[_Side],
    judge: _Side | None,
    task: Task,
    work: Runs,
) -> Comparison:
    from bot.presentation.going import Going

    pace, folder = Pace(), folder_of(work.settings, origin)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def on_progress(progress: Answered) -> None:
        left = pace.left(progress.done, progress.total)
        work.on_going(Going(progress.done, progress.total, left, progress.tokens))

    return engine.compare(
        sides[0].target,
        sides[1].target,
        task,
        gap=request.on_task.gap if request.on_task else None,
        prices=prices_of(request.on_task) if request.on_task else None,
        budget=_budget(request, origin, [*sides, *([judge] if judge else [])]),
        cache=folder,
        judge=judge.target if judge else None,
        on_progress=on_progress,
        cancelled=work.stop,
    )


def _side(request: Request, target: str | None, origin: Origin, store: Store, settings: Settings) -> _Side:
    """What a name stands for, as whoever asks may ask it: a registered endpoint, a URL in a terminal, or a path."""
    alone = replace(request, verb="identify", target=target, other=None, budget_tokens=None)
    with store.read() as session:
        asked = resolve(session, alone, origin, settings)
    check_target(alone, origin, settings, registered=asked is not None)
    if asked is None and origin.surface == "cli":
        asked = unregistered(alone, None)
    if asked is not None:
        return _Side(asked.endpoint, asked.most)
    return _Side(str(Path(target or "").expanduser()) if (target or "").startswith("~") else target or "")


def _judge(request: Request, name: str, origin: Origin, store: Store, settings: Settings) -> _Side:
    side = _side(request, name, origin, store, settings)
    if isinstance(side.target, str):
        raise UsageError("endpoint_unknown", name=name[:80])
    return side


def _budget(request: Request, origin: Origin, sides: list[_Side]) -> int | None:
    """Tokens that all of it may cost: as asked for, at most what every endpoint's owner allows.

    Raises:
        UsageError: more is asked for than an endpoint may cost.
    """
    capped = [side for side in sides if side.most is not None]
    least = min((side.most for side in capped if side.most is not None), default=None)
    wanted = request.budget_tokens
    if wanted is not None and least is not None and wanted > least and origin.surface != "cli":
        raise UsageError("budget_exceeds", name=(request.target or "")[:80], most=least)
    if wanted is not None:
        return wanted
    return least if least is not None or origin.surface == "cli" else USUAL_TOKENS


def _advice(request: Request, settings: Settings) -> Recommendation | None:
    """What the scenario rules say of the deployment, where something is demanded of it."""
    if not request.constraints and not request.scenario:
        return None
    from bot.answering import advised

    return advised(request, settings)
