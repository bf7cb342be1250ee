"""Sizing tools of others from PyPI, each in a virtual environment of its own, asked through its own interface, offline.

They are told what they would read on the network: folders with the catalog's config.json and header-exact, sparse
weights. Nothing of their code is used. Where a tool has no word for a question it answers ``None``.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from engine.catalog.schema import Variant
from engine.hardware.schema import Device
from engine.samples import published, write_checkpoint

GIB = 2**30


@dataclass(frozen=True)
class Memory:
    """Bytes; ``None``: not said."""

    weights: float
    cache: float | None
    total: float | None


@dataclass(frozen=True)
class Run:
    """A model on hardware with requests: what feasibility and speed are asked of."""

    variant: Variant
    quantization: str
    device: Device
    count: int
    engine: str
    prompt: int
    output: int
    context: int
    concurrency: int


@dataclass
class Tools:
    """Where the peers are installed and what they are shown; answers are kept, since some take seconds."""

    venvs: Path
    shown: Path
    kept: dict[tuple[str, ...], str | None] = field(default_factory=dict)

    def install(self, peer: Peer) -> None:
        """Raises ``CalledProcessError`` where pip cannot."""
        folder = self.venvs / peer.name
        if not (folder / "bin" / "python").exists():
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        if not (folder / "bin" / peer.name).exists():
            pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", peer.requirement]
            subprocess.run(pip, check=True, timeout=1800)

    def model(self, variant: Variant) -> Path:
        """A folder as on the Hub: config.json and weight files with true headers."""
        folder = self.shown / variant.id
        if not folder.exists():
            write_checkpoint(published(variant.id), folder, tokenizer=None, card=None)
        return folder

    def ask(self, peer: str, *words: str) -> str | None:
        """What a program of the peer prints; ``None`` where it fails, as it does on what it does not know."""
        if words not in self.kept:
            nowhere = {"HF_HUB_OFFLINE": "1", "HF_ENDPOINT": "http://127.0.0.1:9", "COLUMNS": "200"}
            done = subprocess.run(
                [str(self.venvs / peer / "bin" / words[0]), *words[1:]],
                capture_output=True, text=True, timeout=300, cwd=self.shown, env={**os.environ, **nowhere},
            )  # fmt: skip
            self.kept[words] = done.stdout if done.returncode == 0 else None
        return self.kept[words]


@dataclass(frozen=True)
class Peer:
    """A tool. ``memory``: of a variant in a quantisation with so many tokens in its cache. ``fits``: whether a run is
    feasible. ``tpot``: seconds per output token of one request."""

    name: str
    requirement: str
    memory: Callable[[Tools, Variant, str, int], Memory | None]
    fits: Callable[[Tools, Run], bool | None]
    tpot: Callable[[Tools, Run], float | None] | None = None


def _within(memory: Memory | None, run: Run) -> bool | None:
    """For tools that only add up memory: whether their total is within what the devices are sold with."""
    if memory is None or memory.total is None:
        return None
    return memory.total <= run.count * run.device.memory * GIB


def _tokens(run: Run) -> int:
    return run.context * run.concurrency


# llm-sizer: a list of models, fp16 / bf16 / q8 / q4.
_LLM_SIZER = {
    "DeepSeek-R1": "deepseek-r1", "DeepSeek-V3": "deepseek-v3", "R1-Distill-Llama-8B": "llama-3.1-8b",
    "R1-Distill-Llama-70B": "llama-3.3-70b", "R1-Distill-Qwen-7B": "qwen2.5-7b", "R1-Distill-Qwen-14B": "qwen2.5-14b",
    "R1-Distill-Qwen-32B": "qwen2.5-32b",
}  # fmt: skip
_LLM_SIZER_QUANTS = {"bf16": "bf16", "fp8": "q8", "int8": "q8", "Q8_0": "q8"} | dict.fromkeys(
    ("awq-int4", "gptq-int4", "nvfp4", "Q4_K_M"), "q4"
)


def _llm_sizer(tools: Tools, variant: Variant, quantization: str, tokens: int) -> Memory | None:
    model, quant = _LLM_SIZER.get(variant.id), _LLM_SIZER_QUANTS.get(quantization)
    if model is None or quant is None:
        return None
    said = tools.ask("llm-sizer", "llm-sizer", "-m", model, "-q", quant, "-c", str(tokens), "--json")
    if said is None:
        return None
    part = json.loads(said)["vram_gb"]
    return Memory(part["weights"] * GIB, part["kv_cache"] * GIB, part["total"] * GIB)


# hf-vram-calc: a folder with config.json, instantiated without weights; data types by bytes.
_HF_VRAM_CALC = {
    "bf16": "bf16", "fp8": "fp8", "int8": "int8", "awq-int4": "awq_int4", "gptq-int4": "int4", "nvfp4": "nvfp4",
    "Q8_0": "int8", "Q4_K_M": "int4",
}  # fmt: skip


def _hf_vram_calc(tools: Tools, variant: Variant, quantization: str, tokens: int) -> Memory | None:
    dtype = _HF_VRAM_CALC.get(quantization)
    if dtype is None:
        return None
    folder = tools.model(variant)
    answer = tools.shown / f"hf-vram-calc-{variant.id}-{tokens}.json"
    # One call asks for every type, since each imports torch and transformers.
    every = ",".join(sorted(set(_HF_VRAM_CALC.values())))
    said = tools.ask(
        "hf-vram-calc", "hf-vram-calc", "--model", variant.id, "--model_path", str(folder), "--dtype", every,
        "--max_seq_len", str(tokens), "--output_json", str(answer),
    )  # fmt: skip
    if said is None or not answer.exists():
        return None
    for row in json.loads(answer.read_text())["memory_requirements"]:
        if row["dtype"].lower() == dtype:
            return Memory(row["model_size_gib"] * GIB, row["kv_cache_size_gib"] * GIB, row["inference_total_gib"] * GIB)
    return None


# hf-mem: reads the headers of the weights themselves; its network part is replaced by the folder.
_HF_MEM = """
import json, struct, sys
from pathlib import Path
from hf_mem.safetensors.kv_cache import compute_safetensors_kv_cache_size, resolve_kv_cache_dtype
from hf_mem.safetensors.metadata import parse_safetensors_metadata
folder, tokens, config, raw = Path(sys.argv[1]), int(sys.argv[2]), {}, {}
config = json.loads((folder / "config.json").read_text())
for path in sorted(folder.glob("*.safetensors")):
    with path.open("rb") as file:
        raw |= json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
