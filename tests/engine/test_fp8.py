"""FP8 blocks on a device: the same weights as by the definition, and their statistics on the way."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from engine.weights import fp8

BLOCK = (128, 128)
SHAPES = [(256, 384), (1, 1), (130, 257), (127, 128), (300, 129), (3, 130, 200)]


def packed(shape: tuple[int, ...], dtype: torch.dtype = torch.float8_e4m3fn) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(sum(shape))
    weight = (torch.randn(shape, generator=draw) * 20).to(dtype)
    rows, columns = -(-shape[-2] // 128), -(-shape[-1] // 128)
    return weight, torch.rand(*shape[:-2], rows, columns, generator=draw) * 0.01 + 1e-4


def defined(weight: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Every scale repeated over its block, in float32."""
    wide = scale.repeat_interleave(128, -2).repeat_interleave(128, -1)
    return weight.float() * wide[..., : weight.shape[-2], : weight.shape[-1]]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float16])
def test_weights_are_what_the_definition_says_edges_too(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    weight, scale = packed(shape)
    assert torch.equal(fp8.dequantise(weight, scale, dtype=dtype), defined(weight, scale).to(dtype))
    as_bytes = weight.view(torch.uint8)
    assert torch.equal(fp8.dequantise(as_bytes, scale, dtype=dtype), defined(weight, scale).to(dtype))


def test_the_other_eight_bit_float_and_one_scale_for_all() -> None:
    weight, scale = packed((200, 333), torch.float8_e5m2)
    assert torch.equal(fp8.dequantise(weight, scale), defined(weight, scale).bfloat16())
    weight, _ = packed((200, 333))
    one = torch.tensor([0.03])
    assert torch.equal(fp8.dequantise(weight, one), (weight.float() * one).bfloat16())


@pytest.mark.parametrize("shape", SHAPES)
def test_statistics_are_those_of_the_scaled_weights(shape: tuple[int, ...]) -> None:
    weight, scale = packed(shape)
    meant = defined(weight, scale).double()
    found = fp8.statistics(weight, scale)
    assert found.count == meant.numel()
    assert found.mean == pytest.approx(meant.mean().item(), rel=1e-4, abs=1e-6)
    assert found.std == pytest.approx(meant.std(correction=0).item(), rel=1e-4, abs=1e-5)
    assert found.absmax == pytest.approx(meant.abs().max().item(), rel=1e-6)
    assert found.zeros == pytest.approx((meant == 0).double().mean().item())
    both, again = fp8.dequantise_measured(weight, scale)
    assert again == found and torch.equal(both, fp8.dequantise(weight, scale))


def test_a_device_without_eight_bit_floats_reads_the_bytes_by_a_table() -> None:
    weight, _ = packed((64, 96))
    into = torch.empty(64, 96)
    fp8._by_table(weight.view(torch.uint8))(weight.view(torch.uint8), into)
    assert torch.equal(into, weight.float())


def test_the_whole_is_never_held_as_float32() -> None:
    script = """
import resource, torch
from engine.weights import fp8
torch.set_num_threads(1)
weight, scale = torch.zeros(8192, 8192, dtype=torch.uint8), torch.ones(64, 64)
fp8.dequantise(weight[:128], scale[:1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
out = fp8.dequantise(weight, scale)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    grown = int(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout)
    assert grown * 1024 < out_bytes(8192) + 32 * 2**20


def out_bytes(side: int) -> int:
    return side * side * 2


def test_scales_of_another_matrix_are_refused() -> None:
    weight, scale = packed((256, 256))
    with pytest.raises(ValueError, match="scales"):
        fp8.dequantise(weight, scale[:1])
    with pytest.raises(ValueError, match="not FP8"):
        fp8.dequantise(weight.float(), scale)


def test_nothing_and_no_number() -> None:
    assert fp8.dequantise(torch.zeros(0, 128, dtype=torch.uint8), torch.zeros(0, 1)).shape == (0, 128)
    assert fp8.statistics(torch.zeros(0, 128, dtype=torch.uint8), torch.zeros(0, 1)).count == 0
    weight = torch.full((2, 128), 0x7F, dtype=torch.uint8)
    assert fp8.dequantise(weight, torch.ones(1, 1)).isnan().all()
    assert np.isnan(fp8.statistics(weight, torch.ones(1, 1)).mean)


KERNEL = """
import torch
from engine.weights import fp8, fp8_kernel
every = torch.arange(256, dtype=torch.uint8).repeat(130 * 2).reshape(130 * 2, 256)[:, :250].contiguous()
every = every.roll(37)
scale = torch.rand(3, 2, generator=torch.Generator().manual_seed(1)) * 0.01
for weight in (every, torch.where((every & 127) == 127, 1, every)):
    # Not in bfloat16: the interpreter cuts it off where hardware rounds.
    for dtype in (torch.float32, torch.float16):
        out, mine = torch.empty(260, 250, dtype=dtype), torch.empty(260, 250, dtype=dtype)
        assert fp8_kernel.fits(weight, (128, 128), out)
        meant = fp8._by_rows(weight, scale, (128, 128), out, count=True)
        sums = fp8_kernel.fused(weight, scale, (128, 128), mine, count=True)
        assert torch.equal(mine.nan_to_num(), out.nan_to_num()) and torch.equal(mine.isnan(), out.isnan())
ours, theirs = fp8._joined(sums, weight.numel()), fp8._joined(meant, weight.numel())
assert abs(ours.mean - theirs.mean) < 1e-6 and abs(ours.std / theirs.std - 1) < 1e-5, (ours, theirs)
assert (ours.absmax, ours.zeros) == (theirs.absmax, theirs.zeros)
print("same")
"""


def test_the_fused_kernel_gives_the_same_in_tritons_interpreter() -> None:
    pytest.importorskip("triton", reason="Triton comes with PyTorch's CUDA builds only")
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    done = subprocess.run([sys.executable, "-c", KERNEL], capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == "same", done.stderr
