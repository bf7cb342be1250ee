"""Rules applied: which fire for constraints and words, and which kind of model they vote for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.constraints.record import Constraints
from engine.hardware.schema import Device
from engine.identification import Option, RuleHit
from engine.rules.facts import Facts, facts_of
from engine.rules.schema import Chosen, Kind, Numbers, Rule, When, Words

_NEGATED = re.compile(
    r"(?:\b(?:not|no|non|without|never|isn't|don't need)[\s-]+(?:\w+[\s-]+)?|不需要?|无需|没有|并非|不是|不要求)$",
    re.IGNORECASE,
)
_WORDS_AS = re.IGNORECASE | re.ASCII
"""ASCII: Chinese characters are no letters to \\b, so that “edge设备” has the word edge."""
_WORDS_READ = 4_000
_NEGATION_READ = 60


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules say.

    Attributes:
        kind: what they vote for: the effect of the highest priority; ``None`` where none votes, or they are ``tied``.
        hits: rules that vote, by priority; of equal priority by id.
        cautions: rules that warn whatever is chosen, by priority.
        waiting: rules that warn once a choice is made that they speak of, see ``chosen``.
    """

    kind: Kind | None
    hits: tuple[RuleHit, ...]
    cautions: tuple[RuleHit, ...]
    waiting: tuple[Rule, ...]

    @property
    def conflict(self) -> bool:
        """Whether both sides have votes."""
        return len({hit.effect for hit in self.hits}) > 1

    @property
    def tied(self) -> bool:
        """Whether votes of the highest priority contradict one another."""
        return len({hit.effect for hit in self.hits if hit.priority == self.hits[0].priority}) > 1

    def chosen(self, kind: Kind | None, option: Option | None = None) -> tuple[RuleHit, ...]:
        """Cautions on a choice: of ``kind``, and of ``option`` where one was chosen; by priority."""
        if kind is None:
            return ()
        if option is None:
            return self.cautions_on(Chosen(kind=kind))
        sizing = option.sizing
        return self.cautions_on(
            Chosen(kind=kind, variant=option.variant, quantization=sizing.quantization, engine=sizing.engine)
        )

    def cautions_on(self, chosen: Chosen) -> tuple[RuleHit, ...]:
        """Cautions on a choice, by priority."""
        return tuple(_hit(rule) for rule in self.waiting if rule.chosen is not None and rule.chosen.matches(chosen))


def apply_rules(
    constraints: Constraints,
    text: str,
    rules: Iterable[Rule],
    *,
    devices: Mapping[str, Device] | None = None,
    identified: bool = False,
) -> Ruling:
    """What ``rules`` say of ``constraints`` and the words of ``text`` (its first 4,000 characters).

    Args:
        devices: the hardware catalog; the one that ships where left out.
        identified: whether a model was identified beside, which some rules speak of.
    """
    if devices is None:
        devices = _shipped_devices(constraints)
    facts = facts_of(constraints, devices, identified=identified)
    words = text[:_WORDS_READ]
    speaking = sorted(
        (rule for rule in rules if _speaks(rule, facts, words)), key=lambda rule: (-rule.priority, rule.id)
    )
    votes = [rule for rule in speaking if rule.effect != "caution"]
    leading = {rule.effect for rule in votes if rule.priority == votes[0].priority}
    return Ruling(
        kind=leading.pop() if len(leading) == 1 else None,  # type: ignore[arg-type]  # cautions were left out
        hits=tuple(_hit(rule) for rule in votes),
        cautions=tuple(_hit(rule) for rule in speaking if rule.effect == "caution" and rule.chosen is None),
        waiting=tuple(rule for rule in speaking if rule.chosen is not None),
    )


def holds(when: When, facts: Facts, *, one: bool = False) -> bool:
    """Whether a condition holds; ``one``: whether one of its parts does."""
    parts = [_test(name, test, facts) for name, test in when.tests.items()]
    if when.all:
        parts.append(all(holds(part, facts) for part in when.all))
    if when.any:
        parts.append(any(holds(part, facts) for part in when.any))
    if when.not_ is not None:
        parts.append(not holds(when.not_, facts))
    return any(parts) if one else all(parts)


def mentioned(patterns: Iterable[str], text: str) -> bool:
    """Whether a pattern is in ``text`` and not denied there."""
    return any(
        not _NEGATED.search(text, max(0, match.start() - _NEGATION_READ), match.start())
        for pattern in patterns
        for match in re.finditer(pattern, text, _WORDS_AS)
    )


def _shipped_devices(constraints: Constraints) -> Mapping[str, Device]:
    if not constraints.hardware:
        return {}
    from engine.hardware import load_hardware

    return load_hardware()


def _speaks(rule: Rule, facts: Facts, text: str) -> bool:
    if rule.disable:
        return False
    patterns = [pattern for group in rule.words.values() for pattern in group]
    if rule.when.empty and not patterns:
        return rule.chosen is not None
    return (not rule.when.empty and holds(rule.when, facts, one=rule.any)) or mentioned(patterns, text)


def _test(name: str, test: Numbers | Words, facts: Facts) -> bool:
    if isinstance(test, Numbers):
        return test.holds(facts.numbers.get(name))
    return test.holds(facts.words.get(name, frozenset()))


def _hit(rule: Rule) -> RuleHit:
    return RuleHit(id=rule.id, effect=rule.effect, priority=rule.priority, reason=dict(rule.reason), source=rule.source)
