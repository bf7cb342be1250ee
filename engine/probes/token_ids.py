"""`token_ids`: which token an id is – read off what comes out, or off the server's own tokenize route.

A request whose ``logit_bias`` leaves one id to choose makes the model say that id's text, whatever it would
have said; the same id is another word in every vocabulary. vLLM, SGLang, llama.cpp and OpenAI honour it, many
gateways drop it: then what comes out is an ordinary answer, and nothing is concluded.

Cost: two completion tokens on a message that `token_count` sends anyway; the tokenize route costs none.
Source of the texts: the published vocabularies (catalog samples; engine.tokenizers).
How it could be fooled: only by a proxy that translates ids between two vocabularies.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from engine import tokenizers
from engine.catalog import load_composed
from engine.evidence import Evidence
from engine.probes.probe import Hypotheses, Observation, Probe, by_vocabulary
from engine.targets.endpoint import Conversation

FORCED_ID = 30_000
"""`connection` to DeepSeek, ` pec` to Qwen2.5, ` shrink` to Llama 3, ` vegetation` to Gemma 3."""
_OTHER = math.log(1e-5)
_ELSEWHERE = math.log(0.02)
_NO_WORD = math.log(1e-3)
"""Chance that an ordinary answer looks like a forced word of nobody's, or that a sample of ours is wrong. Judged."""


def observe(conversation: Conversation) -> Observation | None:
    """What the forced id came out as, and the ids of the tokenize route."""
    forced = [reply.generated[:200] for reply in conversation.of("long") if reply.forced]
    said = [text for text in forced if repeats(text)]
    ids = _ids(conversation.metadata.get("/tokenize"))
    if not said and not ids:
        return None
    return {"id": FORCED_ID, "said": said[:4], "ids": ids[:64]}


def repeats(text: str) -> str:
    """The word that a text is made of, when it is one word or the same word over again; else nothing."""
    bare = text.strip()
    match = re.fullmatch(r"(\S{2,40}?)(?:\s*\1)+", bare)
    return match[1] if match else ""


def _ids(document: Any) -> list[int]:
    """Ids in any of the shapes in use: vLLM and llama.cpp ``tokens``, TGI a list of objects, SGLang ``ids``."""
    found = document
    if isinstance(document, Mapping):
        found = document.get("tokens") or document.get("ids") or document.get("token_ids")
    if not isinstance(found, Sequence) or isinstance(found, str):
        return []
    ids = [entry.get("id") if isinstance(entry, Mapping) else entry for entry in found[:200]]
    return [index for index in ids if isinstance(index, int)]


def score(observation: Observation, hypotheses: Hypotheses) -> Evidence:
    """A vocabulary's likelihood: its word came out, its ids were given."""
    words = {repeats(text) for text in observation["said"]} - {""}
    known = _words(hypotheses)
    named = {name for name, word in known.items() if word and word in words}
    named |= {name for name, ids in load_composed().tokenized.ids.items() if _ends_with(observation["ids"], ids)}
    likelihood: dict[str, float] = {}
    if named:
        likelihood = by_vocabulary(
            {name: 0.0 if name in named else _OTHER for name in hypotheses.vocabularies},
            hypotheses,
            elsewhere=_ELSEWHERE if named & hypotheses.vocabularies.keys() else 0.0,
        )
    elif words or observation["ids"]:
        likelihood = by_vocabulary(dict.fromkeys(known, _NO_WORD), hypotheses, elsewhere=0.0)
    return Evidence(
        probe="token_ids",
        group="tokens",
        observation=observation,
        log_likelihood=likelihood,
        expected={
            variant.id: known[vocabulary]
            for variant in hypotheses.family()
            if (vocabulary := hypotheses.vocabulary_of(variant)) in known
        },
        values={
            "id": observation["id"],
            "word": ", ".join(sorted(words)) or "–",
            "vocabulary": ", ".join(sorted(named)) or "?",
            "form": "route" if observation["ids"] and not words else "",
        },
    )


def _words(hypotheses: Hypotheses) -> dict[str, str]:
    """The forced id's text in each vocabulary, as it is printed."""
    return {
        name: readable(vocabulary.sample[FORCED_ID])
        for name, vocabulary in hypotheses.vocabularies.items()
        if FORCED_ID in vocabulary.sample
    }


@lru_cache(maxsize=256)
def readable(raw: str) -> str:
    """A stored token as text, without the space before it."""
    byte_of = {char: byte for byte, char in tokenizers.byte_alphabet().items()}
    if "▁" not in raw and all(char in byte_of for char in raw):
        return bytes(byte_of[char] for char in raw).decode("utf-8", "replace").strip()
    return raw.replace("▁", " ").strip()


def _ends_with(ids: Sequence[int], wanted: Sequence[int]) -> bool:
    """Whether these are the ids wanted; a begin-of-sentence token may stand before them."""
    return list(ids[-len(wanted) :]) == list(wanted)


PROBE = Probe("token_ids", observe, score)
