"""`quantization`: how the weights are stored, and whether config and headers agree on it.

Cost: none beyond the headers. Source: transformers' ``quantization_config`` conventions; GGUF tensor types.
It tells variants apart only through UE8M0 scales (DeepSeek-V3.1's model card: trained with that scale
format, earlier releases not); otherwise it is reported for what it does to quality, and does not vote.
How it could be fooled: anybody may quantise anything; hence no vote.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from engine.evidence import UNKNOWN, Evidence
from engine.probes.probe import Hypotheses, Observation, Probe
from engine.probes.tensors import structure_of
from engine.targets.target import Target

_UE8M0_VARIANTS = ("DeepSeek-V3.1", "DeepSeek-V3.2")
_RECAST = math.log(0.1)


def observe(target: Target) -> Observation | None:
    """Declared method and block, dtypes of the weights by share, and whether the two agree."""
    if not target.tensors:
        return None
    dtypes = dict(structure_of(target.tensors).dtypes)
    declared = (target.config or {}).get("quantization_config") or (target.config or {}).get("compression_config")
    declared = declared if isinstance(declared, Mapping) else {}
    return {
        "method": str(declared.get("quant_method") or declared.get("fmt") or "") or None,
        "bits": declared.get("bits") if isinstance(declared.get("bits"), int) else None,
        "block": _numbers(declared.get("weight_block_size")),
        "scale_fmt": str(declared["scale_fmt"]) if "scale_fmt" in declared else None,
        "dtypes": dtypes,
        "gguf": target.gguf is not None,
    }


def _numbers(value: Any) -> list[int] | None:
    if isinstance(value, list) and value and all(isinstance(entry, int) for entry in value):
        return value[:4]
    return None


def score(observation: Observation, hypotheses: Hypotheses) -> Evidence:
    """UE8M0 scales speak for V3.1 and later among the full-size models; nothing else votes."""
    likelihood: dict[str, float] = {}
    if observation["method"] == "fp8":
        ue8m0 = observation["scale_fmt"] == "ue8m0"
        likelihood = {
            variant.id: 0.0 if (variant.id in _UE8M0_VARIANTS) == ue8m0 or variant.kind in ("distilled", "other") else _RECAST
            for variant in hypotheses.variants
        }  # fmt: skip
        likelihood[UNKNOWN] = 0.0
    return Evidence(
        probe="quantization",
        group="weights",
        observation=observation,
        log_likelihood=likelihood,
        expected={variant.id: variant.weights for variant in hypotheses.family() if variant.weights},
        values={"format": in_words(observation), "agrees": agrees(observation)},
    )


def agrees(observation: Observation) -> bool:
    """Whether the declared method is what the headers hold (FP8 declared, FP8 stored, and the reverse)."""
    fp8 = any(dtype.startswith("F8_E") for dtype in observation["dtypes"])
    return bool(fp8 == (observation["method"] == "fp8")) or observation["method"] not in (None, "fp8")


def in_words(observation: Observation) -> str:
    """``FP8 (128×128 blocks)``, ``AWQ 4-bit``, ``GGUF Q4_K 78 %, Q6_K 21 %``, ``BF16``."""
    if observation["gguf"]:
        return "GGUF " + _shares(observation["dtypes"])
    method = observation["method"]
    if method == "fp8":
        block = "×".join(map(str, observation["block"] or [])) or "?"
        return f"FP8 ({block} blocks)"
    if method:
        bits = f" {observation['bits']}-bit" if observation["bits"] else ""
        return f"{method.upper()}{bits}"
    return _shares(observation["dtypes"])


def _shares(dtypes: Mapping[str, int]) -> str:
    total = sum(dtypes.values()) or 1
    ranked = sorted(dtypes.items(), key=lambda item: -item[1])[:3]
    return ", ".join(f"{name} {100 * count / total:.0f} %" for name, count in ranked)


PROBE = Probe("quantization", observe, score)
