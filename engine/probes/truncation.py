"""`truncation`: how many tokens of the true tokenizer the text has that ``max_tokens`` cut off.

The limit is kept by the engine that generates, in its own tokens, whatever a gateway writes into ``usage``:
sixteen tokens of digits are sixteen digits from Qwen and up to forty-eight from DeepSeek or Llama, and Chinese
parts DeepSeek from Llama.

Cost: the tokens of the answers cut off. Source: the candidates' tokenizers (engine.tokenizers).
How it could be fooled: by a gateway that asks for more and cuts along another model's tokens itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from engine import tokenizers
from engine.evidence import Evidence
from engine.probes.probe import Hypotheses, Observation, Probe, by_vocabulary
from engine.targets.endpoint import Conversation

_UNSEEN = 2
"""Tokens that may be counted and not shown: `<think>` and its line break, a character that was left unfinished."""
_EACH = 1.5
_FLOOR = math.log(1e-5)
_ELSEWHERE = math.log(0.03)
_MOST = 6


def observe(conversation: Conversation) -> Observation | None:
    """Texts that ended because of the limit, and the limit in tokens."""
    cut = [
        {"text": reply.generated[:2_000], "limit": reply.max_tokens}
        for reply in conversation.replies
        if reply.refused is None and reply.finish == "length" and reply.generated and not reply.forced
    ]
    return {"cut": cut[:_MOST]} if cut else None


def score(observation: Observation, hypotheses: Hypotheses) -> Evidence:
    """A vocabulary's likelihood: the texts have as many of its tokens as were allowed."""
    cut = observation["cut"]
    fits = {name: value for name, value in likelihoods(cut).items() if name in hypotheses.vocabularies}
    near = max(fits.values(), default=0.0) - math.log(2)
    longest = max(cut, key=lambda entry: len(entry["text"]))
    counts = {name: _tokens(name, longest["text"]) for name in fits}
    telling = len(set(fits.values())) > 1
    return Evidence(
        probe="truncation",
        group="cut",
        observation=observation,
        log_likelihood=by_vocabulary(fits, hypotheses, elsewhere=_ELSEWHERE) if telling else {},
        expected={},
        values={
            "limit": longest["limit"],
            "counts": ", ".join(f"{name} {count}" for name, count in counts.items()),
            "text": longest["text"][:80],
            "vocabulary": " / ".join(name for name in fits if fits[name] > near) if telling else "?",
        },
    )


def likelihoods(cut: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Log P(texts of these limits | vocabulary) for every candidate.

    A text that no candidate's tokens fit says nothing: part of it was hidden, or the vocabulary is another one.
    """
    total = dict.fromkeys(tokenizers.CANDIDATES, 0.0)
    for entry in cut:
        fits = {name: _fit(_tokens(name, entry["text"]), entry["limit"]) for name in total}
        if max(fits.values()) > -_EACH * 2:
            total = {name: max(_FLOOR, total[name] + fits[name]) for name in total}
    return total


def _tokens(name: str, text: str) -> int:
    """Tokens of the text, special ones included."""
    bare, marks = tokenizers.without_marks(text)
    return tokenizers.count(name, bare) + marks


def _fit(count: int, limit: int) -> float:
    """Log likelihood of a text of ``count`` tokens under a limit of ``limit``."""
    missing = limit - count
    beyond = -missing if missing < 0 else max(0, missing - _UNSEEN)
    return -_EACH * min(beyond, 8)


PROBE = Probe("truncation", observe, score)
