"""Sizing tools of others from PyPI, each in a virtual environment of its own, asked through its own interface, offline.

They are told what they would read on the network: folders with the catalog's config.json and header-exact, sparse
weights. Nothing of their code is used. Where a tool has no word for a question it answers ``None``. Here are those
that only add up memory; ``peer_speed`` has those that know hardware.
"""

from __future__ import annotations

import json
import os
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
    engine: str | None
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


ADDERS = (
    Peer("llm-sizer", "llm-sizer==0.1.0", _llm_sizer, lambda tools, run: _within(_llm_sizer(tools, run.variant, run.quantization, _tokens(run)), run)),
    Peer("hf-vram-calc", "hf-vram-calc==1.0.9", _hf_vram_calc, lambda tools, run: _within(_hf_vram_calc(tools, run.variant, run.quantization, 32768), run)),
    Peer("hf-mem", "hf-mem==0.5.6", _hf_mem, lambda tools, run: _within(_hf_mem(tools, run.variant, run.quantization, _tokens(run)), run)),
)  # fmt: skip
