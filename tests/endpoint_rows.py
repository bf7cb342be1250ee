"""Evidence of endpoints without an endpoint: what could be seen, and which vocabulary a row names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Any

from engine import tokenizers
from engine.catalog import load_family
from engine.evidence import UNKNOWN, Evidence, Group
from engine.pipeline import hypotheses_of
from engine.questions.asking import repeat_ask
from engine.targets.endpoint import Conversation, Endpoint, Reply

HYPOTHESES = hypotheses_of(load_family("deepseek-r1"), served=True)
CORE = ("deepseek-v3", "qwen2.5", "llama-3")
"""The vocabularies of the full model and of its distills."""
REPEATED = repeat_ask(Random(1)).prompt.split("\n-----")[1].strip()
PROSE = (
    "Okay, the user has sent 299792458 and 人工智能, which looks like the speed of light; let me think about what "
    "they want. 首先，用户发来了一串数字，我需要理解它的意思。"
)


def conversation(*replies: Reply, headers: dict[str, str] | None = None, **metadata: Any) -> Conversation:
    """Replies and metadata, a document by its path with ``_`` for ``/``."""
    served = {f"/{name.replace('_in_', '/')}": value for name, value in metadata.items()}
    return Conversation(Endpoint("http://127.0.0.1:9/v1", "m"), replies, metadata=served, headers=headers or {})


def by_vocabulary(row: Evidence) -> dict[str, float]:
    """Log likelihood of each vocabulary's best variant, and of what the catalog does not know."""
    found: dict[str, float] = {UNKNOWN: row.log_likelihood[UNKNOWN]}
    for variant in HYPOTHESES.variants:
        tokenizer = HYPOTHESES.tokenizers.get(variant.tokenizer or "")
        if tokenizer and tokenizer.vocabulary:
            best = found.get(tokenizer.vocabulary, -math.inf)
            found[tokenizer.vocabulary] = max(best, row.log_likelihood[variant.id])
    return found


def named(row: Evidence) -> set[str]:
    """The vocabularies that fit best; none where the row does not vote."""
    found = by_vocabulary(row) if row.votes else {}
    return {name for name, value in found.items() if value > max(found.values()) - 0.1}


def pieces_of(name: str, text: str) -> list[str]:
    """A text as a server streams it: token by token, characters whole."""
    found, held = [], b""
    for token in tokenizers.tokens(name, text):
        held += token
        try:
            found.append(held.decode())
            held = b""
        except UnicodeDecodeError:
            continue
    return found


def joined(pieces: Sequence[str], random: Random, most: int) -> list[str]:
    """The same pieces, some of them sent together."""
    found: list[str] = []
    at = 0
    while at < len(pieces):
        size = random.randint(1, most)
        found.append("".join(pieces[at : at + size]))
        at += size
    return found


def plain(group: Group, likelihood: dict[str, float]) -> Evidence:
    """A row of a group by its likelihoods alone."""
    return Evidence(f"probe of {group}", group, {}, likelihood, values={"vocabulary": "?"})


def fitting(group: Group, *variants: str, other: float = -12.0) -> Evidence:
    """A row that only these variants fit."""
    return plain(group, {name: 0.0 if name in variants else other for name in HYPOTHESES.ids})
