"""Model Equality Testing: a two-sample test on completions (Gao, Liang, Guestrin; ICLR 2025, arXiv 2410.20247).

Statistic (§3): the unbiased estimate of the squared maximum mean discrepancy between the endpoint's and a reference's
completions, averaged over prompts, with the kernel that counts the positions at which two completions have the same
character (§4.3 compares characters where tokenizers differ), shorter ones padded. p-value: permutation of the labels
(appendix A.2), within each prompt because our numbers of samples are fixed for each prompt.

As published: 25 prompts of the longform task in five languages, 10 samples of each, 50 tokens, temperature 1,
1,000 characters, level 0.01 (that of the audit of 31 endpoints, §5).
Left open, or changed in the method's favour:

- Samples of a reference cost nothing here, so there are 30 a prompt (appendix C.4 allows unequal sizes).
- Every request carries a fresh first line against response caches (``traffic.fresh``).
- One reference a candidate instead of one claim: ``guess.decide``.
- The paper leaves the task to the auditor. ``prompts`` may be others than the paper's longform task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import httpx
import numpy as np

from peers.guess import Comparison, Guess, decide, near_of
from peers.prompts import PARAGRAPHS
from peers.traffic import Traffic, fresh

SAMPLES, REFERENCE_SAMPLES = 10, 30
MAX_TOKENS, CHARACTERS = 50, 1_000
ALPHA, PERMUTATIONS = 0.01, 500
_FEWEST = 0.5
"""Share of the samples that must have come, and be more than an empty text, for a test to be made."""

Samples = Sequence[Sequence[str]]
"""Completions by prompt."""


@dataclass(frozen=True, slots=True)
class References:
    """Completions of each variant by prompt, and how near an endpoint must be to one of them to pass for it."""

    prompts: tuple[str, ...]
    completions: Mapping[str, Samples]
    near: Mapping[str, float]


def record(
    client: httpx.Client, endpoints: Mapping[str, tuple[str, str]], prompts: Sequence[str] = PARAGRAPHS
) -> References:
    """Samples the honest endpoint of each variant."""
    completions = {
        variant: sample(Traffic(client, url, model), prompts, REFERENCE_SAMPLES)
        for variant, (url, model) in endpoints.items()
    }
    return References(tuple(prompts), completions, near_of(distances(completions)))


def identify(client: httpx.Client, url: str, model: str, references: References) -> Guess:
    """Tests the endpoint against every reference."""
    traffic = Traffic(client, url, model)
    found = sample(traffic, references.prompts, SAMPLES)
    if sum(bool(text) for texts in found for text in texts) < _FEWEST * SAMPLES * len(references.prompts):
        return traffic.guess("inconclusive", None, False)
    comparisons = {variant: compare(found, other) for variant, other in references.completions.items()}
    return traffic.guess(*decide(comparisons, references.near, ALPHA))


def sample(traffic: Traffic, prompts: Sequence[str], samples: int) -> Samples:
    """``samples`` completions of each prompt, less those that failed."""
    asked = [fresh(prompt) for prompt in prompts for _ in range(samples)]
    answers = traffic.ask_all(asked, max_tokens=MAX_TOKENS, temperature=1.0)
    return [
        [answer.text for answer in answers[start : start + samples] if answer is not None]
        for start in range(0, len(answers), samples)
    ]


def compare(one: Samples, other: Samples, permutations: int = PERMUTATIONS, seed: int = 0) -> Comparison:
    """The statistic between two sets of completions of the same prompts, and its permutation p-value."""
    observed, permuted, prompts = 0.0, np.zeros(permutations), 0
    for number, (first, second) in enumerate(zip(one, other, strict=True)):
        if len(first) < 2 or len(second) < 2:
            continue
        labels = _labels(len(first), len(second), permutations, seed + number)
        statistics = _discrepancy(hamming([*first, *second]), labels)
        observed, permuted, prompts = observed + statistics[0], permuted + statistics[1:], prompts + 1
    # Sums over prompts of equal permutations differ in the last bits.
    reached = int(np.sum(permuted >= observed - 1e-9))
    return Comparison(float(observed / max(prompts, 1)), (1 + reached) / (1 + permutations))


@lru_cache(256)
def _labels(first: int, second: int, permutations: int, seed: int) -> np.ndarray:
    """A row for how the samples came, then one for each permutation; 1 where a sample counts to the first."""
    labels = np.zeros((permutations + 1, first + second))
    labels[:, :first] = 1
    labels[1:] = np.random.default_rng(seed).permuted(labels[1:], axis=1)
    return labels


def hamming(texts: Sequence[str]) -> np.ndarray:
    """Share of positions at which texts agree, for every pair; padding agrees with padding."""
    longest = max(1, min(CHARACTERS, max(map(len, texts))))
    codes = np.full((len(texts), longest), -1, dtype=np.int32)
    for row, text in zip(codes, texts, strict=True):
        points = np.frombuffer(text[:longest].encode("utf-32-le", "replace"), dtype=np.int32)
        row[: len(points)] = points
    # Characters beyond the longest are padding in all, so that they are one constant, which cancels.
    return np.stack([np.sum(codes == row, axis=1) for row in codes]) / CHARACTERS


def distances(completions: Mapping[str, Samples]) -> dict[tuple[str, str], float]:
    """The statistic between every two references."""
    names = list(completions)
    found = {}
    for index, one in enumerate(names):
        for other in names[index + 1 :]:
            found[one, other] = found[other, one] = compare(completions[one], completions[other], 1).statistic
    return found


def _discrepancy(kernel: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Unbiased squared MMD for each row of labels (1: first sample, 0: second)."""
    n, m = labels[0].sum(), (1 - labels[0]).sum()
    diagonal, rows = np.diag(kernel), kernel.sum(axis=1)
    both_first = np.einsum("bi,bi->b", labels @ kernel, labels)
    with_first = labels @ rows
    within_first = both_first - labels @ diagonal
    within_second = rows.sum() - 2 * with_first + both_first - (1 - labels) @ diagonal
    between = with_first - both_first
    return within_first / (n * (n - 1)) + within_second / (m * (m - 1)) - 2 * between / (n * m)
