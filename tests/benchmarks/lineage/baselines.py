"""The published signals of weight lineage, written from their descriptions, on the same files.

Each signal is two functions: ``read`` takes what it needs of one checkpoint, ``score`` compares two; higher is more
related, NaN is "cannot tell". The first five and their weights are those of Cisco's Model Provenance Kit
(docs/signals.md and scoring.md; its metadata gate, which short-cuts by config, is left out: the question is what
weights say). ``std`` is Yoon et al. 2025 (arXiv 2507.03014), ``huref`` Zeng et al. 2024 (arXiv 2312.04828), ``awm``
Zeng et al. 2025 (arXiv 2510.06738).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lineage.reading import ATTENTION, MLP, Matrix, Weights

_ANCHORS, _BINS, _SAMPLED, _TOKENS = 64, 20, 4096, 512
_WORDS = (
    *"0123456789.,!?()",
    "the",
    "of",
    "and",
    "to",
    "in",
    "is",
    "for",
    "on",
    "with",
    "that",
    "as",
    "it",
    "be",
    "are",
)
NAN = float("nan")


@dataclass(frozen=True)
class Signal:
    """A published signal: what it reads, and how it compares."""

    name: str
    read: Callable[[Weights], Any]
    score: Callable[[Any, Any], float]


def anchors(weights: Weights) -> Matrix | None:
    """EAS: cosines of 64 tokens' embeddings with each other – digits, punctuation and common words by their text, the
    rest drawn by id with a fixed seed."""
    table = weights.matrix(None, "embed")
    if table is None:
        return None
    known, ids = weights.vocabulary, []
    for word in _WORDS:
        ids += [known[form] for form in (word, f"Ġ{word}", f"▁{word}") if form in known][:1]
    drawn = np.random.default_rng(42).permutation(50_000)
    ids = list(dict.fromkeys([*ids, *(int(number) for number in drawn if number < len(table))]))[:_ANCHORS]
    rows = table[ids]
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return rows @ rows.T


def same_angles(one: Matrix | None, two: Matrix | None) -> float:
    """Pearson of the upper triangles, from 0 to 1."""
    if one is None or two is None:
        return NAN
    count = min(len(one), len(two))
    upper = np.triu_indices(count, 1)
    return (_pearson(one[upper], two[upper]) + 1) / 2


def norm_vectors(weights: Weights) -> list[Matrix]:
    """NLF: every norm vector of at least 64 values, in order."""
    return [vector for _, vector in weights.norms() if len(vector) >= 64]


def same_norms(one: list[Matrix], two: list[Matrix]) -> float:
    """Cosine of all of them in a row where they are of one length, of their mean, deviation and extremes where not."""
    if not one or not two:
        return NAN
    flat = np.concatenate(one), np.concatenate(two)
    alike = len({len(vector) for vector in (*one, *two)}) == 1
    if alike and len(flat[0]) == len(flat[1]):
        return _cosine(*flat)
    count = min(len(one), len(two))
    told = [np.array([[v.mean(), v.std(), v.max(), v.min()] for v in some[:count]]).reshape(-1) for some in (one, two)]
    return _cosine(*told)


def energies(weights: Weights) -> Matrix:
    """LEP: sum of the Frobenius norms of each layer's matrices, the largest being 1."""
    sums = [sum(float(np.linalg.norm(value)) for _, value in weights.layer(n)) for n in range(weights.depth)]
    return np.array(sums) / max([*sums, 1e-12])


def same_energies(one: Matrix, two: Matrix) -> float:
    """Pearson of the profiles, both at the shorter one's length, from 0 to 1."""
    return (_pearson(*_as_long(one, two)) + 1) / 2


def lengths(weights: Weights) -> Matrix | None:
    """END: histogram of the embeddings' lengths in 20 bins."""
    table = weights.matrix(None, "embed")
    if table is None:
        return None
    counts, _ = np.histogram(np.linalg.norm(table, axis=1), bins=_BINS)
    return counts / counts.sum()


