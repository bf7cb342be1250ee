"""What is wrong with a file of rules, each with its line: for the person who writes one."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engine.catalog import load_family
from engine.catalog.yaml_file import Document, read_document
from engine.constraints.record import UNITS
from engine.errors import R1Error, UsageError
from engine.hardware import load_hardware
from engine.hardware.schema import Device
from engine.rules.reaching import can_hold
from engine.rules.schema import Numbers, Rule, RuleFile, RuleTest, When
from engine.sizing import quantizations

_WIDEST = {
    "memory": (0.1, 1e6), "bandwidth": (1, 1e6), "context": (1, 1e8), "longest": (1, 1e8), "prompt": (1, 1e8),
    "output": (1, 1e8), "concurrency": (1, 1e6), "ttft": (0.001, 600), "tpot": (0.0001, 60), "throughput": (0.1, 1e7),
    "budget": (0.01, 1e6), "availability": (0.5, 1), "devices": (1, 1e5),
}  # fmt: skip
"""Between what bounds make sense, in the unit of the constraint: milliseconds written as seconds do not. Judged."""
_OPPOSITE = {"full": "distilled", "distilled": "full"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. ``code``: a key under ``rules.lint`` in the texts, or an error that reading gave."""

    file: str
    line: int | str
    code: str
    values: dict[str, Any] = field(default_factory=dict)
    error: R1Error | None = None

    def sentence(self, lang: str = "en") -> str:
        """``file:line: what``."""
        from engine.text import say

        what = (
            self.error.sentence(lang) if self.error is not None else say(f"rules.lint.{self.code}", lang, **self.values)
        )
        return f"{self.file}:{self.line}: {what}"


def lint(path: Path, beside: tuple[Rule, ...] = (), devices: Mapping[str, Device] | None = None) -> tuple[Problem, ...]:
    """Everything wrong with the file at ``path``, by line, when it is loaded after the rules ``beside`` it.

    ``devices``: the hardware catalog that conditions name devices of; the one that ships where left out.
    """
    known = load_hardware() if devices is None else devices
    try:
        document = read_document(path)
    except R1Error as error:
        return (Problem(path.name, error.values.get("line", 1), "unreadable", error=error),)  # type: ignore[arg-type]
    return tuple(sorted(_problems(document, path.name, beside, known), key=lambda found: _order(found.line)))


def _order(line: int | str) -> int:
    return line if isinstance(line, int) else 0


def _problems(
    document: Document, name: str, beside: tuple[Rule, ...], devices: Mapping[str, Device]
) -> Iterator[Problem]:
    raw = document.value
    if not isinstance(raw, dict) or not isinstance(raw.get("rules"), list):
        yield Problem(name, 1, "no_rules")
        return
    for key in raw:
        if key not in RuleFile.model_fields:
            yield Problem(name, document.line((key,)), "field_unknown", {"field": str(key)[:40]})
    rules: dict[int, Rule] = {}
    for index, given in enumerate(raw["rules"]):
        try:
            rules[index] = Rule.model_validate(given)
        except ValidationError as error:
            yield from _invalid(error, document, name, ("rules", index))
    yield from _twice(raw["rules"], document, name)
    others = {rule.id: rule for rule in beside}
    for index, rule in rules.items():
        for code, values in (*_of_rule(rule, others), *_devices(rule.when, devices)):
            yield Problem(name, document.line(("rules", index)), code, values)
    yield from _together(rules, others, document, name)
    known = {*others, *(rule.id for rule in rules.values())}
    yield from _tests(raw.get("tests") or [], known, document, name)


def _invalid(error: ValidationError, document: Document, name: str, where: tuple[int | str, ...]) -> Iterator[Problem]:
    """What the schema refused, one problem a field."""
    seen = set()
    for found in error.errors():
        location = (*where, *found["loc"])
        code, values = _told(found, in_condition="when" in found["loc"])
        line = document.line(location)
        if (line, code, str(values)) not in seen:
            seen.add((line, code, str(values)))
            yield Problem(name, line, code, values)


def _told(found: Any, *, in_condition: bool) -> tuple[str, dict[str, Any]]:
    kind, context = found["type"], found.get("ctx", {})
    named = str(found["loc"][-1])[:40] if found["loc"] else "?"
    value = str(found.get("input"))[:40]
    match kind:
        case "extra_forbidden" if in_condition and named not in ("in", "over", "under", "at_least", "up_to", "missing"):
            close = difflib.get_close_matches(named, When.model_fields, 1)
            return "constraint_unknown", {"field": named, "suggestion": close[0] if close else "memory"}
        case "extra_forbidden":
            return "field_unknown", {"field": named}
        case "missing":
            return "rule_lacks", {"field": named}
        case "literal_error":
            return "word_unknown", {
                "field": named,
                "word": value,
                "allowed": context.get("expected", "?").replace("'", ""),
            }
        case "string_pattern_mismatch":
            return "id_form", {"id": value}
        case "value_error":
            return "pattern_broken", {"problem": str(context.get("error", found["msg"]))[:160]}
        case _ if kind in _CODES:
            return kind, dict(context)
        case _:
            return "value_wrong", {"field": named, "value": value}


_CODES = (
    "empty_condition", "bound_infinite", "never_holds", "word_unknown", "bound_unit", "pattern_empty", "rule_lacks",
    "reason_lacks", "rule_silent", "vote_too_late", "test_idle",
)  # fmt: skip
"""Problems that the schema gives a name itself; keys under ``rules.lint``."""


