"""What conditions can hold at all, alone and together: by trying every value that makes a difference.

A condition compares numbers with bounds and words with lists, so of each number only the bounds themselves, values
between them, and "unknown" can tell situations apart; of each word only those listed, another, and none. Trying all
combinations is exact. Beyond ``_MOST`` combinations a condition is taken to be able to hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product
from math import prod

from engine.rules.applying import holds
from engine.rules.facts import Facts
from engine.rules.schema import ALLOWED, Numbers, When, Words

_MOST = 50_000
_OTHER = "(another)"


def can_hold(*wanted: When, without: tuple[When, ...] = ()) -> bool:
    """Whether some situation meets every one of ``wanted`` and none of ``without``."""
    tests = [found for when in (*wanted, *without) for found in _tests(when)]
    numbers: dict[str, list[Numbers]] = {}
    words: dict[str, list[Words]] = {}
    for name, test in tests:
        if isinstance(test, Numbers):
            numbers.setdefault(name, []).append(test)
        else:
            words.setdefault(name, []).append(test)
    values = {name: _values(of) for name, of in numbers.items()}
    sets = {name: _sets(name, of) for name, of in words.items()}
    if prod(map(len, values.values())) * prod(map(len, sets.values())) > _MOST:
        return True
    return any(
        all(holds(when, facts) for when in wanted) and not any(holds(when, facts) for when in without)
        for facts in _situations(values, sets)
    )


def _situations(values: dict[str, list[float | None]], sets: dict[str, list[frozenset[str]]]) -> Iterator[Facts]:
    for chosen in product(*values.values(), *sets.values()):
        numbers = {name: value for name, value in zip(values, chosen, strict=False) if value is not None}
        words = dict(zip(sets, chosen[len(values) :], strict=True))
        yield Facts(numbers, words)  # type: ignore[arg-type]  # product forgets which are numbers and which are sets


def _tests(when: When) -> Iterator[tuple[str, Numbers | Words]]:
    yield from when.tests.items()
    for part in (*when.all, *when.any, *([when.not_] if when.not_ is not None else [])):
        yield from _tests(part)


def _values(tests: list[Numbers]) -> list[float | None]:
    """Unknown, each bound, and one value between any two of them, below and above."""
    bounds = sorted({bound for test in tests for bound in (test.over, test.under, test.at_least, test.up_to) if bound})
    if not bounds:
        return [None, 1.0]
    between = [(low + high) / 2 for low, high in pairwise(bounds)]
    return [None, *bounds, *between, bounds[0] / 2, bounds[-1] * 2]


def _sets(name: str, tests: list[Words]) -> list[frozenset[str]]:
    """None, each word that is listed, and one that is not, where there is one."""
    listed = {word for test in tests for word in test.in_}
    others = set(ALLOWED[name]) - listed if name in ALLOWED else {_OTHER}
    return [
        frozenset(),
        *(frozenset({word}) for word in sorted(listed)),
        *(frozenset({word}) for word in sorted(others)[:1]),
    ]
