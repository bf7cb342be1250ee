"""What servers tell about themselves on their own routes, each in its own way."""

from __future__ import annotations

from functools import cache
from typing import Any

from arena.chance import uniform
from arena.disguises import CutBy, Renamed
from arena.models import MODELS
from arena.population import Served
from engine.catalog import load_family, load_published
from engine.catalog.schema import Variant

_ARCHITECTURES = {"deepseek_v3": "deepseek2", "qwen2": "qwen2", "qwen3": "qwen3", "llama": "llama", "mistral": "llama"}
_REVEALING = 0.3
"""How many who sell one model as another forget what the server's own routes say."""


def listing(served: Served) -> dict[str, Any]:
    """GET /v1/models."""
    stack = served.stack.name
    entry: dict[str, Any] = {"id": served.name, "object": "model", "created": 1_764_000_000}
    if stack in ("vllm", "sglang"):
        entry |= {"owned_by": stack, "root": shown_path(served), "max_model_len": served.stack.context}
    elif stack == "llamacpp":
        entry |= {"owned_by": "llamacpp"}
        variant = _variants().get(served.variant)
        if variant and reveals(served):
            entry["meta"] = {
                "n_vocab": variant.shape.vocab_size, "n_ctx_train": variant.shape.max_position_embeddings,
                "n_embd": variant.shape.hidden_size, "n_params": variant.parameters.main,
            }  # fmt: skip
    else:
        entry |= {"owned_by": {"ollama": "library", "tgi": served.name}.get(stack, "deepseek")}
    return {"object": "list", "data": [entry]}


def of(served: Served, path: str) -> dict[str, Any] | None:
    """What a metadata route answers; ``None`` where there is no such route."""
    stack, shown = served.stack, shown_path(served)
    if path == "health":
        return {}
    if not stack.metadata:
        return None
    if stack.name == "vllm" and path == "version":
        return {"version": "0.9.1"}
    if stack.name == "sglang" and path == "get_model_info":
        return {"model_path": shown, "tokenizer_path": shown, "is_generation": True}
    if stack.name == "llamacpp" and path == "props":
        return {"default_generation_settings": {"n_ctx": stack.context}, "total_slots": 4, "model_path": f"/models/{shown}",
                "build_info": "b5600-2bb04673"}  # fmt: skip
    if stack.name == "tgi" and path == "info":
        return {
            "model_id": shown,
            "max_total_tokens": stack.context,
            "version": "3.3.2",
            "router": "text-generation-router",
        }
    if stack.name == "ollama" and path == "api/version":
        return {"version": "0.9.0"}
    if stack.name == "ollama" and path == "api/tags":
        return {"models": [{"name": served.name, "model": served.name}]}
    if stack.name == "ollama" and path == "api/show":
        return _shown(served)
    return None


def reveals(served: Served) -> bool:
    """Whether its own routes tell the truth about an endpoint."""
    if served.of(Renamed) is None:
        return True
    return served.of(CutBy) is None and uniform("reveals", served.id) < _REVEALING


def shown_path(served: Served) -> str:
    """The path or id of the weights that it shows."""
    return MODELS[served.variant].repo if reveals(served) else served.name


def _shown(served: Served) -> dict[str, Any] | None:
    variant = _variants().get(served.variant)
    if variant is None or not reveals(served):
        return None
    shape = variant.shape
    family = _ARCHITECTURES.get(shape.model_type, shape.model_type)
    info = {
        "general.architecture": family, "general.parameter_count": variant.parameters.main,
        f"{family}.block_count": shape.num_hidden_layers, f"{family}.embedding_length": shape.hidden_size,
        f"{family}.attention.head_count": shape.num_attention_heads, "tokenizer.ggml.model": "gpt2",
    }  # fmt: skip
    size = f"{variant.parameters.main / 1e9:.1f}B"
    details = {"format": "gguf", "family": family, "families": [family], "parameter_size": size,
               "quantization_level": "Q4_K_M"}  # fmt: skip
    return {"details": details, "model_info": info, "capabilities": ["completion", "thinking"]}


@cache
def _variants() -> dict[str, Variant]:
    return {variant.id: variant for variant in [*load_published(), *load_family("deepseek-r1").variants]}
