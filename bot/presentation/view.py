"""The parts of a reply, and the words it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from engine.text import parse_yaml

Mark = Callable[[object], str]
"""Makes foreign text harmless on a surface."""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns' heads, and rows of as many cells. Cells are marked as lines are."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A titled group of lines; ``quiet`` parts are set small. ``code``, as it is to be copied, follows the lines;
    ``table`` follows both, and ``after`` all of them."""

    lines: tuple[str, ...]
    title: str = ""
    quiet: bool = False
    code: str = ""
    after: tuple[str, ...] = ()
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Button:
    """Something to press, where a surface has buttons. ``value`` is what the action is about (a verdict's id, a
    question's id, a command line); ``sure`` asks whether the person is sure before it acts."""

    action: str
    label: str
    value: str
    style: Literal["primary", "danger"] | None = None
    sure: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """A reply: a headline, one summary line for notifications, and parts in reading order. ``judged``: the verdict
    that people may call right or wrong."""

    headline: str
    summary: str
    parts: tuple[Part, ...] = ()
    fields: tuple[str, ...] = field(default=())
    buttons: tuple[Button, ...] = ()
    judged: str | None = None


@cache
def words(lang: str) -> dict[str, Any]:
    """The bot's own words in a language, of all its files."""
    loaded: dict[str, Any] = {}
    for file in files("bot.templates").joinpath(lang).iterdir():
        if file.name.endswith(".yaml"):
            loaded |= parse_yaml(file.read_text(encoding="utf-8"))
    return loaded


def marked(values: Mapping[str, Any], mark: Mark) -> dict[str, Any]:
    """A sentence's values, everything that may have come from outside made harmless."""
    return {name: _marked(value, mark) for name, value in values.items()}


def _marked(value: Any, mark: Mark) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, list | tuple):
        return ", ".join(str(_marked(part, mark)) for part in value)
    return mark(value)


def percent(share: float) -> str:
    """A probability as a person reads it; never a certainty."""
    return f"{min(share, 0.999):.1%}"
