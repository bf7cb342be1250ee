"""`tensors`: the architecture really present, from tensor names and shapes in the headers.

Cost: the headers (some 100 bytes a tensor). Source of the expected values: the catalog's shapes and the
layouts of the published checkpoints.
How it could be fooled: only by files whose headers declare the full model's tensors at their true sizes
(688 GB, sparse or filled with noise); opening the weights would tell.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from engine.catalog.schema import Shape, Variant
from engine.evidence import UNKNOWN, Evidence
from engine.probes.config import describe, same_vocabulary, vocabulary_resized
from engine.probes.probe import IMPOSSIBLE, Hypotheses, Observation, Probe
from engine.structure import Structure, as_json, read_structure
from engine.targets.target import Target, Tensor

_CHANCE = math.log(1e-3)
_STYLES: Mapping[str, str] = {
    "deepseek_v3": "deepseek_v3", "kimi_k2": "deepseek_v3", "deepseek_v32": "deepseek_v32", "deepseek_v2": "deepseek_v2",
    "qwen2": "qwen2", "qwen3": "qwen3", "qwen3_moe": "qwen3_moe", "llama": "llama", "mistral": "llama",
    "gemma3_text": "gemma3_text", "gemma3": "gemma3_text", "bert": "bert", "gpt2": "gpt2",
}  # fmt: skip
"""Tensor naming style by model type, for those whose layout is known; others are judged by size alone."""


def observe(target: Target) -> Observation | None:
    """Structure facts, or ``None`` when no header was found."""
    return as_json(structure_of(target.tensors)) if target.tensors else None


@lru_cache(maxsize=1)
def structure_of(tensors: tuple[Tensor, ...]) -> Structure:
    """The structure of a target's tensors; `parameters` and `quantization` read the same pass."""
    return read_structure(tensors)


def score(observation: Observation, hypotheses: Hypotheses) -> Evidence:
    """Each variant's likelihood: every dimension read must be the published one."""
    likelihood = {variant.id: _likelihood(observation, variant) for variant in hypotheses.variants}
    likelihood[UNKNOWN] = _CHANCE
    seen = dict(observation["dimensions"])
    return Evidence(
        probe="tensors",
        group="weights",
        observation=observation,
        log_likelihood=likelihood,
        expected={
            variant.id: describe({"model_type": variant.shape.model_type, **expected(variant.shape)})
            for variant in hypotheses.family()
        },
        values={
            "dimensions": describe({"model_type": observation["style"] or "?", **seen}),
            "missing": ", ".join(map(str, observation["missing_layers"])),
            "form": "gaps" if observation["missing_layers"] else "",
        },
    )


def _likelihood(observation: Observation, variant: Variant) -> float:
    seen: Mapping[str, Any] = observation["dimensions"]
    published = expected(variant.shape)
    differing = [
        name for name, value in seen.items() if name in published and value != published[name] and name != "vocab_size"
    ]
    total = len(differing) * IMPOSSIBLE
    for mechanism in ("n_routed_experts", "q_lora_rank", "kv_lora_rank"):
        if (mechanism in seen) != (mechanism in published):
            total += IMPOSSIBLE
    own_style = _STYLES.get(variant.shape.model_type)
    if own_style is not None and observation["style"] not in (None, own_style):
        total += IMPOSSIBLE
    rows, size = seen.get("vocab_size"), published.get("vocab_size")
    if rows is not None and size is not None and not same_vocabulary(rows, size):
        total += IMPOSSIBLE
    return total + vocabulary_resized(rows, size) if seen else 0.0


def expected(shape: Shape) -> dict[str, Any]:
    """The dimensions that a variant's headers show, by the names ``engine.structure`` reads."""
    names = ("hidden_size", "vocab_size", "num_hidden_layers", "intermediate_size", "n_routed_experts",
             "moe_intermediate_size", "q_lora_rank", "kv_lora_rank")  # fmt: skip
    found = {name: value for name in names if (value := getattr(shape, name)) is not None}
    if shape.kv_lora_rank is None and shape.model_type in _STYLES:
        head_dim = shape.head_dim or shape.hidden_size // shape.num_attention_heads
        found["q_out"] = shape.num_attention_heads * head_dim
        found["k_out"] = (shape.num_key_value_heads or shape.num_attention_heads) * head_dim
        if shape.head_dim:
            found["head_dim"] = shape.head_dim
    return found


PROBE = Probe("tensors", observe, score)
