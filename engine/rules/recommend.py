"""Constraints → full or distilled, by the scenario rules, with the reasons that decided."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from engine.catalog.yaml_file import read_records
from engine.identification import Recommendation, RuleHit
from engine.rules.constraints import Value, parse_constraints
from engine.rules.schema import Condition, Rule, RuleFile
from engine.verdict import Verdict

Choice = Literal["full", "distilled"]

_ASKED_FOR = ("device", "memory", "latency", "detail", "context")
"""By the priority of the rules each can fire: the first to ask for changes the answer most."""
_NEGATED = re.compile(
    r"(?:\b(?:not|no|non|without|never|isn't|don't need)[\s-]+(?:\w+[\s-]+)?|不需要?|无需|没有|并非|不是|不要求)$",
    re.IGNORECASE,
)
_WORDS_READ = 4_000


def recommend(
    constraints: Mapping[str, Any],
    *,
    scenario: str = "",
    rule_files: tuple[Path, ...] = (),
    verdict: Verdict | None = None,
) -> Recommendation:
    """See ``engine.recommend``. With a ``verdict``, says whether the identified model is of the chosen kind.

    Conflicting rules are settled by priority (``engine/rules/*.yaml``), and the conflict is shown.
    """
    given = parse_constraints(constraints)
    rules = load_rules(rule_files)
    fired = [rule for rule in rules if rule.chosen is None and _fires(rule, given, scenario)]
    votes = sorted((rule for rule in fired if rule.effect != "caution"), key=lambda rule: -rule.priority)
    choice: Choice | None = votes[0].effect if votes else None  # type: ignore[assignment]
    cautions = [rule for rule in fired if rule.effect == "caution"]
    cautions += [rule for rule in rules if rule.chosen is not None and rule.chosen == choice]
    return Recommendation(
        choice=choice,
        hits=tuple(_hit(rule) for rule in votes),
        conflict=len({rule.effect for rule in votes}) > 1,
        cautions=tuple(_hit(rule) for rule in cautions),
        missing=tuple(name for name in _ASKED_FOR if name not in given) if choice is None else (),
        fits_target=fits_target(choice, verdict),
        constraints={**given, **({"scenario": scenario[:_WORDS_READ]} if scenario else {})},
    )


def fits_target(choice: Choice | None, verdict: Verdict | None) -> bool | None:
    """Whether the identified model is of the chosen kind; ``None`` when either is open."""
    if choice is None or verdict is None or verdict.outcome in ("inconclusive", "other"):
        return None
    return verdict.outcome == choice


def load_rules(rule_files: tuple[Path, ...] = ()) -> tuple[Rule, ...]:
    """The rules that ship, then the user's; the same id replaces.

    Raises:
        CatalogError: a file is invalid; the sentence names it and the line.
    """
    by_id: dict[str, Rule] = {rule.id: rule for rule in _shipped()}
    for path in rule_files:
        by_id |= {rule.id: rule for rule in read_records(path, RuleFile).rules}
    return tuple(by_id.values())


@cache
def _shipped() -> tuple[Rule, ...]:
    return read_records(Path(str(files(__package__).joinpath("article.yaml"))), RuleFile).rules


def _fires(rule: Rule, given: Mapping[str, Value], scenario: str) -> bool:
    return _holds(rule, given) or _mentioned(rule, scenario[:_WORDS_READ])


def _holds(rule: Rule, given: Mapping[str, Value]) -> bool:
    outcomes = [name in given and _satisfied(condition, given[name]) for name, condition in rule.when.items()]
    return bool(outcomes) and (any(outcomes) if rule.any else all(outcomes))


def _satisfied(condition: Condition, value: Value) -> bool:
    if condition.in_:
        return str(value) in condition.in_
    if not isinstance(value, float):
        return False
    return (
        (condition.over is None or value > condition.over)
        and (condition.under is None or value < condition.under)
        and (condition.at_least is None or value >= condition.at_least)
        and (condition.up_to is None or value <= condition.up_to)
    )


def _mentioned(rule: Rule, scenario: str) -> bool:
    return any(
        not _NEGATED.search(scenario[: match.start()])
        for patterns in rule.words.values()
        for pattern in patterns
        for match in re.finditer(pattern, scenario, re.IGNORECASE | re.ASCII)
    )


def _hit(rule: Rule) -> RuleHit:
    return RuleHit(id=rule.id, effect=rule.effect, priority=rule.priority, reason=dict(rule.reason), source=rule.source)
