"""Counts every catalog model with transformers on torch's `meta` device, and holds catalog and layouts to it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from engine.catalog import load_family, load_published
from engine.catalog.schema import Shape, Variant
from engine.layouts import implied_parameters

_TYPES = {
    "gemma3": "gemma3_text",
    "qwen3_5": "qwen3_5_text",
    "kimi_k2": "deepseek_v3",
    "internlm2": "llama",
    "baichuan": "llama",
}
_EXPERTS = {"mixtral": "num_local_experts", "gpt_oss": "num_local_experts", "qwen3_moe": "num_experts"}


def meta_model(shape: Shape) -> Any:
    """transformers' own model of a shape, without weights."""
    import torch
    from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

    stated = shape.model_dump(exclude_none=True)
    model_type = stated.pop("model_type")
    for name in ("rope_theta", "bos_token_id", "eos_token_id", "index_topk"):
        stated.pop(name, None)
    if "n_routed_experts" in stated:
        stated[_EXPERTS.get(model_type, "n_routed_experts")] = stated.pop("n_routed_experts")
    if model_type == "falcon":
        stated = {
            **stated,
            "multi_query": True,
            "parallel_attn": True,
            "new_decoder_architecture": False,
            "bias": False,
        }
        stated.pop("num_key_value_heads", None)
    if model_type.startswith("deepseek_v2") and "q_lora_rank" not in stated:
        stated["q_lora_rank"] = None
    config = AutoConfig.for_model(_TYPES.get(model_type, model_type), **stated)
    with torch.device("meta"):
        return (AutoModel if model_type == "bert" else AutoModelForCausalLM).from_config(config)


def meta_count(shape: Shape) -> int:
    """Parameters, tied ones once; with DeepSeek's router biases, which transformers keeps as buffers."""
    model = meta_model(shape)
    count = sum({id(weight): weight.numel() for weight in model.parameters()}.values())
    router = [buffer.numel() for name, buffer in model.named_buffers() if name.endswith("e_score_correction_bias")]
    return count + sum(router)


def named_shapes(shape: Shape) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights that are no experts (transformers 5 joins these into one)."""
    weights = meta_model(shape).named_parameters()
    return {name: tuple(weight.shape) for name, weight in weights if ".experts." not in name}


def variants() -> Iterator[Variant]:
    yield from load_family("deepseek-r1").variants
    yield from load_published()


def main() -> int:
    wrong = 0
    for variant in variants():
        shape = variant.shape
        try:
            if shape.model_type == "deepseek_v32":
                raise ValueError("the indexer is counted from its published dimensions")
            counted: int | None = meta_count(shape)
            note = ""
        except (ValueError, KeyError, TypeError) as error:
            counted, note = None, str(error).split(".")[0][:60]
        implied = implied_parameters(shape)
        right = variant.parameters.main in (counted, implied) and (counted is None or implied in (None, counted))
        wrong += not right
        shown = f"{counted:,}" if counted else "-"
        print(
            f"{'ok ' if right else 'BAD'} {variant.id:36} catalog {variant.parameters.main:>18,} meta {shown:>18} {note}"
        )
    print(f"{'PASS' if not wrong else f'{wrong} differ'}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
