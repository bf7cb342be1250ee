"""A model without its weights: transformers' own modules on the ``meta`` device, and where its parts are."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from engine.errors import CorruptTarget, R1Error, TargetError, UsageError
from engine.weights.gguf_names import config_of as gguf_config
from engine.weights.store import TensorStore

_SAME_AS: Mapping[str, str] = {"kimi_k2": "deepseek_v3"}
"""Model types of repositories with their own code whose layers are another's."""
_IGNORED = ("quantization_config", "auto_map", "torch_dtype", "dtype", "attn_implementation", "_attn_implementation")
_DTYPES: Mapping[str, torch.dtype] = {
    "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "F64": torch.float64,
}  # fmt: skip
_MOST_LAYERS = 1_000


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Attributes:
    model: every parameter on ``meta``; buffers that no file holds (rotary frequencies) are real.
    layers: the decoder's or encoder's layers, in order; ``layers_name`` is their list's name.
    head: the output projection; ``None`` for an encoder, which has none.
    embedding: the table of token vectors.
    tied: the head's weight is the embedding's.
    causal: whether each token sees only those before it.
    """

    model: nn.Module
    layers: tuple[nn.Module, ...]
    layers_name: str
    head: nn.Linear | None
    embedding: nn.Embedding
    tied: bool
    causal: bool
    dtype: torch.dtype


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Transformers says nothing and draws no bars meanwhile."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def build(store: TensorStore, dtype: str | None = None) -> Skeleton:
    """The model that a checkpoint's config describes. Runs none of the checkpoint's code.

    Args:
        dtype: to compute in, by torch's name; ``None``: the checkpoint's own, bfloat16 where it is quantised.

    Raises:
        TargetError: no config, or nothing that transformers builds from it.
    """
    config = gguf_config(store) if store.kind == "gguf" else dict(store.config or {})
    if not config:
        raise TargetError("no_config", name=store.name)
    inner = config.get("text_config")
    if isinstance(inner, Mapping) and inner.get("model_type"):
        config = {**inner, "tie_word_embeddings": config.get("tie_word_embeddings", inner.get("tie_word_embeddings"))}
    named = str((config.get("architectures") or [config.get("model_type")])[0])
    layers = config.get("num_hidden_layers") or config.get("n_layer") or 0
    if not isinstance(layers, int) or not 0 < layers <= _MOST_LAYERS:
        raise unsupported(named, f"{layers} layers"[:40])
    if layers > len(store.tensors):  # it would take long to build, for nothing
        count = layers - len(store.tensors)
        raise CorruptTarget("tensor_missing", tensor=f"layer {len(store.tensors)}", count=count)
    computed = _dtype(store, dtype)
    try:
        with quiet(), torch.device("meta"):
            model, causal = _on_meta(config, computed)
        _fill_buffers(model)
    except R1Error:
        raise
    except Exception as error:  # a config holds anything, and the library raises anything over it
        raise unsupported(named, error) from error
    _scale_rotary(store, model)
    return _parts(model.eval(), named, layers, causal, computed)


def unsupported(architecture: str, problem: Exception | str) -> TargetError:
    """The error that says so, in one line."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    told = lines[0] if lines else type(problem).__name__
    return TargetError("architecture_unsupported", architecture=architecture[:80], problem=told[:120])


def float32_kept(model: Any, dtype: torch.dtype) -> re.Pattern[str] | None:
    """Names of the parameters that transformers keeps in float32 when the rest is in ``dtype``."""
    kept = set(getattr(model, "_keep_in_fp32_modules_strict", None) or ())
    if dtype == torch.float16:
        kept |= set(getattr(model, "_keep_in_fp32_modules", None) or ())
    if not kept or dtype not in (torch.float16, torch.bfloat16):
        return None
    return re.compile("|".join(rf"(?:^|\.){re.escape(name)}(?:\.|$)" for name in sorted(kept)))


