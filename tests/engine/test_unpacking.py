"""Packed weights come out as the weights that were packed: each format against a quantiser of its own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.weights import unpacking

SEED = 20260


def weights(rows: int, columns: int, seed: int = SEED) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.05, (rows, columns)).astype(np.float32)


def pack(codes: np.ndarray, bits: int, order: tuple[int, ...] | None = None) -> np.ndarray:
    """Codes along the last axis as little-endian 32-bit words, written bit by bit."""
    if order is not None:
        codes = codes.reshape(*codes.shape[:-1], -1, len(order))[..., list(order)].reshape(codes.shape)
    shifted = (codes[..., None].astype(np.int64) >> np.arange(bits)) & 1
    stream = shifted.reshape(*codes.shape[:-1], -1)
    stream = np.concatenate([stream, np.zeros((*stream.shape[:-1], -stream.shape[-1] % 32), np.int64)], axis=-1)
    words = (stream.reshape(*stream.shape[:-1], -1, 32) << np.arange(32)).sum(axis=-1)
    return words.astype(np.uint32).view(np.int32)


def affine(matrix: np.ndarray, group: int, bits: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Codes, scales and zero points per group of the last axis, and what they stand for."""
    rows, columns = matrix.shape
    blocks = matrix.reshape(rows, columns // group, group)
    low, high = np.minimum(blocks.min(-1), 0), np.maximum(blocks.max(-1), 0)
    scales = ((high - low) / (2**bits - 1)).astype(np.float16).astype(np.float32)
    zeros = np.clip(np.rint(-low / scales), 1, 2**bits - 1).astype(np.int64)
    codes = np.clip(np.rint(blocks / scales[..., None]) + zeros[..., None], 0, 2**bits - 1).astype(np.int64)
    meant = ((codes - zeros[..., None]) * scales[..., None]).reshape(rows, columns).astype(np.float32)
    return codes.reshape(rows, columns), scales, zeros, meant


def test_bfloat16_and_eight_bit_floats_are_what_torch_says() -> None:
    halves = torch.arange(65536, dtype=torch.int32).to(torch.uint16)
    np.testing.assert_array_equal(unpacking.bf16(halves.numpy()), halves.view(torch.bfloat16).float().numpy())
    every = torch.arange(256, dtype=torch.uint8)
    pairs = (
        (unpacking.fp8_e4m3, torch.float8_e4m3fn), (unpacking.fp8_e5m2, torch.float8_e5m2),
        (unpacking.e8m0, torch.float8_e8m0fnu),
    )  # fmt: skip
    for ours, theirs in pairs:
        np.testing.assert_array_equal(ours(every.numpy().tobytes()), every.view(theirs).float().numpy())


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 299), st.sampled_from([(128, 128), (64, 32)]))
def test_each_block_gets_its_scale_even_at_the_edges_and_from_any_row(
    rows: int, columns: int, first: int, block: tuple[int, int]
) -> None:
    matrix = weights(rows, columns)
    scales = np.random.default_rng(1).uniform(0.5, 2, (-(-rows // block[0]), -(-columns // block[1])))
    meant = matrix * np.kron(scales, np.ones(block))[:rows, :columns].astype(np.float32)
    np.testing.assert_allclose(unpacking.apply_block_scales(matrix, scales, block), meant, rtol=1e-6)
    first = min(first, rows - 1)
    part = unpacking.apply_block_scales(matrix[first:], scales, block, first_row=first)
    np.testing.assert_allclose(part, meant[first:], rtol=1e-6)


def test_stacked_experts_and_single_scales_are_scaled_too() -> None:
    experts = np.stack([weights(130, 200, seed) for seed in range(3)])
    scales = np.random.default_rng(2).uniform(0.5, 2, (3, 2, 2)).astype(np.float32)
    each = [unpacking.apply_block_scales(*pair) for pair in zip(experts, scales, strict=True)]
    np.testing.assert_array_equal(unpacking.apply_block_scales(experts, scales), np.stack(each))
    np.testing.assert_array_equal(unpacking.apply_block_scales(experts, [3.0]), experts * np.float32(3))


def test_scales_of_another_matrix_are_refused() -> None:
    with pytest.raises(ValueError, match="scales"):
        unpacking.apply_block_scales(weights(256, 256), np.ones((1, 2)))


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("less_one", [True, False])
@pytest.mark.parametrize("shuffled", [False, True])
def test_gptq(bits: int, less_one: bool, shuffled: bool) -> None:
    codes, scales, zeros, meant = affine(weights(96, 256), 64, bits)
    groups = None
    if shuffled:  # act-order: the input columns of a group lie anywhere
        order = np.random.default_rng(3).permutation(256)
        groups = (np.arange(256) // 64)[order].astype(np.int32)
        codes, meant = codes[:, order], meant[:, order]
    qweight = pack(codes, bits).T.copy()  # [in * bits / 32, out]
    qzeros = pack((zeros.T - less_one) % 2**bits, bits)  # [groups, out * bits / 32]
    found = unpacking.gptq(qweight, qzeros, scales.T.astype(np.float16), groups, bits, zeros_less_one=less_one)
    np.testing.assert_allclose(found, meant, atol=1e-7)


def test_awq() -> None:
    codes, scales, zeros, meant = affine(weights(96, 256), 128, 4)
    order = (0, 2, 4, 6, 1, 3, 5, 7)
    qweight, qzeros = pack(codes.T, 4, order), pack(zeros.T, 4, order)
    assert qweight.shape == (256, 12) and qzeros.shape == (2, 12)
    np.testing.assert_allclose(unpacking.awq(qweight, qzeros, scales.T.astype(np.float16)), meant, atol=1e-7)
    with pytest.raises(ValueError, match="3 bits"):
        unpacking.awq(qweight, qzeros, scales.T, 3)


def test_rows_of_int8() -> None:
    matrix = weights(40, 64)
    largest = np.abs(matrix).max(axis=1)
    codes = np.rint(matrix / largest[:, None] * 127).astype(np.int8)
    assert np.abs(unpacking.int8_rows(codes, largest) - matrix).max() <= largest.max() / 127 * 0.51
    np.testing.assert_array_equal(unpacking.int8_rows(codes.tobytes(), largest), unpacking.int8_rows(codes, largest))


@pytest.mark.parametrize("nested", [False, True])
def test_normal_floats_of_bitsandbytes(nested: bool) -> None:
    matrix = weights(48, 100)  # 4,800 weights: the last block is full, the last outer one is not
    levels = np.asarray(unpacking._NF4, dtype=np.float32)
    blocks = matrix.reshape(-1, 64)
    absmax = np.abs(blocks).max(axis=1)
    codes = np.abs((blocks / absmax[:, None])[..., None] - levels).argmin(-1).reshape(-1, 2).astype(np.uint8)
    packed = (codes[:, :1] << 4) | codes[:, 1:]
    if not nested:
        found = unpacking.nf4(packed.tobytes(), absmax, matrix.shape)
        meant = (levels[codes.reshape(blocks.shape)] * absmax[:, None]).reshape(matrix.shape)
        np.testing.assert_allclose(found, meant, rtol=1e-6)
    else:
        offset = float(absmax.mean())
        outer = np.abs(absmax - offset).max(keepdims=True)
        ladder = np.linspace(-1, 1, 256).astype(np.float32)
        inner = np.abs(((absmax - offset) / outer)[:, None] - ladder).argmin(-1).astype(np.uint8)
        found = unpacking.nf4(
            packed, inner, matrix.shape, nested_absmax=outer, nested_code=ladder, nested_offset=offset
        )  # fmt: skip
    assert np.abs(found - matrix).max() < absmax.max() * 0.16  # half of the widest step


@pytest.mark.parametrize("bits", [3, 4, 8])
@pytest.mark.parametrize("asymmetric", [False, True])
def test_packed_integers_of_compressed_tensors(bits: int, asymmetric: bool) -> None:
    codes, scales, zeros, meant = affine(weights(50, 256), 128, bits)
    middle = 2 ** (bits - 1)
    if not asymmetric:
        meant = ((codes - middle) * scales.repeat(128, axis=1)).astype(np.float32)
    zero = pack(zeros.T, bits).T.copy() if asymmetric else None
    found = unpacking.compressed_int(pack(codes, bits), scales, zero, (50, 256), bits)
    np.testing.assert_allclose(found, meant, atol=1e-7)
    signed = None if zero is None else (zeros - middle).astype(np.int8)
    plain = unpacking.compressed_int((codes - middle).astype(np.int8), scales, signed, None, bits)
    np.testing.assert_allclose(plain, meant, atol=1e-7)


def test_integers_of_compressed_tensors_with_one_scale_or_groups_out_of_order() -> None:
    codes, scales, _, _ = affine(weights(16, 256), 64, 4)
    packed = pack(codes, 4)
    whole = unpacking.compressed_int(packed, 0.5, None, (16, 256), 4)
    np.testing.assert_array_equal(whole, (codes - 8) * np.float32(0.5))
    order = np.random.default_rng(4).integers(0, 4, 256)
    found = unpacking.compressed_int(packed, scales, None, (16, 256), 4, g_idx=order)
    np.testing.assert_allclose(found, (codes - 8) * scales[:, order], rtol=1e-6)
    with pytest.raises(ValueError, match="shape"):
        unpacking.compressed_int(packed, scales, None, None, 4)


@pytest.mark.parametrize("bits", [2, 3, 4, 6, 8])
def test_affine_groups_of_mlx(bits: int) -> None:
    codes, scales, zeros, meant = affine(weights(24, 256), 64, bits)
    words = pack(codes, bits).view(np.uint32)
    found = unpacking.mlx(words, scales, -zeros * scales, bits)
    np.testing.assert_allclose(found, meant, atol=1e-6)


@pytest.mark.parametrize("group", [16, 32])
def test_four_bit_floats(group: int) -> None:
    levels = np.asarray([0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6], np.float32)
    codes = np.random.default_rng(5).integers(0, 16, (10, 128)).astype(np.uint8)
    scales = np.random.default_rng(6).uniform(0.1, 1, (10, 128 // group)).astype(np.float32)
    packed = codes[:, 0::2] | (codes[:, 1::2] << 4)
    found = unpacking.fp4(packed, scales, overall=0.25)
    np.testing.assert_allclose(found, levels[codes] * scales.repeat(group, axis=1) * 0.25, rtol=1e-6)
