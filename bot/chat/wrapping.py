"""Lines broken as Chinese and English are broken, the rest of a listed line below its own first word."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.text import Text

_LISTED = re.compile(r"(?:•|\d{1,2}\.|[✓✗!?→]) +")
_CLOSING = frozenset("，。；：！？、）」』》〉”’…％%,.;:!?)]}")
_OPENING = frozenset("（「『《〈“‘([{")


class Line:
    """A line of an answer, set ``indent`` to the right."""

    def __init__(self, text: Text, indent: int) -> None:
        self.text, self.indent = text, indent

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        listed = _LISTED.match(self.text.plain)
        below = self.indent + (cell_len(listed[0]) if listed else 0)
        offsets = list(breaks(self.text.plain, options.max_width - self.indent, options.max_width - below))
        for number, line in enumerate(self.text.divide(offsets)):
            line.rstrip()
            shown = Text(" " * (below if number else self.indent)).append_text(line)
            shown.no_wrap, shown.overflow = True, "ignore"
            yield shown


def breaks(text: str, first: int, rest: int) -> Iterator[int]:
    """Where to begin a new line so that none is wider than ``first`` cells, those after the first than ``rest``; a
    word that is wider alone is not cut, so that it can be copied."""
    room, used, start = first, 0, 0
    for word, spaces in _pieces(text):
        width = cell_len(word)
        if used and used + width > room:
            yield start
            room, used = rest, 0
        used += width + cell_len(spaces)
        start += len(word) + len(spaces)


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """What stays together, each with the spaces behind it."""
    at = 0
    while at < len(text):
        end = at + 1
        while end < len(text) and not _parts(text[end - 1], text[end]):
            end += 1
        behind = end
        while behind < len(text) and text[behind] == " ":
            behind += 1
        yield text[at:end], text[end:behind]
        at = behind


def _parts(left: str, right: str) -> bool:
    """Whether a line may end between two characters: at a space, or beside a Chinese one."""
    if right == " ":
        return True
    wide = cell_len(left) == 2 or cell_len(right) == 2
    return wide and right not in _CLOSING and left not in _OPENING
