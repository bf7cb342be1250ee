"""The tests that a file of rules carries: constraints or words in, what fires out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.catalog.yaml_file import read_document
from engine.constraints.settling import settle
from engine.errors import UsageError
from engine.hardware.schema import Device
from engine.identification import RuleHit
from engine.rules.applying import Ruling, apply_rules
from engine.rules.loading import read_rules
from engine.rules.schema import Rule, RuleTest


@dataclass(frozen=True, slots=True)
class Tried:
    """A test, and what came of it.

    Attributes:
        understood: the constraints, as they were read from both.
        fired: rules that vote, then those that warn.
        wrong: what was expected and did not come, as codes under ``rules.tried`` in the texts, with their values.
        error: why the constraints or words could not be read.
    """

    file: str
    line: int
    test: RuleTest
    understood: Mapping[str, Any]
    kind: str | None
    fired: tuple[RuleHit, ...]
    wrong: tuple[tuple[str, Mapping[str, Any]], ...]
    error: UsageError | None = None

    @property
    def passed(self) -> bool:
        return not self.wrong and self.error is None

    def sentences(self, lang: str = "en") -> tuple[str, ...]:
        """What is wrong, in words."""
        from engine.text import say

        if self.error is not None:
            return (self.error.sentence(lang),)
        return tuple(say(f"rules.tried.{code}", lang, **values) for code, values in self.wrong)


def try_rules(path: Path, rules: tuple[Rule, ...], devices: Mapping[str, Device] | None = None) -> tuple[Tried, ...]:
    """The tests of the file at ``path``, run on ``rules``.

    Raises:
        CatalogError: the file is invalid.
    """
    tests = read_rules(path).tests
    document = read_document(path)
    return tuple(
        _tried(path.name, document.line(("tests", index)), test, rules, devices) for index, test in enumerate(tests)
    )


def _tried(
    file: str, line: int, test: RuleTest, rules: tuple[Rule, ...], devices: Mapping[str, Device] | None
) -> Tried:
    try:
        constraints, _ = settle(test.given, test.message)
    except UsageError as error:
        return Tried(file, line, test, {}, None, (), (), error)
    ruling = apply_rules(constraints, test.message, rules, devices=devices, identified=test.identified)
    waiting = ruling.cautions_on(test.chosen) if test.chosen is not None else ruling.chosen(ruling.kind)
    fired = (*ruling.hits, *ruling.cautions, *waiting)
    wrong = tuple(_disagreements(test, ruling, {hit.id for hit in fired}))
    return Tried(file, line, test, constraints.stated(), ruling.kind, fired, wrong)


def _disagreements(test: RuleTest, ruling: Ruling, fired: set[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    expected, got = test.expect, ruling.kind or "none"
    if expected.choice is not None and expected.choice != got:
        yield "choice", {"expected": expected.choice, "got": got}
    if expected.conflict is not None and expected.conflict != ruling.conflict:
        yield ("conflict_missing" if expected.conflict else "conflict_there"), {}
    for identity in expected.fires:
        if identity not in fired:
            yield "silent", {"id": identity}
    for identity in expected.silent:
        if identity in fired:
            yield "fired", {"id": identity}
