"""The facts: short questions near the edge of what a model knows, one integer answer each.

Smaller models keep fewer facts, whatever they were trained to imitate, so the share answered at each level
says something of a model's size. Levels are our judgement of which models keep a fact (see ``facts.yaml``);
what a given model really answers is to be recorded, not assumed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from functools import cache
from importlib.resources import files
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, model_validator

from engine.catalog.schema import Record
from engine.catalog.yaml_file import read_records
from engine.questions.answer_sheet import ask, read_numbers

__all__ = ["LEVELS", "Fact", "FactBank", "ask", "load_facts", "pick", "read_numbers"]

Level = Literal[1, 2, 3, 4, 5]
LEVELS: tuple[Level, ...] = (1, 2, 3, 4, 5)
Sentence = Annotated[str, Field(min_length=5, max_length=200, pattern=r"^\S[^\n]*[?？]$")]


class Fact(Record):
    """A question in both languages, and the work of reference that has the answer."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    level: Level
    en: Sentence
    zh: Sentence
    answer: NonNegativeInt
    source: Annotated[str, Field(min_length=3)]


class FactBank(Record):
    """All facts. No answer occurs twice: a list shifted by a line must not score."""

    facts: tuple[Fact, ...]

    @model_validator(mode="after")
    def _say_each_thing_once(self) -> FactBank:
        for name in ("id", "answer", "en", "zh"):
            seen: set[object] = set()
            for fact in self.facts:
                if (value := getattr(fact, name)) in seen:
                    raise ValueError(f"{fact.id}: {name} {value!r} appears twice")
                seen.add(value)
        return self


@cache
def load_facts() -> tuple[Fact, ...]:
    """The facts that ship, in the file's order. Raises CatalogError: the file is invalid."""
    return read_records(Path(str(files(__package__).joinpath("facts.yaml"))), FactBank).facts


def pick(seed: int, count: int, levels: Collection[int] = LEVELS) -> tuple[Fact, ...]:
    """Up to ``count`` facts of ``levels``, the same for the same ``seed``; fewer where there are no more.

    Levels take turns, so every beginning of the list is spread over them: a reply cut short still tells.
    """
    by_level = [
        sorted((fact for fact in load_facts() if fact.level == level), key=lambda fact: _lot(seed, fact.id))
        for level in sorted(levels)
    ]
    turns = (fact for turn in zip_longest(*by_level) for fact in turn if fact is not None)
    return tuple(fact for fact, _ in zip(turns, range(count), strict=False))


def _lot(seed: int, name: str) -> bytes:
    """A lot that stays the same when facts are added or Python's generator changes: references outlive both."""
    return hashlib.sha256(f"{seed}/{name}".encode()).digest()