def dtype_named(name: str) -> torch.dtype:
    """A float type by torch's name. Raises UsageError: there is none."""
    known = {str(kind).removeprefix("torch."): kind for kind in _DTYPES.values()}
    if name.removeprefix("torch.") not in known:
        raise UsageError("dtype_unknown", name=name[:40], known=", ".join(known))
    return known[name.removeprefix("torch.")]


def _dtype(store: TensorStore, dtype: str | None) -> torch.dtype:
    if dtype is not None:
        return dtype_named(dtype)
    sizes: dict[str, int] = {}
    for placed in store.tensors.values():
        sizes[placed.dtype] = sizes.get(placed.dtype, 0) + placed.length
    largest = max(sizes, key=lambda kind: sizes[kind])
    return _DTYPES.get(largest, torch.bfloat16)


def _on_meta(config: Mapping[str, Any], dtype: torch.dtype) -> tuple[nn.Module, bool]:
    import transformers

    if int(transformers.__version__.split(".")[0]) < 5:
        # Experts in one tensor, buffers that can be computed after the fact, rope_parameters: all came with 5.
        raise UsageError("weights_extra", module="transformers 5")
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    model_type = _SAME_AS.get(str(config.get("model_type")), str(config.get("model_type")))
    kept = {key: value for key, value in config.items() if key not in _IGNORED and key != "model_type"}
    built = transformers.CONFIG_MAPPING[model_type].from_dict(kept)
    # The library's default for experts gathers the weights of each token's; the plain loop needs no copy.
    # The class that the config names decides: BERT is in the causal table too, as a decoder that it seldom is.
    named = next(iter(config.get("architectures") or ()), "")
    decoder = MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.get(model_type)
    causal = decoder is not None and (not named or named == decoder or str(named).endswith("ForCausalLM"))
    auto = transformers.AutoModelForCausalLM if causal else transformers.AutoModel
    model = auto.from_config(
        built, dtype=dtype, attn_implementation="eager", experts_implementation="eager", trust_remote_code=False
    )
    return model, causal


def _fill_buffers(model: Any) -> None:
    """Compute the buffers that no checkpoint holds, with transformers' own initialisation of each module."""
    wanted = {name for name, _ in model.named_non_persistent_buffers()}
    for prefix, module in model.named_modules():
        own = [name for name in module._buffers if f"{prefix}.{name}".lstrip(".") in wanted]
        for name in own:
            empty = torch.empty_like(module._buffers[name], device="cpu")
            module._buffers[name] = empty.fill_(float("nan") if empty.is_floating_point() else -1)
        if own:
            with torch.no_grad():
                model._init_weights(module)
        for name in own:
            value = module._buffers[name]
            if (value.isnan() if value.is_floating_point() else value < 0).any():
                raise ValueError(f"buffer {name}")


def _scale_rotary(store: TensorStore, model: nn.Module) -> None:
    """Llama 3's stretched rotary frequencies: llama.cpp keeps the factors as a tensor, not as metadata."""
    if store.kind != "gguf" or "rope_freqs.weight" not in store.tensors:
        return
    from engine.weights.values import values_of

    factors = torch.from_numpy(values_of(store, "rope_freqs.weight"))
    for module in model.modules():
        for name in ("inv_freq", "original_inv_freq"):
            held = module._buffers.get(name)
            if held is not None and held.shape == factors.shape:
                module._buffers[name] = held / factors


def _parts(model: Any, named: str, count: int, causal: bool, dtype: torch.dtype) -> Skeleton:
    lists = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList) and len(module) == count
    ]
    embedding = model.get_input_embeddings()
    head = model.get_output_embeddings() if causal else None
    if not lists or not isinstance(embedding, nn.Embedding) or (causal and not isinstance(head, nn.Linear)):
        raise unsupported(named, "no list of layers")
    layers_name, layers = min(lists, key=lambda found: found[0].count("."))
    tied = bool(causal and getattr(model.config, "tie_word_embeddings", False))
    if tied and head is not None:
        # One tensor under two names; apart, each can be read when its turn comes.
        head.weight = nn.Parameter(torch.empty_like(head.weight), requires_grad=False)
    return Skeleton(model, tuple(layers), layers_name, head, embedding, tied, causal, dtype)
