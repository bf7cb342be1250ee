"""The command that serves an option. Flags as in the documentation of November 2026: vLLM (docs.vllm.ai: parallelism and
scaling, engine arguments), SGLang (docs.sglang.io: server arguments), llama.cpp (tools/server/README.md), Ollama
(docs/faq), mlx-lm (SERVER.md), vllm-ascend (DeepSeek-R1 tutorial)."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor

from engine.choosing.checkpoints import (
    Checkpoint,
    ascend_checkpoint,
    gguf_checkpoint,
    is_full,
    ollama_tag,
    plain_checkpoint,
)
from engine.choosing.workload import workload_of
from engine.constraints.record import Constraints
from engine.hardware import load_hardware
from engine.hardware.schema import Device
from engine.identification import Command, Option, Said
from engine.sized import Layout, Sizing, Workload

_HOST = "127.0.0.1"
_HEAD = "HEAD_NODE_IP"
"""Stands for an address that only the reader knows."""
_SHARE = (0.5, 0.95)
"""Of a device's memory: least and most that is asked for. Judged; vLLM's own default is 0.9."""
_OFFLINE = {"llama.cpp": "--offline", "ollama": "OLLAMA_NO_CLOUD=1"}
"""What keeps a server from the network once its weights are there; Hugging Face's variable for the others."""
_BUILDS = {"amd": "ROCm", "intel": "Gaudi"}
"""Whose devices need a build of the server of their own; NVIDIA's is the usual one, Ascend's a plug-in of its own."""
_LAYERS = 99
"""More layers than any variant has: all of them."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What it must serve. ``limited``: somebody said how many requests at once, so that servers are told too."""

    workload: Workload
    limited: bool


def command(option: Option, constraints: Constraints, devices: Mapping[str, Device] | None = None) -> Command:
    """How to serve ``option`` for ``constraints``, ready to paste: one line a command, for one replica.

    Args:
        devices: the hardware catalog; the one that ships where left out.
    """
    sizing = option.sizing
    device = (load_hardware() if devices is None else devices).get(sizing.device)
    asked = _Asked(workload_of(constraints)[0], limited=constraints.concurrency is not None)
    engine = sizing.engine
    if engine in ("vllm", "mindie") and device is not None and device.vendor == "huawei":
        made = _ascend(option, asked, device)
    elif engine == "sglang" or (engine == "vllm" and sizing.quantization == "int8" and is_full(option.variant)):
        made = _sglang(option, asked, device)
    elif engine == "llama.cpp":
        made = _llama_cpp(option, asked, device)
    elif engine == "ollama":
        made = _ollama(option, asked) or _llama_cpp(option, asked, device)
    elif engine == "mlx":
        made = _mlx(option)
    else:
        made = _vllm(option, asked, device)
    return Command(made.engine, made.text, (*made.notes, *_about(sizing, made.engine, device, constraints)))


def _vllm(option: Option, asked: _Asked, device: Device | None) -> Command:
    """``vllm serve``; DeepSeek-R1 in its recipe has the same flags."""
    sizing, checkpoint = option.sizing, plain_checkpoint(option.variant, option.sizing.quantization)
    online = ["--quantization", "fp8"] if checkpoint.online else []
    words = ["vllm", "serve", checkpoint.name, *online, *_parallel(sizing.layout), *_limits(sizing, asked)]
    words += ["--gpu-memory-utilization", f"{_share(sizing, device):.2f}", *_dtype(device)]
    words += ["--reasoning-parser", "deepseek_r1", *_listen(8000)]
    nodes = _nodes(sizing.layout)
    if nodes == 1:
        return _made("vllm", [words], checkpoint)
    joined = ["--nnodes", str(nodes), "--master-addr", _HEAD]
    lines = [[*words, *joined, "--node-rank", "0"]]
    lines += [[*words, *joined, "--node-rank", str(rank), "--headless"] for rank in range(1, nodes)]
    return _made("vllm", lines, checkpoint, Said("serving.nodes_vllm", {"count": nodes, "head": _HEAD}))


