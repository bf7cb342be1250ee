"""`token_count`: whose tokenizer the endpoint counts prompts with.

Two messages of composed text are sent; the difference of their ``usage.prompt_tokens`` cancels the chat
template and whatever hidden prompt stands before it. Digits and Chinese words part vocabularies; special
tokens written out (`<think>`, place holders) part tokenizers that share one, R1 from V3 and a distill from its
base, since a server that parses them counts one token only where its model has it.

Cost: two requests of some 20 and 190 prompt tokens, one completion token each. Source of the expected counts:
the published tokenizers (``engine/catalog/composed.yaml``, rebuilt by tests/benchmarks/build_composed_texts.py).
How it could be fooled: by a gateway that counts with another model's tokenizer; hence the lowest rung.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

from engine.catalog import load_composed
from engine.catalog.schema import LongCounts
from engine.evidence import UNKNOWN, Evidence
from engine.probes.probe import Hypotheses, Observation, Probe
from engine.targets.endpoint import Conversation

_TAKEN = {"parsed": 0.7, "plain": 0.1, "stripped": 0.1, "bare": 0.1}
"""How servers take special tokens in a user's text. Judged: vLLM, SGLang, llama.cpp and TGI parse them."""
_OFF_BY = {0: 0.97, 1: 0.01, 2: 0.005}
"""A trimmed line break or a merge over the edge of the template moves a count by one or two. Judged."""
_FLOOR = 1e-5
_FITS = math.log(0.05)
_UNTABLED = math.log(0.01)
"""Chance that a tokenizer nobody tabled counts exactly like one in the table."""
_GATEWAYS = ("cl100k", "o200k")
"""OpenAI's tokenizers: gateways count with them whatever they serve, so they say nothing of the model."""
_ESTIMATED = math.log(0.3)
"""A count that fits no tokenizer is an estimate or an unknown one's: it says little against those known."""


def observe(conversation: Conversation) -> Observation | None:
    """Prompt tokens of the two composed messages, as the server counts them."""
    long, short = (_usual(conversation, name) for name in ("long", "short"))
    return None if long is None or short is None else {"long": long, "short": short}


def _usual(conversation: Conversation, name: str) -> int | None:
    counts = Counter(reply.prompt_tokens for reply in conversation.of(name) if reply.prompt_tokens)
    return counts.most_common(1)[0][0] if counts else None


def score(observation: Observation, hypotheses: Hypotheses) -> Evidence:
    """Each variant's likelihood: its tokenizer counts the difference, exactly or nearly."""
    difference = observation["long"] - observation["short"]
    by_tokenizer = likelihoods(difference)
    best = max(by_tokenizer, key=lambda name: by_tokenizer[name])
    fits = by_tokenizer[best] > _FITS
    likelihood: dict[str, float] = {}
    if difference > 0 and best not in _GATEWAYS:
        used = {variant.tokenizer for variant in hypotheses.variants}
        for variant in hypotheses.variants:
            likelihood[variant.id] = by_tokenizer.get(variant.tokenizer or "", _UNTABLED) if fits else _ESTIMATED
        likelihood[UNKNOWN] = 0.0 if not fits else math.log(0.05) if best in used else by_tokenizer[best]
    return Evidence(
        probe="token_count",
        group="accounting",
        observation=observation,
        log_likelihood=likelihood,
        expected=_expected(hypotheses),
        values={
            "long": observation["long"],
            "short": observation["short"],
            "difference": difference,
            "tokenizer": _names(by_tokenizer) if fits else "?",
            "form": _form(difference, best, fits=fits),
        },
    )


def _names(by_tokenizer: Mapping[str, float]) -> str:
    """The best-fitting tokenizer, and those that count alike."""
    best = max(by_tokenizer.values())
    names = [name for name, value in by_tokenizer.items() if value > best - math.log(2)]
    return " / ".join(names[:3]) + (f" (+{len(names) - 3})" if len(names) > 3 else "")


def _form(difference: int, best: str, *, fits: bool) -> str:
    if difference <= 0:
        return "flat"
    if not fits:
        return "none"
    return "gateway" if best in _GATEWAYS else ""


def likelihoods(difference: int) -> Mapping[str, float]:
    """Log P(difference | tokenizer) for every tokenizer in the table."""
    composed = load_composed()
    return {
        name: _log_likelihood(difference + composed.short.counts[name], counts)
        for name, counts in composed.long.counts.items()
    }


def _log_likelihood(long: int, counts: LongCounts) -> float:
    total = sum(share * _OFF_BY.get(abs(long - getattr(counts, mode)), 0.0) for mode, share in _TAKEN.items())
    return math.log(max(total / _TAKEN["parsed"], _FLOOR))


def _expected(hypotheses: Hypotheses) -> dict[str, str]:
    composed = load_composed()
    return {
        variant.id: str(composed.long.counts[variant.tokenizer].parsed - composed.short.counts[variant.tokenizer])
        for variant in hypotheses.family()
        if variant.tokenizer in composed.long.counts
    }


PROBE = Probe("token_count", observe, score)
