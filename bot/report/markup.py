"""Lines of a reply as HTML. What is foreign in them keeps its characters and loses every meaning they could have."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_LONGEST = 300
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ue000-\ue004\ufeff]+")
# Private characters stand for marks that are foreign, and around what is foreign.
_KEPT = str.maketrans({"*": "\ue000", "_": "\ue001", "`": "\ue002"})
_BACK = str.maketrans({"\ue000": "*", "\ue001": "_", "\ue002": "`", "\ue003": "<bdi>", "\ue004": "</bdi>"})
_PLAIN = str.maketrans({"\ue000": "*", "\ue001": "_", "\ue002": "`", "\ue003": None, "\ue004": None})
_CODE = re.compile(r"`([^`\n]+)`")
_BOLD = re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])")
_ASIDE = re.compile(r"(?<!\w)_\(([^\n]+?)\)_(?!\w)")


def mark(value: object) -> str:
    """Foreign text that can neither format nor turn the text around it: an island of its own direction."""
    if not (text := harmless(value)):
        return ""
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return f"\ue003{text.translate(_KEPT)}\ue004" if text.strip() else "–"


def harmless(value: object) -> str:
    """Text without control and direction characters, as it is otherwise."""
    return _HIDDEN.sub(" ", str(value))


def rich(line: str) -> Markup:
    """A line, its own marks as HTML and everything else escaped."""
    text = str(escape(line))
    text = _CODE.sub(r"<code>\1</code>", text)
    text = _BOLD.sub(r"<strong>\1</strong>", text)
    text = _ASIDE.sub(r'<span class="aside">(\1)</span>', text)
    return Markup(text.translate(_BACK))


def plain(line: str) -> str:
    """A line without its marks, for a title or an attribute."""
    return _BOLD.sub(r"\1", _CODE.sub(r"\1", line)).translate(_PLAIN)
