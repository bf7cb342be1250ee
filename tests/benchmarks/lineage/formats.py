"""Checkpoints written in the formats people find them in: GGUF, FP8 blocks, GPTQ, other names, more files.

Rounding is to nearest: what GPTQ and imatrix do beyond that changes single values by less than the rounding itself.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lineage.checkpoints import Checkpoint, State, stacked, write

_GGUF_ARCHITECTURE = {"llama": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "gemma3_text": "gemma3",
                      "deepseek_v3": "deepseek2", "bert": "bert"}  # fmt: skip
_META = {
    "model.embed_tokens": "tok_embeddings", "model.norm": "norm", "lm_head": "output",
    "self_attn.q_proj": "attention.wq", "self_attn.k_proj": "attention.wk", "self_attn.v_proj": "attention.wv",
    "self_attn.o_proj": "attention.wo", "mlp.gate_proj": "feed_forward.w1", "mlp.down_proj": "feed_forward.w2",
    "mlp.up_proj": "feed_forward.w3", "input_layernorm": "attention_norm", "post_attention_layernorm": "ffn_norm",
    "model.layers": "layers",
}  # fmt: skip
_FP8_BLOCK, _FP8_LARGEST, _GROUP = 128, 448.0, 32


def interleaved(rows: torch.Tensor, heads: int) -> torch.Tensor:
    """Query or key rows from halves to neighbours, as Meta and llama.cpp order the rotary pairs of Llama."""
    wide = rows.reshape(heads, 2, -1, *rows.shape[1:])
    return wide.transpose(1, 2).reshape(rows.shape)


def write_gguf(checkpoint: Checkpoint, path: Path, kind: str) -> Path:
    """A GGUF file with llama.cpp's names and order: ``kind`` is ``Q8_0``, ``Q4_0`` or ``F16``; vectors stay float32,
    and what does not divide into blocks becomes F16, as llama.cpp's converter does."""
    import gguf

    config = checkpoint.config
    architecture = _GGUF_ARCHITECTURE[config["model_type"]]
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, architecture)
    _metadata(writer, checkpoint)
    kinds = {value: key for key, value in gguf.MODEL_ARCH_NAMES.items()}
    table = gguf.get_tensor_name_map(kinds[architecture], checkpoint.layers)
    for name, value in _converted(checkpoint).items():
        stem, _, suffix = name.rpartition(".")
        known = table.get_name(name, try_suffixes=(".weight", ".bias")) or table.get_name(
            stem.removeprefix("bert."), ()
        )
        if known is None:
            raise KeyError(name)
        known = known if known.endswith(("weight", "bias")) else f"{known}.{suffix}"
        data = value.numpy()
        if data.ndim == 1:
            writer.add_tensor(known, data.astype(np.float32))
            continue
        wanted = gguf.GGMLQuantizationType[kind if data.shape[-1] % 32 == 0 else "F16"]
        writer.add_tensor(known, gguf.quants.quantize(np.ascontiguousarray(data), wanted), raw_dtype=wanted)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _converted(checkpoint: Checkpoint) -> State:
    """Values and names as llama.cpp's converter gives them to the file."""
    config, changed = checkpoint.config, {}
    kind = config["model_type"]
    for name, value in checkpoint.state.items():
        if re.search(r"pooler|position_ids", name):
            continue
        if match := re.match(r"(.*\.experts)\.(\d+)\.(.*)_proj\.weight$", name):
            if match[2] == "0":
                changed[f"{match[1]}.{match[3]}_proj.weight"] = stacked(
                    checkpoint.state, match[1].removesuffix(".experts"), match[3]
                )
            continue
        if kind == "llama" and (match := re.search(r"\.([qk])_proj\.", name)):
            value = interleaved(value, config["num_attention_heads" if match[1] == "q" else "num_key_value_heads"])
        if kind == "gemma3_text" and name.endswith("norm.weight"):
            value = value + 1
        changed[name.replace("e_score_correction_bias", "e_score_correction.bias")] = value
    return changed


def _metadata(writer: Any, checkpoint: Checkpoint) -> None:
    config = checkpoint.config
    heads = config["num_attention_heads"]
    writer.add_name("model")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_vocab_size(config["vocab_size"])
    if config["model_type"] == "bert":
        writer.add_layer_norm_eps(config["layer_norm_eps"])
        writer.add_causal_attention(False)
    else:
        writer.add_head_count_kv(config["num_key_value_heads"])
        writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
        writer.add_rope_freq_base(float((config.get("rope_parameters") or {}).get("rope_theta", 10_000.0)))
    if config["model_type"] == "deepseek_v3":
        writer.add_q_lora_rank(config["q_lora_rank"])
        writer.add_kv_lora_rank(config["kv_lora_rank"])
        writer.add_key_length(config["qk_nope_head_dim"] + config["qk_rope_head_dim"])
        writer.add_value_length(config["v_head_dim"])
        writer.add_rope_dimension_count(config["qk_rope_head_dim"])
        writer.add_leading_dense_block_count(config["first_k_dense_replace"])
        writer.add_expert_count(config["n_routed_experts"])
        writer.add_expert_used_count(config["num_experts_per_tok"])
        writer.add_expert_shared_count(config["n_shared_experts"])
        writer.add_expert_feed_forward_length(config["moe_intermediate_size"])
    elif config.get("head_dim"):
        writer.add_key_length(config["head_dim"])
        writer.add_value_length(config["head_dim"])
    _vocabulary(writer, checkpoint)


