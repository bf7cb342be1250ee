"""Streams a checkpoint several times larger than its budget: memory at its highest, and speed beside plain reading.

    python tests/benchmarks/streaming.py [--gigabytes 4] [--runs 5] [--pause 4] [--folder /tmp] [--device cpu]

Two checkpoints are written there, one after the other, and deleted afterwards: random weights in the layers of
Llama 3.2 1B, in float32 with a single token to run (multiplying takes little, so the disk decides) and in bfloat16
with four prompts (as the probes run models; on a CPU multiplying takes its share). Every run is a process of its own,
with the files dropped from the page cache before. Memory: torch's own count on CUDA; on the CPU the process's
anonymous pages (RssAnon), sampled every 20 ms, above what they were before. The plain read is the fastest of three
buffer sizes. Rented disks are fast for some gigabytes and then slow until they have rested: ``--pause`` lets them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

SHAPE = {
    "vocab_size": 32_000, "hidden_size": 2048, "intermediate_size": 8192, "num_attention_heads": 32,
    "num_key_value_heads": 8, "max_position_embeddings": 8192,
}  # fmt: skip
CASES = {"F32": (1, 1), "BF16": (4, 4)}
"""Prompts and tokens of each, by the type of the checkpoint."""
PARAMETERS = 60_821_504
"""Of one layer."""
BUFFERS = (1 << 20, 8 << 20, 16 << 20)


def write(folder: Path, gigabytes: float, dtype: str) -> None:
    """The checkpoint, one layer a shard, in the order of a published one's index."""
    import torch
    from safetensors.torch import save_file
    from transformers import LlamaConfig

    torch.manual_seed(0)
    kind = {"F32": torch.float32, "BF16": torch.bfloat16}[dtype]
    layers = max(4, round(gigabytes * 1e9 / (PARAMETERS * kind.itemsize)))
    config = LlamaConfig(**SHAPE, num_hidden_layers=layers, tie_word_embeddings=False)
    (folder / "config.json").write_text(
        json.dumps(
            {**config.to_dict(), "architectures": ["LlamaForCausalLM"], "dtype": str(kind).removeprefix("torch.")}
        )
    )
    hidden, wide, keys = SHAPE["hidden_size"], SHAPE["intermediate_size"], SHAPE["num_key_value_heads"] * 64
    within = {
        "input_layernorm": (hidden,), "mlp.down_proj": (hidden, wide), "mlp.gate_proj": (wide, hidden),
        "mlp.up_proj": (wide, hidden), "post_attention_layernorm": (hidden,), "self_attn.k_proj": (keys, hidden),
        "self_attn.o_proj": (hidden, hidden), "self_attn.q_proj": (hidden, hidden), "self_attn.v_proj": (keys, hidden),
    }  # fmt: skip
    ends = {"model.embed_tokens": (SHAPE["vocab_size"], hidden), "lm_head": (SHAPE["vocab_size"], hidden)}
    total = layers + 1
    for number in range(total):
        shapes = {f"model.layers.{number}.{name}": shape for name, shape in within.items()} if number < layers else {**ends, "model.norm": (hidden,)}  # fmt: skip
        tensors = {
            f"{name}.weight": torch.ones(shape, dtype=kind)
            if len(shape) == 1
            else torch.empty(shape, dtype=kind).normal_(0, 0.02)
            for name, shape in shapes.items()
        }
        path = folder / f"model-{number + 1:05}-of-{total:05}.safetensors"
        save_file(tensors, path)
        with path.open("rb") as file:
            os.fsync(file.fileno())


def drop(folder: Path) -> None:
    """Take the files out of the page cache."""
    for path in folder.glob("*.safetensors"):
        file = os.open(path, os.O_RDONLY)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)


def read_plainly(folder: Path, size: int) -> float:
    """Bytes a second of reading the files front to back into one buffer."""
    drop(folder)
    buffer, done, began = memoryview(bytearray(size)), 0, time.perf_counter()
    for path in sorted(folder.glob("*.safetensors")):
        file = os.open(path, os.O_RDONLY)
        while got := os.readv(file, [buffer]):
            done += got
        os.close(file)
    return done / (time.perf_counter() - began)


