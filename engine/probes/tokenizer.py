"""`tokenizer`: whose vocabulary the target carries, from tokenizer.json or GGUF metadata.

Every full variant uses DeepSeek-V3's byte-level BPE; every distill its base's vocabulary with DeepSeek's
special tokens written over reserved ones. So the base vocabulary separates full from distilled, and the
added tokens separate a distill from its base and R1 from V3.

Cost: one file of 7-17 MB locally, its first 256 KiB from a remote host. Source of the expected tokens:
the published tokenizers (catalog).
How it could be fooled: by swapping the file; then the model could not be used with it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from engine.catalog.schema import Tokenizer, Variant
from engine.evidence import UNKNOWN, Evidence
from engine.probes.probe import Hypotheses, Observation, Probe
from engine.targets.target import Target

_OTHER_VOCABULARY = math.log(1e-4)
_OTHER_MARKS = math.log(1e-3)
_OTHER_SIZE = math.log(0.3)
_OTHER_TEMPLATE = math.log(0.2)
_CHANCE = math.log(0.2)
"""Models the catalog does not know are mostly made from ones it does, and keep their vocabulary: one in
five carries this very one (judged)."""
_ENOUGH = 8
"""Sampled tokens needed before a vocabulary is compared by its text."""


def observe(target: Target) -> Observation | None:
    """Size, merges, added tokens, sampled token text and what the chat template mentions."""
    vocabulary = target.vocabulary
    if vocabulary is None:
        return None
    return {
        "source": vocabulary.source,
        "size": vocabulary.size,
        "merges": vocabulary.merges,
        "added": {text: vocabulary.added[text] for text in sorted(vocabulary.added)[:2048]},
        "sample": {str(index): text for index, text in vocabulary.sample.items()},
        "template": _template(target),
    }


def _template(target: Target) -> str:
    template: Any = (target.tokenizer_config or {}).get("chat_template")
    if template is None and target.gguf is not None:
        template = target.gguf.get("tokenizer.chat_template")
    if isinstance(template, list):
        template = "\n".join(str(entry.get("template", "")) for entry in template if isinstance(entry, Mapping))
    return template[:20_000] if isinstance(template, str) else ""


def score(observation: Observation, hypotheses: Hypotheses) -> Evidence:
    """Each variant's likelihood: its vocabulary, its added tokens, its template's habits."""
    closeness = {
        name: agreement(observation["sample"], vocabulary.sample)
        for name, vocabulary in hypotheses.vocabularies.items()
    }
    by_tokenizer = {
        name: _tokenizer_likelihood(observation, tokenizer, closeness)
        for name, tokenizer in hypotheses.tokenizers.items()
    }
    likelihood = {
        variant.id: by_tokenizer.get(variant.tokenizer or "", _CHANCE) + _template_likelihood(observation, variant)
        for variant in hypotheses.variants
    }
    likelihood[UNKNOWN] = _CHANCE
    nearest = max(by_tokenizer, key=lambda name: by_tokenizer[name], default=None)
    known = nearest is not None and by_tokenizer[nearest] > _OTHER_MARKS
    vocabulary = max(closeness, key=lambda name: closeness[name] or 0.0, default=None)
    matched = vocabulary is not None and (closeness[vocabulary] or 0.0) >= 0.95
    return Evidence(
        probe="tokenizer",
        group="tokenizer",
        observation=observation,
        log_likelihood=likelihood if any(value > _CHANCE for value in by_tokenizer.values()) or closeness else {},
        expected={variant.id: variant.tokenizer for variant in hypotheses.family() if variant.tokenizer},
        values={
            "source": observation["source"],
            "size": f"{observation['size']:,}" if observation["size"] else "?",
            "tokenizer": nearest if known else "?",
            "vocabulary": vocabulary if matched else "?",
            "marks": " ".join(text for text in ("<think>", "<｜User｜>", "<|im_start|>", "<|begin_of_text|>") if text in observation["added"]) or "–",
        },
    )  # fmt: skip


def agreement(seen: Mapping[str, str], published: Mapping[int, str]) -> float | None:
    """Share of the sampled ids whose text equals the published one; ``None`` with too few to say."""
    common = [index for index in published if str(index) in seen]
    if len(common) < _ENOUGH:
        return None
    return sum(seen[str(index)] == published[index] for index in common) / len(common)


def _tokenizer_likelihood(
    observation: Observation, tokenizer: Tokenizer, closeness: Mapping[str, float | None]
) -> float:
    total = 0.0
    share = closeness.get(tokenizer.vocabulary or "")
    if (share is not None and share < 0.95) or (share is None and _sizes_differ(observation, tokenizer)):
        total += _OTHER_VOCABULARY
    added: Mapping[str, int] = observation["added"]
    if added:
        misplaced = any(
            text not in added or index not in (None, added[text]) for text, index in tokenizer.marks.items()
        )
        if misplaced or any(text in added for text in tokenizer.absent):
            total += _OTHER_MARKS
    if share is not None and _sizes_differ(observation, tokenizer):
        total += _OTHER_SIZE
    return total


def _sizes_differ(observation: Observation, tokenizer: Tokenizer) -> bool:
    """Sizes further apart than padding (1 %), or other merges."""
    size, merges = observation["size"], observation["merges"]
    if size and tokenizer.size and abs(size - tokenizer.size) > tokenizer.size * 0.01:
        return True
    return bool(merges and tokenizer.merges and abs(merges - tokenizer.merges) > 8)


def _template_likelihood(observation: Observation, variant: Variant) -> float:
    template = observation["template"]
    if not template:
        return 0.0
    missing = any(text not in template for text in variant.template_has)
    foreign = any(text in template for text in variant.template_lacks)
    return _OTHER_TEMPLATE if missing or foreign else 0.0


PROBE = Probe("tokenizer", observe, score)