def _vocabulary(writer: Any, checkpoint: Checkpoint) -> None:
    if checkpoint.small is None or not (checkpoint.small / "tokenizer.json").exists():
        return
    told = json.loads((checkpoint.small / "tokenizer.json").read_text("utf-8"))
    size = int(checkpoint.config["vocab_size"])
    of_id = {number: token for token, number in told["model"]["vocab"].items()}
    of_id |= {entry["id"]: entry["content"] for entry in told["added_tokens"]}
    writer.add_tokenizer_model("bert" if checkpoint.config["model_type"] == "bert" else "gpt2")
    writer.add_token_list([of_id.get(number, f"[PAD{number}]") for number in range(size)])
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in told["model"].get("merges") or ()]
    if merges:
        writer.add_token_merges(merges)


def write_fp8(checkpoint: Checkpoint, folder: Path) -> Path:
    """Projections as float8_e4m3 with a scale per 128 × 128 block, as DeepSeek publishes them; the rest in bfloat16."""
    state: State = {}
    for name, value in checkpoint.state.items():
        if not _packable(name, value):
            state[name] = value.to(torch.bfloat16)
            continue
        rows, columns = (-(-side // _FP8_BLOCK) for side in value.shape)
        padded = torch.zeros(rows * _FP8_BLOCK, columns * _FP8_BLOCK)
        padded[: value.shape[0], : value.shape[1]] = value
        blocks = padded.reshape(rows, _FP8_BLOCK, columns, _FP8_BLOCK)
        scales = blocks.abs().amax((1, 3)).clamp(min=1e-12) / _FP8_LARGEST
        packed = (blocks / scales[:, None, :, None]).reshape(padded.shape)[: value.shape[0], : value.shape[1]]
        state[name], state[f"{name}_scale_inv"] = packed.to(torch.float8_e4m3fn), scales
    how = {"quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [_FP8_BLOCK] * 2, "activation_scheme": "dynamic"}
    return write(checkpoint.with_state(state, quantization_config=how), folder, dtype=None)


def write_gptq(checkpoint: Checkpoint, folder: Path) -> Path:
    """Projections as 4-bit codes in GPTQ's layout, groups of 32, symmetric about a zero point of 8."""
    state: State = {}
    for name, value in checkpoint.state.items():
        if not _packable(name, value) or value.shape[0] % 8 or value.shape[1] % _GROUP:
            state[name] = value.half()
            continue
        stem = name.removesuffix(".weight")
        groups = value.T.reshape(value.shape[1] // _GROUP, _GROUP, -1)
        scales = (groups.abs().amax(1, keepdim=True) / 7).clamp(min=1e-8)
        codes = (groups / scales).round().clamp(-8, 7).add(8).to(torch.int64).reshape(value.shape[1], -1).numpy()
        zeros = np.full((len(groups), value.shape[0]), 7, np.int64)  # the format keeps zero points less one
        state[f"{stem}.qweight"] = torch.from_numpy(_words(codes))
        state[f"{stem}.qzeros"] = torch.from_numpy(_words(zeros.T).T.copy())
        state[f"{stem}.scales"] = scales[:, 0].half()
        state[f"{stem}.g_idx"] = torch.arange(value.shape[1], dtype=torch.int32) // _GROUP
    how = {
        "quant_method": "gptq",
        "bits": 4,
        "group_size": _GROUP,
        "desc_act": False,
        "sym": True,
        "checkpoint_format": "gptq",
    }
    return write(checkpoint.with_state(state, quantization_config=how), folder, dtype=None)


def _words(codes: np.ndarray) -> np.ndarray:
    """Eight 4-bit codes of neighbouring rows in each int32, the first in the lowest bits."""
    packed = np.zeros((len(codes) // 8, codes.shape[1]), np.int64)
    for place in range(8):
        packed |= codes[place::8] << (4 * place)
    return packed.astype(np.uint32).view(np.int32)


def _packable(name: str, value: torch.Tensor) -> bool:
    inside = "layers." in name or "layer." in name
    return inside and value.ndim == 2 and name.endswith(".weight") and not name.endswith("mlp.gate.weight")


def write_meta_names(checkpoint: Checkpoint, folder: Path) -> Path:
    """Llama under the names and in the rotary order of Meta's own files."""
    config, state = checkpoint.config, {}
    for name, value in checkpoint.state.items():
        if match := re.search(r"\.([qk])_proj\.weight$", name):
            value = interleaved(value, config["num_attention_heads" if match[1] == "q" else "num_key_value_heads"])
        for theirs, metas in _META.items():
            name = name.replace(theirs, metas)
        state[name] = value
    return write(checkpoint.with_state(state), folder, dtype=torch.bfloat16)


def write_prefixed(checkpoint: Checkpoint, folder: Path) -> Path:
    """Every name behind a prefix, as inside a model that also sees pictures, over three files."""
    state = {f"language_model.{name}": value for name, value in checkpoint.state.items()}
    return write(checkpoint.with_state(state), folder, dtype=torch.float16, shards=3)