def _ascend(option: Option, asked: _Asked, device: Device) -> Command:
    """``vllm serve`` with the vllm-ascend plug-in; over several nodes by Ray, as its tutorials do."""
    sizing, checkpoint = option.sizing, ascend_checkpoint(option.variant, option.sizing.quantization)
    words = ["vllm", "serve", checkpoint.name, *(["--quantization", "ascend"] if sizing.quantization == "int8" else [])]
    words += [*_parallel(sizing.layout), *_limits(sizing, asked)]
    words += ["--gpu-memory-utilization", f"{_share(sizing, device):.2f}"]
    words += ["--reasoning-parser", "deepseek_r1", *_listen(8000)]
    world = sizing.layout.tensor * sizing.layout.pipeline
    values = {"path": checkpoint.name, "world": world, "tokens": _context(sizing, asked)}
    native = sizing.quantization in ("int8", "bf16")
    notes = [Said("serving.mindie", values) if native else Said("serving.ascend_recent")]
    if (nodes := _nodes(sizing.layout)) == 1:
        return _made("vllm-ascend", [words], checkpoint, *notes)
    ray = [["ray", "start", "--head", "--port", "6379"], ["ray", "start", "--address", f"{_HEAD}:6379"]]
    notes.append(Said("serving.nodes_ray", {"count": nodes, "head": _HEAD}))
    return _made("vllm-ascend", [*ray, [*words, "--distributed-executor-backend", "ray"]], checkpoint, *notes)


def _sglang(option: Option, asked: _Asked, device: Device | None) -> Command:
    """``sglang.launch_server``; its tensor parallelism counts all nodes' devices, and includes the experts'."""
    sizing, checkpoint = option.sizing, plain_checkpoint(option.variant, option.sizing.quantization)
    layout = sizing.layout
    words = ["python3", "-m", "sglang.launch_server", "--model-path", checkpoint.name]
    if sizing.quantization == "int8" and is_full(option.variant):
        words += ["--quantization", "w8a8_int8"]
    elif sizing.quantization == "nvfp4":
        words += ["--quantization", "modelopt_fp4"]
    elif checkpoint.online:
        words += ["--quantization", "fp8"]
    words += ["--tp-size", str(layout.tensor)]
    words += ["--pp-size", str(layout.pipeline)] if layout.pipeline > 1 else []
    words += ["--ep-size", str(layout.expert)] if layout.expert > 1 else []
    words += ["--dp-size", str(layout.attention), "--enable-dp-attention"] if layout.attention > 1 else []
    words += ["--context-length", str(_context(sizing, asked))]
    words += ["--max-running-requests", str(_at_once(sizing, asked))] if asked.limited else []
    words += ["--mem-fraction-static", f"{_share(sizing, device) - 0.05:.2f}", *_dtype(device)]
    words += ["--reasoning-parser", "deepseek-r1", *_listen(30000)]
    notes = [] if sizing.engine == "sglang" else [_other(sizing, "SGLang")]
    if (nodes := _nodes(layout)) == 1:
        return _made("sglang", [words], checkpoint, *notes)
    joined = ["--nnodes", str(nodes), "--dist-init-addr", f"{_HEAD}:20000", "--node-rank"]
    lines = [[*words, *joined, str(rank)] for rank in range(nodes)]
    return _made("sglang", lines, checkpoint, *notes, Said("serving.nodes", {"count": nodes, "head": _HEAD}))


def _llama_cpp(option: Option, asked: _Asked, device: Device | None) -> Command:
    """``llama-server``; its context is of all slots together."""
    sizing, checkpoint = option.sizing, gguf_checkpoint(option.variant, option.sizing.quantization)
    slots, context = _at_once(sizing, asked), _context(sizing, asked)
    words = ["llama-server", "-m" if checkpoint.made else "-hf", checkpoint.name]
    words += ["-c", str(context * slots), "-np", str(slots)]
    words += ["-ngl", "0" if device is not None and device.kind in ("cpu", "phone") else str(_LAYERS)]
    words += ["-sm", "row"] if sizing.layout.tensor > 1 else []
    words += ["--jinja", "--reasoning-format", "deepseek", "--temp", "0.6", "--top-p", "0.95", *_listen(8080)]
    notes = [Said("serving.slots", {"slots": slots, "tokens": context})] if slots > 1 else []
    if sizing.engine != "llama.cpp":
        notes.append(_other(sizing, "llama.cpp"))
    if (nodes := _nodes(sizing.layout)) > 1:
        notes.append(Said("serving.nodes_rpc", {"count": nodes}))
    return _made("llama.cpp", [words], checkpoint, *notes)


