"""What a person at a terminal sees of a conversation: evidence as it appears, answers, choices."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.spinner import Spinner
from rich.table import Table as Grid
from rich.text import Text

from bot.chat.conversation import Turn
from bot.chat.wrapping import Line
from bot.presentation import words, working_text
from bot.presentation.verdicts import seen_text
from bot.presentation.view import Part, Table, View
from bot.requests import Lang, Request
from bot.terminal import copied, mark, render
from engine.identification import OnProgress, Progress
from engine.text import say

_MARKS = re.compile(
    r"(?<![\w*])\*(?P<bold>[^*\n]+)\*(?![\w*])|`(?P<code>[^`\n]+)`|(?<!\w)_(?P<quiet>\([^\n]+?\))_(?!\w)"
)
_STYLES = {"bold": "bold", "code": "cyan", "quiet": "dim"}
_COLOURS = {"✓": "bold green", "✗": "bold red", "?": "bold yellow"}
_INDENT = 2


class Screen:
    """Lays out turns on standard output; into a pipe without colours, and nothing is broken into lines there."""

    def __init__(self, lang: Lang, *, colour: bool) -> None:
        self.said = words(lang)["chat"]
        self.console = Console(no_color=None if colour else True, highlight=False, emoji=False, markup=False)
        if not self.console.is_terminal:
            self.console.soft_wrap = True
        self._live = self.console.is_terminal and not self.console.is_dumb_terminal

    def greet(self) -> None:
        """Say who is there, and how to end."""
        self.console.print(Line(Text(self.said["greeting"], "bold"), 0))
        self.console.print(Line(Text(self.said["how"], "dim"), 0))

    def echo(self, line: str) -> None:
        """A line that came from a pipe, so that answers can be told from each other."""
        self.console.print(Text(f"› {mark(line)}", "bold"))

    def stopped(self) -> None:
        """An answer or a line was left."""
        self.console.print(Text(f"\n{self.said['stopped']}", "yellow"))

    def farewell(self) -> None:
        """The conversation is over."""
        self.console.print(Text(f"\n{self.said['bye']}", "dim"))

    def show(self, turn: Turn) -> None:
        """An answer, where its files are, and what may be chosen."""
        said = words(turn.request.lang)["chat"]
        for part in _laid_out(turn.view) if self.console.is_terminal else (render(turn.view),):
            self.console.print(part, soft_wrap=isinstance(part, Text | str))
        for file in turn.files:
            self.console.print()
            self.console.print(Text.assemble("  ", (said["file"], "dim"), mark(file)))
        if turn.choices:
            self.console.print()
            self._offer(turn, said)
        self.console.print()

    @contextmanager
    def watching(self, request: Request) -> Iterator[OnProgress]:
        """Show how far a question is: what each probe saw, as soon as it saw it."""
        if not self._live or request.verb not in ("identify", "compare"):
            yield lambda progress: None
            return
        steps = _Steps(request)
        live = Live(steps, console=self.console, refresh_per_second=10, transient=True)
        try:  # not by its own context, which leaves it running when Ctrl-C comes while it starts
            live.start()
            yield steps.take
        finally:
            live.stop()

    def _offer(self, turn: Turn, said: dict[str, str]) -> None:
        labels = [f"{number} {mark(choice.label)}" for number, choice in enumerate(turn.choices, 1)]
        if turn.asks is not None:
            for label in labels:
                self.console.print(Text(f"  {label}", "cyan"))
            self.console.print(Text(f"  {said['choose']}", "dim"))
        else:
            self.console.print(Text("  " + "   ".join(labels), "cyan"))


class _Steps:
    """Steps so far, as lines: those that showed something with what they showed, and the one that is under way."""

    def __init__(self, request: Request) -> None:
        self.lang, self.title = request.lang, working_text(request, mark)
        self.rows: list[Text] = []
        self.now: Progress | None = None
        self.spinner = Spinner("dots", style="cyan")

    def take(self, progress: Progress) -> None:
        """The next step, or what one has shown."""
        self.now = progress
        if progress.evidence is not None:
            row, lang = progress.evidence, self.lang
            title = say(f"evidence.{row.probe}.title", lang)
            strength = say(f"evidence.strength.{row.strength}", lang)
            line = Text.assemble("  ✓ ", (title, "bold"), (f" ({strength}) ", "dim"), _text(seen_text(row, lang, mark)))
            line.no_wrap, line.overflow = True, "ellipsis"
            line.stylize("green", 2, 3)
            self.rows.append(line)

    def __rich__(self) -> RenderableType:
        stages = words(self.lang)["working"]["stages"]
        lines: list[RenderableType] = [Text(self.title, "bold"), *self.rows]
        if self.now is not None:
            self.spinner.update(text=Text(stages.get(self.now.stage, self.now.stage), "cyan"))
            lines.append(Padding(self.spinner, (0, 0, 0, _INDENT)))
            ahead = " · ".join(stages.get(stage, stage) for stage in self.now.ahead)
            if ahead:
                lines.append(Padding(Text(ahead, "dim", no_wrap=True, overflow="ellipsis"), (0, 0, 0, 2 * _INDENT)))
        return Group(*lines)


def _laid_out(view: View) -> Iterator[RenderableType]:
    headline = _text(view.headline)
    headline.stylize(_COLOURS.get(view.headline[:1], "bold"))
    yield Line(headline, 0)
    for field in view.fields:
        yield Line(_text(field), _INDENT)
    for part in view.parts:
        yield from _part(part)


def _part(part: Part) -> Iterator[RenderableType]:
    yield Text("")
    if part.title:
        yield Text(part.title, "bold underline" if not part.quiet else "dim")
    for line in part.lines:
        yield Line(_text(line, "dim" if part.quiet else ""), _INDENT)
    for line in copied(part.code).splitlines():  # it is not broken into lines, so that it can be copied
        yield Text(f"    {line}", no_wrap=True, overflow="ignore")
    if part.table is not None:
        yield Padding(_grid(part.table), (0, 0, 0, _INDENT))
    for line in part.after:
        yield Line(_text(line), _INDENT)


def _grid(table: Table) -> Grid:
    grid = Grid(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for head in table.heads:
        grid.add_column(head, overflow="fold")
    for row in table.rows:
        grid.add_row(*(_text(cell) for cell in row))
    return grid


def _text(line: str, style: str = "") -> Text:
    """A line with its marks as styles."""
    text, at = Text(style=style), 0
    for found in _MARKS.finditer(line):
        text.append(line[at : found.start()])
        kind = found.lastgroup or ""
        text.append(found[kind], _STYLES.get(kind, ""))
        at = found.end()
    text.append(line[at:])
    return text
