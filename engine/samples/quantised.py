"""Checkpoints as quantisers publish them: the same model, its projections packed in each tool's way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from engine.targets.target import Tensor

_GROUP = 128


def packed(tensors: Iterable[Tensor], method: str) -> Iterator[Tensor]:
    """The tensors of a checkpoint after quantisation by ``method``, a key of ``METHODS``."""
    for tensor in tensors:
        if tensor.name.endswith("_proj.weight") and len(tensor.shape) == 2:
            yield from METHODS[method](tensor.name.removesuffix(".weight"), *tensor.shape)
        else:
            yield tensor


def _awq(stem: str, rows: int, columns: int) -> Iterator[Tensor]:
    yield Tensor(f"{stem}.qweight", "I32", (columns, rows // 8))
    yield Tensor(f"{stem}.qzeros", "I32", (columns // _GROUP, rows // 8))
    yield Tensor(f"{stem}.scales", "F16", (columns // _GROUP, rows))


def _gptq(stem: str, rows: int, columns: int) -> Iterator[Tensor]:
    yield Tensor(f"{stem}.qweight", "I32", (columns // 8, rows))
    yield Tensor(f"{stem}.qzeros", "I32", (columns // _GROUP, rows // 8))
    yield Tensor(f"{stem}.scales", "F16", (columns // _GROUP, rows))
    yield Tensor(f"{stem}.g_idx", "I32", (columns,))


def _mlx(stem: str, rows: int, columns: int) -> Iterator[Tensor]:
    yield Tensor(f"{stem}.weight", "U32", (rows, columns // 8))
    yield Tensor(f"{stem}.scales", "F16", (rows, columns // 64))
    yield Tensor(f"{stem}.biases", "F16", (rows, columns // 64))


def _bitsandbytes(stem: str, rows: int, columns: int) -> Iterator[Tensor]:
    yield Tensor(f"{stem}.weight", "U8", (rows * columns // 2, 1))
    yield Tensor(f"{stem}.weight.absmax", "U8", (rows * columns // 64,))
    yield Tensor(f"{stem}.weight.quant_map", "F32", (16,))
    yield Tensor(f"{stem}.weight.quant_state.bitsandbytes__nf4", "U8", (200,))


def _fp8(stem: str, rows: int, columns: int) -> Iterator[Tensor]:
    yield Tensor(f"{stem}.weight", "F8_E4M3", (rows, columns))
    yield Tensor(f"{stem}.weight_scale", "BF16", (rows, 1))


def _compressed(stem: str, rows: int, columns: int) -> Iterator[Tensor]:
    yield Tensor(f"{stem}.weight_packed", "I32", (rows, columns // 8))
    yield Tensor(f"{stem}.weight_scale", "BF16", (rows, columns // _GROUP))
    yield Tensor(f"{stem}.weight_shape", "I64", (2,))


METHODS: dict[str, Callable[[str, int, int], Iterator[Tensor]]] = {
    "awq": _awq, "gptq": _gptq, "mlx": _mlx, "bitsandbytes": _bitsandbytes, "fp8": _fp8, "compressed-tensors": _compressed,
}  # fmt: skip
