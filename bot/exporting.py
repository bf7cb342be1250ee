"""History as a file or on standard output, in a terminal: streamed, however long it is."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import click

from bot.requests import Lang
from bot.store import Store
from bot.store.export import Entry, csv_lines, entries
from bot.store.looks import Span, Whose
from bot.terminal import mark
from engine.errors import UsageError


def write_table(store: Store, target: str | None, span: Span, limit: int | None, file: Path, lang: Lang) -> None:
    """Write history as CSV to a file, or, for ``-``, to standard output.

    Raises:
        UsageError: the file cannot be written.
    """
    if str(file) == "-":
        _write(store, target, span, limit, sys.stdout.buffer)
        return
    try:
        with file.open("wb") as out:
            count = _write(store, target, span, limit, out)
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        raise UsageError("report_unwritable", file=mark(file), problem=problem) from error
    from bot.presentation.view import words

    click.echo(words(lang)["looks"]["wrote"].format(count=f"{count:,}", file=mark(file)), err=True)


def print_entries(store: Store, target: str | None, span: Span, limit: int | None) -> None:
    """Print history as a JSON list, an entry a line."""
    before = "["
    with store.read() as session:
        for entry in islice(entries(session, Whose(), target=target, span=span), limit):
            shown = {**entry, "created": entry["created"].isoformat()}
            click.echo((before + "\n" + json.dumps(shown, ensure_ascii=False)).encode("utf-8", "replace"), nl=False)
            before = ","
    click.echo("[]" if before == "[" else "\n]")


def _write(store: Store, target: str | None, span: Span, limit: int | None, out: BinaryIO) -> int:
    count = 0

    def counted(rows: Iterator[Entry]) -> Iterator[Entry]:
        nonlocal count
        for row in rows:
            count += 1
            yield row

    with store.read() as session:
        for line in csv_lines(counted(islice(entries(session, Whose(), target=target, span=span), limit))):
            out.write(line.encode("utf-8", "replace"))
    out.flush()
    return count
