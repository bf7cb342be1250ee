"""`routing`: whether one model answers every request, or a share of them goes to another.

Each reply shows the vocabulary behind it: by the forced token, by where it was cut off, by its stream's pieces,
by its prompt tokens where they differ from the usual ones of the same message. Against "one model answers
all", a test martingale bets on every share p and every other vocabulary at once (Shafer 2021, "Testing by
betting"; mixture over p): E = mean over vocabularies of ∫ Π (1 - p + p · L(other)/L(usual)) dp. Under one model
E exceeds 1/α with a chance of at most α (Ville), however long one looks. The share's interval is the 95 %
credible interval of p under a flat prior.

Cost: one reply more for each look. How it could be fooled: by routing that knows our messages; nonces make each
of them new, but not unrecognisable.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from engine.evidence import Evidence, Group, forging
from engine.probes.probe import Hypotheses, Observation, Probe
from engine.probes.stream_boundaries import likelihoods as pieces_likelihoods
from engine.probes.token_ids import FORCED_ID, readable, repeats
from engine.probes.truncation import likelihoods as cut_likelihoods
from engine.targets.endpoint import Conversation, Reply
from engine.tokenizers import CANDIDATES, ordinary
from engine.verdict import Mixture

_GRID = tuple((step + 0.5) / 200 for step in range(200))
_NOISE, _NOISE_OF_COUNTS = 1e-5, 1e-3
"""How loud one reply may speak. Another vocabulary's token does not come out by accident; a count may differ by a
retry or a cache of the gateway's."""
_COUNTS_DIFFER = 3
_TEXTS = ("period", "repeat", "repeat:zh")
_SAME = ("long", *_TEXTS)
"""Asks that differ in nothing but the nonce, so that one model counts them alike."""
_MOST = 400
ANOTHER = "another"


class _Kind(NamedTuple):
    """A vocabulary: whose words it has, and which candidate cuts text as it does (empty: none does)."""

    words: str
    cuts: str


def observe(conversation: Conversation) -> Observation | None:
    """What each reply shows of the vocabulary behind it."""
    replies = [_signals(reply) for reply in conversation.replies if reply.refused is None]
    kept = [entry for entry in replies if len(entry) > 1]
    return {"replies": kept[:_MOST]} if kept else None


def _signals(reply: Reply) -> dict[str, Any]:
    seen: dict[str, Any] = {"ask": reply.ask}
    if reply.prompt_tokens and reply.ask in _SAME:
        seen["prompt_tokens"] = reply.prompt_tokens
    if reply.forced and (word := repeats(reply.generated)):
        seen["word"] = word
    if not reply.forced and reply.ask in _TEXTS and reply.generated:
        if reply.finish == "length":
            seen |= {"text": reply.generated[:600], "limit": reply.max_tokens}
        pieces = ordinary(reply.pieces[:200])
        if len(pieces) > 4 and "�" not in reply.generated:
            seen["pieces"] = pieces
    return seen


def score(observation: Observation, hypotheses: Hypotheses) -> Evidence:
    """The share of the other model; it does not vote, the verdict reads it."""
    found = share_of(observation, hypotheses)
    return Evidence(
        probe="routing",
        group="service",
        observation=observation,
        values={
            "replies": found.replies,
            "usual": found.usual,
            "other": found.other,
            "share": f"{found.share:.0%}",
            "low": f"{found.low:.0%}",
            "high": f"{found.high:.0%}",
            "evidence": found.evidence,
            "form": "mixed" if found.clear else "",
        },
    )


def share_of(observation: Observation, hypotheses: Hypotheses) -> Mixture:
    """Estimate the mixture from what the replies show; ``usual`` and ``other`` are vocabularies."""
    replies: Sequence[Mapping[str, Any]] = observation["replies"]
    words = _words(hypotheses)
    kinds = _kinds(words)
    hard = [_hard(entry, kinds, words) for entry in replies]
    usual = max(kinds, key=lambda kind: sum(math.log(entry[kind]) for entry in hard))
    counts = {ask: _usual_count(replies, ask) for ask in _SAME}
    products: dict[_Kind, list[float]] = {}
    for other in kinds:
        if other.words != usual.words and other.cuts in (other.words, ""):
            told = [
                _ratio(entry, soft, usual, other, counts.get(str(soft["ask"])))
                for entry, soft in zip(hard, replies, strict=True)
            ]
            products[other] = _over_shares(told)
    likeliest = max(products, key=lambda other: sum(products[other]))
    weights = products[likeliest]
    total = sum(weights)
    mean = sum(weight * p for weight, p in zip(weights, _GRID, strict=True)) / total
    low, high = _interval(weights, total)
    evidence = sum(sum(values) / len(_GRID) for values in products.values()) / len(products)
    # Where the other model's replies are disguised as well, all of them look alike and say nothing.
    blind = forging(_best_rung(replies, hard))
    evidence = min((1 - blind) * evidence + blind, 1e12)
    return Mixture(usual.words, likeliest.words, mean, low, high, evidence, len(replies))


