"""Which tensors a checkpoint of a given shape holds, by the names its publisher uses.

Sources: the published checkpoints' ``model.safetensors.index.json`` naming, transformers' modelling code
for each architecture, and DeepSeek-V3's ``README_WEIGHTS.md`` for FP8 scales and the prediction layer.
``tests/benchmarks/parameters_on_meta.py`` holds counts and names against transformers on ``meta``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil

from engine.catalog.schema import Shape
from engine.targets.target import Tensor

FP8_BLOCK = 128
"""DeepSeek-V3 weights are quantised in 128 x 128 blocks with one float32 scale each."""

_BIASED_QKV = frozenset({"qwen2", "qwen2_moe"})
_NORMED_QK = frozenset({"qwen3", "qwen3_moe"})
_LLAMA_LIKE = frozenset({"llama", "mistral", "qwen2", "qwen3", "qwen3_moe", "mixtral", "baichuan", "internlm2"})


def checkpoint_tensors(shape: Shape, *, fp8: bool = False, mtp: bool = False) -> Iterator[Tensor]:
    """The tensors of a Hub checkpoint, in layer order.

    Args:
        fp8: projections as ``F8_E4M3`` with ``weight_scale_inv`` (DeepSeek-V3 layouts only).
        mtp: with the multi-token-prediction layer (DeepSeek-V3 layouts only).

    Raises:
        KeyError: no layout for the model type; see ``has_layout``.
    """
    yield from _LAYOUTS[shape.model_type](shape, fp8, mtp)


def has_layout(model_type: str) -> bool:
    """Whether ``checkpoint_tensors`` knows the architecture."""
    return model_type in _LAYOUTS


def implied_parameters(shape: Shape) -> int | None:
    """Weights that a config implies, without the prediction layer; ``None`` for unknown architectures."""
    if not has_layout(shape.model_type):
        return None
    # Layers past the dense ones are alike, so two of them tell the rest: 90,000 tensors need not be named.
    few = min(shape.num_hidden_layers, (shape.first_k_dense_replace or 0) + 1)
    short = _count(shape.model_copy(update={"num_hidden_layers": few}))
    longer = _count(shape.model_copy(update={"num_hidden_layers": few + 1}))
    return short + (shape.num_hidden_layers - few) * (longer - short)


def _count(shape: Shape) -> int:
    return sum(tensor.elements for tensor in checkpoint_tensors(shape))


def _llama(shape: Shape, fp8: bool, mtp: bool) -> Iterator[Tensor]:
    hidden, vocab = shape.hidden_size, shape.vocab_size or 0
    head = shape.head_dim or hidden // shape.num_attention_heads
    queries = shape.num_attention_heads * head
    keys = (shape.num_key_value_heads or shape.num_attention_heads) * head
    yield _bf16("model.embed_tokens.weight", vocab, hidden)
    for layer in range(shape.num_hidden_layers):
        prefix = f"model.layers.{layer}."
        yield _bf16(prefix + "input_layernorm.weight", hidden)
        for name, rows in (("q_proj", queries), ("k_proj", keys), ("v_proj", keys)):
            yield _bf16(f"{prefix}self_attn.{name}.weight", rows, hidden)
            if shape.model_type in _BIASED_QKV:
                yield _bf16(f"{prefix}self_attn.{name}.bias", rows)
        if shape.model_type in _NORMED_QK:
            yield _bf16(prefix + "self_attn.q_norm.weight", head)
            yield _bf16(prefix + "self_attn.k_norm.weight", head)
        yield _bf16(prefix + "self_attn.o_proj.weight", hidden, queries)
        yield _bf16(prefix + "post_attention_layernorm.weight", hidden)
        yield from _feed_forward(shape, prefix)
    yield _bf16("model.norm.weight", hidden)
    if not shape.tie_word_embeddings:
        yield _bf16("lm_head.weight", vocab, hidden)


def _feed_forward(shape: Shape, prefix: str) -> Iterator[Tensor]:
    hidden = shape.hidden_size
    if shape.model_type == "mixtral":
        yield _bf16(prefix + "block_sparse_moe.gate.weight", shape.n_routed_experts or 0, hidden)
        for expert in range(shape.n_routed_experts or 0):
            for name in ("w1", "w2", "w3"):
                yield _projection(f"{prefix}block_sparse_moe.experts.{expert}.{name}", shape.intermediate_size or 0,
                                  hidden, down=name == "w2")  # fmt: skip
    elif shape.model_type == "qwen3_moe":
        yield _bf16(prefix + "mlp.gate.weight", shape.n_routed_experts or 0, hidden)
        for expert in range(shape.n_routed_experts or 0):
            yield from _gated(f"{prefix}mlp.experts.{expert}.", hidden, shape.moe_intermediate_size or 0)
    else:
        yield from _gated(prefix + "mlp.", hidden, shape.intermediate_size or 0)


def _gated(prefix: str, hidden: int, inner: int) -> Iterator[Tensor]:
    yield _projection(prefix + "gate_proj", inner, hidden)
    yield _projection(prefix + "up_proj", inner, hidden)
    yield _projection(prefix + "down_proj", inner, hidden, down=True)


def _projection(stem: str, inner: int, hidden: int, *, down: bool = False) -> Tensor:
    return _bf16(stem + ".weight", hidden, inner) if down else _bf16(stem + ".weight", inner, hidden)


def _deepseek(shape: Shape, fp8: bool, mtp: bool) -> Iterator[Tensor]:
    yield _bf16("model.embed_tokens.weight", shape.vocab_size or 0, shape.hidden_size)
    layers = shape.num_hidden_layers
    for layer in range(layers + (shape.num_nextn_predict_layers or 0 if mtp else 0)):
        for tensor in _deepseek_layer(shape, layer):
            yield from _quantised(tensor) if fp8 else (tensor,)
        if layer >= layers:
            yield from _prediction_head(shape, f"model.layers.{layer}.")
    yield _bf16("model.norm.weight", shape.hidden_size)
    yield _bf16("lm_head.weight", shape.vocab_size or 0, shape.hidden_size)


def _deepseek_layer(shape: Shape, layer: int) -> Iterator[Tensor]:
    hidden, prefix = shape.hidden_size, f"model.layers.{layer}."
    yield _bf16(prefix + "input_layernorm.weight", hidden)
    yield from _latent_attention(shape, prefix + "self_attn.")
    yield _bf16(prefix + "post_attention_layernorm.weight", hidden)
    if layer < (shape.first_k_dense_replace or 0):
        yield from _gated(prefix + "mlp.", hidden, shape.intermediate_size or 0)
        return
    experts, inner = shape.n_routed_experts or 0, shape.moe_intermediate_size or 0
    yield _bf16(prefix + "mlp.gate.weight", experts, hidden)
    if shape.model_type != "deepseek_v2":
        yield Tensor(prefix + "mlp.gate.e_score_correction_bias", "F32", (experts,))
    for expert in range(experts):
        yield from _gated(f"{prefix}mlp.experts.{expert}.", hidden, inner)
    if shape.n_shared_experts:
        yield from _gated(prefix + "mlp.shared_experts.", hidden, inner * shape.n_shared_experts)


def _latent_attention(shape: Shape, prefix: str) -> Iterator[Tensor]:
    hidden, heads = shape.hidden_size, shape.num_attention_heads
    nope, rope = shape.qk_nope_head_dim or 0, shape.qk_rope_head_dim or 0
    value, rank = shape.v_head_dim or 0, shape.kv_lora_rank or 0
    if shape.q_lora_rank:
        yield _bf16(prefix + "q_a_proj.weight", shape.q_lora_rank, hidden)
        yield _bf16(prefix + "q_a_layernorm.weight", shape.q_lora_rank)
        yield _bf16(prefix + "q_b_proj.weight", heads * (nope + rope), shape.q_lora_rank)
    else:
        yield _bf16(prefix + "q_proj.weight", heads * (nope + rope), hidden)
    yield _bf16(prefix + "kv_a_proj_with_mqa.weight", rank + rope, hidden)
    yield _bf16(prefix + "kv_a_layernorm.weight", rank)
    yield _bf16(prefix + "kv_b_proj.weight", heads * (nope + value), rank)
    yield _bf16(prefix + "o_proj.weight", hidden, heads * value)
    if shape.index_topk and shape.q_lora_rank:
        yield from _indexer(shape, prefix + "indexer.")


_INDEX_HEADS, _INDEX_DIM = 64, 128
"""DeepSeek-V3.2's lightning indexer (``index_n_heads``, ``index_head_dim`` of its published config)."""