class Highest(threading.Thread):
    """Samples this process's anonymous pages until it is told to stop."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self.stopped = 0, threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(0.02):
            self.peak = max(self.peak, anonymous())


def anonymous() -> int:
    with Path("/proc/self/status").open() as lines:
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("RssAnon"))


def stream_once(folder: Path, warm: Path, dtype: str, device: str, ahead: bool) -> dict[str, Any]:
    """In a process of its own."""
    import torch

    from engine.weights.host import cores
    from engine.weights.layers import plan_of
    from engine.weights.prompts import Prompt, batches
    from engine.weights.skeleton import build
    from engine.weights.store import open_store
    from engine.weights.streaming import activations, forward

    torch.set_num_threads(max(1, cores()))
    count, tokens = CASES[dtype]
    prompts = [Prompt(str(n), tuple(range(1 + n * tokens, 1 + (n + 1) * tokens))) for n in range(count)]
    with open_store(str(warm)) as store:  # what libraries set up on their first run is no layer's
        forward(store, prompts, device=device)
    drop(folder)
    with open_store(str(folder)) as store:
        skeleton = build(store)
        plan = plan_of(store, skeleton)
        within = activations(plan, batches(prompts, SHAPE["vocab_size"]))
        budget = int(1.3 * plan.layer_bytes) + within
        before, sampler = anonymous(), Highest()
        sampler.start()
        passed = forward(store, prompts, device=device, budget=budget, read_ahead=ahead)
        sampler.stopped.set()
        sampler.join()
    assert passed.placement == "streamed" and passed.device == device, passed.notes
    return {
        "peak": passed.peak_bytes if device != "cpu" else sampler.peak - before, "told": passed.peak_bytes,
        "layer": passed.layer_bytes, "activations": within, "budget": budget, "bytes": passed.bytes_read,
        "seconds": passed.seconds, "whole": plan.whole_bytes,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gigabytes", type=float, default=4)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--pause", type=float, default=4, help="seconds before each run")
    parser.add_argument("--folder", default=tempfile.gettempdir())
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--once", nargs=5, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.once:
        folder, warm, dtype, device, ahead = asked.once
        print(json.dumps(stream_once(Path(folder), Path(warm), dtype, device, ahead == "ahead")))
        return
    for dtype in CASES:
        root = Path(tempfile.mkdtemp(prefix="r1-streaming-", dir=asked.folder))
        try:
            measure(root, asked.gigabytes, asked.runs, dtype, asked.device, asked.pause)
        finally:
            shutil.rmtree(root)


def measure(root: Path, gigabytes: float, runs: int, dtype: str, device: str, pause: float) -> None:
    """Every way of reading by turns, so that what else the machine does falls on all of them."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from small_models import sparse_llama

    (root / "large").mkdir()
    write(root / "large", gigabytes, dtype)
    warm = sparse_llama(root / "warm", layers=2, hidden=256, dtype=dtype)
    plain: dict[int, list[float]] = {size: [] for size in BUFFERS}
    found: dict[str, list[dict[str, Any]]] = {"ahead": [], "without": []}
    for _ in range(runs):
        for size in BUFFERS:
            time.sleep(pause)
            plain[size].append(read_plainly(root / "large", size))
        for way, results in found.items():
            command = [sys.executable, __file__, "--once", str(root / "large"), str(warm), dtype, device, way]
            time.sleep(pause)
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            results.append(json.loads(done.stdout))
    show(plain, found, dtype, device)


def show(plain: dict[int, list[float]], found: dict[str, list[dict[str, Any]]], dtype: str, device: str) -> None:
    one, (count, tokens) = found["ahead"][0], CASES[dtype]
    print(f"{device}, {dtype}: {one['whole'] / 1e9:.2f} GB of layers, budget {one['budget'] / 1e6:.0f} MB ({one['whole'] / one['budget']:.1f} times smaller); {count} × {tokens} tokens")  # fmt: skip
    best = max(statistics.median(speeds) for speeds in plain.values())
    every = [speed for speeds in plain.values() for speed in speeds]
    for size, speeds in plain.items():
        print(f"plain read, {size >> 20:>2} MB buffer  {statistics.median(speeds) / 1e9:5.2f} GB/s   (each: {_each(speeds)})")  # fmt: skip
    for way, results in found.items():
        speeds = [result["bytes"] / result["seconds"] for result in results]
        median = statistics.median(speeds)
        print(f"streamed, {'prefetch' if way == 'ahead' else 'no prefetch':<12}     {median / 1e9:5.2f} GB/s   (each: {_each(speeds)})  {100 * median / best:.0f} % of the fastest buffer's median, {100 * median / statistics.median(every):.0f} % of the median of all plain reads; best run to best run {100 * max(speeds) / max(every):.0f} %")  # fmt: skip
    for way, results in found.items():
        peak = max(result["peak"] for result in results)
        room = 1.3 * one["layer"] + one["activations"]
        print(f"peak, {way:<8} {peak / 1e6:7.1f} MB = {peak / one['layer']:.3f} layers of {one['layer'] / 1e6:.1f} MB; bar 1.3 layers + {one['activations'] / 1e6:.1f} MB activations = {room / 1e6:.1f} MB: {'held' if peak <= room else 'MISSED'}; told {max(result['told'] for result in results) / 1e6:.1f} MB")  # fmt: skip


def _each(speeds: list[float]) -> str:
    return " ".join(f"{speed / 1e9:.2f}" for speed in speeds)


if __name__ == "__main__":
    main()
