"""Columns of equal width, where a surface shows tables in letters of one width."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Sequence

from bot.presentation.view import Table


def aligned(head: Sequence[str], rows: Iterable[Sequence[str]], *, words: Collection[int] = (0,)) -> str:
    """Columns of equal width, ``words`` to the left and figures to the right; a Chinese character takes two."""
    every = [list(head), *map(list, rows)]
    widths = [max(_width(row[column]) for row in every) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            _padded(cell, width, left=column in words)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in every
    )


def columns(table: Table) -> list[str]:
    """A table as lines, every column to the left. Rows that are too short are filled up."""
    count = max(len(row) for row in (table.heads, *table.rows))
    every = [(*row, *[""] * (count - len(row))) for row in (table.heads, *table.rows)]
    flat = [tuple(" ".join(cell.split()) for cell in row) for row in every]
    return aligned(flat[0], flat[1:], words=range(count)).split("\n")


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _padded(text: str, width: int, *, left: bool) -> str:
    space = " " * (width - _width(text))
    return text + space if left else space + text
