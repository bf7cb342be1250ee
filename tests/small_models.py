"""Small models of real architectures, saved as they are published: by transformers, in FP8 blocks, as GGUF."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, DeepseekV3Config, LlamaConfig, Qwen2Config, Qwen3Config
from transformers.utils import logging

COMMON = {
    "vocab_size": 199, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 256,
}  # fmt: skip
YARN = {
    "type": "yarn", "factor": 40, "mscale": 1.0, "mscale_all_dim": 1.0, "original_max_position_embeddings": 64,
    "beta_fast": 32, "beta_slow": 1,
}  # fmt: skip
"""R1's own rope_scaling, on a shorter original context."""
DEEPSEEK = {
    **COMMON, "num_hidden_layers": 4, "num_key_value_heads": 4, "moe_intermediate_size": 32, "n_routed_experts": 8,
    "n_shared_experts": 1, "n_group": 4, "topk_group": 2, "num_experts_per_tok": 3, "first_k_dense_replace": 1,
    "q_lora_rank": 32, "kv_lora_rank": 32, "qk_nope_head_dim": 16, "qk_rope_head_dim": 8, "v_head_dim": 16,
    "routed_scaling_factor": 2.5,
}  # fmt: skip
CONFIGS: dict[str, Any] = {
    "DeepseekV3": lambda: DeepseekV3Config(**DEEPSEEK, rope_scaling=dict(YARN)),
    "Qwen2": lambda: Qwen2Config(**COMMON, tie_word_embeddings=True),
    "Qwen3": lambda: Qwen3Config(**COMMON, head_dim=24),
    "Llama": lambda: LlamaConfig(**COMMON, attention_bias=True),
}


def random_model(config: Any, seed: int = 0) -> Any:
    """A model whose every parameter matters: norms and biases are no ones and zeros, the router's correction neither."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for value in model.parameters():
            value.normal_(0, 0.1) if value.dim() > 1 else value.add_(torch.randn_like(value) * 0.1)
        for name, value in model.named_buffers():
            if name.endswith("e_score_correction_bias"):
                value.normal_(0, 0.1)
    return model


def save(model: Any, folder: Path, **options: Any) -> Path:
    """As transformers writes it, with the names of published checkpoints."""
    with _silent():
        model.save_pretrained(folder, **options)
    return folder


def load(folder: Path, **options: Any) -> Any:
    """As transformers reads it, in float32, with maps."""
    with _silent():
        return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", **options).eval()  # fmt: skip


def save_fp8(folder: Path, config: Any) -> tuple[Path, Any]:
    """A checkpoint as DeepSeek publishes V3: projections in E4M3 with a scale for each 128 × 128 block, and a layer
    more than the config counts, for predicting two tokens ahead. Also returns the model of its values."""
    model = random_model(config)
    save(model, folder)
    (shard,) = folder.glob("*.safetensors")
    stored, values = {}, {}
    for name, value in load_file(shard).items():
        if name.endswith(("_proj.weight", "_proj_with_mqa.weight")):
            packed, scales, back = _fp8_blocks(value)
            stored[name], stored[f"{name}_scale_inv"], values[name] = packed, scales, back
        else:
            stored[name] = values[name] = value
    extra = f"model.layers.{config.num_hidden_layers}.eh_proj.weight"
    plain = folder.with_name(folder.name + "-plain")
    save(model, plain)
    save_file(values, plain / "model.safetensors", {"format": "pt"})
    save_file({**stored, extra: torch.zeros(8, 8)}, shard, {"format": "pt"})
    told = json.loads((folder / "config.json").read_text())
    told["quantization_config"] = {"quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [128, 128]}
    told["auto_map"] = {"AutoModelForCausalLM": "modeling_deepseek.DeepseekV3ForCausalLM"}
    (folder / "config.json").write_text(json.dumps(told))
    return folder, load(plain)


def _fp8_blocks(value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rows, columns = value.shape
    high, wide = -(-rows // 128), -(-columns // 128)
    packed, back = torch.empty_like(value, dtype=torch.float8_e4m3fn), torch.empty_like(value)
    scales = torch.empty(high, wide)
    for row in range(high):
        for column in range(wide):
            block = (slice(128 * row, 128 * row + 128), slice(128 * column, 128 * column + 128))
            scales[row, column] = value[block].abs().max() / 448
            packed[block] = (value[block] / scales[row, column]).to(torch.float8_e4m3fn)
            back[block] = packed[block].float() * scales[row, column]
    return packed, scales, back


def save_gguf(path: Path, model: Any, architecture: str, *, split_kv_b: bool = False) -> Any:
    """A GGUF as llama.cpp's converter writes it, projections in Q8_0. Returns the model of its values."""
    config, kind = model.config, gguf.GGMLQuantizationType.Q8_0
    writer = gguf.GGUFWriter(path, architecture)
    _metadata(writer, config, architecture)
    known = next(number for number, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)
    names = gguf.get_tensor_name_map(known, config.num_hidden_layers)
    for name, value in model.state_dict().items():
        packs = value.dim() > 1 and "proj" in name and not (split_kv_b and "kv_b_proj" in name)
        if packs:
            packed = gguf.quants.quantize(value.numpy(), kind)
            value.copy_(torch.from_numpy(gguf.quants.dequantize(packed, kind)))
        # Packed rows change places as rows of values do.
        rows = torch.from_numpy(packed) if packs else value
        for renamed, part in _as_llama_cpp(name, rows, config, architecture, split_kv_b=split_kv_b):
            stem, _, last = renamed.rpartition(".")
            written = f"{names.get_name(stem) or stem}.{last}"
            writer.add_tensor(written, part.contiguous().numpy(), raw_dtype=kind if packs else None)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return model


