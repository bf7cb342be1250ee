"""`logprobs`: the token strings among the alternatives, and how sure the model is of them.

Every string offered must be one token of the true vocabulary: `299` is one of DeepSeek's and Llama's, none of
Qwen's. The entropy of the distributions (the article's §4.2, H = -Σ p ln p) is higher on rare words and unusual
sentences where a model is smaller; it is reported, and compared only with a recorded reference.

Cost: one request of a few completion tokens. Source: the candidates' tokenizers (engine.tokenizers).
How it could be fooled: by a gateway that makes logprobs up; it would need the claimed model's vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from engine import tokenizers
from engine.evidence import UNKNOWN, Evidence
from engine.probes.probe import Hypotheses, Observation, Probe, by_vocabulary
from engine.targets.endpoint import Conversation

_NO_TOKEN = math.log(0.1)
_FLOOR = math.log(1e-5)
_ELSEWHERE = math.log(0.03)
_ENOUGH = 6


def entropy(probabilities: Iterable[float]) -> float:
    """Shannon entropy in nats of a distribution, which is normalised first.

    Of the few alternatives that servers give, it is a lower bound: the tail is left out.

    Raises:
        ValueError: a probability is negative, or all are zero.
    """
    shares = list(probabilities)
    total = math.fsum(shares)
    if total <= 0 or min(shares) < 0:
        raise ValueError("not a distribution")
    # Not the logarithm of the quotient, which may be too small for a float.
    nats = math.fsum(share / total * (math.log(total) - math.log(share)) for share in shares if share > 0)
    return max(0.0, nats)


def entropy_of(considered: Mapping[str, float]) -> float:
    """The same of alternatives by their logprobs, however small: servers give -9999 for what they rule out."""
    best = max(considered.values())
    return entropy(math.exp(value - best) for value in considered.values())


def observe(conversation: Conversation) -> Observation | None:
    """Distinct token strings, and the mean entropy of the positions, of every answer that has logprobs."""
    strings: set[str] = set()
    positions: list[Mapping[str, float]] = []
    for reply in conversation.replies:
        if not reply.forced:
            strings.update(reply.tokens)
            positions += [top for top in reply.alternatives if top]
            strings.update(name for top in reply.alternatives for name in top)
    telling = sorted(text for text in strings if _telling(text))[:400]
    if len(telling) < _ENOUGH:
        return None
    entropies = [entropy_of(top) for top in positions[:200]]
    mean = sum(entropies) / len(entropies) if entropies else None
    return {"strings": telling, "positions": len(positions), "entropy": mean}


def _telling(text: str) -> bool:
    """Several characters of ordinary text: single ones and special tokens are in every vocabulary or in none."""
    return 2 <= len(text) <= 60 and "�" not in text and not text.startswith(("<|", "<｜", "<think", "</", "bytes:"))


def score(observation: Observation, hypotheses: Hypotheses) -> Evidence:
    """A vocabulary's likelihood: every string is one of its tokens."""
    strings = [text.encode("utf-8", "surrogateescape") for text in observation["strings"]]
    names = [name for name in tokenizers.CANDIDATES if name in hypotheses.vocabularies]
    foreign = {name: sum(tokenizers.load(name).find(data) is None for data in strings) for name in names}
    fits = {name: max(_FLOOR, count * _NO_TOKEN) for name, count in foreign.items()}
    best = min(foreign, key=lambda name: foreign[name])
    none = foreign[best] > max(2, 0.1 * len(strings))
    likelihood = by_vocabulary(fits, hypotheses, elsewhere=_ELSEWHERE)
    if none:
        likelihood = {variant: math.log(0.1) for variant in hypotheses.ids} | {UNKNOWN: 0.0}
    return Evidence(
        probe="logprobs",
        group="tokens",
        observation=observation,
        log_likelihood=likelihood if none or len(set(fits.values())) > 1 else {},
        expected={},
        values={
            "strings": len(strings),
            "foreign": ", ".join(f"{name} {foreign[name]}" for name in names),
            "vocabulary": "?" if none else best,
            "entropy": "–" if observation["entropy"] is None else f"{observation['entropy']:.2f}",
        },
    )


PROBE = Probe("logprobs", observe, score)
