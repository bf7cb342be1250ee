"""Models that are named by their size, or as the full one, by their names at Ollama. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

_SIZES = ("1.5", "7", "8", "14", "32", "70", "671")
_SPELLED = {
    "seven": "7", "eight": "8", "fourteen": "14", "thirty-two": "32", "thirty two": "32", "seventy": "70", "一点五": "1.5",
    "七": "7", "八": "8", "十四": "14", "三十二": "32", "七十": "70", "六百七十一": "671",
}  # fmt: skip
_NUMBER = "|".join(re.escape(word) for word in sorted((*_SIZES, *_SPELLED), key=len, reverse=True))
_FAMILY = r"(?:deepseek[ _-]?)?(?:r1[ _-]?)?(?:distil\w{0,4}[ _-]?)?(?:(?:qwen|llama)[ _-]?(?:[23](?:\.\d)?[ _-])?)?"
_SIZE = re.compile(
    rf"(?<![\w.]){_FAMILY}(?<![\d.])(?P<size>{_NUMBER})[ -]?(?:b|billion)(?![a-z0-9])(?:[ _-]?(?:distil\w{{0,6}}|蒸馏))?",
    re.IGNORECASE | re.ASCII,
)
_NAMED = re.compile(
    r"(?<![\w/.-])(?P<name>d[a-z]{5,9}[ _-]?r1)(?:[ _-]distil\w{0,4})?(?:[ _-](?:qwen|llama))?[ :_-](?P<size>1\.5|7|8|14|32|70|671)b(?![a-z0-9])",
    re.I | re.A,
)
_FULL = re.compile(
    r"满血(?:版|的)?(?:\s?(?:deepseek[ -]?)?r1(?![\w-]))?|(?:完整|全量|未蒸馏|原)版(?:的)?(?:\s?(?:deepseek[ -]?)?r1(?![\w-]))?"
    r"|\bfull(?:[- ]?(?:size|sized|blown|fat|weight))?[ -](?:deepseek[- ]?)?(?:r1|model|one|version|thing|weights)\b|\bundistilled(?: r1| model| one)?\b"
    r"|\b(?:full|real|whole|entire|complete|original|big|genuine) (?:deepseek[- ]?)?r1\b|\bthe full(?: (?:r1|deepseek(?:[- ]r1)?|model|one|version|thing|weights(?! \w{0,3}inspect))\b|(?=$|[?.!,;:)\n]| (?:on|in|with|at|for|or|and|vs|run|runs|fit|fits|need|needs|too|at|be|then|please|pls)\b))",
    re.IGNORECASE | re.ASCII,
)
_PLAIN = re.compile(r"(?<![\w/.-])(?:deepseek[ -]?)?r1(?![\w.:-]*\w)(?!\s?(?:detective))", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Model:
    """``text[start:end]`` means ``name``. ``weak``: as "R1" alone, which may be the family."""

    name: str
    start: int
    end: int
    weak: bool = False


def find_models(text: str) -> tuple[Model, ...]:
    """Every model named so, in order."""
    found = sorted(_found(text), key=lambda one: (one.start, -one.end))
    kept: list[Model] = []
    for one in found:
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return tuple(kept)


def nearest_name(spec: str) -> str:
    """A name at Ollama with a mistyped family put right: ``deepsek-r1:32b``."""
    family, colon, size = spec.lower().partition(":")
    if family in ("r1", "deepseekr1", "deepseek_r1", "ds-r1", "dsr1"):
        return f"deepseek-r1{colon}{size}"
    near = difflib.get_close_matches(family, ("deepseek-r1",), 1, 0.85)
    return f"{near[0]}{colon}{size}" if near and colon else spec


def _found(text: str) -> Iterator[Model]:
    for match in _NAMED.finditer(text):
        if difflib.SequenceMatcher(None, "deepseek-r1", match["name"].lower()).ratio() >= 0.8:
            yield Model(f"deepseek-r1:{match['size']}b", match.start(), match.end())
    for match in _SIZE.finditer(text):
        said = match["size"].lower()
        yield Model(f"deepseek-r1:{_SPELLED.get(said, said)}b", match.start(), match.end())
    for match in _FULL.finditer(text):
        yield Model("deepseek-r1:671b", match.start(), match.end())
    for match in _PLAIN.finditer(text):
        yield Model("deepseek-r1:671b", match.start(), match.end(), weak=True)
