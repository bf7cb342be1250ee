"""Problems: fresh for every seed, the same in both languages, and solved alike by brute force."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise, product
from math import gcd

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.questions import problems


def test_problems_are_the_same_for_a_seed_and_new_for_another() -> None:
    for level in problems.LEVELS:
        made = problems.generate(5, level, 12)
        assert made == problems.generate(5, level, 12)
        assert not {problem.en for problem in made} & {problem.en for problem in problems.generate(6, level, 12)}
        assert made[:4] == problems.generate(5, level, 4)
    with pytest.raises(ValueError, match="levels 1 to 6"):
        problems.generate(1, 7, 1)


@given(st.integers(0, 10**6), st.sampled_from(problems.LEVELS))
def test_every_answer_is_what_brute_force_finds(seed: int, level: int) -> None:
    for problem in problems.generate(seed, level, 5):
        kind = problem.id.rsplit("-", 3)[0]
        assert problem.answer == BRUTE_FORCE[kind](*_figures(problem.en)), problem
        assert problem.answer >= 0
        assert Counter(_figures(problem.en)) == Counter(_figures(problem.zh)), problem


@given(st.integers(0, 10**6), st.sampled_from(problems.LEVELS), st.sampled_from(["en", "zh"]))
def test_a_right_answer_sheet_is_read_as_right(seed: int, level: int, lang: str) -> None:
    made = problems.generate(seed, level, 5)
    assert problems.ask(made, lang, "apple").count("\n") == 6
    sheet = "\n".join(f"{number}. {problem.answer}" for number, problem in enumerate(made, 1))
    assert problems.read_numbers(sheet, 5) == tuple(problem.answer for problem in made)


def _figures(text: str) -> list[int]:
    return [int(figure) for figure in re.findall(r"\d+", text)]


def _remainder_of_power(base: int, exponent: int, modulus: int) -> int:
    value = 1
    for _ in range(exponent):
        value = value * base % modulus
    return value


def _linear_pair(a: int, b: int, p: int, c: int, d: int, q: int) -> int:
    return next(x * y for x, y in product(range(60), repeat=2) if a * x + b * y == p and c * x + d * y == q)


def _linear_triple(*figures: int) -> int:
    rows = [figures[:4], figures[4:8], figures[8:]]
    return next(
        x * y * z
        for x, y, z in product(range(25), repeat=3)
        if all(a * x + b * y + c * z == total for a, b, c, total in rows)
    )


def _choices(size: int, chosen: int) -> int:
    return sum(mask.bit_count() == chosen for mask in range(2**size))


def _recurrence(first: int, second: int, p: int, q: int, n: int) -> int:
    if n <= 2:
        return (first, second)[n - 1]
    return p * _recurrence(first, second, p, q, n - 1) + q * _recurrence(first, second, p, q, n - 2)


def _paths(x: int, y: int, a: int, b: int, c: int, d: int) -> int:
    if (x, y) == (a, b):
        return 1
    if x > a or y > b or (x, y) == (c, d):
        return 0
    return _paths(x + 1, y, a, b, c, d) + _paths(x, y + 1, a, b, c, d)


def _congruences(*pairs: int) -> int:
    conditions = list(zip(pairs[::2], pairs[1::2], strict=True))
    return next(x for x in range(1, 10**5) if all(x % modulus == rest for rest, modulus in conditions))


def _quadratic_map(start: int, times: int, power: int, add: int, modulus: int) -> int:
    for _ in range(times):
        start = (start**power + add) % modulus
    return start


def _determinant(rows: list[list[int]]) -> int:
    if not rows:
        return 1
    minors = ([row[:column] + row[column + 1 :] for row in rows[1:]] for column in range(len(rows)))
    return sum((-1) ** column * rows[0][column] * _determinant(minor) for column, minor in enumerate(minors))


def _remainders(a: int, b: int, end: int) -> int:
    chain = [a, b]
    while chain[-1] > end:
        chain.append(chain[-2] - max(k for k in range(0, chain[-2] + 1, chain[-1])))
    assert all(gcd(*pair) == gcd(a, b) for pair in pairwise(chain))
    return sum(chain[2:])


def _vowels_apart(vowels: int, consonants: int, length: int) -> int:
    return sum(
        vowels ** sum(shape) * consonants ** (length - sum(shape))
        for shape in product((0, 1), repeat=length)
        if (1, 1) not in pairwise(shape)
    )


BRUTE_FORCE: dict[str, Callable[..., int]] = {
    "product-and-sum": lambda a, b, c: sum([a] * b) + c,
    "sum-times": lambda a, b, c: sum([a, b] * c),
    "crates": lambda had, sold, new, each: had - sold + sum([each] * new),
    "two-products": lambda a, b, c, d, e: sum([a] * b) - sum([c] * d) + e,
    "one-unknown": lambda a, c, b, e: next(x for x in range(200) if a * x + c == b * x + e),
    "series": lambda first, step, count: sum(first + step * k for k in range(count)),
    "product-remainder": lambda a, b, c, m: next(r for r in range(m) if (a * b + c - r) % m == 0),
    "linear-pair": _linear_pair,
    "committees": lambda w, m, women, men: _choices(women, w) * _choices(men, m),
    "small-power": _remainder_of_power,
    "two-multiples": lambda one, n, a, b: sum(k % a == 0 or k % b == 0 for k in range(one, n + 1)),
    "linear-triple": _linear_triple,
    "divisor-sum": lambda n: sum(d for d in range(1, n + 1) if n % d == 0),
    "three-multiples": lambda one, n, a, b, c: sum(all(k % d for d in (a, b, c)) for k in range(one, n + 1)),
    "recurrence": lambda one, first, two, second, p, back, q, far, n: _recurrence(first, second, p, q, n),
    "order": lambda base, rest, m: next(k for k in range(1, m) if _remainder_of_power(base, k, m) == rest),
    "inverse": lambda low, high, a, rest, m: next(x for x in range(low, high + 1) if a * x % m == rest),
    "paths-around-a-point": _paths,
    "three-congruences": _congruences,
    "quadratic-map": _quadratic_map,
    "four-by-four": lambda *figures: _determinant([list(figures[k : k + 4]) for k in range(0, 16, 4)]),
    "euclid": _remainders,
    "large-power": _remainder_of_power,
    "vowels-apart": _vowels_apart,
}
