"""Sizing tools of others that know hardware: ridgepoint, servcalc and llm-mem-planner, asked as in ``peer_tools``."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from engine.catalog.schema import Variant
from engine.hardware import load_hardware
from sizing.peer_tools import GIB, Memory, Peer, Run, Tools

# ridgepoint: devices by id, engines, a roofline; its reader of the Hub is shown the folder instead.
_RIDGEPOINT = """
import json, struct, sys
from math import prod
from pathlib import Path
import ridgepoint
from ridgepoint import hf
folder, device, count, engine, dtype, context, prompt = sys.argv[1:]
def headers(repo, revision, name):
    with (Path(folder) / name).open("rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    return sum(prod(entry["shape"]) for key, entry in header.items() if key != "__metadata__")
hf._download_json = lambda repo, name, revision: json.loads((Path(folder) / name).read_text())
hf._safetensors_numel = headers
print(ridgepoint.fit("shown/here", device, count=int(count), engine=engine, dtype=dtype, ctx=int(context),
                     prompt=int(prompt), as_json=True))
"""
_RIDGEPOINT_DEVICES = {
    "h100-sxm": "h100-80gb", "h200": "h200-141gb", "b200": "b200-192gb", "a100-80gb": "a100-80gb",
    "a100-40gb": "a100-40gb", "l40s": "l40s-48gb", "rtx-4090": "rtx4090-24gb", "mi300x": "mi300x-192gb",
}  # fmt: skip
_RIDGEPOINT_DTYPES = {"bf16": "bf16", "fp8": "fp8", "int8": "int8", "awq-int4": "awq", "gptq-int4": "gptq"} | {
    name: name.lower() for name in ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_M", "Q2_K")
}


def _ridgepoint(tools: Tools, run: Run) -> dict[str, Any] | None:
    device, dtype = _RIDGEPOINT_DEVICES.get(run.device.id), _RIDGEPOINT_DTYPES.get(run.quantization)
    if device is None or dtype is None:
        return None
    engine = {"sglang": "sglang", "llama.cpp": "llamacpp", "ollama": "llamacpp"}.get(run.engine or "", "vllm")
    words = (str(tools.model(run.variant)), device, str(run.count), engine, dtype, str(run.context), str(run.prompt))
    said = tools.ask("ridgepoint", "python", "-c", _RIDGEPOINT, *words)
    return None if said is None else json.loads(said)


def _ridgepoint_memory(tools: Tools, variant: Variant, quantization: str, tokens: int) -> Memory | None:
    run = Run(variant, quantization, load_hardware()["b200"], 8, "vllm", 1, 1, tokens, 1)
    said = _ridgepoint(tools, run)
    if said is None:
        return None
    weights = said["memory"]["weights_bytes"]["best"]
    return Memory(float(weights), float(said["capacity"]["bytes_per_seq"]), None)


def _ridgepoint_fits(tools: Tools, run: Run) -> bool | None:
    said = _ridgepoint(tools, run)
    if said is None:
        return None
    at_once = said["capacity"]["max_sequences"]["best"]
    return bool(said["verdict"]["serves"]) and int(at_once) >= run.concurrency


def _ridgepoint_tpot(tools: Tools, run: Run) -> float | None:
    said = _ridgepoint(tools, run)
    rate = float(said["speed"]["decode_tok_s"]["best"]) if said else 0.0
    return 1 / rate if rate else None


# servcalc: one GPU, dense models of the llama and qwen2 kind. Its ollama profile takes 4 bits for granted and refuses
# the "none" that it lists, so 16 bits are asked of its vllm profile.
_SERVCALC_QUANTS = {"bf16": "", "fp8": "fp8", "awq-int4": "awq", "gptq-int4": "gptq"} | {
    name: f"gguf_{name.lower()}" for name in ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_M", "Q2_K")
}
_SERVCALC_DEVICES = {
    "h100-sxm": "H100 80GB", "h200": "H200", "b200": "B200", "a100-80gb": "A100 80GB", "a100-40gb": "A100 40GB", "l40s": "L40S",
    "l4": "L4", "t4": "T4", "v100-32gb": "V100 32GB", "rtx-3060": "RTX 3060", "rtx-3090": "RTX 3090", "rtx-4080": "RTX 4080",
    "rtx-4090": "RTX 4090", "rtx-5090": "RTX 5090", "rtx-3070": "RTX 3070", "rtx-3080": "RTX 3080", "a10": "A10",
}  # fmt: skip


def _servcalc(tools: Tools, run: Run) -> dict[str, Any] | None:
    device = _SERVCALC_DEVICES.get(re.sub(r"-\d+gb$", "", run.device.id)) or _SERVCALC_DEVICES.get(run.device.id)
    if run.count != 1 or device is None or run.quantization not in _SERVCALC_QUANTS:
        return None
    quant = _SERVCALC_QUANTS[run.quantization]
    words = ["servcalc", "estimate", str(tools.model(run.variant)), "--gpu", device, "--json"]
    if run.engine in ("ollama", "llama.cpp") and quant:
        words += ["--engine", "ollama", "--num-ctx", str(run.context), "--max-seqs", str(run.concurrency)]
    tokens = {"--prompt": max(run.prompt, 1), "--gen": max(run.output, 2), "--concurrency": run.concurrency}
    words += [word for name, value in tokens.items() for word in (name, str(value))]
    words += ["--quant", quant] if quant else []
    said = tools.ask("servcalc", *words)
    return None if said is None else json.loads(said)


def _servcalc_memory(tools: Tools, variant: Variant, quantization: str, tokens: int) -> Memory | None:
    said = _servcalc(tools, Run(variant, quantization, load_hardware()["b200"], 1, "vllm", 1, 2, tokens, 1))
    if said is None:
        return None
    return Memory(float(said["weight_bytes"]), float(said["kv_bytes_per_token"]) * tokens, None)


def _servcalc_fits(tools: Tools, run: Run) -> bool | None:
    said = _servcalc(tools, replace(run, prompt=run.context - 2, output=2))
    return None if said is None else int(said["memory_capacity_seqs"]) >= run.concurrency


def _servcalc_tpot(tools: Tools, run: Run) -> float | None:
    said = _servcalc(tools, run)
    points = said["points"] if said else []
    return float(points[0]["itl_ms"]["mid"]) / 1e3 if points else None


# llm-mem-planner: DeepSeek's attention only; hardware by its figures, which it is given from our catalog.
_PLANNER_DTYPES = (
    {"bf16": "bf16", "fp8": "fp8", "int8": "int8"} | dict.fromkeys(("awq-int4", "gptq-int4"), "int4") | {"nvfp4": "fp4"}
)


def _planner_memory(tools: Tools, variant: Variant, quantization: str, tokens: int) -> Memory | None:
    dtype = _PLANNER_DTYPES.get(quantization)
    if dtype is None:
        return None
    config = str(tools.model(variant) / "config.json")
    words = ("llm-mem-planner", "--config", config, "--seq-len", str(tokens), "--weight-dtype", dtype)
    said = tools.ask("llm-mem-planner", *words)
    if said is None:
        return None
    weights, cache = (
        float(re.search(rf"{name}[:=] ?([\d.]+) GiB", said)[1]) for name in ("weights_unique", "kv_unique")
    )
    return Memory(weights * GIB, cache * GIB, None)


def _planner(tools: Tools, run: Run) -> str | None:
    dtype = _PLANNER_DTYPES.get(run.quantization)
    if dtype is None:
        return None
    nodes = -(-run.count // run.device.per_node)
    each = {"fp8": "fp8", "int8": "int8"}.get(dtype, "bf16")
    flops = run.device.flops.get(each, run.device.flops.get("bf16", 100.0))
    figures = {
        "--seq-len": run.context, "--batch": run.concurrency, "--nodes": nodes, "--gpus-per-node": run.count // nodes,
        "--gpu-mem-gib": run.device.usable * 1e9 / GIB, "--gpu-tflops": flops,
        "--gpu-hbm-gibps": run.device.bandwidth * 1e9 / GIB, "--intra-gibps": run.device.link.bandwidth * 1e9 / GIB,
        "--inter-gibps": 46, "--intra-us": 5, "--inter-us": 10,
    }  # fmt: skip
    words = [word for name, value in figures.items() for word in (name, f"{value:g}")]
    config = str(tools.model(run.variant) / "config.json")
    return tools.ask(
        "llm-mem-planner", "llm-mem-planner", "--config", config, "--weight-dtype", dtype, "--recommend", *words
    )


def _planner_fits(tools: Tools, run: Run) -> bool | None:
    said = _planner(tools, run)
    return None if said is None else "total_per_rank" in said


def _planner_tpot(tools: Tools, run: Run) -> float | None:
    said = _planner(tools, run)
    found = [float(value) for value in re.findall(r"decode_ms=([\d.]+)", said or "")]
    return min(found) / 1e3 if found else None


SPEEDS = (
    Peer("ridgepoint", "ridgepoint==0.1.2", _ridgepoint_memory, _ridgepoint_fits, _ridgepoint_tpot),
    Peer("servcalc", "servcalc==0.1.0", _servcalc_memory, _servcalc_fits, _servcalc_tpot),
    Peer("llm-mem-planner", "llm-mem-planner==0.2.2", _planner_memory, _planner_fits, _planner_tpot),
)
