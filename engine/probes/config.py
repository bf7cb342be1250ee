"""`config`: the dimensions a target declares, from config.json or GGUF metadata.

Cost: one small file. Source of the expected values: the catalog (published config.json files).
How it could be fooled: one edit of one file; hence the group ``declared`` and the comparison with
the tensors really present.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from engine.catalog.schema import Shape, Variant
from engine.dimensions import HARD, SOFT, Dimensions, from_config, from_gguf, same_type
from engine.evidence import UNKNOWN, Evidence
from engine.probes.probe import IMPOSSIBLE, Hypotheses, Observation, Probe
from engine.targets.target import Target

_CORE = ("num_hidden_layers", "hidden_size", "num_attention_heads", "vocab_size")
_SOFT_FLOOR = math.log(0.01)
_CHANCE = math.log(1e-3)
"""How likely a model outside the catalog shares every dimension of a published one. Judged: widths and
depths come from few round numbers, but a dozen of them rarely agree."""


def observe(target: Target) -> Observation | None:
    """Declared dimensions under transformers' names, and the file they came from."""
    if target.config is not None:
        declared = from_config(target.config)
        if "model_type" in declared and any(name not in declared for name in _CORE):
            declared = {**_defaults(target.config), **declared}
        return {"where": "config.json", "dimensions": declared} if declared else None
    if target.gguf is not None:
        declared = from_gguf(target.gguf)
        if "vocab_size" not in declared and target.vocabulary is not None and target.vocabulary.size:
            declared["vocab_size"] = target.vocabulary.size
        return {"where": "GGUF metadata", "dimensions": declared} if declared else None
    return None


def _defaults(config: Mapping[str, Any]) -> Dimensions:
    """What transformers' own config class adds to a config.json that leaves core dimensions out.

    Asked only then: AutoConfig imports torch wherever torch is installed (transformers 5.24:
    ``modeling_rope_utils``), over a second and 200 MB that a complete config.json does not need.
    """
    from transformers import CONFIG_MAPPING, AutoConfig
    from transformers.utils import logging

    logging.set_verbosity_error()
    model_type = config.get("model_type")
    if model_type not in CONFIG_MAPPING:
        return {}
    known = {key: value for key, value in config.items() if key not in ("model_type", "auto_map")}
    try:
        return from_config(AutoConfig.for_model(model_type, **known).to_dict())
    except Exception:  # a config class may raise anything on values it dislikes; raw JSON remains
        return {}


def score(observation: Observation, hypotheses: Hypotheses) -> Evidence:
    """Each variant's likelihood: hard dimensions must be equal, soft ones may have been edited."""
    declared: Mapping[str, Any] = observation["dimensions"]
    likelihood = {variant.id: dimension_likelihood(declared, variant) for variant in hypotheses.variants}
    likelihood[UNKNOWN] = _CHANCE
    return Evidence(
        probe="config",
        group="declared",
        observation=observation,
        log_likelihood=likelihood,
        expected={variant.id: describe(variant.shape.model_dump()) for variant in hypotheses.family()},
        values={"where": observation["where"], "dimensions": describe(declared)},
    )


def dimension_likelihood(declared: Mapping[str, Any], variant: Variant) -> float:
    """Log likelihood of declared dimensions under a variant."""
    hard = sum(IMPOSSIBLE for name in HARD if _differs(name, declared, variant.shape))
    if (model_type := declared.get("model_type")) and not same_type(model_type, variant.shape.model_type):
        hard += IMPOSSIBLE
    soft = sum(math.log(keep) for name, keep in SOFT.items() if _differs(name, declared, variant.shape))
    soft += vocabulary_resized(declared.get("vocab_size"), variant.shape.vocab_size)
    if not any(name in declared for name in HARD):
        return 0.0 if hard == 0 else hard
    return hard + max(soft, _SOFT_FLOOR)


def _differs(name: str, declared: Mapping[str, Any], shape: Shape) -> bool:
    published = getattr(shape, name)
    if name in ("q_lora_rank", "kv_lora_rank", "n_routed_experts", "index_topk"):
        # These name whole mechanisms (MLA, experts, sparse attention): stating one is a difference by itself.
        return bool(declared.get(name)) and declared[name] != published
    stated = declared.get(name)
    if name == "vocab_size" and stated is not None and published is not None:
        return not same_vocabulary(stated, published)
    return stated is not None and published is not None and stated != published


def same_vocabulary(stated: int, published: int) -> bool:
    """Equal but for padding rows and a few added tokens (1 %)."""
    return abs(stated - published) <= published * 0.01


def vocabulary_resized(stated: int | None, published: int | None) -> float:
    """Log likelihood of a vocabulary size near the published one: re-packagers cut padding rows off the
    embedding and fine-tuners add a few tokens, but most do neither (one in five, judged)."""
    if stated is None or published is None or stated == published:
        return 0.0
    return math.log(0.2)


def describe(dimensions: Mapping[str, Any]) -> str:
    """Dimensions in one line, e.g. ``deepseek_v3 · 61 layers · hidden 7168 · 128 heads · 256 experts``."""
    parts = [str(dimensions.get("model_type", "?"))]
    for name, word in (
        ("num_hidden_layers", "{} layers"),
        ("hidden_size", "hidden {}"),
        ("num_attention_heads", "{} heads"),
        ("num_key_value_heads", "{} KV heads"),
        ("n_routed_experts", "{} experts"),
        ("kv_lora_rank", "MLA {}"),
        ("vocab_size", "vocab {}"),
    ):
        if dimensions.get(name):
            parts.append(word.format(dimensions[name]))
    return " · ".join(parts)


PROBE = Probe("config", observe, score)
