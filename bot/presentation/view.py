"""The parts of a reply, and the words it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from engine.text import parse_yaml

Mark = Callable[[object], str]
"""Makes foreign text harmless on a surface."""


@dataclass(frozen=True, slots=True)
class Part:
    """A titled group of lines; ``quiet`` parts are set small. ``code``, as it is to be copied, follows the lines;
    ``after`` follows the code."""

    lines: tuple[str, ...]
    title: str = ""
    quiet: bool = False
    code: str = ""
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """A reply: a headline, one summary line for notifications, and parts in reading order."""

    headline: str
    summary: str
    parts: tuple[Part, ...] = ()
    fields: tuple[str, ...] = field(default=())


@cache
def words(lang: str) -> dict[str, Any]:
    """The bot's own words in a language."""
    text = files("bot.templates").joinpath(lang, "words.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = parse_yaml(text)
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