def _ollama(option: Option, asked: _Asked) -> Command | None:
    """``ollama serve`` with its settings, then the model; ``None`` where Ollama cannot load the files."""
    sizing, checkpoint = (
        option.sizing,
        ollama_tag(option.variant, option.sizing.quantization, option.sizing.memory.weights),
    )
    if checkpoint is None:
        return None
    slots, context = _at_once(sizing, asked), _context(sizing, asked)
    settings = [f"OLLAMA_HOST={_HOST}:11434", f"OLLAMA_CONTEXT_LENGTH={context}", f"OLLAMA_NUM_PARALLEL={slots}"]
    return _made("ollama", [[*settings, "ollama", "serve"], ["ollama", "run", checkpoint.name]], checkpoint,
                 Said("serving.ollama"))  # fmt: skip


def _mlx(option: Option) -> Command:
    checkpoint = plain_checkpoint(option.variant, option.sizing.quantization)
    words = ["mlx_lm.server", "--model", checkpoint.name, *_listen(8080)]
    notes = [Said("serving.mlx")]
    if (nodes := _nodes(option.sizing.layout)) > 1:
        notes.append(Said("serving.nodes_mlx", {"count": nodes}))
    return _made("mlx", [words], checkpoint, *notes)


def _made(engine: str, lines: list[list[str]], checkpoint: Checkpoint, *notes: Said) -> Command:
    text = "\n".join([*checkpoint.convert, *(shlex.join(line) for line in lines)])
    return Command(engine, text, (*checkpoint.notes, *notes))


def _about(sizing: Sizing, engine: str, device: Device | None, constraints: Constraints) -> tuple[Said, ...]:
    """What goes for every server."""
    notes = []
    if device is not None and device.kind == "phone":
        notes.append(Said("serving.phone"))
    elif device is not None and (build := _BUILDS.get(device.vendor)) and engine != "mlx":
        notes.append(Said("serving.build", {"device": device.title, "build": build}))
    if sizing.layout.replicas > 1:
        each = sizing.layout.tensor * sizing.layout.pipeline
        notes.append(Said("serving.replicas", {"count": sizing.layout.replicas, "devices": each}))
    notes.append(Said("serving.sampling_0528" if "0528" in sizing.model else "serving.sampling"))
    notes.append(Said("serving.local_only", {"host": _HOST}))
    if constraints.privacy == "on-premise":
        notes.append(Said("serving.offline", {"setting": _OFFLINE.get(engine, "HF_HUB_OFFLINE=1")}))
    return tuple(notes)


def _other(sizing: Sizing, served: str) -> Said:
    return Said("serving.other_engine", {"sized": sizing.engine, "served": served})


def _listen(port: int) -> list[str]:
    return ["--host", _HOST, "--port", str(port)]


def _parallel(layout: Layout) -> list[str]:
    """vLLM's flags of one replica."""
    tensor = layout.tensor // layout.attention
    words = ["--tensor-parallel-size", str(tensor)] if tensor > 1 else []
    words += ["--data-parallel-size", str(layout.attention)] if layout.attention > 1 else []
    words += ["--pipeline-parallel-size", str(layout.pipeline)] if layout.pipeline > 1 else []
    return [*words, *(["--enable-expert-parallel"] if layout.expert > 1 else [])]


def _limits(sizing: Sizing, asked: _Asked) -> list[str]:
    each = ceil(_at_once(sizing, asked) / sizing.layout.attention)  # vLLM counts by data-parallel rank
    most = ["--max-num-seqs", str(each)] if asked.limited else []
    return ["--max-model-len", str(_context(sizing, asked)), *most]


def _context(sizing: Sizing, asked: _Asked) -> int:
    """Tokens of the longest request: what was asked for, as far as there is room."""
    return min(asked.workload.context, sizing.max_context) if sizing.max_context else asked.workload.context


def _at_once(sizing: Sizing, asked: _Asked) -> int:
    """Requests in flight on one replica."""
    return max(1, ceil(asked.workload.concurrency / sizing.layout.replicas))


def _nodes(layout: Layout) -> int:
    """Machines of one replica."""
    return max(1, ceil(layout.nodes / layout.replicas))


def _share(sizing: Sizing, device: Device | None) -> float:
    """Of a device's memory, as sizing counted on; rounded down, so that it is there."""
    low, high = _SHARE
    if device is None:
        return 0.9
    each = device.usable * 1e9 * sizing.layout.tensor * sizing.layout.pipeline
    return min(high, max(low, floor(sizing.memory.capacity / each * 100 + 1e-6) / 100))


def _dtype(device: Device | None) -> list[str]:
    """GPUs before Ampere have no BF16."""
    return ["--dtype", "half"] if device is not None and "bf16" not in device.flops else []
