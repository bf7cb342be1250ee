"""Views as terminal text."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from bot.presentation import View

_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]+")
_BOLD = re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])")
_QUIET = re.compile(r"(?<!\w)_\(([^\n]+?)\)_(?!\w)")


def mark(value: object) -> str:
    """Foreign text without anything a terminal would obey (escape sequences, direction marks)."""
    text = _HIDDEN.sub(" ", str(value))
    return text if len(text) <= 300 else text[:299] + "…"


def render(view: View, *, colour: bool = False) -> str:
    """The view as lines; bold where the terminal shows colours."""
    text = str(_layout().render(view=view)).strip("\n")
    text = _QUIET.sub(r"(\1)", text).replace("`", "")
    return _BOLD.sub("\x1b[1m\\1\x1b[0m" if colour else r"\1", text)


@cache
def _layout() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(loader=PackageLoader("bot", "templates/layout"), undefined=StrictUndefined)
    return environment.get_template("message.txt.j2")