def _kinds(words: Mapping[str, str]) -> list[_Kind]:
    """The candidates, and every other vocabulary in each way it may cut: Mistral's digits and Chinese are in pieces
    like Qwen's, so that what looks like Qwen now and like nobody then may still be one model."""
    known = [_Kind(name, name) for name in words if name in CANDIDATES]
    return known + [
        _Kind(name, cuts) for name in (*words, ANOTHER) if name not in CANDIDATES for cuts in ("", *CANDIDATES)
    ]


def _best_rung(replies: Sequence[Mapping[str, Any]], hard: Sequence[Mapping[_Kind, float]]) -> Group:
    """The rung hardest to forge that most replies show something on."""
    most = len(replies) / 2
    telling = [entry for entry, read in zip(replies, hard, strict=True) if min(read.values()) < 0.1]
    rungs: tuple[tuple[str, Group], ...] = (("word", "tokens"), ("text", "cut"), ("pieces", "pieces"))
    return next((rung for key, rung in rungs if sum(key in entry for entry in telling) > most), "accounting")


def _words(hypotheses: Hypotheses) -> dict[str, str]:
    """The forced id's text in every vocabulary; empty where no sample has it."""
    return {name: readable(entry.sample.get(FORCED_ID, "")) for name, entry in hypotheses.vocabularies.items()}


def _hard(entry: Mapping[str, Any], kinds: Sequence[_Kind], words: Mapping[str, str]) -> dict[_Kind, float]:
    """Likelihood per vocabulary of what a reply shows of its tokens, relative to the best."""
    found = dict.fromkeys(kinds, 1.0)
    if word := entry.get("word"):
        known = word in words.values()
        for kind in kinds:
            found[kind] *= 1.0 if words.get(kind.words) == word or (kind.words == ANOTHER and not known) else 1e-6
    cut = cut_likelihoods([entry]) if "text" in entry else {}
    pieces = pieces_likelihoods([entry["pieces"]]) if "pieces" in entry else {}
    for read in filter(None, (cut, pieces)):
        best = max(read.values())
        for kind in kinds:
            found[kind] *= math.exp(max(-9.0, read.get(kind.cuts, best - 3.0) - best))
    best = max(found.values())
    return {kind: max(value / best, 1e-6) for kind, value in found.items()}


def _usual_count(replies: Sequence[Mapping[str, Any]], ask: str) -> int | None:
    seen = Counter(entry["prompt_tokens"] for entry in replies if entry["ask"] == ask and "prompt_tokens" in entry)
    return seen.most_common(1)[0][0] if seen else None


def _ratio(
    hard: Mapping[_Kind, float], soft: Mapping[str, Any], usual: _Kind, other: _Kind, count: int | None
) -> float:
    ratio = hard[other] / hard[usual]
    if count is not None and "prompt_tokens" in soft:
        differs = abs(soft["prompt_tokens"] - count) >= _COUNTS_DIFFER
        # Where the server counts every request alike, usage does not tell who answered.
        ratio *= 1 / _NOISE_OF_COUNTS if differs else 0.5
    return min(max(ratio, _NOISE), 1 / _NOISE)


def _over_shares(ratios: Sequence[float]) -> list[float]:
    """Π (1 - p + p · ratio) at every share p of the grid."""
    return [math.exp(min(600.0, sum(math.log1p(p * (ratio - 1)) for ratio in ratios))) for p in _GRID]


def _interval(weights: Sequence[float], total: float) -> tuple[float, float]:
    low, high, below = _GRID[0], _GRID[-1], 0.0
    for weight, p in zip(weights, _GRID, strict=True):
        before, below = below, below + weight / total
        if before < 0.025 <= below:
            low = p
        if before < 0.975 <= below:
            high = p
    return low, high


PROBE = Probe("routing", observe, score)
