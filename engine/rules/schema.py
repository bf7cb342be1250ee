"""Scenario rules as records, validated on load."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from engine.catalog.schema import Pattern, Record, Text

ConstraintName = Literal["device", "compute", "detail", "critical", "context", "latency", "memory"]


class Condition(Record):
    """A test of one constraint: membership for words, bounds for numbers."""

    in_: tuple[str, ...] = Field(default=(), alias="in")
    over: float | None = None
    under: float | None = None
    at_least: float | None = None
    up_to: float | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Condition:
        if not self.in_ and all(bound is None for bound in (self.over, self.under, self.at_least, self.up_to)):
            raise ValueError("a condition needs one of: in, over, under, at_least, up_to")
        return self


class Rule(Record):
    """A scenario rule.

    ``when`` holds if all its conditions do (``any``: if one does); ``words`` are regular expressions
    found in the message; ``chosen`` makes a caution speak whenever that choice is made.
    """

    id: str
    effect: Literal["full", "distilled", "caution"]
    priority: int
    when: dict[ConstraintName, Condition] = Field(default_factory=dict)
    any: bool = False
    words: dict[Literal["en", "zh"], tuple[Pattern, ...]] = Field(default_factory=dict)
    chosen: Literal["full", "distilled"] | None = None
    reason: Text
    source: str

    @field_validator("reason")
    @classmethod
    def _in_both_languages(cls, reason: dict[str, str]) -> dict[str, str]:
        if set(reason) != {"en", "zh"}:
            raise ValueError("a reason needs both en and zh")
        return reason


class RuleFile(Record):
    """A file of rules; a later file's rule replaces an earlier one of the same id."""

    rules: tuple[Rule, ...]
