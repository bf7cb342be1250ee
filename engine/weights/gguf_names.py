"""GGUF as transformers would have it: the config from the metadata, names, and what llama.cpp's converter changed.

Sources: ggml's ``docs/gguf.md`` (metadata keys), the ``gguf`` package (tensor names), and llama.cpp's
``convert_hf_to_gguf.py``, which interleaves the rotary halves of Llama's queries and keys, adds one to Gemma's
norms and splits DeepSeek's ``kv_b_proj`` into a transposed key half and a value half.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from engine.errors import TargetError
from engine.weights.store import TensorStore

_MODEL_TYPES: Mapping[str, str] = {
    "llama": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "qwen3moe": "qwen3_moe", "gemma2": "gemma2",
    "gemma3": "gemma3_text", "deepseek2": "deepseek_v3",
}  # fmt: skip
_KEYS: Mapping[str, str] = {
    "block_count": "num_hidden_layers",
    "context_length": "max_position_embeddings",
    "embedding_length": "hidden_size",
    "feed_forward_length": "intermediate_size",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "attention.layer_norm_rms_epsilon": "rms_norm_eps",
    "attention.key_length": "head_dim",
    "attention.sliding_window": "sliding_window",
    "attn_logit_softcapping": "attn_logit_softcapping",
    "final_logit_softcapping": "final_logit_softcapping",
    "rope.freq_base": "rope_theta",
    "expert_count": "num_experts",
    "expert_used_count": "num_experts_per_tok",
    "expert_feed_forward_length": "moe_intermediate_size",
}
_DEEPSEEK: Mapping[str, str] = {
    "attention.q_lora_rank": "q_lora_rank",
    "attention.kv_lora_rank": "kv_lora_rank",
    "rope.dimension_count": "qk_rope_head_dim",
    "expert_count": "n_routed_experts",
    "expert_shared_count": "n_shared_experts",
    "expert_weights_scale": "routed_scaling_factor",
    "expert_weights_norm": "norm_topk_prob",
    "expert_group_count": "n_group",
    "expert_group_used_count": "topk_group",
    "leading_dense_block_count": "first_k_dense_replace",
}
_SIGMOID = 2
"""llama.cpp's ``expert_gating_func`` for DeepSeek-V3's router; V2's is softmax (1)."""
_INTERLEAVED = ("llama",)
_NORMS_PLUS_ONE = ("gemma2", "gemma3")


def architecture_of(store: TensorStore) -> str:
    """llama.cpp's name of the architecture."""
    return str(store.metadata.get("general.architecture"))


def config_of(store: TensorStore) -> dict[str, Any]:
    """What config.json would say.

    Raises:
        TargetError: an architecture that is not in the table.
    """
    architecture = architecture_of(store)
    if architecture not in _MODEL_TYPES:
        raise TargetError("architecture_unsupported", architecture=architecture[:80], problem="as GGUF")
    config: dict[str, Any] = {"model_type": _MODEL_TYPES[architecture]}
    for key, name in {**_KEYS, **(_DEEPSEEK if architecture == "deepseek2" else {})}.items():
        if (value := store.metadata.get(f"{architecture}.{key}")) is not None:
            config[name] = value
    # Only Qwen3, Gemma and MLA set their head's width apart from hidden_size / heads.
    embedding = store.tensors.get("token_embd.weight")
    if embedding is None:
        raise TargetError("tensor_missing", tensor="token_embd.weight", count=1)
    config["vocab_size"] = embedding.shape[0]
    config["tie_word_embeddings"] = "output.weight" not in store.tensors
    if architecture == "qwen3moe":
        config["norm_topk_prob"] = True  # llama.cpp always does; the config class does not by default
    if (biases := {"llama": "attn_q.bias"}.get(architecture)) and f"blk.0.{biases}" in store.tensors:
        config["attention_bias"] = True
    if architecture == "deepseek2":
        _deepseek(store, config)
    scaling = _rope_scaling(store, architecture)
    theta = config.pop("rope_theta", 10_000.0)
    if architecture == "gemma3":
        # Sliding layers turn at their own base, which the metadata leave out when it is the usual 10 000.
        local = store.metadata.get("gemma3.rope.freq_base_swa", 10_000.0)
        config["rope_parameters"] = {
            "full_attention": {"rope_type": "default", "rope_theta": theta, **scaling},
            "sliding_attention": {"rope_type": "default", "rope_theta": local},
        }
    else:
        config["rope_parameters"] = {"rope_type": "default", "rope_theta": theta, **scaling}
    return config