def same_lengths(one: Matrix | None, two: Matrix | None) -> float:
    """Cosine of the histograms."""
    return NAN if one is None or two is None else _cosine(one, two)


def samples(weights: Weights) -> list[dict[str, Matrix]]:
    """WVC: at most 4,096 values of each matrix of each layer, at even distances."""
    return [
        {name: value.reshape(-1)[:: max(1, value.size // _SAMPLED)][:_SAMPLED] for name, value in weights.layer(number)}
        for number in range(weights.depth)
    ]


def same_values(one: list[dict[str, Matrix]], two: list[dict[str, Matrix]]) -> float:
    """Mean over the layers both have of the cosine of their samples."""
    cosines = []
    for mine, theirs in zip(one, two, strict=False):
        shared = [name for name in mine if name in theirs and len(mine[name]) == len(theirs[name])]
        if shared:
            cosines.append(_cosine(*(np.concatenate([side[name] for name in shared]) for side in (mine, theirs))))
    return float(np.mean(cosines)) if len(cosines) >= 2 else NAN


def deviations(weights: Weights) -> Matrix:
    """Yoon et al.: standard deviation of Q, K, V and O of each layer, [4, layers]."""
    rows = []
    for layer in range(weights.depth):
        found = weights.latent_attention(layer) or tuple(weights.matrix(layer, part) for part in ATTENTION)
        rows.append([NAN if value is None else float(value.std()) for value in found])
    return np.array(rows).T


def same_deviations(one: Matrix, two: Matrix) -> float:
    """Mean over Q, K, V and O of the Pearson correlation over the layers, both profiles at the shorter length."""
    found = [_pearson(*_as_long(mine, theirs)) for mine, theirs in zip(one, two, strict=True)]
    return float(np.nanmean(found)) if np.isfinite(found).any() else NAN


def invariants(weights: Weights) -> Matrix | None:
    """HuRef: X Wq Wkᵀ Xᵀ, X Wv Wo Xᵀ and X Wup Wdown Xᵀ of the last two layers, X the embeddings of the most frequent
    tokens (the lowest ids of a BPE), [2, 3, tokens, tokens]."""
    table = weights.matrix(None, "embed")
    if table is None:
        return None
    rows, found = table[256 : 256 + _TOKENS], []
    for layer in range(max(0, weights.depth - 2), weights.depth):
        latent = weights.latent_attention(layer)
        parts = latent or tuple(weights.matrix(layer, part) for part in ATTENTION)
        if any(part is None for part in parts):
            return None
        query, key, value, out = parts
        query, key, value, back = rows @ query.T, rows @ key.T, rows @ value.T, rows @ out
        heads, groups = (1, 1) if latent else weights.heads
        repeat = heads // groups
        if repeat > 1:
            key, value = (np.repeat(p.reshape(len(p), groups, -1), repeat, 1).reshape(len(p), -1) for p in (key, value))
        matrices = dict(weights.layer(layer))
        up, down = (next((m for name, m in matrices.items() if name.startswith(f"{part}.")), None) for part in MLP[1:])
        inner = np.zeros((len(rows), len(rows))) if up is None or down is None else (rows @ up.T) @ (rows @ down).T
        found.append([query @ key.T, value @ back.T, inner])
    return np.array(found, dtype=np.float32)


def same_invariants(one: Matrix | None, two: Matrix | None) -> float:
    """ICS: cosine of all invariants in a row."""
    return NAN if one is None or two is None or one.shape != two.shape else _cosine(one.reshape(-1), two.reshape(-1))


def grams(weights: Weights) -> tuple[Matrix, list[tuple[Matrix, Matrix]]] | None:
    """AWM: embeddings of the first tokens, and of each layer the Gram matrices of Q and K over the hidden dimension."""
    table = weights.matrix(None, "embed")
    if table is None:
        return None
    layers = []
    for layer in range(weights.depth):
        latent = weights.latent_attention(layer)
        query, key = latent[:2] if latent else (weights.matrix(layer, "q"), weights.matrix(layer, "k"))
        if query is None or key is None:
            return None
        layers.append((query.T @ query, key.T @ key))
    return table[256 : 256 + 4 * _TOKENS], layers


def same_grams(one: Any, two: Any) -> float:
    """Hidden dimensions put into one order, with signs, by linear assignment on the embeddings; then the mean unbiased
    CKA of Q and K over the best assignment of layers."""
    from scipy.optimize import linear_sum_assignment

    if one is None or two is None:
        return NAN
    (table, mine), (other, theirs) = one, two
    count = min(len(table), len(other))
    if table.shape[1] != other.shape[1]:
        return 0.0
    columns = [rows[:count] / np.maximum(np.linalg.norm(rows[:count], axis=0), 1e-12) for rows in (table, other)]
    alike = columns[0].T @ columns[1]
    _, order = linear_sum_assignment(-np.abs(alike))
    sign = np.sign(alike[np.arange(len(order)), order])
    moved = [tuple(gram[np.ix_(order, order)] * np.outer(sign, sign) for gram in pair) for pair in theirs]
    centred = [[tuple(_off_diagonal(gram) for gram in pair) for pair in side] for side in (mine, moved)]
    table_of = np.array(
        [[np.mean([_cka(a, b) for a, b in zip(p, q, strict=True)]) for q in centred[1]] for p in centred[0]]
    )
    rows, matched = linear_sum_assignment(-table_of)
    return float(table_of[rows, matched].mean())


def _off_diagonal(gram: Matrix) -> Matrix:
    """The U-centred Gram matrix of the unbiased estimator (Székely and Rizzo 2014), of unit length."""
    count = len(gram)
    free = gram.astype(np.float64) * (1 - np.eye(count))
    sums = free.sum(0)
    free = free - sums[:, None] / (count - 2) - sums[None] / (count - 2) + sums.sum() / ((count - 1) * (count - 2))
    free *= 1 - np.eye(count)
    return free / max(float(np.linalg.norm(free)), 1e-12)


def _cka(one: Matrix, two: Matrix) -> float:
    return float((one * two).sum())


def _as_long(one: Matrix, two: Matrix) -> tuple[Matrix, Matrix]:
    count = min(len(one), len(two))
    at = np.linspace(0, 1, count)
    sides = (np.interp(at, np.linspace(0, 1, len(side)), side) for side in (one, two))
    first, second = sides
    return first, second


def _pearson(one: Matrix, two: Matrix) -> float:
    one, two = one - one.mean(), two - two.mean()
    scale = float(np.linalg.norm(one) * np.linalg.norm(two))
    return float(one @ two) / scale if scale > 1e-12 else NAN


def _cosine(one: Matrix, two: Matrix) -> float:
    return float(one @ two / max(float(np.linalg.norm(one) * np.linalg.norm(two)), 1e-12))


KIT = (
    Signal("embedding anchors (EAS)", anchors, same_angles),
    Signal("norm layers (NLF)", norm_vectors, same_norms),
    Signal("layer energies (LEP)", energies, same_energies),
    Signal("embedding norms (END)", lengths, same_lengths),
    Signal("layer-wise cosine (WVC)", samples, same_values),
)
KIT_WEIGHTS: Mapping[str, float] = dict(
    zip((signal.name for signal in KIT), (0.36, 0.08, 0.16, 0.19, 0.21), strict=True)
)
"""As the kit publishes them, from Cohen's d on its own 111 pairs."""
SIGNALS = (
    *KIT,
    Signal("attention deviations (Yoon)", deviations, same_deviations),
    Signal("HuRef invariants", invariants, same_invariants),
)
EXTRA = (Signal("AWM", grams, same_grams),)
"""Not asked for, and newer: with an assignment of dimensions, as its paper describes."""


def kit_mean(scores: Mapping[str, float]) -> float:
    """The kit's identity score: what cannot tell is left out, and the others' weights grow to fill it."""
    told = {name: scores[name] for name in KIT_WEIGHTS if np.isfinite(scores[name])}
    return (
        sum(KIT_WEIGHTS[name] * value for name, value in told.items()) / sum(KIT_WEIGHTS[name] for name in told)
        if told
        else 0.5
    )
