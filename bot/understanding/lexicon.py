"""The words of ``words.yaml``: validated once, compiled once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from engine.catalog.schema import Pattern, Record
from engine.catalog.yaml_file import read_records


class WordsFile(Record):
    """See ``words.yaml``."""

    slashes: tuple[str, ...]
    images: tuple[str, ...]
    no_names: tuple[str, ...]
    misspelt: dict[str, str]
    correctable: tuple[str, ...]
    real: tuple[str, ...]
    cues: dict[str, tuple[Pattern, ...]]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """``cues``: by name, what says so."""

    slashes: frozenset[str]
    images: frozenset[str]
    no_names: frozenset[str]
    misspelt: Mapping[str, str]
    correctable: tuple[str, ...]
    real: frozenset[str]
    cues: Mapping[str, re.Pattern[str]]


@cache
def lexicon() -> Lexicon:
    """The words that ship.

    Raises:
        CatalogError: the file is invalid; the sentence names the line.
    """
    words = read_records(Path(str(files(__package__).joinpath("words.yaml"))), WordsFile)
    return Lexicon(
        frozenset(words.slashes),
        frozenset(words.images),
        frozenset(words.no_names),
        words.misspelt,
        words.correctable,
        frozenset(words.real),
        {name: re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE | re.ASCII) for name, patterns in words.cues.items()},
    )  # fmt: skip
