"""What a terminal shows: views as text, JSON, and how far a question is."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pathlib import Path

    from bot.jobs import Answer
    from bot.presentation import View
    from bot.requests import Lang, Request
    from engine.errors import R1Error
    from engine.pictures.picture import Picture

_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]+")
_BOLD = re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])")
_QUIET = re.compile(r"(?<!\w)_\(([^\n]+?)\)_(?!\w)")


def mark(value: object) -> str:
    """Foreign text without anything a terminal would obey (escape sequences, direction marks)."""
    text = _HIDDEN.sub(" ", str(value))
    return text if len(text) <= 300 else text[:299] + "…"


def render(view: View, *, colour: bool = False) -> str:
    """The view as lines; bold where the terminal shows colours."""
    from dataclasses import replace

    from bot.presentation.view import Table

    bold = "\x1b[1m\\1\x1b[0m" if colour else r"\1"

    def shown(lines: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_BOLD.sub(bold, _QUIET.sub(r"(\1)", line).replace("`", "")) for line in lines)

    def tabled(table: Table | None) -> Table | None:
        """Without bold, whose signs would count as letters of a column."""
        flat = (
            [tuple(cell.replace("`", "").replace("*", "") for cell in row) for row in (table.heads, *table.rows)]
            if table
            else []
        )
        return Table(flat[0], tuple(flat[1:])) if flat else None

    parts = tuple(
        replace(
            part, lines=shown(part.lines), after=shown(part.after), code=copied(part.code), table=tabled(part.table)
        )
        for part in view.parts
    )
    view = replace(view, headline=shown((view.headline,))[0], fields=shown(view.fields), parts=parts)
    return str(_layout().render(view=view)).strip("\n")


def copied(code: str) -> str:
    """Code as it is to be copied, without anything a terminal would obey."""
    return "\n".join(_HIDDEN.sub(" ", line) for line in code.splitlines())


def show(request: Request, answer: Answer) -> None:
    """Print an answer."""
    from bot.presentation import present

    click.echo(render(present(answer, request, mark, prefix="r1 "), colour=sys.stdout.isatty()))


def give(request: Request, answer: Answer, *, as_json: bool) -> int:
    """Print an answer, for people or as JSON; returns the exit code."""
    from bot.exits import code_of

    if as_json:
        from bot.as_json import json_of

        print_json(json_of(answer))
    else:
        show(request, answer)
    return code_of(answer)


def save_picture(picture: Picture, file: Path, lang: Lang) -> None:
    """Write a picture to a file, and say where it is; standard output may be JSON.

    Raises:
        UsageError: the file cannot be written.
    """
    from engine.errors import UsageError
    from engine.text import say

    try:
        file.write_bytes(picture.png)
    except OSError as error:
        raise UsageError("picture_unwritable", file=str(file), problem=error.strerror or str(error)) from error
    click.echo(str(file), err=True)
    if picture.lang != lang:
        click.echo(say("pictures.no_font", lang), err=True)


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    import json

    # A path may hold bytes that are no UTF-8; they are shown as question marks rather than not at all.
    click.echo(json.dumps(value, ensure_ascii=False, indent=2).encode("utf-8", "replace"))


def error_json(error: R1Error, lang: str) -> dict[str, Any]:
    """A refusal: its code, and its sentence in the reader's language."""
    return {"error": {"code": error.code, "sentence": error.sentence(lang)}}


def progress_line(lang: Lang) -> Callable[[Any], None] | None:
    """A line on stderr that says how far it is, where somebody is watching."""
    if not sys.stderr.isatty():
        return None
    from bot.presentation import stage_text

    def show(progress: Any) -> None:
        text = stage_text(lang, progress.stage, progress.done, progress.total)
        end = "\r\x1b[K" if progress.done == progress.total else ""
        click.echo(f"\r\x1b[K{text}{end}", err=True, nl=False)

    return show


def spoken_here() -> Lang:
    """Chinese where the environment's locale is, else English."""
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if locale.lower().startswith("zh") else "en"


@cache
def _layout() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from bot.presentation.columns import columns

    environment = Environment(loader=PackageLoader("bot", "templates/layout"), undefined=StrictUndefined)
    environment.filters["columns"] = columns
    return environment.get_template("message.txt.j2")
