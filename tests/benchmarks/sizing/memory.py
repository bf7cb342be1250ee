"""Holds estimates of memory against published sizes: weights within 2 %, cache within 1 % of the closed form.

    python tests/benchmarks/sizing/memory.py

Weights of every variant are compared with the bytes of its checkpoint, tensor by tensor (``engine.layouts``; the full
model's in FP8 with its scales, without the prediction layer, which engines do not load), and with the published files of
other quantisations (``published_sizes.yaml``).
"""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from engine.catalog import load_family, load_published
from engine.catalog.schema import Variant
from engine.hardware import load_hardware
from engine.layouts import checkpoint_tensors, has_layout
from engine.sized import Layout
from engine.sizing.engines import serving_of
from engine.sizing.machine import machine_of
from engine.sizing.memory import memory_of
from engine.sizing.model_parts import parts_of
from engine.sizing.placement import Placement, weigh
from engine.sizing.quantizations import quantizations
from engine.targets.target import Tensor

WEIGHTS, CACHE = 0.02, 0.01
_BYTES = {"F8_E4M3": 1, "BF16": 2, "F32": 4}


def main() -> int:
    family = load_family("deepseek-r1").variants
    known = [*family, *load_published()]
    off = max(_checkpoints(family), _files({variant.id: variant for variant in known}))
    off_cache = _caches(known)
    print(f"\nweights: at most {off:.2%} off (bar {WEIGHTS:.0%}); cache: at most {off_cache:.2%} off (bar {CACHE:.0%})")
    return int(off > WEIGHTS or off_cache > CACHE)


def _checkpoints(variants: tuple[Variant, ...]) -> float:
    """Against checkpoints as published. Returns the largest relative error."""
    print(f"{'checkpoint':24} {'weights':8} {'tensors GB':>10} {'estimate':>9} {'error':>7}   {'stored GB':>9}")
    worst = 0.0
    for variant in variants:
        full = variant.shape.kv_lora_rank is not None
        held = _held(variant, fp8=full, mtp=False)
        estimate = weigh(parts_of(variant.shape, variant.parameters), quantizations()["fp8" if full else "bf16"]).total
        worst = max(worst, abs(estimate / held - 1))
        stored = _held(variant, fp8=full, mtp=full)
        print(f"{variant.id:24} {'fp8' if full else 'bf16':8} {held / 1e9:10.2f} {estimate / 1e9:9.2f} {estimate / held - 1:+7.2%}   {stored / 1e9:9.2f}")  # fmt: skip
    return worst


def _held(variant: Variant, *, fp8: bool, mtp: bool) -> int:
    """Bytes of the checkpoint's tensors."""
    return sum(_size(tensor, fp8) for tensor in checkpoint_tensors(variant.shape, fp8=fp8, mtp=mtp))


def _size(tensor: Tensor, fp8: bool) -> int:
    return tensor.elements * _BYTES[tensor.dtype if fp8 or tensor.dtype != "F32" else "BF16"]


def _files(variants: dict[str, Variant]) -> float:
    """Against published files. Returns the largest relative error beyond what a figure is rounded to."""
    print(f"\n{'file':24} {'weights':11} {'GB':>7} {'estimate':>9} {'error':>7}  source")
    worst = 0.0
    for entry in yaml.safe_load(Path(__file__).with_name("published_sizes.yaml").read_text())["sizes"]:
        variant = variants[entry["variant"]]
        parts = parts_of(variant.shape, variant.parameters)
        estimate = weigh(parts, quantizations()[entry["quantization"]]).total / 1e9
        beyond = max(0.0, abs(estimate - entry["gb"]) - entry["digits"]) / entry["gb"]
        worst = max(worst, beyond)
        print(f"{variant.id:24} {entry['quantization']:11} {entry['gb']:7} {estimate:9.2f} {estimate / entry['gb'] - 1:+7.2%}  {entry['source']}")  # fmt: skip
    return worst


def _caches(variants: list[Variant]) -> float:
    """Cache of one token at 16 bits, on one device and on eight, against the closed form."""
    print(f"\n{'cache':24} {'closed form':>22} {'bytes/token':>11} {'estimate':>9} {'on 8, copies':>12}")
    worst = 0.0
    for variant in variants:
        shape = variant.shape
        if not has_layout(shape.model_type) or shape.model_type in ("bert", "gpt2", "gemma3_text"):
            continue
        head = shape.head_dim or shape.hidden_size // shape.num_attention_heads
        heads = shape.num_key_value_heads or shape.num_attention_heads
        if shape.kv_lora_rank is not None:
            form, closed = f"{shape.num_hidden_layers}({shape.kv_lora_rank}+{shape.qk_rope_head_dim})2", (
                shape.num_hidden_layers * (shape.kv_lora_rank + (shape.qk_rope_head_dim or 0)) * 2)  # fmt: skip
        else:
            form, closed = (
                f"2x{shape.num_hidden_layers}x{heads}x{head}x2",
                2 * shape.num_hidden_layers * heads * head * 2,
            )
        if shape.index_topk:
            form, closed = form + f"+{shape.num_hidden_layers}x132", closed + shape.num_hidden_layers * 132
        alone, eight = (_cache(variant, tensor) for tensor in (1, 8))
        worst = max(worst, abs(alone / closed - 1))
        print(f"{variant.id:24} {form:>22} {closed:11,} {alone:9,} {eight / alone:12.0f}")
    return worst


def _cache(variant: Variant, tensor: int) -> int:
    machine = machine_of(load_hardware()["h200"])
    serving = serving_of("vllm", machine)
    parts, entry = parts_of(variant.shape, variant.parameters), quantizations()["bf16"]
    placement = Placement(parts, weigh(parts, entry), entry, machine, serving, Layout(tensor))
    return memory_of(placement, 1, 1).kv_cache


if __name__ == "__main__":
    sys.exit(main())
