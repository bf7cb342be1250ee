"""The kinds of problem, by level: each draws its numbers, says them in both languages, and knows the answer.

Every answer is a non-negative integer out of dozens at least, so that a guess is as good as lost.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from math import comb, lcm, prod
from random import Random
from typing import NamedTuple

_PRIMES = tuple(n for n in range(2, 1000) if all(n % d for d in range(2, int(n**0.5) + 1)))


class Made(NamedTuple):
    en: str
    zh: str
    answer: int


def product_and_sum(random: Random) -> Made:
    a, b, c = random.randint(12, 48), random.randint(6, 9), random.randint(101, 399)
    return Made(f"What is {a} * {b} + {c}?", f"{a} * {b} + {c} 等于多少？", a * b + c)


def sum_times(random: Random) -> Made:
    a, b, c = random.randint(13, 69), random.randint(14, 79), random.randint(3, 9)
    return Made(f"What is ({a} + {b}) * {c}?", f"({a} + {b}) * {c} 等于多少？", (a + b) * c)


def crates(random: Random) -> Made:
    had, sold, new, each = (random.randint(*span) for span in ((150, 400), (21, 99), (4, 9), (11, 19)))
    return Made(
        f"A shop has {had} boxes, sells {sold} of them, and then receives {new} crates of {each} boxes each. "
        "How many boxes does it have now?",
        f"商店有{had}个盒子，卖出{sold}个，又进货{new}箱，每箱{each}个。现在有多少个盒子？",
        had - sold + new * each,
    )


def two_products(random: Random) -> Made:
    a, b, c, d, e = (random.randint(low, low + 30) for low in (44, 43, 11, 12, 105))
    text = f"{a} * {b} - {c} * {d} + {e}"
    return Made(f"What is {text}?", f"{text} 等于多少？", a * b - c * d + e)


def one_unknown(random: Random) -> Made:
    x, a, b, c = (random.randint(*span) for span in ((24, 95), (8, 15), (2, 6), (11, 99)))
    text = f"{a}x + {c} = {b}x + {(a - b) * x + c}"
    return Made(f"If {text}, what is x?", f"若 {text}，则 x 等于多少？", x)


def series(random: Random) -> Made:
    first, step, count = random.randint(5, 40), random.randint(3, 11), random.randint(14, 38)
    return Made(
        f"An arithmetic sequence starts with {first} and grows by {step} each time. "
        f"What is the sum of its first {count} terms?",
        f"等差数列首项为{first}，公差为{step}，前{count}项之和是多少？",
        count * (2 * first + (count - 1) * step) // 2,
    )


def product_remainder(random: Random) -> Made:
    a, b, c, m = (random.randint(*span) for span in ((110, 480), (31, 89), (100, 999), (53, 99)))
    return Made(
        f"What is the remainder when {a} * {b} + {c} is divided by {m}?",
        f"{a} * {b} + {c} 除以 {m} 的余数是多少？",
        (a * b + c) % m,
    )


def linear_pair(random: Random) -> Made:
    x, y = random.randint(6, 29), random.randint(6, 29)
    a, b, c = random.randint(2, 9), random.randint(2, 9), random.randint(2, 9)
    d = next(d for d in (7, 11, 13) if a * d != b * c)
    one, two = f"{a}x + {b}y = {a * x + b * y}", f"{c}x + {d}y = {c * x + d * y}"
    return Made(f"If {one} and {two}, what is x * y?", f"若 {one} 且 {two}，则 x * y 等于多少？", x * y)


def committees(random: Random) -> Made:
    women, men, w, m = (random.randint(*span) for span in ((7, 11), (6, 10), (2, 4), (2, 3)))
    return Made(
        f"In how many ways can a committee of {w} women and {m} men be chosen from {women} women and {men} men?",
        f"要选出{w}名女士和{m}名男士组成委员会，候选人有{women}名女士和{men}名男士，共有多少种选法？",
        comb(women, w) * comb(men, m),
    )


def small_power(random: Random) -> Made:
    base, exponent, m = random.randint(7, 29), random.randint(5, 8), random.choice(_PRIMES[12:25])
    return Made(
        f"What is the remainder when {base}^{exponent} is divided by {m}?",
        f"{base}^{exponent} 除以 {m} 的余数是多少？",
        base**exponent % m,
    )


def two_multiples(random: Random) -> Made:
    n, a, b = random.randint(600, 1900), random.choice((4, 6, 10)), random.choice((9, 14, 15))
    return Made(
        f"How many of the integers from 1 to {n} are divisible by {a} or by {b}?",
        f"从 1 到 {n} 的整数中，能被 {a} 或 {b} 整除的有多少个？",
        n // a + n // b - n // lcm(a, b),
    )


def linear_triple(random: Random) -> Made:
    x, y, z = (random.randint(5, 19) for _ in range(3))
    while True:
        rows = [[random.randint(2, 9) for _ in range(3)] for _ in range(3)]
        if determinant(rows):
            break
    text = [f"{a}x + {b}y + {c}z = {a * x + b * y + c * z}" for a, b, c in rows]
    return Made(
        f"If {text[0]}, {text[1]} and {text[2]}, what is x * y * z?",
        f"若 {text[0]}，{text[1]}，且 {text[2]}，则 x * y * z 等于多少？",
        x * y * z,
    )


def divisor_sum(random: Random) -> Made:
    p, q, r = random.sample(_PRIMES[1:9], 3)
    twos = random.randint(2, 4)
    return Made(
        f"What is the sum of all positive divisors of {2**twos * p * q * r}?",
        f"{2**twos * p * q * r} 的所有正因数之和是多少？",
        (2 ** (twos + 1) - 1) * (p + 1) * (q + 1) * (r + 1),
    )


def three_multiples(random: Random) -> Made:
    n, a, b, c = (random.randint(2000, 9000), *(random.choice(of) for of in ((4, 6), (9, 10, 15), (7, 14, 21))))
    pairs = n // lcm(a, b) + n // lcm(a, c) + n // lcm(b, c)
    return Made(
        f"How many of the integers from 1 to {n} are divisible by none of {a}, {b} and {c}?",
        f"从 1 到 {n} 的整数中，不能被 {a}、{b}、{c} 中任何一个整除的有多少个？",
        n - (n // a + n // b + n // c - pairs + n // lcm(a, b, c)),
    )


def recurrence(random: Random) -> Made:
    p, q, first, second = random.randint(2, 3), random.randint(2, 5), random.randint(1, 9), random.randint(1, 9)
    n = random.randint(8, 10)
    terms = [first, second]
    while len(terms) < n:
        terms.append(p * terms[-1] + q * terms[-2])
    return Made(
        f"If a_1 = {first}, a_2 = {second} and a_n = {p} * a_(n-1) + {q} * a_(n-2), what is a_{n}?",
        f"若 a_1 = {first}，a_2 = {second}，a_n = {p} * a_(n-1) + {q} * a_(n-2)，则 a_{n} 等于多少？",
        terms[-1],
    )


def order(random: Random) -> Made:
    while True:
        base, m = random.randint(3, 30), random.choice(_PRIMES[15:40])
        least = next(k for k in range(1, m) if pow(base, k, m) == 1)
        if least >= 14:
            break
    return Made(
        f"What is the least positive k for which {base}^k leaves remainder 1 when divided by {m}?",
        f"使 {base}^k 除以 {m} 余 1 的最小正整数 k 是多少？",
        least,
    )


def inverse(random: Random) -> Made:
    m = random.choice(_PRIMES[60:160])
    a = random.randint(40, m - 40)
    return Made(
        f"Which integer x from 1 to {m - 1} satisfies: {a} * x leaves remainder 1 when divided by {m}?",
        f"在 1 到 {m - 1} 的整数中，使 {a} * x 除以 {m} 余 1 的 x 是多少？",
        pow(a, -1, m),
    )


def paths_around_a_point(random: Random) -> Made:
    a, b = random.randint(6, 8), random.randint(6, 8)
    c, d = random.randint(2, a - 2), random.randint(2, b - 2)
    return Made(
        f"How many paths lead from (0, 0) to ({a}, {b}) by steps of one unit right or up, "
        f"without passing through ({c}, {d})?",
        f"从 (0, 0) 走到 ({a}, {b})，每步向右或向上走一个单位，且不经过 ({c}, {d})，共有多少条路径？",
        comb(a + b, a) - comb(c + d, c) * comb(a + b - c - d, a - c),
    )


def three_congruences(random: Random) -> Made:
    moduli = random.sample((7, 9, 11, 13, 16, 17), 3)
    while True:
        x = random.randint(prod(moduli) // 3, prod(moduli) - 1)
        if all(x % m > 1 for m in moduli):
            break
    en = " and ".join(f"{x % m} when divided by {m}" for m in moduli)
    zh = "，".join(f"除以 {m} 余 {x % m}" for m in moduli)
    return Made(f"What is the least positive integer that leaves remainder {en}?", f"{zh} 的最小正整数是多少？", x)


def quadratic_map(random: Random) -> Made:
    while True:
        p, start, add = random.choice(_PRIMES[60:160]), random.randint(2, 40), random.randint(2, 40)
        values = [start]
        while len(values) <= 12:
            values.append((values[-1] ** 2 + add) % p)
        if len(set(values)) == len(values):
            break
    return Made(
        f"Start with x = {start} and 12 times replace x by the remainder of x^2 + {add} divided by {p}. What is x then?",
        f"令 x = {start}，连续 12 次把 x 换成 x^2 + {add} 除以 {p} 的余数，最后 x 等于多少？",
        values[-1],
    )


def four_by_four(random: Random) -> Made:
    while True:
        rows = [[random.randint(1, 9) for _ in range(4)] for _ in range(4)]
        if (value := determinant(rows)) > 99:
            break
    text = "; ".join(", ".join(map(str, row)) for row in rows)
    return Made(f"What is the determinant of the matrix [{text}]?", f"矩阵 [{text}] 的行列式等于多少？", value)


def euclid(random: Random) -> Made:
    while True:
        a, b = random.randint(40_000, 99_999), random.randint(10_000, 39_999)
        remainders = [a % b]
        last = b
        while remainders[-1]:
            last, remainder = remainders[-1], last % remainders[-1]
            remainders.append(remainder)
        if len(remainders) >= 11:
            break
    return Made(
        f"Apply the Euclidean algorithm to {a} and {b} until the remainder is 0. What is the sum of all remainders?",
        f"对 {a} 和 {b} 做辗转相除，直到余数为 0，所有余数之和是多少？",
        sum(remainders),
    )


def large_power(random: Random) -> Made:
    base, exponent, m = random.randint(120, 380), random.randint(2100, 4000), random.choice(_PRIMES[100:160])
    return Made(
        f"What is the remainder when {base}^{exponent} is divided by {m}?",
        f"{base}^{exponent} 除以 {m} 的余数是多少？",
        pow(base, exponent, m),
    )


def vowels_apart(random: Random) -> Made:
    length, vowels, consonants = random.randint(7, 11), random.randint(2, 4), random.randint(3, 8)
    after_vowel, after_consonant = vowels, consonants
    for _ in range(length - 1):
        after_vowel, after_consonant = after_consonant * vowels, (after_vowel + after_consonant) * consonants
    return Made(
        f"An alphabet has {vowels} vowels and {consonants} consonants. "
        f"How many words of {length} letters have no two vowels next to each other?",
        f"某字母表有{vowels}个元音和{consonants}个辅音。由它组成的{length}个字母的词中，没有两个元音相邻的有多少个？",
        after_vowel + after_consonant,
    )


def determinant(rows: list[list[int]]) -> int:
    """By Leibniz's formula: exact, and fast enough for four rows."""
    total = 0
    for columns in permutations(range(len(rows))):
        swaps = sum(a > b for place, a in enumerate(columns) for b in columns[place + 1 :])
        total += (-1) ** swaps * prod(row[column] for row, column in zip(rows, columns, strict=True))
    return total


KINDS: dict[int, tuple[Callable[[Random], Made], ...]] = {
    1: (product_and_sum, sum_times, crates),
    2: (two_products, one_unknown, series, product_remainder),
    3: (linear_pair, committees, small_power, two_multiples),
    4: (linear_triple, divisor_sum, three_multiples, recurrence),
    5: (order, inverse, paths_around_a_point, three_congruences),
    6: (quadratic_map, four_by_four, euclid, large_power, vowels_apart),
}
