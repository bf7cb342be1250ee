"""Which packing a matrix is in, by the tensors that lie beside it, and its values unpacked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.weights import unpacking
from engine.weights.store import Placed, TensorStore

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DTYPES = {"I64": "<i8", "I32": "<i4", "U32": "<u4", "I16": "<i2", "U16": "<u2", "I8": "i1", "U8": "u1",
           "F64": "<f8", "F32": "<f4", "F16": "<f2"}  # fmt: skip


def packing_of(store: TensorStore, placed: Placed) -> str | None:
    """``gptq``, ``awq``, ``compressed``, ``bnb8``, ``nf4``, ``mlx``; ``None`` for what is stored plainly."""
    stem, _, last = placed.name.rpartition(".")
    beside = store.tensors
    if last == "qweight":
        return "awq" if _is_awq(store, stem) else "gptq"
    if last == "weight_packed":
        return "compressed"
    if last != "weight" or store.kind == "gguf":
        return None
    if placed.dtype == "I8":
        return "bnb8" if f"{stem}.SCB" in beside else "compressed" if f"{stem}.weight_scale" in beside else None
    if placed.dtype == "U8" and f"{placed.name}.absmax" in beside:
        return "nf4"
    return "mlx" if placed.dtype == "U32" and f"{stem}.scales" in beside else None


def scale_of(store: TensorStore, placed: Placed) -> Placed | None:
    """What FP8 values are multiplied by, where it lies beside them: DeepSeek's name for it, or the others'."""
    return store.tensors.get(f"{placed.name}_scale_inv") or store.tensors.get(f"{placed.name}_scale")


def unpack(store: TensorStore, placed: Placed, packing: str) -> NDArray[np.float32]:
    """The whole matrix, ``[out, in]``.

    Raises:
        ValueError, KeyError: what lies beside it does not fit it.
    """
    stem = placed.name.rpartition(".")[0]

    def read(suffix: str) -> NDArray[Any]:
        return array_of(store, store.tensors[stem + suffix])

    def perhaps(suffix: str) -> NDArray[Any] | None:
        return read(suffix) if stem + suffix in store.tensors else None

    packed = array_of(store, placed)
    if packing == "awq":
        return unpacking.awq(packed, read(".qzeros"), read(".scales"))
    if packing == "gptq":
        declared = _declared(store)
        scales = read(".scales")
        bits = int(declared.get("bits") or 4)
        old = declared.get("checkpoint_format", "gptq") != "gptq_v2"
        return unpacking.gptq(packed, read(".qzeros"), scales, perhaps(".g_idx"), bits, zeros_less_one=old)
    if packing == "bnb8":
        return unpacking.int8_rows(packed, read(".SCB"))
    if packing == "nf4":
        return _nf4(store, placed, packed)
    scales = read(".scales") if packing == "mlx" else read(".weight_scale")
    if packing == "mlx":
        bits = packed.shape[-1] * 32 // (scales.shape[-1] * int(_declared(store).get("group_size") or 64))
        return unpacking.mlx(packed, scales, read(".biases"), bits)
    shape = perhaps(".weight_shape")
    sides = (int(shape[0]), int(shape[1])) if shape is not None else (packed.shape[0], packed.shape[1])
    bits = 8 if packed.dtype == np.int8 or packed.shape[-1] * 4 >= sides[-1] else 4
    return unpacking.compressed_int(
        packed, scales, perhaps(".weight_zero_point"), sides, bits, g_idx=perhaps(".weight_g_idx")
    )


def array_of(store: TensorStore, placed: Placed) -> NDArray[Any]:
    """A tensor as it is stored; BF16 as float32."""
    raw = store.read(placed)
    if placed.dtype == "BF16":
        return unpacking.bf16(raw).reshape(placed.shape)
    return np.frombuffer(raw, _DTYPES[placed.dtype]).reshape(placed.shape)


def _is_awq(store: TensorStore, stem: str) -> bool:
    method = _declared(store).get("quant_method")
    if method in ("awq", "gptq"):
        return bool(method == "awq")
    columns, scales = store.tensors[f"{stem}.qweight"].shape[-1], store.tensors[f"{stem}.scales"].shape[-1]
    return columns * 8 == scales


def _declared(store: TensorStore) -> Mapping[str, Any]:
    declared = (store.config or {}).get("quantization_config") or (store.config or {}).get("quantization")
    return declared if isinstance(declared, Mapping) else {}


def _nf4(store: TensorStore, placed: Placed, packed: NDArray[Any]) -> NDArray[np.float32]:
    """bitsandbytes keeps a JSON of shape, block size and offset as bytes in ``quant_state.bitsandbytes__nf4``."""
    name = placed.name
    state = next(found for key, found in store.tensors.items() if key.startswith(f"{name}.quant_state."))
    told = json.loads(store.read(state))
    nested = f"{name}.nested_absmax" in store.tensors

    def read(suffix: str) -> NDArray[Any]:
        return array_of(store, store.tensors[f"{name}.{suffix}"])

    return unpacking.nf4(
        packed,
        read("absmax"),
        tuple(told["shape"]),
        blocksize=int(told.get("blocksize", 64)),
        code=read("quant_map"),
        nested_absmax=read("nested_absmax") if nested else None,
        nested_code=read("nested_quant_map") if nested else None,
        nested_blocksize=int(told.get("nested_blocksize", 256)),
        nested_offset=float(told.get("nested_offset", 0.0)),
    )
