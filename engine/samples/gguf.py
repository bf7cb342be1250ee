"""Writes a variant as GGUF: a header by the gguf package's writer, then a hole of the data's size."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import orjson

from engine.catalog.schema import Shape, Variant
from engine.layouts import checkpoint_tensors
from engine.samples.tokenizers import tokenizer_json
from engine.targets.target import Tensor

_ARCHITECTURES = {"deepseek_v3": "deepseek2", "deepseek_v32": "deepseek2"}
_RENAMED = (
    ("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("lm_head", "output"),
    ("model.layers.", "blk."), ("input_layernorm", "attn_norm"), ("post_attention_layernorm", "ffn_norm"),
    ("self_attn.q_a_layernorm", "attn_q_a_norm"), ("self_attn.kv_a_layernorm", "attn_kv_a_norm"),
    ("self_attn.kv_a_proj_with_mqa", "attn_kv_a_mqa"), ("self_attn.q_a_proj", "attn_q_a"),
    ("self_attn.q_b_proj", "attn_q_b"), ("self_attn.kv_b_proj", "attn_kv_b"), ("self_attn.o_proj", "attn_output"),
    ("self_attn.q_norm", "attn_q_norm"), ("self_attn.k_norm", "attn_k_norm"), ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"), ("self_attn.v_proj", "attn_v"),
    ("mlp.gate.e_score_correction_bias", "exp_probs_b.bias"), ("mlp.gate.weight", "ffn_gate_inp.weight"),
    ("mlp.shared_experts.gate_proj", "ffn_gate_shexp"), ("mlp.shared_experts.up_proj", "ffn_up_shexp"),
    ("mlp.shared_experts.down_proj", "ffn_down_shexp"), ("mlp.gate_proj", "ffn_gate"), ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
)  # fmt: skip


def write_gguf(
    variant: Variant, path: Path, *, quant: str = "Q4_K", splits: int = 1, name: str | None = None,
    architecture: str | None = None, tensors_of: Variant | None = None, tokenizer: str | None = "own",
) -> list[Path]:  # fmt: skip
    """Write one file, or ``splits`` of them named as llama.cpp splits are; returns the paths.

    Args:
        name: ``general.name``, where it is to differ from the variant's id.
        architecture, tensors_of: what the metadata say and whose tensors follow, where they are to lie.
    """
    from gguf import GGUFWriter

    tensors = list(gguf_tensors((tensors_of or variant).shape))
    size = -(-len(tensors) // splits)
    paths = []
    for number in range(splits):
        part = path if splits == 1 else path.with_name(f"{path.stem}-{number + 1:05d}-of-{splits:05d}.gguf")
        writer = GGUFWriter(
            part, architecture or _ARCHITECTURES.get(variant.shape.model_type, variant.shape.model_type)
        )
        if number == 0:
            writer.add_name(name or variant.id)
            _add_shape(writer, variant.shape)
            _add_vocabulary(writer, variant.tokenizer if tokenizer == "own" else tokenizer, variant.shape)
        if splits > 1:
            writer.add_uint16("split.count", splits)
            writer.add_uint16("split.no", number)
        end = 0
        for tensor in tensors[number * size : (number + 1) * size]:
            end = _add_tensor(writer, tensor, quant, end)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        writer.close()
        header = part.stat().st_size
        with part.open("r+b") as file:
            file.truncate(-(-header // 32) * 32 + end)
        paths.append(part)
    return paths


def gguf_tensors(shape: Shape) -> Iterator[Tensor]:
    """The tensors of a converted file: llama.cpp's names, experts of a layer joined, no prediction layer."""
    for tensor in checkpoint_tensors(shape):
        name = tensor.name
        if ".mlp.experts." in name:
            layer, _, rest = name.removeprefix("model.layers.").partition(".mlp.experts.")
            expert, _, part = rest.partition(".")
            if expert == "0":
                part = part.removesuffix("_proj.weight")
                yield Tensor(
                    f"blk.{layer}.ffn_{part}_exps.weight",
                    "BF16",
                    (shape.n_routed_experts or 0, *tensor.shape),
                )
            continue
        for old, new in _RENAMED:
            name = name.replace(old, new, 1)
        yield Tensor(name, tensor.dtype, tensor.shape)


def _add_tensor(writer: Any, tensor: Tensor, quant: str, at: int) -> int:
    import numpy
    from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

    quantised = len(tensor.shape) > 1 and "gate_inp" not in tensor.name
    kind = GGMLQuantizationType[quant] if quantised else GGMLQuantizationType.F32
    block, width = GGML_QUANT_SIZES[kind]
    if tensor.shape[-1] % block:
        kind = GGMLQuantizationType.F16
        block, width = GGML_QUANT_SIZES[kind]
    size = prod(tensor.shape) // block * width
    stored = (*tensor.shape[:-1], tensor.shape[-1] // block * width)  # the writer wants byte shapes
    shape = stored if kind not in (GGMLQuantizationType.F32, GGMLQuantizationType.F16) else tensor.shape
    dtype = {GGMLQuantizationType.F32: numpy.float32, GGMLQuantizationType.F16: numpy.float16}.get(kind, numpy.uint8)
    writer.add_tensor_info(tensor.name, shape, numpy.dtype(dtype), size, raw_dtype=kind)
    return int(at + -(-size // 32) * 32)


def _add_shape(writer: Any, shape: Shape) -> None:
    writer.add_block_count(shape.num_hidden_layers)
    writer.add_context_length(shape.max_position_embeddings or 4096)
    writer.add_embedding_length(shape.hidden_size)
    writer.add_head_count(shape.num_attention_heads)
    if shape.intermediate_size:
        writer.add_feed_forward_length(shape.intermediate_size)
    if shape.kv_lora_rank:
        writer.add_head_count_kv(1)
        writer.add_kv_lora_rank(shape.kv_lora_rank)
    elif shape.num_key_value_heads:
        writer.add_head_count_kv(shape.num_key_value_heads)
    if shape.q_lora_rank:
        writer.add_q_lora_rank(shape.q_lora_rank)
    if shape.rope_theta:
        writer.add_rope_freq_base(shape.rope_theta)
    if shape.n_routed_experts:
        writer.add_expert_count(shape.n_routed_experts)
        writer.add_expert_used_count(shape.num_experts_per_tok or 1)
        writer.add_expert_feed_forward_length(shape.moe_intermediate_size or 1)
        writer.add_leading_dense_block_count(shape.first_k_dense_replace or 0)
    if shape.vocab_size:
        writer.add_vocab_size(shape.vocab_size)


def _add_vocabulary(writer: Any, name: str | None, shape: Shape) -> None:
    document = tokenizer_json(name) if name else None
    if document is None:
        return
    tokenizer = orjson.loads(document)
    texts = {index: text for text, index in tokenizer["model"]["vocab"].items()}
    added = {entry["id"]: entry["content"] for entry in tokenizer["added_tokens"]}
    size = max(shape.vocab_size or 0, max(added, default=0) + 1)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([added.get(index) or texts.get(index) or f"[PAD{index}]" for index in range(size)])
    writer.add_token_types([4 if index in added else 1 if index in texts else 5 for index in range(size)])
    writer.add_token_merges([str(merge) if isinstance(merge, str) else " ".join(merge) for merge in tokenizer["model"]["merges"]])  # fmt: skip
    if shape.bos_token_id is not None:
        writer.add_bos_token_id(shape.bos_token_id)
    if shape.eos_token_id is not None:
        writer.add_eos_token_id(shape.eos_token_id)
