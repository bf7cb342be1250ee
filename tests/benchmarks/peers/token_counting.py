"""Token-count matching: the counts that ``usage`` states for fixed strings against each candidate tokenizer's own.

The common practice of API checkers, in its strongest form: the chat template adds the same number of tokens to every
string, so it is a free constant of the fit, and the tokenizer with the smallest sum of absolute residuals wins.
Every published tokenizer within reach is a candidate. Left open, and chosen in the method's favour: variants that
share the winning tokenizer are told apart by that constant, against the one recorded from their honest endpoints;
and a server that states no counts is asked once more as a stream, where some do.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import httpx
import published_tokenizers

from peers.guess import Guess, Outcome, outcome_of
from peers.traffic import Traffic

STRINGS = (
    "The quick brown fox jumps over the lazy dog while 12 bakers count 3 loaves.",
    "31415926535897932384626433832795028841971693993751058209749445923078164",
    "在春天的早晨，渔民们把船推进雾里，谁也不知道今天会捕到什么。微服务架构与分布式事务",
    "def f(xs):\n        return {k: [v for v in xs if v % 7 == k] for k in range(7)}\n\n\n\t\t# ok",
    "Ærøskøbing żółć ğüşiöç ελευθερία здравствуйте שלום नमस्ते ภาษาไทย 🧑‍🚀🦄🪐",
)
"""Prose, digits, Chinese, code with white space, and rare scripts: where vocabularies differ."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The nearest tokenizers (several when they count alike), what the template adds, and the sum of residuals."""

    tokenizers: frozenset[str]
    overhead: float
    residual: float


@dataclass(frozen=True, slots=True)
class References:
    """The fit of each variant's honest endpoint."""

    fits: Mapping[str, Fit]


def record(client: httpx.Client, endpoints: Mapping[str, tuple[str, str]]) -> References:
    """Counts at the honest endpoint of each variant; those that state none are left out."""
    fits = {}
    for variant, (url, model) in endpoints.items():
        counts = ask(Traffic(client, url, model))
        if any(count is not None for count in counts):
            fits[variant] = fit(counts)
    return References(fits)


def identify(client: httpx.Client, url: str, model: str, references: References) -> Guess:
    """Fits the endpoint's counts."""
    traffic = Traffic(client, url, model)
    return traffic.guess(*conclude(ask(traffic), references))


def ask(traffic: Traffic) -> list[int | None]:
    """What the endpoint says each string is long."""
    counts: list[int | None] = []
    for string in STRINGS:
        answer = traffic.ask(string, max_tokens=1, temperature=0.0)
        if answer is not None and answer.prompt_tokens is None and not traffic.stream:
            traffic.stream = True
            answer = traffic.ask(string, max_tokens=1, temperature=0.0)
        counts.append(answer.prompt_tokens if answer else None)
    return counts


def conclude(counts: Sequence[int | None], references: References) -> tuple[Outcome, str | None, bool]:
    """Nearest tokenizer, then nearest template. Sure when the counts fit without a residual and every reference
    that would have counted the same has the same outcome."""
    if sum(count is not None for count in counts) < 3:
        return "inconclusive", None, False
    found = fit(counts)
    alike = {variant: known for variant, known in references.fits.items() if known.tokenizers & found.tokenizers}
    if not alike:
        return "other", None, found.residual == 0
    nearest = min(alike, key=lambda variant: abs(alike[variant].overhead - found.overhead))
    same = [variant for variant, known in alike.items() if known.overhead == found.overhead] or list(alike)
    sure = found.residual == 0 and len({outcome_of(variant) for variant in same}) == 1
    return outcome_of(nearest), nearest, sure


def fit(counts: Sequence[int | None]) -> Fit:
    """The candidates nearest to the counts."""
    fits = {}
    for name, own in candidates().items():
        differences = [count - of_own for count, of_own in zip(counts, own, strict=True) if count is not None]
        overhead = statistics.median_low(differences)
        fits[name] = (sum(abs(difference - overhead) for difference in differences), overhead)
    least = min(residual for residual, _ in fits.values())
    best = {name: overhead for name, (residual, overhead) in fits.items() if residual == least}
    return Fit(frozenset(best), min(best.values()), least)


@cache
def candidates() -> Mapping[str, tuple[int, ...]]:
    """Tokens in each string, by vocabulary."""
    of_vocabulary: dict[str, tuple[int, ...]] = {}
    for name, (vocabulary, _) in published_tokenizers.PUBLISHED.items():
        if vocabulary not in of_vocabulary:
            tokenizer = published_tokenizers.without_added(name)
            of_vocabulary[vocabulary] = tuple(
                len(tokenizer.encode(string, add_special_tokens=False).ids) for string in STRINGS
            )
    return of_vocabulary
