"""The fields of a comparison on a task: one that ships or a file, the gap that matters, a judge, what it may cost."""

from __future__ import annotations

import json
import re

from bot.comparing.uploads import FILETYPES, most_text, upload_of
from bot.pasted import holds_secret
from bot.presentation import words
from bot.requests import MOST_TOKENS, OnTask, Request
from bot.slack.forms.fields import Block, Typed, Where, Wrong, field, menu, number, text
from bot.slack.forms.targets import Offered
from engine.errors import R1Error, UsageError

IDENTITY = "-"
"""Stands in the menu for no task: the two are compared by what they are."""
_POINTS = re.compile(r"\d{1,2}(?:[.,]\d)?")


def task_fields(given: Request, where: Where, offered: Offered) -> list[Block]:
    """What is known already is filled in."""
    from engine.comparing.tasks import seeds

    said, on_task = words(where.lang)["tasks"]["form"], given.on_task
    shown = {IDENTITY: said["by_identity"], **{name: name for name in seeds()}}
    chosen = on_task.name.lower() if on_task is not None and on_task.file is None else IDENTITY
    gap = f"{100 * on_task.gap:g}" if on_task is not None and on_task.gap else ""
    blocks = [
        field("task", said["task"], menu(said["task"], shown, chosen)),
        field(
            "file", said["file"], {"type": "file_input", "filetypes": list(FILETYPES), "max_files": 1}, most=most_text()
        ),
        field(
            "kind",
            said["kind"],
            menu(said["kind"], words(where.lang)["tasks"]["kinds"], (on_task and on_task.kind) or ""),
        ),
        field("gap", said["gap"], text(said["gap"], gap, 5)),
    ]
    if offered.names:
        judge = on_task.judge if on_task is not None and on_task.judge else ""
        blocks.append(field("judge", said["judge"], menu(said["judge"], {name: name for name in offered.names}, judge)))
    budget = str(given.budget_tokens) if given.budget_tokens else ""
    return [*blocks, field("budget", said["budget"], number(MOST_TOKENS, budget))]


def task_typed(typed: Typed) -> tuple[OnTask | None, int | None]:
    """The task that was chosen or uploaded, and what it may cost; ``None``: none was.

    Raises:
        Wrong: both were, the file is no task, or something is said of a task and none is named.
    """
    name, errors = typed.get("task", ""), dict[str, R1Error]()
    name, file, gap = "" if name == IDENTITY else name, None, None
    try:
        if typed.get("file"):
            chosen = upload_of(json.loads(typed["file"]))
            if name:
                raise UsageError("task_twice")
            if holds_secret(chosen.name):
                raise UsageError("secret_in_form")
            name, file = chosen.name, chosen.id
    except UsageError as error:
        errors["file"] = error
    try:
        gap = _gap(typed.get("gap", ""))
    except UsageError as error:
        errors["gap"] = error
    budget = typed.get("budget", "")
    if not name and not errors and (gap is not None or typed.get("judge")):
        errors["task"] = UsageError("task_missing")
    if errors:
        raise Wrong(errors)
    kind = typed.get("kind") or None if file is not None else None  # a task that ships is of its own kind
    on_task = OnTask(name, file, kind, gap, typed.get("judge") or None) if name else None
    return on_task, int(budget) if budget else None


def _gap(said: str) -> float | None:
    said = said.strip().rstrip("%％点 ")
    if not said:
        return None
    if not _POINTS.fullmatch(said) or not float(said.replace(",", ".")):
        raise UsageError("task_gap")
    return float(said.replace(",", ".")) / 100
