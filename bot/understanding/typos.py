"""Words that are mistyped by one letter, put right. Pure.

A letter too few, too many, or two that changed places: another letter in its place makes too many real words
("match" of "watch"). Only long words may have one, where no real word is near.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from bot.understanding.lexicon import lexicon

_WORD = re.compile(r"(?<![\w./:@#-])[a-z]{4,14}(?![\w/:@-]|\.\w)", re.IGNORECASE | re.ASCII)
_LONG = 7


def corrected(text: str) -> str:
    """``text`` with mistyped words that ask for something put right, in English and Chinese."""
    words = lexicon()
    for wrong, right in words.misspelt.items():
        text = text.replace(wrong, right)
    return _WORD.sub(lambda match: nearest(match[0].lower(), words.correctable) or match[0], text)


def nearest(word: str, known: Collection[str], *, real: Collection[str] = ()) -> str | None:
    """The only known word that ``word`` is one slip away from; ``None`` where it is known itself, or real."""
    if word in known or word in lexicon().real or word in real:
        return None
    near = [one for one in known if _slip(word, one)]
    return near[0] if len(near) == 1 else None


def _slip(typed: str, meant: str) -> bool:
    if abs(len(typed) - len(meant)) > 1 or len(meant) < 4:
        return False
    at = next((place for place, (one, two) in enumerate(zip(typed, meant, strict=False)) if one != two), None)
    if at is None:
        return len(typed) != len(meant) and not meant.startswith(typed[:-1] + "s")
    if len(typed) < len(meant):
        return typed[at:] == meant[at + 1 :]
    if len(typed) > len(meant):
        return typed[at + 1 :] == meant[at:]
    swapped = typed[at : at + 2] == meant[at : at + 2][::-1] and typed[at + 2 :] == meant[at + 2 :]
    return swapped or (len(meant) >= _LONG and typed[at + 1 :] == meant[at + 1 :])
