"""What a model is made of: weights by part, and what a token leaves in the cache.

Weights are counted from the published layout (``engine.layouts``) by the names of tensors. An architecture
without a layout gets embeddings and attention by formula; what its published count leaves is feed-forward.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from engine.catalog.schema import Parameters, Shape
from engine.layouts import checkpoint_tensors, has_layout

_WINDOWS: Mapping[str, tuple[int, int]] = {
    "gpt_oss": (128, 2),
    "gemma2": (4096, 2),
    "gemma3": (1024, 6),
    "gemma3_text": (512, 6),
    "qwen3_5": (0, 4),
}
"""Tokens that most layers see, and that every so many'th layer sees all (transformers' config classes).
Window 0: linear attention, whose state does not grow."""

_INDEX_KEY = 128 + 4
"""Bytes a token leaves in a layer of DeepSeek-V3.2's indexer: 128 FP8 values and a scale (its published code)."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A model, as sizing sees it. Weights are counts; ``experts`` are all routed ones of all layers.

    Attributes:
        small: norms, routers and biases, which stay at 16 bits.
        prediction: the multi-token-prediction layer, which servers load only to speculate.
        full_layers: layers whose cache grows with the context; the others keep ``window`` tokens.
        cache_elements: numbers that a token leaves in one layer.
        cache_heads: heads the cache can be cut by over devices; 1: latent, every device holds all of it.
        cache_extra: bytes a token leaves in one layer beside them, whatever the cache's format.
        decode_width, prompt_width: products that one head needs for a token and one before it; MLA decodes on the
            latent cache itself, wider than the keys and values that prompts are unpacked to.
        attended: tokens that sparse attention looks at, at most; 0: all.
    """

    model_type: str
    latent: bool
    layers: int
    hidden: int
    inner: int
    heads: int
    vocabulary: int
    embedding: int
    head: int
    attention: int
    feed_forward: int
    experts: int
    small: int
    prediction: int
    expert_layers: int
    expert_count: int
    experts_per_token: int
    expert_inner: int
    full_layers: int
    window: int
    cache_elements: int
    cache_heads: int
    cache_extra: int
    decode_width: int
    prompt_width: int
    positions: int
    attended: int

    @property
    def main(self) -> int:
        """All weights without the prediction layer."""
        return self.embedding + self.head + self.attention + self.feed_forward + self.experts + self.small

    @property
    def active(self) -> int:
        """Weights that one token is multiplied with."""
        share = self.experts_per_token / self.expert_count if self.expert_count else 0.0
        head = self.head or self.embedding
        return round(head + self.attention + self.feed_forward + self.experts * share + self.small)


@lru_cache(maxsize=512)
def parts_of(shape: Shape, parameters: Parameters) -> Parts:
    """The parts of a model of this shape and published count."""
    counted = _by_layout(shape) if has_layout(shape.model_type) else _by_formula(shape, parameters.main)
    latent = shape.kv_lora_rank is not None
    head_dim = shape.head_dim or max(1, shape.hidden_size // shape.num_attention_heads)
    window, every = _WINDOWS.get(shape.model_type, (0, 1))
    cached_heads = 1 if latent else shape.num_key_value_heads or shape.num_attention_heads
    rank, rope = shape.kv_lora_rank or 0, shape.qk_rope_head_dim or 0
    return Parts(
        model_type=shape.model_type,
        latent=latent,
        layers=shape.num_hidden_layers,
        hidden=shape.hidden_size,
        inner=shape.intermediate_size or 4 * shape.hidden_size,
        heads=shape.num_attention_heads,
        vocabulary=shape.vocab_size or 0,
        prediction=parameters.stored - parameters.main,
        expert_layers=_expert_layers(shape),
        expert_count=shape.n_routed_experts or 0,
        experts_per_token=shape.num_experts_per_tok or 0,
        expert_inner=shape.moe_intermediate_size or shape.intermediate_size or 0,
        full_layers=max(1, shape.num_hidden_layers // every),
        window=window if every > 1 else 0,
        cache_elements=rank + rope if latent else 2 * cached_heads * head_dim,
        cache_heads=cached_heads,
        cache_extra=_INDEX_KEY if shape.index_topk else 0,
        decode_width=2 * rank + rope if latent else 2 * head_dim,
        prompt_width=(shape.qk_nope_head_dim or 0) + rope + (shape.v_head_dim or 0) if latent else 2 * head_dim,
        positions=shape.max_position_embeddings or 4096,
        attended=shape.index_topk or 0,
        **counted,
    )


def _expert_layers(shape: Shape) -> int:
    return shape.num_hidden_layers - (shape.first_k_dense_replace or 0) if shape.n_routed_experts else 0


def _by_layout(shape: Shape) -> dict[str, int]:
    """Counts by part. Layers past the dense ones are alike, so two of them tell the rest."""
    few = min(shape.num_hidden_layers, (shape.first_k_dense_replace or 0) + 1)
    short, longer = (_counted(shape.model_copy(update={"num_hidden_layers": layers})) for layers in (few, few + 1))
    more = shape.num_hidden_layers - few
    return {name: short[name] + more * (longer[name] - short[name]) for name in short}


def _counted(shape: Shape) -> dict[str, int]:
    counts = dict.fromkeys(("embedding", "head", "attention", "feed_forward", "experts", "small"), 0)
    for tensor in checkpoint_tensors(shape):
        counts[_part(tensor.name, len(tensor.shape))] += tensor.elements
    return counts


def _part(name: str, dimensions: int) -> str:
    if dimensions < 2 or name.endswith(("mlp.gate.weight", "block_sparse_moe.gate.weight")):
        return "small"
    if "embed" in name or name in ("wte.weight", "wpe.weight"):
        return "embedding"
    if name.startswith("lm_head"):
        return "head"
    if ".experts." in name:
        return "experts"
    return "attention" if "attn" in name or ".attention." in name else "feed_forward"


def _by_formula(shape: Shape, main: int) -> dict[str, int]:
    head_dim = shape.head_dim or max(1, shape.hidden_size // shape.num_attention_heads)
    keys = shape.num_key_value_heads or shape.num_attention_heads
    embedding = (shape.vocab_size or 0) * shape.hidden_size
    head = 0 if shape.tie_word_embeddings else embedding
    attention = shape.num_hidden_layers * shape.hidden_size * head_dim * 2 * (shape.num_attention_heads + keys)
    routers = (shape.n_routed_experts or 0) * shape.hidden_size * _expert_layers(shape)
    rest = max(0, main - embedding - head - attention - routers)
    inner = shape.moe_intermediate_size or shape.intermediate_size or 0
    experts = min(rest, _expert_layers(shape) * (shape.n_routed_experts or 0) * 3 * shape.hidden_size * inner)
    return {
        "embedding": embedding, "head": head, "attention": attention, "feed_forward": rest - experts,
        "experts": experts, "small": routers,
    }  # fmt: skip