def _twice(rules: list[Any], document: Document, name: str) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, given in enumerate(rules):
        identity = given.get("id") if isinstance(given, dict) else None
        if isinstance(identity, str):
            if identity in seen:
                values = {"id": identity[:60], "first": seen[identity]}
                yield Problem(name, document.line(("rules", index)), "id_twice", values)
            seen.setdefault(identity, document.line(("rules", index)))


def _of_rule(rule: Rule, others: dict[str, Rule]) -> Iterator[tuple[str, dict[str, Any]]]:
    if rule.disable:
        if rule.id not in others:
            yield "disables_nothing", {"id": rule.id}
        return
    if not rule.when.empty and not _can_fire(rule):
        yield "never_holds_together", {"id": rule.id}
    for field_name, bound in _odd(rule.when):
        yield "bound_odd", {"field": field_name, "value": f"{bound:g}", "unit": UNITS.get(field_name) or "token"}
    if rule.chosen is not None and not _can_be_chosen(rule):
        yield "never_chosen", {"id": rule.id}


def _devices(when: When, devices: Mapping[str, Device]) -> Iterator[tuple[str, dict[str, Any]]]:
    for part in _every_part(when):
        for identity in part.hardware.in_ if part.hardware is not None else ():
            if identity not in devices:
                close = difflib.get_close_matches(identity, devices, 1, cutoff=0.3)
                yield (
                    "device_unknown",
                    {"id": identity[:40], "suggestion": close[0] if close else next(iter(devices), "?")},
                )


def _every_part(when: When) -> Iterator[When]:
    yield when
    for part in (*when.all, *when.any, *([when.not_] if when.not_ is not None else [])):
        yield from _every_part(part)


def _can_fire(rule: Rule) -> bool:
    return any(can_hold(part) for part in _parts(rule))


def _parts(rule: Rule) -> list[When]:
    """The condition; each part of it where one is enough (``any: true`` of version 0.1)."""
    if not rule.any:
        return [rule.when]
    alone = [
        When.model_validate({name: test.model_dump(by_alias=True, exclude_defaults=True)})
        for name, test in rule.when.tests.items()
    ]
    nested = [*rule.when.all, *rule.when.any]
    return [*alone, *nested]


def _odd(when: When) -> Iterator[tuple[str, float]]:
    for part in _every_part(when):
        for name, test in part.tests.items():
            low, high = _WIDEST.get(name, (0, 0))
            for bound in (test.over, test.under, test.at_least, test.up_to) if isinstance(test, Numbers) else ():
                if bound is not None and not low <= bound <= high:
                    yield name, bound


def _can_be_chosen(rule: Rule) -> bool:
    """Whether the catalog has a variant, and sizing a quantisation, that the rule waits for."""
    from engine.rules.schema import Chosen

    assert rule.chosen is not None
    engines = ("vllm", "sglang", "llama.cpp", "ollama", "mlx", "mindie")
    variants = [entry for entry in load_family("deepseek-r1").variants if entry.kind in ("full", "distilled")]
    return any(
        rule.chosen.matches(Chosen(kind=entry.kind, variant=entry.id, quantization=quantization, engine=engine))
        for entry in variants
        for quantization in quantizations()
        for engine in engines
    )


def _together(rules: dict[int, Rule], others: dict[str, Rule], document: Document, name: str) -> Iterator[Problem]:
    """Votes that cannot be settled, and votes that never decide."""
    loaded = {**others, **{rule.id: rule for rule in rules.values()}}
    for index, rule in rules.items():
        if rule.disable or rule.effect not in _OPPOSITE or loaded[rule.id] is not rule:
            continue
        line = document.line(("rules", index))
        for other in loaded.values():
            if other.disable or other.effect != _OPPOSITE[rule.effect]:
                continue
            if other.priority == rule.priority and _both(rule, other) and not _told_already(rule, other, rules):
                yield Problem(
                    name, line, "contradiction", {"id": rule.id, "other": other.id, "priority": rule.priority}
                )
            elif other.priority > rule.priority and _always_with(rule, other):
                yield Problem(
                    name, line, "never_decides", {"id": rule.id, "other": other.id, "priority": other.priority}
                )


def _told_already(rule: Rule, other: Rule, rules: dict[int, Rule]) -> bool:
    """Of two contradicting rules in one file, the later is told of."""
    order = [entry.id for entry in rules.values()]
    return other.id in order and order.index(other.id) > order.index(rule.id)


def _both(rule: Rule, other: Rule) -> bool:
    """Whether both can fire at once: words can always be there."""
    if any(rule.words.values()) or any(other.words.values()):
        return True
    return any(can_hold(mine, theirs) for mine in _parts(rule) for theirs in _parts(other))


def _always_with(rule: Rule, other: Rule) -> bool:
    """Whether ``rule`` never fires without ``other``."""
    if any(rule.words.values()) or rule.when.empty or other.when.empty:
        return False
    return _can_fire(rule) and not any(can_hold(part, without=tuple(_parts(other))) for part in _parts(rule))


def _tests(tests: Any, known: set[str], document: Document, name: str) -> Iterator[Problem]:
    from engine.constraints.values import parse_constraints

    for index, given in enumerate(tests if isinstance(tests, list) else []):
        where = ("tests", index)
        try:
            test = RuleTest.model_validate(given)
        except ValidationError as error:
            yield from _invalid(error, document, name, where)
            continue
        for key in ("fires", "silent"):
            for identity in getattr(test.expect, key):
                if identity not in known:
                    yield Problem(name, document.line((*where, "expect", key)), "test_unknown", {"id": identity[:60]})
        try:
            parse_constraints(test.given)
        except UsageError as error:
            yield Problem(name, document.line((*where, "given")), "unreadable", error=error)
