"""The words of ``words.yaml``: validated once, compiled once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from pydantic import Field, PositiveFloat, model_validator

from engine.catalog.schema import Pattern, Record
from engine.catalog.yaml_file import read_records
from engine.constraints.record import NAMES, UNITS, WORDS

NUMBER = (
    r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,4}(?:\.[0-9]{1,9})?(?![0-9])|[0-9]{1,18}(?:\.[0-9]{1,18})?(?:e[+-]?[0-9]{1,4}(?![0-9a-z]))?"
    r"|\.[0-9]{1,9}|[零一二两三四五六七八九十百半]{1,5})"
)
"""A number as people write it. Chinese numerals up to hundreds; 万 and 千 are scales."""
SPELLED: Mapping[str, float] = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "a hundred": 100,
    "hundred": 100, "a dozen": 12, "dozen": 12, "one": 1, "a single": 1, "单": 1,
}  # fmt: skip
SCALES: Mapping[str, float] = {
    "k": 1e3, "m": 1e6, "thousand": 1e3, "million": 1e6, "千": 1e3, "万": 1e4, "十万": 1e5, "百万": 1e6, "亿": 1e8,
}  # fmt: skip


class Negations(Record):
    """What cancels a word when it stands right ``before`` (ending there) or right ``after`` it."""

    before: Pattern
    after: Pattern


class Said(Record):
    """Patterns of words that set constraints; ``soft``: a number overrules them;
    ``unless_hardware``: they count only where no hardware is named."""

    set: dict[str, str | float]
    soft: bool = False
    unless_hardware: bool = False
    en: tuple[Pattern, ...] = ()
    zh: tuple[Pattern, ...] = ()

    @model_validator(mode="after")
    def _known(self) -> Said:
        for name, value in self.set.items():
            if (
                name not in NAMES
                or (name in WORDS and value not in WORDS[name])
                or (name in UNITS and not isinstance(value, float))
            ):
                raise ValueError(f"{name}: {value} is no value of a constraint")
        return self


class NumberOf(Record):
    """When a number is of ``field``: its unit converts to ``unit``, and the nearest word says so.

    ``weak``: words that count below ``weak_up_to`` only, and of ``weak_units`` only where there are any. ``never``: words beside it that rule it out;
    ``never_means``: the key under ``unread`` in the texts that says so, ``None`` to say nothing.
    ``alone``: the unit is enough, ``alone_up_to`` below that number; ``alone_units``: as these words only.
    ``invert``: the field is one over it. ``bare``: patterns with # for a number that has no unit.
    """

    field: str
    unit: str
    near: tuple[Pattern, ...]
    weak: tuple[Pattern, ...] = ()
    weak_up_to: PositiveFloat | None = None
    weak_units: tuple[str, ...] = ()
    never: tuple[Pattern, ...] = ()
    never_means: str | None = None
    alone: bool = False
    alone_up_to: PositiveFloat | None = None
    alone_units: tuple[str, ...] = ()
    invert: bool = False
    bare: tuple[Pattern, ...] = ()


class WordsFile(Record):
    """See ``words.yaml``."""

    names: dict[str, tuple[str, ...]]
    values: dict[str, dict[str, tuple[str, ...]]]
    units: dict[str, tuple[str, ...]]
    ignored: tuple[Pattern, ...]
    negations: Negations
    said: tuple[Said, ...]
    numbers: tuple[NumberOf, ...] = Field(min_length=1)
    asked: dict[str, Pattern]
    whole_answer: Pattern
    first_token: Pattern
    either: Pattern
    weighed: Pattern
    weighs_before: Pattern
    weighs_behind: Pattern
    either_count: Pattern
    count_before: Pattern
    cards_behind: Pattern
    things: Pattern
    limits: Pattern
    devices_of: Pattern
    per_device: Pattern
    host_memory: Pattern
    demands: Pattern
    asking: Pattern


@dataclass(frozen=True, slots=True)
class Kind:
    """A ``NumberOf``, compiled."""

    rule: NumberOf
    near: re.Pattern[str]
    weak: re.Pattern[str] | None
    never: re.Pattern[str] | None
    bare: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Lexicon:
    """``names``: alias → name of the record. ``values``: name → alias → word. ``units``: word → unit."""

    names: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]
    units: Mapping[str, str]
    ignored: tuple[re.Pattern[str], ...]
    negated_before: re.Pattern[str]
    negated_after: re.Pattern[str]
    said: tuple[tuple[Said, re.Pattern[str]], ...]
    kinds: tuple[Kind, ...]
    asked: Mapping[str, re.Pattern[str]]
    whole_answer: re.Pattern[str]
    first_token: re.Pattern[str]
    either: re.Pattern[str]
    weighed: re.Pattern[str]
    weighs_before: re.Pattern[str]
    weighs_behind: re.Pattern[str]
    either_count: re.Pattern[str]
    count_before: re.Pattern[str]
    cards_behind: re.Pattern[str]
    things: re.Pattern[str]
    limits: re.Pattern[str]
    devices_of: re.Pattern[str]
    per_device: re.Pattern[str]
    host_memory: re.Pattern[str]
    demands: re.Pattern[str]
    asking: re.Pattern[str]


@cache
def lexicon() -> Lexicon:
    """The words that ship.

    Raises:
        CatalogError: the file is invalid; the sentence names the line.
    """
    words = read_records(Path(str(files(__package__).joinpath("words.yaml"))), WordsFile)
    return Lexicon(
        names={alias: name for name in NAMES for alias in (name, *words.names.get(name, ()))},
        values={name: {alias: word for word in WORDS[name] for alias in (word, *words.values[name].get(word, ()))} for name in WORDS},
        units={word: unit for unit, group in words.units.items() for word in group},
        ignored=tuple(_compiled([pattern]) for pattern in words.ignored),
        negated_before=_compiled([words.negations.before]),
        negated_after=_compiled([words.negations.after]),
        said=tuple((entry, _compiled([*entry.en, *entry.zh])) for entry in words.said),
        kinds=tuple(_kinds(words)),
        asked={reason: _compiled([pattern]) for reason, pattern in words.asked.items()},
        whole_answer=_compiled([words.whole_answer]),
        first_token=_compiled([words.first_token]),
        either=_compiled([words.either]),
        weighed=_compiled([words.weighed]),
        weighs_before=_compiled([words.weighs_before]),
        weighs_behind=_compiled([words.weighs_behind]),
        either_count=_compiled([words.either_count]),
        count_before=_compiled([words.count_before]),
        cards_behind=_compiled([words.cards_behind]),
        things=_compiled([words.things]),
        limits=_compiled([words.limits]),
        devices_of=_compiled([words.devices_of]),
        per_device=_compiled([words.per_device]),
        host_memory=_compiled([words.host_memory]),
        demands=_compiled([words.demands]),
        asking=_compiled([words.asking]),
    )  # fmt: skip


def _kinds(words: WordsFile) -> Iterator[Kind]:
    spelled = "|".join(sorted((word for word in SPELLED if word.isascii()), key=len, reverse=True))
    for rule in words.numbers:
        bare = [
            pattern.replace(
                "#", rf"(?P<n{place}>{NUMBER}|\b(?:{spelled})\b)\s?(?P<s{place}>[km万千]?)(?![0-9a-z.%$万千亿])", 1
            )
            for place, pattern in enumerate(rule.bare)
        ]
        yield Kind(
            rule,
            _compiled(rule.near),
            _compiled(rule.weak) if rule.weak else None,
            _compiled(rule.never) if rule.never else None,
            _compiled(bare) if bare else None,
        )  # fmt: skip


def _compiled(patterns: list[str] | tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE | re.ASCII)
