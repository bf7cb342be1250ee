"""Which part of a transformer a tensor is, whoever named it: Hub checkpoints, GGUF, Meta's own files, BERT.

Pure. Sources: transformers' modelling code, llama.cpp's tensor names (the ``gguf`` package's constants), and the
reference implementations that Meta and DeepSeek published with their weights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

_LAYER = re.compile(r"(?:^|\.)(?:layers|layer|blk|h|blocks)\.(?P<layer>\d{1,6})\.(?P<rest>.+)$")
_EXPERT = re.compile(r"(?:^|\.)experts\.(?P<expert>\d{1,6})\.")
_PACKING = re.compile(r"\.(?:weight|qweight|weight_packed|gamma)$")
_STEMS: Mapping[str, tuple[str, ...]] = {
    "norm_in": ("input_layernorm", "attn_norm", "attention_norm", "ln_1"),
    "norm_mid": ("pre_feedforward_layernorm", "ffn_norm", "post_attention_layernorm", "ln_2"),
    "norm_attn": ("attention.output.LayerNorm", "attn_output_norm", "post_attention_norm"),
    "norm_mlp": ("output.LayerNorm", "layer_output_norm", "post_feedforward_layernorm", "post_ffw_norm"),
    "q": ("self_attn.q_proj", "attn_q", "attention.wq", "attention.self.query", "attn.wq"),
    "k": ("self_attn.k_proj", "attn_k", "attention.wk", "attention.self.key"),
    "v": ("self_attn.v_proj", "attn_v", "attention.wv", "attention.self.value"),
    "o": ("self_attn.o_proj", "attn_output", "attention.wo", "attention.output.dense", "attn.wo"),
    "q_norm": ("self_attn.q_norm", "attn_q_norm"),
    "k_norm": ("self_attn.k_norm", "attn_k_norm"),
    "q_a": ("self_attn.q_a_proj", "attn_q_a", "attn.wq_a"),
    "q_a_norm": ("self_attn.q_a_layernorm", "attn_q_a_norm", "attn.q_norm"),
    "q_b": ("self_attn.q_b_proj", "attn_q_b", "attn.wq_b"),
    "kv_a": ("self_attn.kv_a_proj_with_mqa", "attn_kv_a_mqa", "attn.wkv_a"),
    "kv_a_norm": ("self_attn.kv_a_layernorm", "attn_kv_a_norm", "attn.kv_norm"),
    "kv_b": ("self_attn.kv_b_proj", "attn_kv_b", "attn.wkv_b"),
    "k_b": ("attn_k_b",),
    "v_b": ("attn_v_b",),
    "gate": ("mlp.gate_proj", "ffn_gate", "feed_forward.w1"),
    "up": ("mlp.up_proj", "ffn_up", "feed_forward.w3", "intermediate.dense"),
    "down": ("mlp.down_proj", "ffn_down", "feed_forward.w2", "output.dense"),
    "shared_gate": ("mlp.shared_experts.gate_proj", "mlp.shared_expert.gate_proj", "ffn_gate_shexp"),
    "router": ("mlp.gate", "ffn_gate_inp", "block_sparse_moe.gate", "ffn.gate"),
}
_OUTSIDE: Mapping[str, tuple[str, ...]] = {
    "embed": ("embed_tokens", "token_embd", "tok_embeddings", "wte", "word_embeddings", "embed"),
    "norm_out": ("norm", "output_norm", "ln_f"),
    "head": ("lm_head", "output", "head"),
}
_OF_STEM = {stem: part for part, stems in _STEMS.items() for stem in stems}
_OF_LAST = {stem: part for part, stems in _OUTSIDE.items() for stem in stems}
_GEMMA = ("post_feedforward_layernorm", "post_ffw_norm", "post_attention_norm")


class Role(NamedTuple):
    """A part of a layer, or of the model where ``layer`` is ``None``; of an expert where ``expert`` is a number."""

    layer: int | None
    part: str
    expert: int | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a checkpoint by role: the stem of each one's name (without ``.weight``, ``.qweight`` …)."""

    stems: Mapping[Role, str]
    depth: int

    def stem(self, layer: int | None, part: str) -> str | None:
        """The stem of a part; ``None`` where the checkpoint has none."""
        return self.stems.get(Role(layer, part))


def role_of(stem: str) -> Role | None:
    """The role of a tensor by its name without the packing's suffix; ``None`` for what has none here."""
    match = _LAYER.search(stem)
    if match is None:
        part = _OF_LAST.get(stem.rsplit(".", 1)[-1])
        return Role(None, part) if part and "vision" not in stem else None
    rest, layer = match["rest"], int(match["layer"])
    expert = _EXPERT.search(rest)
    if expert:
        part = _OF_STEM.get("mlp." + rest[expert.end() :]) or _OF_STEM.get("feed_forward." + rest[expert.end() :])
        return Role(layer, part, int(expert["expert"])) if part else None
    part = _OF_STEM.get(rest)
    return Role(layer, part) if part else None


def stem_of(name: str) -> str | None:
    """A tensor's name without the suffix of what it is packed in; ``None`` for scales, zeros, biases."""
    match = _PACKING.search(name)
    return name[: match.start()] if match else None


def read_parts(names: Iterable[str]) -> Parts:
    """The parts that these tensors are. A multi-token-prediction layer is no part."""
    stems: dict[Role, str] = {}
    predicting: set[int] = set()
    four_norms = False
    for name in names:
        if "eh_proj" in name and (match := _LAYER.search(name)):
            predicting.add(int(match["layer"]))
        four_norms = four_norms or any(mark in name for mark in _GEMMA)
        stem = stem_of(name)
        role = role_of(stem) if stem is not None else None
        if stem is None or role is None:
            continue
        if role.part == "norm_mid" and four_norms and stem.endswith("post_attention_layernorm"):
            continue
        stems[role] = stem
    if predicting:
        stems = {role: stem for role, stem in stems.items() if role.layer not in predicting}
    layers = {role.layer for role in stems if role.layer is not None}
    return Parts(stems, len(layers))
