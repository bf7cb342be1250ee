"""Whether a text says something, in one of the ways to say it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from engine.comparing.metrics.tokens import CJK, plain

_WORD = rf"[^\W{CJK}]"
_MARKUP = re.compile(r"[*`]|\\(?:text|mathrm|mathbf|left|right)\b|\\[,;! ]")


def says(text: str, ways: Iterable[str]) -> bool:
    """Whether ``text`` has one of the ``ways`` in it, as words of its own.

    Case, width, hyphens and an English plural make no difference, but an abbreviation in capitals (MI, IT) has to be in
    capitals. A number is no part of a longer one.
    """
    exact = re.sub(r"\s+", " ", _MARKUP.sub("", unicodedata.normalize("NFKC", text)))
    folded = plain(exact)
    return any(_way(way).search(exact if _abbreviation(way) else folded) for way in ways)


def _abbreviation(way: str) -> bool:
    return way.isascii() and way.isalpha() and way.isupper() and 2 <= len(way) <= 5


@lru_cache(maxsize=20_000)
def _way(way: str) -> re.Pattern[str]:
    said = unicodedata.normalize("NFKC", way.strip())
    said = _MARKUP.sub("", said) if _abbreviation(way) else plain(_MARKUP.sub("", said))
    spaced = r"\s*".join(
        r"[\s-]+".join(re.escape(word) for word in re.split(r"[\s-]+", part) if word)
        for part in re.split(r"\s*([=+*/^<>])\s*", said)
    )
    before, after = "", ""
    if re.match(_WORD, said):
        before = rf"(?<!{_WORD})" + (r"(?<!\d[.,])" if said[0].isdigit() else "")
    if re.search(rf"{_WORD}$", said):
        plural = "(?:e?s)?" if said[-1].isalpha() and said[-1].isascii() else ""
        after = rf"{plural}(?!{_WORD})" + (r"(?![.,]\d)" if said[-1].isdigit() else "")
    return re.compile(f"{before}{spaced}{after}" if spaced else r"(?!)")
