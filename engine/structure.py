"""What tensor names and shapes say of a model, for Hub checkpoints and GGUF files alike.

Pure. Quantisers pack weights in many ways; a dimension is read only where the packing leaves it plain
(norms, embeddings, output sides of scales), and left out otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.targets.target import Tensor

_LAYER = re.compile(r"(?:^|\.)(?:layers|layer|blk|h|blocks)\.(\d{1,6})\.(.+)$")
_MOST_LAYERS = 10_000
_EXPERT = re.compile(r"experts\.(\d{1,6})\.")
_WRAPPER = re.compile(r"^(?:base_model\.model\.|model\.language_model\.|language_model\.|transformer\.|bert\.)+")
_SCALE = re.compile(
    r"(?:_scale_inv|_scale|\.scales|\.qzeros|\.g_idx|\.biases|absmax|quant_map|nested_\w+|quant_state\S*|_zero_point"
    r"|weight_shape|\.SCB|_scale_2|input_scale)$"
)
_PACKED = re.compile(r"\.(?:qweight|weight_packed)$")
_OUT_SIDES: Mapping[str, tuple[str, ...]] = {
    "q_out": ("self_attn.q_proj", "attn_q"),
    "k_out": ("self_attn.k_proj", "attn_k"),
    "intermediate_size": ("mlp.gate_proj", "ffn_gate"),
    "moe_intermediate_size": ("mlp.experts.0.gate_proj", "ffn_gate_exps"),
    "q_lora_rank": ("self_attn.q_a_proj", "attn_q_a"),
}


@dataclass(frozen=True, slots=True)
class Structure:
    """Facts read off a set of tensors.

    Attributes:
        style: which architecture's names these are (``deepseek_v3``, ``qwen2`` …), ``None`` if none known.
        dimensions: by config name, plus ``q_out``/``k_out`` (rows of the query/key projections).
        layers: indices really present; ``missing_layers`` the gaps below the highest.
        mtp: whether a multi-token-prediction layer is there (counted in neither).
        elements: weights by part, scales and packing metadata left out; ``scales`` counts these.
        exact: whether ``elements`` is exact (packed formats are unpacked by their bit width).
        dtypes: weight elements by dtype.
    """

    style: str | None
    dimensions: Mapping[str, int]
    layers: tuple[int, ...]
    missing_layers: tuple[int, ...]
    mtp: bool
    tied: bool
    elements: Mapping[str, int]
    scales: int
    exact: bool
    dtypes: Mapping[str, int] = field(default_factory=dict)

    @property
    def main(self) -> int:
        """Weights without the multi-token-prediction layer."""
        return sum(count for part, count in self.elements.items() if part != "mtp")


def read_structure(tensors: Iterable[Tensor]) -> Structure:
    """Read the facts in one pass over the names (90,000 of them in the full model)."""
    seen = _Seen()
    for tensor in tensors:
        seen.add(tensor)
    return seen.structure()


class _Seen:
    """What one pass gathers."""

    def __init__(self) -> None:
        self.dimensions: dict[str, int] = {}
        self.kinds: set[str] = set()
        self.layers: set[int] = set()
        self.mtp_layers: set[int] = set()
        self.per_part: dict[int | None, dict[str, int]] = {}
        self.experts = 0
        self.scales = 0
        self.exact = True
        self.dtypes: dict[str, int] = {}
        self.roles: dict[str, str] = {}

    def add(self, tensor: Tensor) -> None:
        name = tensor.name
        match = _LAYER.search(name)
        layer = int(match[1]) if match else None
        rest = match[2] if match else _WRAPPER.sub("", name)
        if layer is not None:
            self.layers.add(layer)
            if "eh_proj" in rest or rest.startswith(("nextn.", "shared_head", "enorm", "hnorm")):
                self.mtp_layers.add(layer)
        expert = _EXPERT.search(rest)
        if expert:
            self.experts = max(self.experts, int(expert[1]) + 1)
            kind = rest[: expert.start()] + "experts.0." + rest[expert.end() :]
        else:
            kind = rest
        first = layer is None or kind not in self.kinds
        self.kinds.add(kind)
        if first:
            self._read_dimensions(kind, tensor)
        self._count(layer, kind, tensor)

    def _count(self, layer: int | None, kind: str, tensor: Tensor) -> None:
        role = self.roles.get(kind)
        if role is None:
            role = self.roles[kind] = _role(layer, kind)
        count = tensor.elements
        if role == "scale":
            self.scales += count
            return
        if role == "buffer":
            return
        dtype = tensor.dtype
        if dtype not in ("BF16", "F8_E4M3", "F16", "F32"):
            count = self._unpacked(kind, tensor, count)
        self.dtypes[dtype] = self.dtypes.get(dtype, 0) + count
        parts = self.per_part.setdefault(layer, {})
        parts[role] = parts.get(role, 0) + count

    def _unpacked(self, kind: str, tensor: Tensor, count: int) -> int:
        """Weights in a packed tensor, by the commonest packing of its type."""
        if _PACKED.search(kind) or tensor.dtype in ("U32", "I32"):
            count *= 8  # four-bit weights in 32-bit words
            self.exact = False
        elif tensor.dtype == "U8" and tensor.shape[-1:] == (1,):
            count *= 2  # bitsandbytes: two four-bit weights a byte
            self.exact = False
        elif tensor.dtype in ("U8", "I8", "F4"):
            self.exact = False
        return count

    def _read_dimensions(self, kind: str, tensor: Tensor) -> None:
        shape, stem = tensor.shape, kind.rsplit(".", 1)[0]
        put = self.dimensions.setdefault
        if kind in ("embed_tokens.weight", "model.embed_tokens.weight", "token_embd.weight", "wte.weight",
                    "embeddings.word_embeddings.weight") and len(shape) == 2:  # fmt: skip
            put("vocab_size", shape[0])
            if tensor.dtype not in ("U32", "I32", "U8"):
                put("hidden_size", shape[1])
        elif kind in ("norm.weight", "model.norm.weight", "output_norm.weight", "ln_f.weight") and shape:
            put("hidden_size", shape[0])
        elif kind in ("mlp.gate.weight", "ffn_gate_inp.weight", "block_sparse_moe.gate.weight") and len(shape) == 2:
            put("n_routed_experts", shape[0])
        elif stem.endswith(("kv_a_layernorm", "attn_kv_a_norm")) and shape:
            put("kv_lora_rank", shape[0])
        elif stem.endswith(("q_a_layernorm", "attn_q_a_norm")) and shape:
            put("q_lora_rank", shape[0])
        elif stem.endswith(("attn_q_norm", "self_attn.q_norm")) and len(shape) == 1:
            put("head_dim", shape[0])
        for name, stems in _OUT_SIDES.items():
            if stem in stems and (rows := _rows(kind, tensor)):
                put(name, rows)

    def structure(self) -> Structure:
        dimensions = dict(self.dimensions)
        if self.experts:
            dimensions.setdefault("n_routed_experts", self.experts)
        main = sorted(self.layers - self.mtp_layers)
        dimensions.update({"num_hidden_layers": len(main)} if main else {})
        elements: dict[str, int] = {}
        for layer, parts in self.per_part.items():
            for part, count in parts.items():
                part = "mtp" if layer in self.mtp_layers else part
                elements[part] = elements.get(part, 0) + count
        top = main[-1] + 1 if main else 0
        return Structure(
            style=_style(self.kinds),
            dimensions=dimensions,
            layers=tuple(main),
            missing_layers=tuple(sorted(set(range(min(top, _MOST_LAYERS))) - self.layers)),
            mtp=bool(self.mtp_layers),
            tied="head" not in elements and "embedding" in elements,
            elements=elements,
            scales=self.scales,
            exact=self.exact,
            dtypes=dict(self.dtypes),
        )


def _rows(kind: str, tensor: Tensor) -> int | None:
    """Output size of a projection, whatever it is packed in (GPTQ/AWQ scales: groups × out)."""
    shape, last = tensor.shape, kind.rsplit(".", 1)[1]
    if last == "weight" and tensor.dtype == "U8":
        return None
    if last == "weight" and len(shape) >= 2:
        return shape[-2]
    if last == "weight_packed" and len(shape) == 2:
        return shape[0]
    return None


def _role(layer: int | None, kind: str) -> str:
    """The part of the model that a kind of tensor belongs to; ``scale`` and ``buffer`` are no weights."""
    if kind.endswith(("inv_freq", "rope_freqs.weight", "position_ids", "masked_bias")):
        return "buffer"
    if _SCALE.search(kind):
        return "scale"
    if layer is None:
        if "embed" in kind or kind.startswith(("token_embd", "wte", "wpe")):
            return "embedding"
        return "head" if kind.startswith(("lm_head", "output.")) else "other"
    if "expert" in kind or "exps" in kind:
        return "shared_experts" if "shared_expert" in kind or "shexp" in kind else "experts"
    if "norm" in kind or kind.startswith("ln_"):
        return "norms"
    if "attn" in kind or "attention" in kind:
        return "attention"
    return "mlp" if "mlp" in kind or "ffn" in kind else "other"


def _style(kinds: set[str]) -> str | None:
    """Architecture by tensor names alone. Order matters: the more particular first."""

    def has(*stems: str) -> bool:
        return any(kind.startswith(stems) for kind in kinds)

    if has("self_attn.kv_a_proj_with_mqa", "attn_kv_a_mqa"):
        if has("self_attn.indexer", "indexer.", "attn_indexer"):
            return "deepseek_v32"
        sigmoid_router = any("e_score_correction_bias" in kind or "exp_probs_b" in kind for kind in kinds)
        return "deepseek_v3" if sigmoid_router else "deepseek_v2"
    if has("linear_attn", "ssm_"):
        return "hybrid"
    if has("self_attn.q_norm", "attn_q_norm"):
        if has("pre_feedforward_layernorm", "post_ffw_norm", "ffn_post_norm", "post_attention_norm"):
            return "gemma3_text"
        return "qwen3_moe" if any("expert" in kind or "exps" in kind for kind in kinds) else "qwen3"
    if has("self_attn.q_proj", "attn_q."):
        biased = "self_attn.q_proj.bias" in kinds or "attn_q.bias" in kinds
        return "qwen2" if biased else "llama"
    if has("attention.self.query", "attention.output.dense"):
        return "bert"
    return "gpt2" if has("attn.c_attn") else None


def as_json(structure: Structure) -> dict[str, Any]:
    """The facts as a plain mapping, for the observation that is stored."""
    return {
        "style": structure.style,
        "dimensions": dict(structure.dimensions),
        "layers": len(structure.layers),
        "missing_layers": list(structure.missing_layers[:20]),
        "mtp": structure.mtp,
        "tied": structure.tied,
    }
