"""Right answers to the problems that simulated models are asked, worked out from their wording alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from itertools import permutations
from math import comb, lcm, prod

_Numbers = list[int]
_EXPRESSION = re.compile(r"(?:What is )?([\d*+() -]{5,80}?)(?:\?| ?等于多少？)")


@cache
def solve(text: str) -> tuple[int, int] | None:
    """Answer and level (1 to 6) of a problem; ``None`` when it is none that we know."""
    match = _EXPRESSION.fullmatch(text)
    if match:
        # Digits, brackets and three operators: nothing here can call anything.
        return int(eval(match[1])), 1 if sum(map(match[1].count, "*+-")) < 3 else 2
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    for pattern, level, answer in _KINDS:
        if re.search(pattern, text):
            return answer(numbers), level
    return None


def _linear(numbers: _Numbers) -> int:
    """The product of the unknowns of two or three equations, each its coefficients and then its sum."""
    size = 2 if len(numbers) == 6 else 3
    rows = [numbers[at : at + size + 1] for at in range(0, len(numbers), size + 1)]
    whole = _determinant([row[:size] for row in rows])
    found = [_determinant([[*row[:at], row[size], *row[at + 1 : size]] for row in rows]) // whole for at in range(size)]
    return prod(found)


def _determinant(rows: list[list[int]]) -> int:
    total = 0
    for order in permutations(range(len(rows))):
        swaps = sum(a > b for place, a in enumerate(order) for b in order[place + 1 :])
        total += (-1) ** swaps * prod(row[column] for row, column in zip(rows, order, strict=True))
    return total


def _unknown(numbers: _Numbers) -> int:
    a, c, b, d = numbers
    return (d - c) // (a - b)


def _divisors(numbers: _Numbers) -> int:
    n = numbers[0]
    return sum({part for d in range(1, int(n**0.5) + 1) if n % d == 0 for part in (d, n // d)})


def _multiples(numbers: _Numbers) -> int:
    n, a, b = numbers[1:]
    return n // a + n // b - n // lcm(a, b)


def _by_none(numbers: _Numbers) -> int:
    n, *by = numbers[1:]
    return sum(all(k % d for d in by) for k in range(1, n + 1))


def _recurrence(numbers: _Numbers) -> int:
    first, second, p, q, n = numbers[1], numbers[3], numbers[4], numbers[6], numbers[8]
    terms = [first, second]
    while len(terms) < n:
        terms.append(p * terms[-1] + q * terms[-2])
    return terms[-1]


def _order(numbers: _Numbers) -> int:
    base, m = numbers[0], max(numbers[1:])
    return next(k for k in range(1, m + 1) if pow(base, k, m) == 1)


def _paths(numbers: _Numbers) -> int:
    a, b, c, d = numbers[2:]
    return comb(a + b, a) - comb(c + d, c) * comb(a + b - c - d, a - c)


def _congruences(text_pairs: _Numbers) -> int:
    """Pairs of remainder and modulus; in Chinese the modulus comes first. A remainder is the smaller one."""
    pairs = [(min(two), max(two)) for two in zip(text_pairs[::2], text_pairs[1::2], strict=True)]
    return next(x for x in range(1, prod(m for _, m in pairs) + 1) if all(x % m == r for r, m in pairs))


def _map(numbers: _Numbers) -> int:
    x, add, p = numbers[0], numbers[3], numbers[4]
    for _ in range(12):
        x = (x * x + add) % p
    return x


def _euclid(numbers: _Numbers) -> int:
    a, b = numbers[:2]
    total = 0
    while b:
        a, b = b, a % b
        total += b
    return total


def _words(numbers: _Numbers) -> int:
    vowels, consonants, length = numbers
    after_vowel, after_consonant = vowels, consonants
    for _ in range(length - 1):
        after_vowel, after_consonant = after_consonant * vowels, (after_vowel + after_consonant) * consonants
    return after_vowel + after_consonant


def _power_level(numbers: _Numbers) -> int:
    return pow(numbers[0], numbers[1], numbers[2])


_KINDS: tuple[tuple[str, int, Callable[[_Numbers], int]], ...] = (
    (r"A shop has|商店有", 1, lambda n: n[0] - n[1] + n[2] * n[3]),
    (r"what is x\?|则 x 等于多少", 2, _unknown),
    (r"arithmetic sequence|等差数列", 2, lambda n: n[2] * (2 * n[0] + (n[2] - 1) * n[1]) // 2),
    (r"remainder when \d+ \* \d+ \+|^\d+ \* \d+ \+ \d+ 除以", 2, lambda n: (n[0] * n[1] + n[2]) % n[3]),
    (r"x \* y \* z", 4, _linear),
    (r"x \* y", 3, _linear),
    (r"committee|委员会", 3, lambda n: comb(n[2], n[0]) * comb(n[3], n[1])),
    (r"(?:when |^)\d+\^\d\D", 3, _power_level),
    (r"(?:when |^)\d+\^\d+", 6, _power_level),
    (r"divisible by \d+ or by|能被 \d+ 或 \d+", 3, _multiples),
    (r"positive divisors|正因数之和", 4, _divisors),
    (r"divisible by none|不能被", 4, _by_none),
    (r"a_\(n-1\)", 4, _recurrence),
    (r"least positive k|最小正整数 k", 5, _order),
    (r"Which integer x|的整数中，使", 5, lambda n: pow(n[2], -1, n[1] + 1)),
    (r"How many paths|多少条路径", 5, _paths),
    (r"least positive integer that leaves|的最小正整数是多少", 5, _congruences),
    (r"12 times|连续 12 次", 6, _map),
    (r"determinant|行列式", 6, lambda n: _determinant([n[at : at + 4] for at in range(0, 16, 4)])),
    (r"Euclidean|辗转相除", 6, _euclid),
    (r"vowels|元音", 6, _words),
)
