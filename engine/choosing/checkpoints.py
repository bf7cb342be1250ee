"""Where the weights of a variant in a quantisation are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from engine.catalog import load_family
from engine.catalog.schema import Record
from engine.catalog.yaml_file import read_records
from engine.identification import Said

GGUF = ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_M", "Q2_K", "UD-Q2_K_XL", "UD-IQ1_S")
"""Quantisations of llama.cpp, by their ids in ``engine/sizing/quantizations.yaml``."""


_WHOLE = 53_000_000_000
"""Bytes of the largest GGUF file that is uploaded whole: the Hub takes 50 GB, and sizes are estimates."""


class _Variants(Record):
    variants: dict[str, dict[str, str | dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a server loads: a repository (or a directory to be made), and the ``notes`` that go with it.

    ``convert``: commands that make it first. ``made``: whether somebody must make it. ``online``: BF16 weights which the
    server quantises to FP8 as it loads them.
    """

    name: str
    made: bool = False
    online: bool = False
    convert: tuple[str, ...] = ()
    notes: tuple[Said, ...] = ()


def official_repo(variant: str) -> str:
    """The repository of those who made it; the variant's own id where the catalog knows none (a user's family)."""
    for entry in load_family("deepseek-r1").variants:
        if entry.id == variant and entry.repos:
            return entry.repos[0]
    return variant


def is_full(variant: str) -> bool:
    """Whether its official weights are the full model's, which are in FP8."""
    return any(entry.id == variant and entry.kind != "distilled" for entry in load_family("deepseek-r1").variants)


def plain_checkpoint(variant: str, quantization: str) -> Checkpoint:
    """For servers that load safetensors: vLLM, SGLang, MLX."""
    official = official_repo(variant)
    if quantization == ("fp8" if is_full(variant) else "bf16"):
        return Checkpoint(official)
    known = _known(variant).get(quantization)
    if isinstance(known, str):
        return _example(known)
    if quantization == "fp8":
        return Checkpoint(official, online=True, notes=(Said("serving.online", {"repo": official}),))
    name = f"./{official.rsplit('/', 1)[-1]}-{quantization}"
    if quantization == "mlx-4bit":
        return Checkpoint(
            name, made=True, convert=(f"mlx_lm.convert --hf-path {official} -q --q-bits 4 --mlx-path {name}",)
        )
    return _to_make(name, official, "llm-compressor")


def ascend_checkpoint(variant: str, quantization: str) -> Checkpoint:
    """For Ascend, where INT8 is ModelSlim's."""
    if quantization != "int8":
        return plain_checkpoint(variant, quantization)
    known = _known(variant).get("ascend-int8")
    if isinstance(known, str):
        return Checkpoint(known, notes=(Said("serving.modelscope", {"repo": known}),))
    official = official_repo(variant)
    name = f"./{official.rsplit('/', 1)[-1]}-W8A8"
    return _to_make(name, official, "msmodelslim")


def gguf_checkpoint(variant: str, quantization: str) -> Checkpoint:
    """For llama.cpp, as ``repository:quantisation``; a file to be made where nobody is known to have made it."""
    tag = quantization if quantization in GGUF else "BF16" if is_full(variant) else "F16"
    known = _known(variant).get("gguf")
    if isinstance(known, str):
        return _example(f"{known}:{tag}")
    official = official_repo(variant)
    name = f"./{official.rsplit('/', 1)[-1]}-{tag}.gguf"
    return _to_make(name, official, "llama-quantize")


def ollama_tag(variant: str, quantization: str, size: int = 0) -> Checkpoint | None:
    """For Ollama: its own tag, else a GGUF file; ``None`` where it has neither, for it loads no file in parts, as those of
    large ``size`` (bytes) are."""
    tags = _known(variant).get("ollama")
    if isinstance(tags, dict) and quantization in tags:
        return Checkpoint(tags[quantization])
    gguf = gguf_checkpoint(variant, quantization)
    if size > _WHOLE or gguf.made:
        return None
    return Checkpoint(f"hf.co/{gguf.name}", notes=gguf.notes)


def _to_make(name: str, official: str, tool: str) -> Checkpoint:
    return Checkpoint(name, made=True, notes=(Said("serving.convert", {"repo": official, "tool": tool, "path": name}),))


def _example(name: str) -> Checkpoint:
    return Checkpoint(name, notes=(Said("serving.example", {"repo": name}),))


def _known(variant: str) -> dict[str, str | dict[str, str]]:
    return _load().variants.get(variant, {})


@cache
def _load() -> _Variants:
    return read_records(Path(str(files(__package__).joinpath("checkpoints.yaml"))), _Variants)
