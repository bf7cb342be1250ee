"""Which answer left out what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files

from engine.comparing.metrics.features import sentences, sub_points
from engine.comparing.metrics.maths import shows
from engine.comparing.metrics.mentions import says
from engine.comparing.metrics.tokens import CJK, tokens
from engine.comparing.records import Answer, Case, Omission, Side
from engine.text import parse_yaml

_COVERED = 0.35  # share of a point's words found in the other answer, from which on it is taken to be there
_FEWEST = 4  # words of a point, without those that carry nothing; fewer tell nothing apart
_MOST = 5  # points of an answer to a case
_LONGEST = 120  # characters shown of a point
_ENDING = re.compile(r"(?:ations?|ings?|edly|ed|ies|es|ly|s)$")


def omitted(case: Case, a: Answer, b: Answer) -> tuple[Omission, ...]:
    """What each answer left out: of the case's points, terms and steps where it lists any; else what only the other says.

    Of answers in prose a point is taken to be there where a third of its words are: one that is put quite differently
    counts as left out. A failed answer left out nothing.
    """
    if a.failed or b.failed:
        return ()
    listed = case.points or case.terms or case.steps
    found: list[Omission] = []
    pairs: tuple[tuple[Side, Answer, Answer], ...] = (("a", a, b), ("b", b, a))
    for side, answer, other in pairs:
        points = _not_said(listed, answer) if listed else _only_in(other.text, answer.text)
        found += [Omission(case.id, side, point) for point in points]
    return tuple(found)


def _not_said(listed: tuple[tuple[str, ...], ...], answer: Answer) -> Iterator[str]:
    for ways in listed:
        if not says(answer.text, ways) and not shows(f"{answer.reasoning}\n{answer.text}", ways):
            yield ways[0]


def _only_in(text: str, other: str) -> list[str]:
    """The points of ``text``, its list items or else its sentences, that ``other`` has nothing of."""
    there = _content(other)
    found = []
    for point in sub_points(text) or sentences(text):
        content = _content(point)
        if len(content) >= _FEWEST and len(content & there) < _COVERED * len(content):
            found.append(point if len(point) <= _LONGEST else point[: _LONGEST - 1] + "…")
    return found[:_MOST]


@lru_cache(maxsize=20_000)
def _content(text: str) -> frozenset[str]:
    """What carries a text's meaning: its words without endings; pairs of neighbouring characters in Chinese."""
    words = [word for word in tokens(text) if word not in _empty()]
    latin = {_ENDING.sub("", word) if len(word) > 4 else word for word in words if not re.match(f"[{CJK}]", word)}
    runs = re.findall(f"[{CJK}]+", text)
    return frozenset(latin | {run[place : place + 2] for run in runs for place in range(len(run) - 1)})


@cache
def _empty() -> frozenset[str]:
    """Words that are in every text."""
    return frozenset(parse_yaml(files(__package__).joinpath("cues.yaml").read_text(encoding="utf-8"))["empty"].split())
