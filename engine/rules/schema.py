"""Scenario rules as records, validated on load."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from engine.catalog.schema import Pattern, Record, Text
from engine.constraints.record import UNITS, DeviceKind, Language, Task
from engine.errors import UsageError
from engine.hardware.schema import Device

Kind = Literal["full", "distilled"]
Effect = Literal["full", "distilled", "caution"]

_RENAMED = {"latency": "ttft"}
"""Names that version 0.1 gave to constraints; rules written for it still load."""


class Numbers(Record):
    """A test of a number. Bounds are in the unit of ``engine.constraints.record.UNITS``, or text with a unit ("500 ms").

    ``missing``: whether the number must be unknown; alone, or left out (an unknown number meets no bound).
    """

    over: float | None = None
    under: float | None = None
    at_least: float | None = None
    up_to: float | None = None
    missing: bool | None = None

    @model_validator(mode="after")
    def _can_hold(self) -> Numbers:
        bounds = [bound for bound in (self.over, self.under, self.at_least, self.up_to) if bound is not None]
        if not bounds and self.missing is None:
            raise PydanticCustomError(
                "empty_condition", "a condition needs one of: over, under, at_least, up_to, missing"
            )
        if any(bound != bound or abs(bound) == float("inf") for bound in bounds):
            raise PydanticCustomError("bound_infinite", "a bound must be a finite number")
        low = max((bound for bound in (self.over, self.at_least) if bound is not None), default=float("-inf"))
        high = min((bound for bound in (self.under, self.up_to) if bound is not None), default=float("inf"))
        open_ended = low in (self.over,) or high in (self.under,)
        if low > high or (low == high and open_ended) or high <= 0:  # constraints are above zero
            raise PydanticCustomError("never_holds", "no number is in these bounds")
        if bounds and self.missing:
            raise PydanticCustomError("never_holds", "a missing number is in no bounds")
        return self

    def holds(self, value: float | None) -> bool:
        """Whether ``value`` (``None``: unknown) passes."""
        if value is None or self.missing:
            return bool(self.missing) and value is None
        return (
            (self.over is None or value > self.over)
            and (self.under is None or value < self.under)
            and (self.at_least is None or value >= self.at_least)
            and (self.up_to is None or value <= self.up_to)
        )


class Words(Record):
    """A test of words: ``in`` holds if one of those known is among them."""

    in_: tuple[str, ...] = Field(default=(), alias="in")
    missing: bool | None = None

    @model_validator(mode="after")
    def _can_hold(self) -> Words:
        if not self.in_ and self.missing is None:
            raise PydanticCustomError("empty_condition", "a condition needs one of: in, missing")
        if self.in_ and self.missing:
            raise PydanticCustomError("never_holds", "a missing word is among none")
        return self

    def holds(self, values: frozenset[str]) -> bool:
        """Whether ``values`` (empty: unknown) pass."""
        if not self.in_:
            return bool(self.missing) != bool(values)
        return not values.isdisjoint(self.in_)


ALLOWED: dict[str, tuple[str, ...]] = {
    "device": get_args(DeviceKind),
    "compute": ("limited", "ample"),
    "task": get_args(Task),
    "detail": ("normal", "high"),
    "language": get_args(Language),
    "privacy": ("on-premise", "any"),
    "licence": ("permissive", "any"),
    "critical": ("yes", "no"),
    "kind": get_args(Device.model_fields["kind"].annotation),
    "vendor": get_args(Device.model_fields["vendor"].annotation),
    "identified": ("yes",),
}
"""The words that a fact can be. Hardware is not listed: users bring their own."""


class When(Record):
    """A condition: every part that is given must hold.

    ``all``, ``any`` and ``not`` nest. The rest are tests of constraints, or of what follows from them:
    ``memory`` and ``device`` come from the named hardware where they are not stated; ``longest`` is the longest
    text known of (context, else prompt, else output), in tokens; ``devices`` counts the hardware, ``hardware`` are its
    catalog ids, ``kind`` and ``vendor`` what it is; ``identified`` is ``yes`` where a model was identified beside.
    """

    all: tuple[When, ...] = ()
    any: tuple[When, ...] = ()
    not_: When | None = Field(default=None, alias="not")
    memory: Numbers | None = None
    bandwidth: Numbers | None = None
    context: Numbers | None = None
    prompt: Numbers | None = None
    output: Numbers | None = None
    longest: Numbers | None = None
    concurrency: Numbers | None = None
    ttft: Numbers | None = None
    tpot: Numbers | None = None
    throughput: Numbers | None = None
    budget: Numbers | None = None
    availability: Numbers | None = None
    devices: Numbers | None = None
    device: Words | None = None
    compute: Words | None = None
    task: Words | None = None
    detail: Words | None = None
    language: Words | None = None
    privacy: Words | None = None
    licence: Words | None = None
    critical: Words | None = None
    hardware: Words | None = None
    kind: Words | None = None
    vendor: Words | None = None
    identified: Words | None = None

    @model_validator(mode="before")
    @classmethod
    def _renamed(cls, given: Any) -> Any:
        if isinstance(given, dict):
            return {_RENAMED.get(str(name), name): value for name, value in given.items()}
        return given

    @field_validator(*UNITS, "longest", mode="before")
    @classmethod
    def _units(cls, given: Any, info: ValidationInfo) -> Any:
        if not isinstance(given, dict):
            return given
        name = "context" if info.field_name == "longest" else str(info.field_name)
        return {key: _number(name, value) if isinstance(value, str) else value for key, value in given.items()}

    @field_validator(*ALLOWED)
    @classmethod
    def _known_words(cls, test: Words | None, info: ValidationInfo) -> Words | None:
        allowed = ALLOWED[str(info.field_name)]
        for word in test.in_ if test else ():
            if word not in allowed:
                message = "{field} is never {word}: write one of {allowed}"
                values = {"field": str(info.field_name), "word": word[:40], "allowed": ", ".join(allowed)}
                raise PydanticCustomError("word_unknown", message, values)
        return test

    @cached_property
    def tests(self) -> dict[str, Numbers | Words]:
        """The tests of single facts, by name."""
        given = {name: getattr(self, name) for name in type(self).model_fields if name not in ("all", "any", "not_")}
        return {name: test for name, test in given.items() if test is not None}

    @cached_property
    def empty(self) -> bool:
        """Whether nothing is asked."""
        return not (self.tests or self.all or self.any or self.not_)


def _number(name: str, text: str) -> float:
    """Text with a unit as a number in the unit of the constraint ``name``."""
    from engine.constraints.values import parse_constraints

    try:
        value = getattr(parse_constraints({name: text}), name)
    except UsageError as error:
        values = {"field": name, "value": text[:40], "unit": UNITS[name] or "1"}
        raise PydanticCustomError("bound_unit", "{field} cannot be {value}: it is in {unit}", values) from error
    return float(value)


class Choice(Record):
    """Which choices a caution speaks of. Every part given must match; patterns are searched, regardless of case."""

    kind: Kind | None = None
    variant: tuple[Pattern, ...] = ()
    quantization: tuple[Pattern, ...] = ()
    engine: tuple[str, ...] = ()

    def matches(self, chosen: Chosen) -> bool:
        """Whether it speaks of ``chosen``."""
        return (
            self.kind in (None, chosen.kind)
            and _among(self.variant, chosen.variant)
            and _among(self.quantization, chosen.quantization)
            and (not self.engine or chosen.engine in self.engine)
        )


class Chosen(Record):
    """A choice: the kind, and where an option was chosen, catalog ids of what it is made of."""

    kind: Kind
    variant: str = ""
    quantization: str = ""
    engine: str = ""


def _among(patterns: tuple[str, ...], name: str) -> bool:
    return not patterns or any(re.search(pattern, name, re.IGNORECASE) for pattern in patterns)


def _kind_alone(given: Any) -> Any:
    return {"kind": given} if isinstance(given, str) else given


class Rule(Record):
    """A scenario rule.

    It fires when its condition holds or its ``words`` (regular expressions) are in the message; a rule that
    names what was ``chosen`` waits for that, and then needs its condition or words only if it has any.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
    effect: Effect = "caution"
    priority: int = 0
    when: When = When()
    any: bool = False
    words: dict[Literal["en", "zh"], tuple[Pattern, ...]] = Field(default_factory=dict)
    chosen: Annotated[Choice | None, BeforeValidator(_kind_alone)] = None
    disable: bool = False
    reason: Text = Field(default_factory=dict)
    source: str = ""

    @field_validator("words")
    @classmethod
    def _find_something(cls, words: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for pattern in (pattern for patterns in words.values() for pattern in patterns):
            if re.search(pattern, "") is not None:
                raise PydanticCustomError("pattern_empty", "{pattern} finds every message", {"pattern": pattern[:60]})
        return words

    @model_validator(mode="after")
    def _whole(self) -> Rule:
        if self.disable:
            return self
        missing = [name for name in ("effect", "priority") if name not in self.model_fields_set]
        if missing or not self.source.strip():
            missing = missing or ["source"]
            raise PydanticCustomError("rule_lacks", "a rule needs {field}", {"field": missing[0]})
        silent = [lang for lang in ("en", "zh") if not self.reason.get(lang, "").strip()]
        if silent:
            raise PydanticCustomError("reason_lacks", "a reason needs both en and zh", {"lang": silent[0]})
        if self.when.empty and not any(self.words.values()) and self.chosen is None:
            raise PydanticCustomError("rule_silent", "a rule needs when, words or chosen, else it never fires")
        if self.chosen is not None and self.effect != "caution":
            raise PydanticCustomError("vote_too_late", "a rule with chosen comes after the vote: its effect is caution")
        return self


class Expected(Record):
    """What a test of rules expects. ``choice``: which kind the rules vote for, ``none`` for neither; ``fires`` and
    ``silent``: ids of rules that must fire, and that must not; ``conflict``: whether both sides spoke."""

    choice: Literal["full", "distilled", "none"] | None = None
    fires: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    conflict: bool | None = None

    @model_validator(mode="after")
    def _expects_something(self) -> Expected:
        if self.choice is None and self.conflict is None and not self.fires and not self.silent:
            raise PydanticCustomError("test_idle", "a test needs one of: choice, fires, silent, conflict")
        return self


class RuleTest(Record):
    """A test of rules: ``given`` constraints (as ``r1 recommend`` takes them) and the words of a ``message`` in, what
    is expected out. ``chosen``: the choice that the waiting cautions are shown."""

    given: dict[str, str | float | int] = Field(default_factory=dict)
    message: str = ""
    identified: bool = False
    chosen: Annotated[Chosen | None, BeforeValidator(_kind_alone)] = None
    expect: Expected


class RuleFile(Record):
    """A file of rules; a later file's rule replaces an earlier one of the same id."""

    rules: tuple[Rule, ...]
    tests: tuple[RuleTest, ...] = ()
