"""Rule files into rules: those that ship, then the user's."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path

from engine.catalog.yaml_file import last_written, read_records
from engine.rules.schema import Rule, RuleFile

SHIPPED = Path(str(files(__package__).joinpath("article.yaml")))
"""The source article's rules."""


def load_rules(rule_files: tuple[Path, ...] = ()) -> tuple[Rule, ...]:
    """The rules that ship, then the user's; the same id replaces, and ``disable: true`` takes a rule away.

    Raises:
        CatalogError: a file is invalid; the sentence names it and the line.
    """
    by_id = {rule.id: rule for rule in _shipped().rules}
    for path in rule_files:
        by_id |= {rule.id: rule for rule in read_rules(path).rules}
    return tuple(rule for rule in by_id.values() if not rule.disable)


def read_rules(path: Path) -> RuleFile:
    """One rule file, whole. Raises as ``load_rules``."""
    return _read_as_of(path, last_written(path))


@cache
def _shipped() -> RuleFile:
    return read_records(SHIPPED, RuleFile)


@lru_cache(maxsize=16)
def _read_as_of(path: Path, written: int) -> RuleFile:
    return read_records(path, RuleFile)