def _as_llama_cpp(
    name: str, value: torch.Tensor, config: Any, architecture: str, *, split_kv_b: bool
) -> Iterator[tuple[str, torch.Tensor]]:
    """What convert_hf_to_gguf.py makes of one tensor."""
    if architecture == "llama" and name.endswith(("q_proj.weight", "k_proj.weight", "q_proj.bias", "k_proj.bias")):
        heads = config.num_attention_heads if "q_proj" in name else config.num_key_value_heads
        permuted = value.view(heads, 2, value.shape[0] // heads // 2, *value.shape[1:]).transpose(1, 2)
        yield name, permuted.reshape(value.shape)
    elif name.endswith("experts.gate_up_proj"):
        half = value.shape[1] // 2
        stem = name.removesuffix(".gate_up_proj")
        yield f"{stem}.gate_proj.weight", value[:, :half]
        yield f"{stem}.up_proj.weight", value[:, half:]
    elif name.endswith("experts.down_proj"):
        yield f"{name}.weight", value
    elif name.endswith("e_score_correction_bias"):
        yield f"blk.{name.split('.')[2]}.exp_probs_b.bias", value
    elif split_kv_b and name.endswith("kv_b_proj.weight"):
        apart = value.view(config.num_attention_heads, config.qk_nope_head_dim + config.v_head_dim, -1)
        yield name.replace("kv_b_proj", "k_b_proj"), apart[:, : config.qk_nope_head_dim].transpose(1, 2)
        yield name.replace("kv_b_proj", "v_b_proj"), apart[:, config.qk_nope_head_dim :]
    else:
        yield name, value


def _metadata(writer: gguf.GGUFWriter, config: Any, architecture: str) -> None:
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    if architecture == "qwen3":
        writer.add_key_length(config.head_dim)
    if architecture == "deepseek2":
        writer.add_q_lora_rank(config.q_lora_rank)
        writer.add_kv_lora_rank(config.kv_lora_rank)
        writer.add_key_length(config.qk_nope_head_dim + config.qk_rope_head_dim)
        writer.add_value_length(config.v_head_dim)
        writer.add_rope_dimension_count(config.qk_rope_head_dim)
        writer.add_expert_count(config.n_routed_experts)
        writer.add_expert_used_count(config.num_experts_per_tok)
        writer.add_expert_shared_count(config.n_shared_experts)
        writer.add_expert_feed_forward_length(config.moe_intermediate_size)
        writer.add_expert_weights_scale(config.routed_scaling_factor)
        writer.add_expert_weights_norm(True)
        writer.add_expert_gating_func(gguf.ExpertGatingFuncType.SIGMOID)
        writer.add_leading_dense_block_count(config.first_k_dense_replace)
        writer.add_uint32("deepseek2.expert_group_count", config.n_group)
        writer.add_uint32("deepseek2.expert_group_used_count", config.topk_group)
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(YARN["factor"])
        writer.add_rope_scaling_orig_ctx_len(YARN["original_max_position_embeddings"])
        writer.add_rope_scaling_yarn_log_mul(0.1)


def sparse_llama(folder: Path, *, layers: int, hidden: int, dtype: str = "BF16") -> Path:
    """A Llama whose weights are holes in a sparse file: it takes no disk, and memory as a real one."""
    folder.mkdir()
    config = LlamaConfig(
        **{**COMMON, "hidden_size": hidden, "intermediate_size": 2 * hidden, "num_hidden_layers": layers}
    )
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    (folder / "config.json").write_text(json.dumps(config.to_dict() | {"architectures": ["LlamaForCausalLM"]}))
    header, at = {}, 0
    for name, value in model.state_dict().items():
        end = at + value.numel() * (2 if dtype == "BF16" else 4)
        header[name] = {"dtype": dtype, "shape": list(value.shape), "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        os.truncate(file.fileno(), 8 + len(text) + at)
    return folder


def farthest(one: torch.Tensor, other: torch.Tensor) -> float:
    """The largest difference, relative to the largest value."""
    return float((one - other).abs().max() / other.abs().max())


def numbers(count: int, seed: int = 0) -> tuple[int, ...]:
    """Token ids of the small vocabulary."""
    return tuple(int(value) for value in np.random.default_rng(seed).integers(0, COMMON["vocab_size"], count))


@contextmanager
def _silent() -> Iterator[None]:
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    yield
    logging.set_verbosity(verbosity)
    if bars:
        logging.enable_progress_bar()
