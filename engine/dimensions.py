"""One vocabulary for a model's dimensions, whichever file states them.

config.json (transformers), GGUF metadata (llama.cpp) and tensor shapes name the same numbers
differently; probes compare them under the names of transformers configs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Dimensions = dict[str, Any]

HARD = (
    "num_hidden_layers",
    "hidden_size",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "intermediate_size",
    "vocab_size",
    "n_routed_experts",
    "num_experts_per_tok",
    "moe_intermediate_size",
    "q_lora_rank",
    "kv_lora_rank",
    "index_topk",
)
"""Fixed by training: another value means another model (or a forged file)."""

SOFT: Mapping[str, float] = {
    "max_position_embeddings": 0.3,
    "rope_theta": 0.3,
    "bos_token_id": 0.1,
    "eos_token_id": 0.1,
    "tie_word_embeddings": 0.3,
}
"""Editable after training; the number is P(differs | same model) relative to P(equal). Judged from
re-packagers' habits: contexts get stretched often, token ids seldom."""

_CONFIG_ALIASES: Mapping[str, tuple[str, ...]] = {
    "num_hidden_layers": ("n_layer", "n_layers", "num_layers"),
    "hidden_size": ("n_embd", "d_model", "dim"),
    "num_attention_heads": ("n_head", "n_heads", "num_heads"),
    "num_key_value_heads": ("n_head_kv", "multi_query_group_num"),
    "intermediate_size": ("n_inner", "ffn_hidden_size", "d_ff", "ffn_dim"),
    "max_position_embeddings": ("n_positions", "seq_length", "max_sequence_length", "n_ctx"),
    "n_routed_experts": ("num_local_experts", "num_experts", "n_experts"),
    "vocab_size": ("padded_vocab_size",),
}

_GGUF_KEYS: Mapping[str, tuple[str, ...]] = {
    "num_hidden_layers": ("block_count",),
    "hidden_size": ("embedding_length",),
    "num_attention_heads": ("attention.head_count",),
    "num_key_value_heads": ("attention.head_count_kv",),
    "intermediate_size": ("feed_forward_length",),
    "vocab_size": ("vocab_size",),
    "max_position_embeddings": ("context_length",),
    "rope_theta": ("rope.freq_base",),
    "n_routed_experts": ("expert_count",),
    "num_experts_per_tok": ("expert_used_count",),
    "n_shared_experts": ("expert_shared_count",),
    "moe_intermediate_size": ("expert_feed_forward_length",),
    "first_k_dense_replace": ("leading_dense_block_count",),
    "q_lora_rank": ("attention.q_lora_rank",),
    "kv_lora_rank": ("attention.kv_lora_rank",),
    "num_nextn_predict_layers": ("nextn_predict_layers",),
    "index_topk": ("attention.indexer.top_k",),
}

_GGUF_MODEL_TYPES: Mapping[str, str] = {
    "gemma3": "gemma3_text",
    "phi3": "phi3",
    "chatglm": "glm4",
    "qwen2moe": "qwen2_moe",
    "qwen3moe": "qwen3_moe",
    "command-r": "cohere",
    "gpt-oss": "gpt_oss",
}
"""llama.cpp architecture names that differ from transformers' model types."""

_DEEPSEEK2 = {"deepseek2", "deepseek_v2", "deepseek_v3", "deepseek_v32", "kimi_k2"}
"""llama.cpp has one architecture for all of them."""
_ONE_TYPE = (
    {"gemma3", "gemma3_text"},
    {"qwen3_5", "qwen3_5_text"},
    {"mistral", "llama"},  # llama.cpp converts Mistral as llama
)


def same_type(one: str, other: str) -> bool:
    """Whether two model types may name one architecture, across transformers and llama.cpp."""
    if one == other:
        return True
    if "deepseek2" in (one, other):
        return {one, other} <= _DEEPSEEK2
    return any({one, other} <= group for group in _ONE_TYPE)


_OPTIONAL = ("n_shared_experts", "first_k_dense_replace", "num_nextn_predict_layers", "qk_nope_head_dim",
             "qk_rope_head_dim", "v_head_dim")  # fmt: skip


def from_config(config: Mapping[str, Any]) -> Dimensions:
    """Dimensions that a config.json states, multimodal wrappers opened, aliases resolved.

    Values that are no plain numbers are left out: a probe says what is missing rather than guess.
    """
    inner = config.get("text_config") or config.get("llm_config")
    merged = {**config, **inner} if isinstance(inner, Mapping) else dict(config)
    found: Dimensions = {}
    if isinstance(model_type := merged.get("model_type"), str):
        found["model_type"] = model_type
    for name in (*HARD, *SOFT, *_OPTIONAL):
        for key in (name, *_CONFIG_ALIASES.get(name, ())):
            value = merged.get(key)
            if name == "eos_token_id" and isinstance(value, list) and value:
                value = value[0]
            if _plausible(name, value):
                found[name] = value
                break
    rope = merged.get("rope_parameters")
    if isinstance(rope, Mapping) and _plausible("rope_theta", rope.get("rope_theta")):
        found.setdefault("rope_theta", rope["rope_theta"])
    return found


def _plausible(name: str, value: object) -> bool:
    """Whether a stated value is of the dimension's type; files hold anything."""
    if name == "tie_word_embeddings":
        return isinstance(value, bool)
    if name == "rope_theta" and isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53


def from_gguf(metadata: Mapping[str, Any]) -> Dimensions:
    """Dimensions that GGUF metadata state (specification: ggml ``docs/gguf.md``, keys ``[arch].*``)."""
    architecture = metadata.get("general.architecture")
    if not isinstance(architecture, str):
        return {}
    found: Dimensions = {"model_type": _GGUF_MODEL_TYPES.get(architecture, architecture)}
    for name, keys in _GGUF_KEYS.items():
        for key in keys:
            value = metadata.get(f"{architecture}.{key}")
            if _plausible(name, value):
                found[name] = value
                break
    for name, key in (("bos_token_id", "bos_token_id"), ("eos_token_id", "eos_token_id")):
        value = metadata.get(f"tokenizer.ggml.{key}")
        if isinstance(value, int):
            found[name] = value
    if architecture == "deepseek2":
        # llama.cpp writes one shared KV head for absorbed MLA; DeepSeek's config counts 128.
        found.pop("num_key_value_heads", None)
        if isinstance(nextn := found.get("num_nextn_predict_layers"), int) and nextn:
            found["num_hidden_layers"] -= nextn
    return found
