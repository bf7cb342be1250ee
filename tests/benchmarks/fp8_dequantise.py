"""How near FP8 blocks → bfloat16 with statistics comes to the speed of a plain copy: bar 70 % on an accelerator.

    python tests/benchmarks/fp8_dequantise.py

Bytes moved are counted as for the copy, read and written: one and two for each weight, and the scales. The weights
are the largest matrices of DeepSeek-V3/R1, beyond any cache. Without an accelerator it says that the bar was not
measured, and gives the CPU's figures, which are no substitute.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import torch

from engine.weights import fp8

BAR = 0.70
SHAPES = ((7168, 18432), (24576, 1536), (7168, 16384), (2048, 7168))
"""A dense layer's down projection, q_b, o and one expert's gate (DeepSeek-V3, config.json)."""


def main() -> int:
    if torch.accelerator.is_available():
        device = torch.accelerator.current_accelerator()
        assert device is not None
        return measure(device, repeats=30)
    print("no accelerator here: the bar (70 % of copy bandwidth on an accelerator) was NOT measured.")
    print("figures of the CPU, for comparison only:")
    torch.set_num_threads(1)
    measure(torch.device("cpu"), repeats=3)
    return 0


def measure(device: torch.device, repeats: int) -> int:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    fused = fp8._kernel(device.type) is not None
    print(f"{name}, torch {torch.__version__}, {'fused Triton kernel' if fused else 'plain PyTorch'}, seed 0")
    copied = copy_bandwidth(device, repeats)
    print(f"copy: {copied:.1f} GB/s (read + written)")
    bytes_moved, seconds_taken = 0, 0.0
    for shape in SHAPES:
        weight, scale = packed(shape, device)
        moved = weight.numel() * 3 + scale.nbytes
        both = timed(lambda w=weight, s=scale: fp8._run(w, s, (128, 128), _out(w), count=True), device, repeats)
        alone = timed(lambda w=weight, s=scale: fp8.dequantise(w, s), device, repeats)
        counted = timed(lambda w=weight, s=scale: fp8._run(w, s, (128, 128), None, count=True), device, repeats)
        check(weight, scale)
        bytes_moved, seconds_taken = bytes_moved + moved, seconds_taken + both
        print(
            f"{shape[0]:>6} x {shape[1]:<6} dequantise + statistics {moved / both / 1e9:7.1f} GB/s "
            f"= {moved / both / 1e9 / copied:4.0%} of copy · dequantise alone {moved / alone / 1e9:7.1f} GB/s "
            f"· statistics alone {(weight.numel() + scale.nbytes) / counted / 1e9:6.1f} GB/s"
        )
    share = bytes_moved / seconds_taken / 1e9 / copied
    print(f"together {share:.0%} of the copy bandwidth")
    if device.type == "cpu":
        return 0
    print(f"bar {BAR:.0%}: {'met' if share >= BAR else 'MISSED'}")
    return 0 if share >= BAR else 1


def copy_bandwidth(device: torch.device, repeats: int) -> float:
    """GB a second, read and written, of a copy far larger than any cache."""
    source = torch.zeros(2**28 if device.type != "cpu" else 2**26, dtype=torch.bfloat16, device=device)
    target = torch.empty_like(source)
    return 2 * source.nbytes / timed(lambda: target.copy_(source), device, repeats) / 1e9


def packed(shape: tuple[int, int], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    weight = (torch.randn(shape, generator=draw) * 60).clamp(-448, 448).to(torch.float8_e4m3fn).view(torch.uint8)
    scale = torch.rand(-(-shape[0] // 128), -(-shape[1] // 128), generator=draw) * 1e-3
    return weight.to(device), scale.to(device)


def check(weight: torch.Tensor, scale: torch.Tensor) -> None:
    """What is timed is also right: against the definition, on the host."""
    rows = slice(0, 128)
    wide = scale[:1].cpu().repeat_interleave(128, 1)[:, : weight.shape[1]]
    meant = (weight[rows].cpu().view(torch.float8_e4m3fn).float() * wide).bfloat16()
    assert torch.equal(fp8.dequantise(weight, scale)[rows].cpu(), meant)


def _out(weight: torch.Tensor) -> torch.Tensor:
    return torch.empty(weight.shape, dtype=torch.bfloat16, device=weight.device)


def timed(work: Callable[[], object], device: torch.device, repeats: int) -> float:
    """Median seconds, the device idle before and after each."""
    for _ in range(2):
        work()
    taken = []
    for _ in range(repeats):
        wait(device)
        started = time.perf_counter()
        work()
        wait(device)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


if __name__ == "__main__":
    sys.exit(main())
