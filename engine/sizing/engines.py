"""Serving software as sizing sees it: what it takes of memory, how many requests it runs at once.

Sources: vLLM's engine arguments (``gpu_memory_utilization`` 0.9; ``max_num_seqs`` and
``max_num_batched_tokens`` by device, ``vllm/engine/arg_utils.py``), SGLang's server arguments
(``mem_fraction_static``, ``chunked_prefill_size``), llama.cpp's server (``-ub 512``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.sizing.machine import Machine


@dataclass(frozen=True, slots=True)
class Serving:
    """What an engine does unless told otherwise.

    Attributes:
        share: of a device's memory that it takes.
        overhead: bytes a device, within that share, for the driver's context and buffers of links; captured graphs lie
            in the rest. Judged.
        running: requests in one batch at most.
        chunk: prompt tokens in one step at most.
        memory_share, compute_share: of what ``roofline`` reaches with the engines for servers. Judged.
        stage: seconds that each further pipeline stage adds to a step, where stages are processes that pass on
            tensors. Judged.
        spreads: whether it can run MLA attention data-parallel.
        embedding: whether the input embedding lies on the device; llama.cpp keeps it in the host's memory.
        tensor: whether it cuts layers over devices; otherwise devices hold layers one after another.
    """

    name: str
    share: float
    overhead: float
    running: int
    chunk: int
    memory_share: float = 1.0
    compute_share: float = 1.0
    stage: float = 2e-3
    spreads: bool = False
    embedding: bool = True
    tensor: bool = True


_SMALL = 60e9
"""Devices below it get vLLM's smaller defaults."""

_ENGINES: Mapping[str, Serving] = {
    "vllm": Serving("vllm", 0.9, 1.0e9, 1024, 8192, spreads=True),
    "sglang": Serving("sglang", 0.9, 1.0e9, 2048, 8192, spreads=True),
    "trtllm": Serving("trtllm", 0.9, 1.5e9, 2048, 8192),
    "mindie": Serving("mindie", 0.9, 1.0e9, 256, 8192),
    "llama.cpp": Serving("llama.cpp", 0.97, 0.5e9, 32, 512, 0.85, 0.4, 0.0, embedding=False, tensor=False),
    "ollama": Serving("ollama", 0.97, 0.6e9, 4, 512, 0.8, 0.4, 0.0, embedding=False, tensor=False),
    "mlx": Serving("mlx", 1.0, 0.5e9, 32, 2048, 0.9, 0.6, 0.0, tensor=False),
}

_PREFERRED = ("vllm", "sglang", "mindie", "mlx", "llama.cpp", "ollama")


def serving_of(engine: str, machine: Machine) -> Serving:
    """The engine's defaults on a device. vLLM's differ by memory, and on the A100 by name; llama.cpp and MLX may take all
    that unified memory and CPUs have to give, as the catalog counts it.

    Raises:
        KeyError: no such engine.
    """
    entry = _ENGINES[engine]
    if machine.kind != "accelerator" and not entry.tensor:
        return replace(entry, share=1.0, embedding=True)
    small = machine.memory < _SMALL or machine.vendor not in ("nvidia", "amd") or "a100" in machine.id
    return replace(entry, running=256, chunk=2048) if engine == "vllm" and small else entry


def choose_engine(on_device: tuple[str, ...], for_weights: tuple[str, ...]) -> str | None:
    """The usual engine that runs on the device and reads the weights; ``None``: there is none."""
    return next((name for name in _PREFERRED if name in on_device and name in for_weights), None)