found = parse_safetensors_metadata(raw_metadata={"Transformer": raw})
kept = resolve_kv_cache_dtype(config, "bfloat16", found, folder.name)
print(json.dumps([found.bytes_count, compute_safetensors_kv_cache_size(config, kept, tokens)]))
"""


def _hf_mem(tools: Tools, variant: Variant, quantization: str, tokens: int) -> Memory | None:
    as_published = "fp8" if variant.shape.n_routed_experts == 256 else "bf16"
    if quantization != as_published:
        return None
    said = tools.ask("hf-mem", "python", "-c", _HF_MEM, str(tools.model(variant)), str(tokens))
    if said is None:
        return None
    weights, cache = json.loads(said)
    return Memory(weights, cache, weights + cache)


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


def _ridgepoint(tools: Tools, run: Run) -> dict[str, dict[str, object]] | None:
    device, dtype = _RIDGEPOINT_DEVICES.get(run.device.id), _RIDGEPOINT_DTYPES.get(run.quantization)
    if device is None or dtype is None:
        return None
    engine = {"sglang": "sglang", "llama.cpp": "llamacpp", "ollama": "llamacpp"}.get(run.engine, "vllm")
    words = (str(tools.model(run.variant)), device, str(run.count), engine, dtype, str(run.context), str(run.prompt))
    said = tools.ask("ridgepoint", "python", "-c", _RIDGEPOINT, *words)
    return None if said is None else json.loads(said)


def _ridgepoint_memory(tools: Tools, variant: Variant, quantization: str, tokens: int) -> Memory | None:
    from engine.hardware import load_hardware

    run = Run(variant, quantization, load_hardware()["b200"], 8, "vllm", 1, 1, tokens, 1)
    said = _ridgepoint(tools, run)
    if said is None:
        return None
    weights = said["memory"]["weights_bytes"]["best"]  # type: ignore[index]
    return Memory(float(weights), float(said["capacity"]["bytes_per_seq"]), None)  # type: ignore[arg-type]


def _ridgepoint_fits(tools: Tools, run: Run) -> bool | None:
    said = _ridgepoint(tools, run)
    if said is None:
        return None
    at_once = said["capacity"]["max_sequences"]["best"]  # type: ignore[index]
    return bool(said["verdict"]["serves"]) and int(at_once) >= run.concurrency


def _ridgepoint_tpot(tools: Tools, run: Run) -> float | None:
    said = _ridgepoint(tools, run)
    rate = float(said["speed"]["decode_tok_s"]["best"]) if said else 0.0  # type: ignore[index, arg-type]
    return 1 / rate if rate else None


# servcalc: one GPU, dense models of the llama and qwen2 kind.
_SERVCALC_QUANTS = {"bf16": None, "fp8": "fp8", "awq-int4": "awq", "gptq-int4": "gptq"} | {
    name: f"gguf_{name.lower()}" for name in ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_M", "Q2_K")
}
_SERVCALC_DEVICES = {
    "h100-sxm": "H100 80GB", "h200": "H200", "b200": "B200", "a100-80gb": "A100 80GB", "a100-40gb": "A100 40GB", "l40s": "L40S",
    "l4": "L4", "t4": "T4", "v100-32gb": "V100 32GB", "rtx-3060": "RTX 3060", "rtx-3090": "RTX 3090", "rtx-4080": "RTX 4080",
    "rtx-4090": "RTX 4090", "rtx-5090": "RTX 5090", "rtx-3070": "RTX 3070", "rtx-3080": "RTX 3080", "a10": "A10",
}  # fmt: skip


def _servcalc(tools: Tools, run: Run) -> dict[str, object] | None:
    device = _SERVCALC_DEVICES.get(re.sub(r"-\d+gb$", "", run.device.id)) or _SERVCALC_DEVICES.get(run.device.id)
    if run.count != 1 or device is None or run.quantization not in _SERVCALC_QUANTS:
        return None
    words = ["servcalc", "estimate", str(tools.model(run.variant)), "--gpu", device, "--json"]
    words += ["--engine", "ollama" if run.engine in ("ollama", "llama.cpp") else "vllm"]
    words += [
        "--prompt",
        str(max(run.prompt, 1)),
        "--gen",
        str(max(run.output, 1)),
        "--concurrency",
        str(run.concurrency),
    ]
    if quant := _SERVCALC_QUANTS[run.quantization]:
        words += ["--quant", quant]
    said = tools.ask("servcalc", *words)
    return None if said is None else json.loads(said)


def _servcalc_memory(tools: Tools, variant: Variant, quantization: str, tokens: int) -> Memory | None:
    from engine.hardware import load_hardware

    said = _servcalc(tools, Run(variant, quantization, load_hardware()["b200"], 1, "vllm", 1, 1, tokens, 1))
    if said is None:
        return None
    return Memory(float(said["weight_bytes"]), float(said["kv_bytes_per_token"]) * tokens, None)  # type: ignore[arg-type]


def _servcalc_fits(tools: Tools, run: Run) -> bool | None:
    whole = Run(
        run.variant,
        run.quantization,
        run.device,
        run.count,
        run.engine,
        run.context - 1,
        1,
        run.context,
        run.concurrency,
    )
    said = _servcalc(tools, whole)
    return None if said is None else int(said["memory_capacity_seqs"]) >= run.concurrency  # type: ignore[call-overload]


def _servcalc_tpot(tools: Tools, run: Run) -> float | None:
    said = _servcalc(tools, run)
    points = said["points"] if said else []
    return float(points[0]["itl_ms"]["mid"]) / 1e3 if points else None  # type: ignore[index]


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
    )  # type: ignore[index]
    return Memory(weights * GIB, cache * GIB, None)


def _planner(tools: Tools, run: Run) -> str | None:
    dtype = _PLANNER_DTYPES.get(run.quantization)
    if dtype is None:
        return None
    nodes = -(-run.count // run.device.per_node)
    each = {"fp8": "fp8", "int8": "int8"}.get(dtype, "bf16")
    flops = run.device.flops.get(each, run.device.flops.get("bf16", 100.0))  # type: ignore[call-overload]
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


PEERS = (
    Peer("llm-sizer", "llm-sizer==0.1.0", _llm_sizer, lambda tools, run: _within(_llm_sizer(tools, run.variant, run.quantization, _tokens(run)), run)),
    Peer("hf-vram-calc", "hf-vram-calc==1.0.9", _hf_vram_calc, lambda tools, run: _within(_hf_vram_calc(tools, run.variant, run.quantization, 32768), run)),
    Peer("hf-mem", "hf-mem==0.5.6", _hf_mem, lambda tools, run: _within(_hf_mem(tools, run.variant, run.quantization, _tokens(run)), run)),
    Peer("ridgepoint", "ridgepoint==0.1.2", _ridgepoint_memory, _ridgepoint_fits, _ridgepoint_tpot),
    Peer("servcalc", "servcalc==0.1.0", _servcalc_memory, _servcalc_fits, _servcalc_tpot),
    Peer("llm-mem-planner", "llm-mem-planner==0.2.2", _planner_memory, _planner_fits, _planner_tpot),
)  # fmt: skip
