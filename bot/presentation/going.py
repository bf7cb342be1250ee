"""How far a comparison on a task is, in words; and which tasks there are."""

from __future__ import annotations

from dataclasses import dataclass

from bot.presentation.tasks import article_part
from bot.presentation.view import Button, Mark, Part, Table, View, words
from bot.requests import Lang, Request


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task that ships, in a line."""

    name: str
    kind: str
    language: str
    cases: int


@dataclass(frozen=True, slots=True)
class Going:
    """How far a comparison is: cases that both answered, of so many; ``left``: seconds, where that can be said."""

    done: int
    total: int
    left: float | None = None
    tokens: int = 0


def going_text(request: Request, going: Going | None, mark: Mark) -> str:
    """A line: which two on what, how far, how long yet."""
    lang = request.lang
    said = words(lang)["tasks"]["going"]
    task = request.on_task.name if request.on_task is not None else ""
    text = str(said["text"].format(a=mark(request.target), b=mark(request.other), task=mark(task)))
    return f"{text} {far_text(going, lang)}" if going is not None else text


def far_text(going: Going, lang: Lang) -> str:
    """``12 of 60 cases, about 4 min left, 31,000 tokens so far``."""
    said = words(lang)["tasks"]["going"]
    parts = [said["cases"].format(done=going.done, total=going.total)]
    if going.left is not None:
        parts.append(said["left"].format(left=span_text(going.left, lang)))
    if going.tokens:
        parts.append(said["tokens"].format(tokens=f"{going.tokens:,}"))
    return ("，" if lang == "zh" else ", ").join(parts)


def span_text(seconds: float, lang: Lang) -> str:
    """A time in words, as exact as one would say it."""
    said = words(lang)["tasks"]["going"]
    whole = max(1, round(seconds))
    if whole < 90:
        return str(said["seconds"].format(seconds=whole))
    minutes = round(whole / 60)
    if minutes < 60:
        return str(said["minutes"].format(minutes=minutes))
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return str(said["hours"].format(hours=hours, minutes=minutes))
    return str(said["many"].format(days=hours // 24, hours=hours % 24))


def tasks_view(tasks: tuple[TaskLine, ...], request: Request, mark: Mark, *, prefix: str) -> View:
    """The tasks that ship, how to compare on one, and the article's own table."""
    lang = request.lang
    said = words(lang)["tasks"]
    listed, heads = said["list"], said["list"]["heads"]
    rows = [
        (mark(one.name), said["kinds"][one.kind], listed["languages"][one.language], f"{one.cases:,}") for one in tasks
    ]
    table = Table((heads["name"], heads["kind"], heads["language"], heads["cases"]), tuple(rows))
    in_slack = prefix.startswith("/")
    how = listed["own_slack" if in_slack else "own_terminal"].format(p=prefix)
    lines = [listed["how"].format(p=prefix, name=tasks[0].name)] if tasks else []
    lines.append(listed["own"].format(how=how))
    first = Part((), table=table) if tasks else Part((listed["none"],))
    label = words(lang)["home"]["ask"]["compare"]
    buttons = (Button("form_compare", label, " "),) if in_slack else ()
    return View(listed["title"], listed["title"], (first, Part(tuple(lines)), article_part(lang)), buttons=buttons)
