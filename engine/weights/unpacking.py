"""How weights are packed, undone: low-precision floats, block scales, and the integer formats of GPTQ, AWQ,
bitsandbytes, compressed-tensors and MLX. Pure numpy: stored arrays in, float32 weights out.

Matrices come out in PyTorch order, ``[out, in]``. Formats are those of the projects' own documentation; each
function names its. Arrays are those in the file, or their bytes; shapes that do not fit each other raise
``ValueError``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]
Raw = bytes | bytearray | memoryview | NDArray[Any]

_NF4 = (
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
    -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
    0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
    0.7229568362236023, 1.0,
)  # fmt: skip
"""NormalFloat4: quantiles of a normal distribution (Dettmers et al. 2023, QLoRA, appendix E)."""
_FP4 = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0)
"""E2M1, the element of MXFP4 and NVFP4 (OCP Microscaling Formats 1.0, table 5)."""
_AWQ_ORDER = (0, 2, 4, 6, 1, 3, 5, 7)
"""Which of eight neighbouring columns each nibble of an AWQ word holds, from the low one up (AutoAWQ, GEMM)."""


def _small_float(exponent_bits: int, bias: int, *, infinities: bool) -> Floats:
    """The value of each of the 256 bytes of an 8-bit float with one sign bit (OCP 8-bit Floating Point, 1.0).

    Args:
        infinities: whether the highest exponent is IEEE's (infinite and not-a-number); else only all ones is
            not a number, as in E4M3.
    """
    code = np.arange(256)
    mantissa_bits = 7 - exponent_bits
    exponent = (code & 127) >> mantissa_bits
    fraction = (code & (2**mantissa_bits - 1)) / 2**mantissa_bits
    value = np.where(exponent == 0, fraction * 2.0 ** (1 - bias), (1 + fraction) * 2.0 ** (exponent - bias))
    if infinities:
        top = exponent == 2**exponent_bits - 1
        value = np.where(top, np.where(fraction == 0, np.inf, np.nan), value)
    else:
        value = np.where((code & 127) == 127, np.nan, value)
    return np.where(code > 127, -value, value).astype(np.float32)


E4M3 = _small_float(4, 7, infinities=False)
"""float8_e4m3fn by byte: ±448 at most, no infinities."""
E5M2 = _small_float(5, 15, infinities=True)
"""float8_e5m2 by byte."""


def bf16(raw: Raw) -> Floats:
    """bfloat16, the upper half of a float32. Keeps the shape of a two-byte array; bytes give one dimension."""
    floats: Floats = (_as(raw, np.uint16).astype(np.uint32) << 16).view(np.float32)
    return floats


def fp8_e4m3(raw: Raw) -> Floats:
    """float8_e4m3fn, without its scales."""
    floats: Floats = E4M3[_as(raw, np.uint8)]
    return floats


def fp8_e5m2(raw: Raw) -> Floats:
    """float8_e5m2, without its scales."""
    floats: Floats = E5M2[_as(raw, np.uint8)]
    return floats


def e8m0(raw: Raw) -> Floats:
    """Powers of two by their biased exponent, the scales of MXFP4 and MXFP8; 255 is not a number."""
    powers = np.ldexp(1.0, np.arange(256) - 127)
    powers[255] = np.nan
    floats: Floats = powers.astype(np.float32)[_as(raw, np.uint8)]
    return floats


def apply_block_scales(
    weight: ArrayLike, scales: ArrayLike, block: tuple[int, int] = (128, 128), *, first_row: int = 0
) -> Floats:
    """Weights times the scale of their block (DeepSeek-V3 §3.3: ``weight_scale_inv`` per 128×128 block).

    Args:
        weight: ``[..., out, in]``.
        scales: ``[..., ceil(out / block), ceil(in / block)]``; of one value: the same for all.
        first_row: where ``weight`` holds only rows from this one on, while ``scales`` are the whole matrix's.
    """
    scaled = np.array(weight, dtype=np.float32)
    factors = np.asarray(scales, dtype=np.float32)
    if factors.size == 1:
        return scaled * factors.reshape(())
    rows, columns = scaled.shape[-2:]
    high, wide = block
    needed = (-(-(first_row + rows) // high), -(-columns // wide))
    if factors.ndim != scaled.ndim or factors.shape[-2] < needed[0] or factors.shape[-1] != needed[1]:
        raise ValueError(f"scales {factors.shape} for weights {scaled.shape} from row {first_row}, block {block}")
    row = 0
    while row < rows:
        number = (first_row + row) // high
        end = min(rows, (number + 1) * high - first_row)
        along = np.repeat(factors[..., number, :], wide, axis=-1)[..., :columns]
        scaled[..., row:end, :] *= along[..., None, :]
        row = end
    return scaled


def gptq(
    qweight: ArrayLike,
    qzeros: ArrayLike,
    scales: ArrayLike,
    g_idx: ArrayLike | None,
    bits: int,
    *,
    zeros_less_one: bool = True,
) -> Floats:
    """GPTQ as AutoGPTQ and GPTQModel store it → ``[out, in]``.

    Args:
        qweight: int32 ``[in * bits / 32, out]``, packed along the input from the lowest bits up.
        qzeros: int32 ``[groups, out * bits / 32]``.
        scales: float ``[groups, out]``.
        g_idx: the group of each input; ``None``: neighbours in equal groups.
        bits: 2, 3, 4 or 8 (three bits run across word borders).
        zeros_less_one: checkpoint format ``gptq`` stores each zero point less one; ``gptq_v2`` does not.
    """
    quantised = _unpack_stream(np.asarray(qweight).T, bits)  # [out, in]
    factors = np.asarray(scales, dtype=np.float32)
    zeros = _unpack_stream(np.asarray(qzeros), bits)[:, : factors.shape[1]]
    if zeros_less_one:
        zeros = (zeros + 1) & (2**bits - 1)
    group = _groups(g_idx, quantised.shape[1], factors.shape[0])
    return _affine(quantised, factors.T[:, group], zeros.T[:, group])


def awq(qweight: ArrayLike, qzeros: ArrayLike, scales: ArrayLike, bits: int = 4) -> Floats:
    """AWQ in AutoAWQ's GEMM layout → ``[out, in]``.

    Args:
        qweight: int32 ``[in, out / 8]``, eight columns a word in the order 0 2 4 6 1 3 5 7.
        qzeros: int32 ``[groups, out / 8]``, packed alike.
        scales: float ``[groups, out]``.
        bits: 4, the only width the layout is defined for.
    """
    if bits != 4:
        raise ValueError(f"AWQ of {bits} bits")
    quantised, zeros = _unpack_awq(np.asarray(qweight)), _unpack_awq(np.asarray(qzeros))
    factors = np.asarray(scales, dtype=np.float32)
    group = _groups(None, quantised.shape[0], factors.shape[0])
    return np.ascontiguousarray(_affine(quantised, factors[group], zeros[group]).T)


def int8_rows(raw: Raw, scb: ArrayLike) -> Floats:
    """LLM.int8() of bitsandbytes: ``weight`` int8 ``[out, in]``, ``SCB`` the largest magnitude of each row."""
    codes = _as(raw, np.int8)
    largest = np.asarray(scb, dtype=np.float32)
    if codes.ndim == 1:
        codes = codes.reshape(largest.size, -1)
    return codes.astype(np.float32) * (largest.reshape(-1, 1) / np.float32(127))


def nf4(
    packed: Raw,
    absmax: ArrayLike,
    shape: tuple[int, ...],
    *,
    blocksize: int = 64,
    code: ArrayLike | None = None,
    nested_absmax: ArrayLike | None = None,
    nested_code: ArrayLike | None = None,
    nested_blocksize: int = 256,
    nested_offset: float = 0.0,
) -> Floats:
    """4-bit blocks of bitsandbytes (QLoRA; Dettmers et al. 2023): two weights a byte, the first in the high half.

    Args:
        packed: ``weight``, as many bytes as half the weights.
        absmax: float32 per block, or uint8 codes of it (double quantisation) with the ``nested_`` values.
        shape: of the weights, from ``quant_state``.
        code: ``quant_map``, 16 values; ``None``: NormalFloat4.
    """
    values = np.asarray(_NF4 if code is None else code, dtype=np.float32)
    both = np.stack([values.repeat(16), np.tile(values, 16)], axis=1)  # [256, 2]: the two weights of each byte
    flat = both[_as(packed, np.uint8).reshape(-1)].reshape(-1)[: int(np.prod(shape))]
    largest = np.asarray(absmax).reshape(-1)
    if nested_absmax is not None:
        levels = np.asarray(nested_code, dtype=np.float32)
        outer = np.asarray(nested_absmax, dtype=np.float32).reshape(-1).repeat(nested_blocksize)[: largest.size]
        largest = levels[largest.astype(np.uint8)] * outer + np.float32(nested_offset)
    factors = largest.astype(np.float32).repeat(blocksize)[: flat.size]
    weights: Floats = (flat * factors).reshape(shape)
    return weights


def compressed_int(
    packed: ArrayLike,
    scale: ArrayLike,
    zero: ArrayLike | None,
    shape: tuple[int, int] | None,
    bits: int,
    *,
    g_idx: ArrayLike | None = None,
) -> Floats:
    """Integers of compressed-tensors → ``[out, in]``: ``pack-quantized`` words, or plain int8 (``int-quantized``).

    Args:
        packed: ``weight_packed`` int32 ``[out, ceil(in * bits / 32)]``, or ``weight`` int8 ``[out, in]``. Older
            files leave the bits over that do not hold a whole code: ``ceil(in / (32 // bits))`` words.
        scale: ``weight_scale`` ``[out, groups]``, ``[out, 1]`` or one value.
        zero: ``weight_zero_point``: int32, packed along the output; int8 ``[out, groups]``; or ``None``.
        shape: ``weight_shape``; not needed for plain int8.
        bits: 1 to 8.
        g_idx: ``weight_g_idx``, the group of each input.
    """
    codes = np.asarray(packed)
    if codes.dtype == np.int8:
        quantised = codes.astype(np.int32)
        shape = quantised.shape
    else:
        if shape is None:
            raise ValueError("packed weights without their shape")
        quantised = _unpack_dense(codes, shape[1], bits) - 2 ** (bits - 1)
    factors = np.asarray(scale, dtype=np.float32)
    factors = factors.reshape(1, 1) if factors.size == 1 else factors.reshape(shape[0], -1)
    group = _groups(g_idx, quantised.shape[1], factors.shape[1])
    zeros = None
    if zero is not None:
        zeros = np.asarray(zero)
        if zeros.dtype == np.int32 and zeros.shape[0] < shape[0]:
            zeros = _unpack_dense(zeros.T, shape[0], bits).T - 2 ** (bits - 1)
        zeros = zeros.astype(np.int32).reshape(factors.shape)[:, group]
    return _affine(quantised, factors[:, group], zeros)


def mlx(weight: ArrayLike, scales: ArrayLike, biases: ArrayLike, bits: int) -> Floats:
    """MLX's affine format → ``[..., out, in]``: code × scale + bias, groups along the input.

    Args:
        weight: uint32 ``[..., out, in * bits / 32]``, from the lowest bits up.
        scales, biases: ``[..., out, groups]``.
        bits: 2, 3, 4, 6 or 8.
    """
    quantised = _unpack_stream(np.asarray(weight), bits)
    factors, offsets = np.asarray(scales, dtype=np.float32), np.asarray(biases, dtype=np.float32)
    group = _groups(None, quantised.shape[-1], factors.shape[-1])
    return quantised.astype(np.float32) * factors[..., group] + offsets[..., group]


def fp4(packed: Raw, scales: ArrayLike, *, overall: float = 1.0) -> Floats:
    """E2M1 pairs with a scale per neighbours → ``[..., in]``: NVFP4 (16 a scale, one more for the tensor) and MXFP4
    (32 a scale). Two weights a byte, the first in the low half.

    Args:
        packed: uint8 ``[..., in / 2]``.
        scales: ``[..., groups]``, already as floats (``fp8_e4m3``, ``e8m0``).
        overall: NVFP4's ``weight_scale_2``; one over ``weight_global_scale`` of compressed-tensors.
    """
    values = np.asarray(_FP4, dtype=np.float32)
    both = np.stack([np.tile(values, 16), values.repeat(16)], axis=1)
    codes = _as(packed, np.uint8)
    weights = both[codes].reshape(*codes.shape[:-1], -1)
    factors = np.asarray(scales, dtype=np.float32) * np.float32(overall)
    scaled: Floats = weights * factors[..., _groups(None, weights.shape[-1], factors.shape[-1])]
    return scaled


def _as(raw: Raw, dtype: Any) -> NDArray[Any]:
    """Bytes or an array as elements of one size; an array of that size keeps its shape."""
    wanted = np.dtype(dtype)
    if not isinstance(raw, np.ndarray):
        return np.frombuffer(raw, dtype=wanted)
    return raw.view(wanted) if raw.dtype.itemsize == wanted.itemsize else np.ascontiguousarray(raw).view(wanted)


def _unpack_stream(words: NDArray[Any], bits: int) -> NDArray[np.int32]:
    """Unsigned codes from 32-bit words read as one stream of bits along the last axis."""
    stream = np.ascontiguousarray(words).view(np.uint32)
    if 32 % bits == 0:
        return _unpack_words(stream, bits)
    count = stream.shape[-1] * 32 // bits  # the last may lie across the end, where only padding is
    start = np.arange(count) * bits
    word, shift = start // 32, (start % 32).astype(np.uint64)
    padded = np.concatenate([stream, np.zeros_like(stream[..., :1])], axis=-1).astype(np.uint64)
    pair = padded[..., word] | (padded[..., word + 1] << np.uint64(32))
    return ((pair >> shift) & np.uint64(2**bits - 1)).astype(np.int32)


def _unpack_words(words: NDArray[Any], bits: int) -> NDArray[np.int32]:
    """Unsigned codes, ``32 // bits`` in each word, from the lowest bits up; left-over bits are empty."""
    shifts = np.arange(32 // bits, dtype=np.uint32) * np.uint32(bits)
    stream = np.ascontiguousarray(words).view(np.uint32)
    codes = (stream[..., None] >> shifts) & np.uint32(2**bits - 1)
    return codes.reshape(*stream.shape[:-1], -1).astype(np.int32)


def _unpack_dense(words: NDArray[Any], count: int, bits: int) -> NDArray[np.int32]:
    """``count`` unsigned codes along the last axis, packed with or without bits left over in each word."""
    dense = words.shape[-1] == -(-count * bits // 32)
    return (_unpack_stream if dense else _unpack_words)(words, bits)[..., :count]


def _unpack_awq(words: NDArray[Any]) -> NDArray[np.int32]:
    """Unsigned 4-bit codes of AWQ words, columns back in order."""
    codes = _unpack_words(words, 4).reshape(*words.shape, 8)
    ordered = np.empty_like(codes)
    ordered[..., _AWQ_ORDER] = codes
    return ordered.reshape(*words.shape[:-1], -1)


def _groups(g_idx: ArrayLike | None, columns: int, groups: int) -> NDArray[np.intp]:
    """The group of each column: as given, or equal groups of neighbours."""
    if g_idx is not None:
        return np.asarray(g_idx).astype(np.intp)
    size = -(-columns // groups)
    return np.arange(columns, dtype=np.intp) // size


def _affine(codes: NDArray[np.int32], scales: Floats, zeros: NDArray[np.int32] | None) -> Floats:
    """(code - zero point) × scale."""
    shifted = codes if zeros is None else codes - zeros
    weights: Floats = shifted.astype(np.float32) * scales
    return weights
