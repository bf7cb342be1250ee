"""Text as metrics read it: without what is typography alone, and cut into words or, in Chinese, characters."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
"""Of a character class: the Chinese characters."""
_TOKEN = re.compile(rf"[{CJK}]|[^\W_{CJK}]+(?:\.\d+)?")
_ZERO_WIDTH = re.compile("[\u200b-\u200d\u2060\ufeff\u00ad]")


def plain(text: str) -> str:
    """``text`` in compatibility form (full-width letters become ASCII), in small letters, without zero-width characters."""
    return _ZERO_WIDTH.sub("", unicodedata.normalize("NFKC", text)).casefold()


@lru_cache(maxsize=20_000)
def tokens(text: str) -> tuple[str, ...]:
    """Every Chinese character, and every run of other letters or digits; punctuation is none. Decimals stay whole."""
    return tuple(_TOKEN.findall(plain(text)))


def without_punctuation(text: str) -> str:
    """``text`` less all that Unicode calls punctuation, and what ASCII does besides (``$+<=>^`|~``)."""
    return "".join(char for char in text if char not in "$+<=>^`|~" and not unicodedata.category(char).startswith("P"))