def _indexer(shape: Shape, prefix: str) -> Iterator[Tensor]:
    yield _bf16(prefix + "wq_b.weight", _INDEX_HEADS * _INDEX_DIM, shape.q_lora_rank or 0)
    yield _bf16(prefix + "wk.weight", _INDEX_DIM, shape.hidden_size)
    yield Tensor(prefix + "k_norm.weight", "F32", (_INDEX_DIM,))
    yield Tensor(prefix + "k_norm.bias", "F32", (_INDEX_DIM,))
    yield _bf16(prefix + "weights_proj.weight", _INDEX_HEADS, shape.hidden_size)


def _prediction_head(shape: Shape, prefix: str) -> Iterator[Tensor]:
    hidden, vocab = shape.hidden_size, shape.vocab_size or 0
    yield _bf16(prefix + "embed_tokens.weight", vocab, hidden)
    yield _bf16(prefix + "enorm.weight", hidden)
    yield _bf16(prefix + "hnorm.weight", hidden)
    yield _bf16(prefix + "eh_proj.weight", hidden, 2 * hidden)
    yield _bf16(prefix + "shared_head.norm.weight", hidden)
    yield _bf16(prefix + "shared_head.head.weight", vocab, hidden)


def _quantised(tensor: Tensor) -> Iterator[Tensor]:
    """Projections in FP8 with their block scales; norms, routers and embeddings stay as they are."""
    if not tensor.name.endswith("_proj.weight") and not tensor.name.endswith("_proj_with_mqa.weight"):
        yield tensor
        return
    rows, columns = tensor.shape
    yield Tensor(tensor.name, "F8_E4M3", tensor.shape)
    blocks = (ceil(rows / FP8_BLOCK), ceil(columns / FP8_BLOCK))
    yield Tensor(tensor.name + "_scale_inv", "F32", blocks)