def _deepseek(store: TensorStore, config: dict[str, Any]) -> None:
    told = {key.removeprefix("deepseek2."): value for key, value in store.metadata.items()}
    if told.get("expert_gating_func", _SIGMOID if told.get("expert_count", 0) > 160 else 1) != _SIGMOID:
        raise TargetError("architecture_unsupported", architecture="deepseek2", problem="DeepSeek-V2's router")
    keys = told.get("attention.key_length_mla") or told.get("attention.key_length")
    config["qk_nope_head_dim"] = keys - config["qk_rope_head_dim"]
    config["v_head_dim"] = told.get("attention.value_length_mla") or told.get("attention.value_length")
    config["num_key_value_heads"] = config["num_attention_heads"]
    config["num_hidden_layers"] -= told.get("nextn_predict_layers") or 0
    config.pop("head_dim", None)
    if "n_group" not in config:
        # Older converters left the groups out; V3 and R1 have eight, of which four are used.
        grouped = config.get("n_routed_experts") == 256
        config["n_group"], config["topk_group"] = (8, 4) if grouped else (1, 1)


def _rope_scaling(store: TensorStore, architecture: str) -> dict[str, Any]:
    told = {key.removeprefix(f"{architecture}.rope.scaling."): value for key, value in store.metadata.items()}
    kind, factor = told.get("type"), told.get("factor")
    if kind not in ("linear", "yarn") or not factor or factor == 1:
        return {}
    scaling: dict[str, Any] = {"rope_type": kind, "factor": factor}
    if original := told.get("original_context_length"):
        scaling["original_max_position_embeddings"] = original
    if multiplier := told.get("yarn_log_multiplier"):
        # llama.cpp keeps 0.1 × mscale_all_dim (YaRN's temperature, arXiv:2309.00071, eq. 22).
        scaling["mscale"] = scaling["mscale_all_dim"] = multiplier * 10
    return scaling


@cache
def _names(architecture: str, layers: int) -> Any:
    import gguf

    kind = next(kind for kind, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)
    return gguf.get_tensor_name_map(kind, layers)


def gguf_name(store: TensorStore, name: str) -> str | None:
    """The name in the file of what transformers calls ``name``; ``None`` where there is none."""
    architecture = architecture_of(store)
    layers = int(store.metadata.get(f"{architecture}.block_count") or 0)
    if name.endswith(".e_score_correction_bias"):
        return f"blk.{name.split('.')[2]}.exp_probs_b.bias"
    for suffix in (".weight", ".bias"):
        if name.endswith(suffix):
            found = _names(architecture, layers).get_name(name.removesuffix(suffix))
            return f"{found}{suffix}" if found else None
    return None


def rotary_heads(store: TensorStore, name: str, heads: int, key_heads: int) -> int:
    """How many heads' rotary halves are interleaved in the tensor ``name``; 0: none are."""
    if architecture_of(store) not in _INTERLEAVED:
        return 0
    return heads if ".attn_q." in name else key_heads if ".attn_k." in name else 0


def added(store: TensorStore, name: str) -> float:
    """What the converter added to the values of the tensor ``name``."""
    return 1.0 if architecture_of(store) in _NORMS_PLUS_ONE and name.endswith("norm.weight") else 0.0
