"""Rank-based uniformity test, RUT (Zhu et al.; ICLR 2026, arXiv 2506.06975).

One completion of the endpoint for each prompt is ranked, by a scalar score, among m completions of the reference for
that prompt; ties are broken at random in proportion (randomized quantile residuals). If the two models are one, the
ranks are uniform on [0, 1]: Cramér–von Mises test.

As published: 100 prompts as users ask them, one completion of each, m = 100 reference completions, temperature 0.5,
30 tokens, level 0.05.

The score. The paper compares log-likelihood, token rank, log-rank, entropy and LRR under the *reference model* and
takes log-rank: the mean logarithm of each token's rank among what the model would have said next. All five need the
reference's logits for a text it did not write, which a reference behind an API does not give. The nearest thing
without them, used here, is log-rank under a model of the reference: frequencies of words after the two words before
them, estimated from half of its completions of the same prompt and backing off to shorter contexts and then to all
prompts. The other half is what the endpoint is ranked among, so that under the null hypothesis endpoint and reference
completions are scored alike and ranks are exactly uniform, at any m; for the same reason the rank is
(below + U · (equal + 1)) / (m + 1) instead of (below + U · equal) / m.

Left open: one reference a candidate instead of one claim (``guess.decide``, with Cramér–von Mises' statistic divided
by the number of prompts as the distance), and the prompts. Prompts are sent bare: each is asked once, so that a cache
of responses cannot repeat itself.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx
import numpy as np
from scipy import stats

from peers.guess import Comparison, Guess, decide, near_of
from peers.prompts import CONVERSATIONS
from peers.traffic import Traffic

REFERENCE_SAMPLES = 100
MAX_TOKENS, TEMPERATURE, ALPHA = 30, 0.5, 0.05
_FEWEST = 0.5
_ORDER = 2
_END = "\u2403"
_WORDS = 16
"""Scored at most: servers differ in whether thinking marks use up some of the 30 tokens, and a mean over fewer words
is another score."""
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|(?:(?![\u3040-\u30ff\u3400-\u9fff])\w)+|[^\w\s]")

Context = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """One model as the test needs it: what it says next by context, most frequent first (word → rank), and by
    prompt the sorted scores of the completions to rank among."""

    ranks: Mapping[Context, Mapping[str, int]]
    scores: tuple[np.ndarray, ...]


@dataclass(frozen=True, slots=True)
class References:
    """The reference of each variant, and how near an endpoint must be to one of them to pass for it."""

    prompts: tuple[str, ...]
    models: Mapping[str, Reference]
    near: Mapping[str, float]


def record(
    client: httpx.Client, endpoints: Mapping[str, tuple[str, str]], prompts: Sequence[str] = CONVERSATIONS,
    samples: int = REFERENCE_SAMPLES,
) -> References:  # fmt: skip
    """Samples the honest endpoint of each variant."""
    completions = {}
    for variant, (url, model) in endpoints.items():
        flat = ask(Traffic(client, url, model), [prompt for prompt in prompts for _ in range(samples)])
        completions[variant] = [
            [text for text in flat[start : start + samples] if text is not None]
            for start in range(0, len(flat), samples)
        ]
    return references_of(prompts, completions)


def references_of(prompts: Sequence[str], completions: Mapping[str, Sequence[Sequence[str]]]) -> References:
    """Models of the references, and the distances between them."""
    models = {variant: reference_of(texts) for variant, texts in completions.items()}
    drawn = {variant: [texts[-1] if texts else None for texts in found] for variant, found in completions.items()}
    distances = {(one, other): compare(drawn[other], models[one]).statistic
                 for one in models for other in models if one != other}  # fmt: skip
    return References(tuple(prompts), models, near_of(distances))


def identify(client: httpx.Client, url: str, model: str, references: References) -> Guess:
    """Ranks one completion for each prompt in every reference."""
    traffic = Traffic(client, url, model)
    found = ask(traffic, references.prompts)
    if sum(map(bool, found)) < _FEWEST * len(found):
        return traffic.guess("inconclusive", None, False)
    comparisons = {variant: compare(found, reference) for variant, reference in references.models.items()}
    return traffic.guess(*decide(comparisons, references.near, ALPHA))


def ask(traffic: Traffic, prompts: Sequence[str]) -> list[str | None]:
    """One completion for each prompt. Its end is marked if it has one; else its last word, which ``max_tokens`` may
    have cut in two, is left off."""
    answers = traffic.ask_all(prompts, max_tokens=MAX_TOKENS, temperature=TEMPERATURE)
    return [
        None if answer is None else answer.text + _END if answer.whole else answer.text.rpartition(" ")[0]
        for answer in answers
    ]


def reference_of(completions: Sequence[Sequence[str]]) -> Reference:
    """Learns what the model says next from one half of its completions and scores the other half."""
    counts: dict[Context, Counter[str]] = {}
    for prompt, texts in enumerate(completions):
        for text in texts[: len(texts) // 2]:
            said = words(text)
            for position, word in enumerate(said):
                for context in _contexts(prompt, said, position):
                    counts.setdefault(context, Counter())[word] += 1
    ranks = {context: {word: rank for rank, (word, _) in enumerate(counter.most_common(), 1)}
             for context, counter in counts.items()}  # fmt: skip
    scores = tuple(
        np.sort([log_rank(ranks, prompt, text) for text in texts[len(texts) // 2 :]])
        for prompt, texts in enumerate(completions)
    )
    return Reference(ranks, scores)


def compare(found: Sequence[str | None], reference: Reference, seed: int = 0) -> Comparison:
    """The Cramér–von Mises statistic of the ranks, divided by their number, and its p-value."""
    generator = random.Random(seed)
    ranks = []
    for prompt, (text, scores) in enumerate(zip(found, reference.scores, strict=True)):
        if text is None or not len(scores):
            continue
        score = log_rank(reference.ranks, prompt, text)
        below, not_above = np.searchsorted(scores, score, "left"), np.searchsorted(scores, score, "right")
        ranks.append((below + generator.random() * (not_above - below + 1)) / (len(scores) + 1))
    if len(ranks) < 2:
        return Comparison(math.inf, 1.0)
    result = stats.cramervonmises(ranks, "uniform")
    return Comparison(float(result.statistic) / len(ranks), float(result.pvalue))


def log_rank(ranks: Mapping[Context, Mapping[str, int]], prompt: int, text: str) -> float:
    """Mean logarithm of each word's rank; a word unheard in a context comes after all that were heard there."""
    said = words(text)
    total = 0.0
    for position, word in enumerate(said):
        passed = 0
        for context in _contexts(prompt, said, position):
            heard = ranks.get(context, {})
            if word in heard:
                passed += heard[word]
                break
            passed += len(heard)
        else:
            passed += 1
        total += math.log(passed)
    return total / max(len(said), 1)


def words(text: str) -> list[str]:
    """Words, single Chinese characters and marks, as many as 30 tokens of any tokenizer hold."""
    return _WORD.findall(text)[:_WORDS]


def _contexts(prompt: int, said: Sequence[str], position: int) -> list[Context]:
    """Longest first: this prompt with its last words, then any prompt."""
    before = [tuple(said[position - order : position]) for order in range(min(_ORDER, position), -1, -1)]
    start = ("start",) if position < _ORDER else ()
    return [(prompt, *start, order) for order in before] + [(-1, *start, order) for order in before]