def _gemma3(shape: Shape, fp8: bool, mtp: bool) -> Iterator[Tensor]:
    hidden, head = shape.hidden_size, shape.head_dim or 256
    queries, keys = shape.num_attention_heads * head, (shape.num_key_value_heads or 1) * head
    yield _bf16("model.embed_tokens.weight", shape.vocab_size or 0, hidden)
    for layer in range(shape.num_hidden_layers):
        prefix = f"model.layers.{layer}."
        for name in ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm"):  # fmt: skip
            yield _bf16(f"{prefix}{name}.weight", hidden)
        for name, rows in (("q_proj", queries), ("k_proj", keys), ("v_proj", keys)):
            yield _bf16(f"{prefix}self_attn.{name}.weight", rows, hidden)
        yield _bf16(prefix + "self_attn.q_norm.weight", head)
        yield _bf16(prefix + "self_attn.k_norm.weight", head)
        yield _bf16(prefix + "self_attn.o_proj.weight", hidden, queries)
        yield from _gated(prefix + "mlp.", hidden, shape.intermediate_size or 0)
    yield _bf16("model.norm.weight", hidden)


def _gpt2(shape: Shape, fp8: bool, mtp: bool) -> Iterator[Tensor]:
    hidden = shape.hidden_size
    inner = shape.intermediate_size or 4 * hidden
    yield _f32("wte.weight", shape.vocab_size or 0, hidden)
    yield _f32("wpe.weight", shape.max_position_embeddings or 1024, hidden)
    for layer in range(shape.num_hidden_layers):
        prefix = f"h.{layer}."
        for name in ("ln_1", "ln_2"):
            yield _f32(f"{prefix}{name}.weight", hidden)
            yield _f32(f"{prefix}{name}.bias", hidden)
        for name, rows, columns in (("attn.c_attn", hidden, 3 * hidden), ("attn.c_proj", hidden, hidden),
                                    ("mlp.c_fc", hidden, inner), ("mlp.c_proj", inner, hidden)):  # fmt: skip
            yield _f32(f"{prefix}{name}.weight", rows, columns)
            yield _f32(f"{prefix}{name}.bias", columns)
    yield _f32("ln_f.weight", hidden)
    yield _f32("ln_f.bias", hidden)


def _bert(shape: Shape, fp8: bool, mtp: bool) -> Iterator[Tensor]:
    hidden, inner = shape.hidden_size, shape.intermediate_size or 4 * shape.hidden_size
    for name, rows in (("word", shape.vocab_size or 0), ("position", shape.max_position_embeddings or 512), ("token_type", 2)):  # fmt: skip
        yield _f32(f"embeddings.{name}_embeddings.weight", rows, hidden)
    yield from _layer_norm("embeddings.LayerNorm", hidden)
    for layer in range(shape.num_hidden_layers):
        prefix = f"encoder.layer.{layer}."
        for name in (
            "attention.self.query",
            "attention.self.key",
            "attention.self.value",
            "attention.output.dense",
        ):
            yield from _linear(prefix + name, hidden, hidden)
        yield from _layer_norm(prefix + "attention.output.LayerNorm", hidden)
        yield from _linear(prefix + "intermediate.dense", inner, hidden)
        yield from _linear(prefix + "output.dense", hidden, inner)
        yield from _layer_norm(prefix + "output.LayerNorm", hidden)
    yield from _linear("pooler.dense", hidden, hidden)


def _linear(stem: str, rows: int, columns: int) -> Iterator[Tensor]:
    yield _f32(stem + ".weight", rows, columns)
    yield _f32(stem + ".bias", rows)


def _layer_norm(stem: str, size: int) -> Iterator[Tensor]:
    yield _f32(stem + ".weight", size)
    yield _f32(stem + ".bias", size)


def _bf16(name: str, *shape: int) -> Tensor:
    return Tensor(name, "BF16", shape)


def _f32(name: str, *shape: int) -> Tensor:
    return Tensor(name, "F32", shape)


_LAYOUTS: dict[str, Callable[[Shape, bool, bool], Iterator[Tensor]]] = {
    **dict.fromkeys(_LLAMA_LIKE, _llama),
    **dict.fromkeys(("deepseek_v2", "deepseek_v3", "deepseek_v32", "kimi_k2"), _deepseek),
    "gemma3_text": _gemma3,
    "gpt2": _gpt2,
    "bert": _bert,
}
