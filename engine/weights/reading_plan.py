"""Which tensors of the files fill which parameters of a module. Decided from headers, before anything is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import nn

from engine.errors import CorruptTarget
from engine.weights import gguf_names
from engine.weights.packed import packing_of, scale_of
from engine.weights.skeleton import Skeleton
from engine.weights.store import Placed, TensorStore

Cut = Callable[[torch.Tensor], torch.Tensor]
_SUFFIXES = (".qweight", ".weight_packed", ".gamma")
_EXPERT_NAMES = (("gate_proj", "up_proj", "down_proj"), ("w1", "w3", "w2"))
"""Gate, up and down of one expert, as DeepSeek, Qwen and most name them, and as Mixtral does."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A tensor of the files and the part of a parameter it fills.

    Attributes:
        target: the parameter's (or buffer's) name within the module.
        cut: takes the part of the parameter out of it, in the shape of the stored tensor.
        scale: one scale a block, a row or in all, of FP8 values.
        packed: stored in a packing that ``values_of`` undoes whole.
        heads: heads whose rotary halves llama.cpp interleaved.
        added: what llama.cpp added to every value.
    """

    placed: Placed
    target: str
    cut: Cut
    scale: Placed | None = None
    packed: bool = False
    heads: int = 0
    added: float = 0.0


def _whole(parameter: torch.Tensor) -> torch.Tensor:
    return parameter


class Names:
    """The names that a checkpoint gives to what transformers calls by its own."""

    def __init__(self, store: TensorStore, skeleton: Skeleton) -> None:
        self.store = store
        config = skeleton.model.config
        self.heads = int(getattr(config, "num_attention_heads", 0) or 0)
        self.key_heads = int(getattr(config, "num_key_value_heads", 0) or self.heads)
        self.base = str(getattr(skeleton.model, "base_model_prefix", ""))
        self.missing: list[str] = []
        self._rename = self._prefix(skeleton)

    def pieces(self, prefix: str, module: nn.Module, *, within: bool = True, but: str = "") -> tuple[Piece, ...]:
        """What fills ``module``, whose name is ``prefix``, in the order it lies on disk.

        Args:
            within: the modules within it too.
            but: a parameter that is left out.

        Raises:
            CorruptTarget: a tensor has another shape than the config calls for.
        """
        found: list[Piece] = []
        skipped = {name for name, _ in _non_persistent(module)}
        for name, held in (*module.named_parameters(recurse=within), *module.named_buffers(recurse=within)):
            if name not in skipped and name != but:
                found += self._fill(f"{prefix}.{name}".lstrip("."), name, held)
        return tuple(sorted(found, key=lambda piece: (piece.placed.file, piece.placed.offset)))

    def placed(self, name: str) -> Placed | None:
        """The tensor that holds the parameter ``name``, in whichever packing."""
        tensors = self.store.tensors
        if self.store.kind == "gguf":
            return tensors.get(gguf_names.gguf_name(self.store, name) or "")
        for renamed in self._rename(name):
            stem = renamed.removesuffix(".weight")
            for candidate in (renamed, *(stem + suffix for suffix in _SUFFIXES if stem != renamed)):
                if candidate in tensors:
                    return tensors[candidate]
        return None

    def check(self) -> None:
        """Raises CorruptTarget: tensors were missing."""
        if self.missing:
            raise CorruptTarget("tensor_missing", tensor=self.missing[0][:120], count=len(self.missing))

    def piece(self, placed: Placed, target: str, part: torch.Tensor, cut: Cut = _whole) -> Piece:
        """The piece that ``placed`` is of ``part``, a view of the parameter on meta."""
        packed = packing_of(self.store, placed) is not None
        if not packed and not _fits(placed.shape, tuple(part.shape)):
            raise CorruptTarget(
                "tensor_shape", tensor=placed.name[:120], found=_sides(placed.shape), expected=_sides(part.shape)
            )
        if self.store.kind == "gguf":
            heads = gguf_names.rotary_heads(self.store, placed.name, self.heads, self.key_heads)
            return Piece(placed, target, cut, heads=heads, added=gguf_names.added(self.store, placed.name))
        scale = scale_of(self.store, placed) if not packed and placed.dtype.startswith("F8_") else None
        return Piece(placed, target, cut, scale, packed)

    def _fill(self, name: str, target: str, held: torch.Tensor) -> Iterator[Piece]:
        if (placed := self.placed(name)) is not None:
            yield self.piece(placed, target, held)
        elif ".experts." in name and held.dim() == 3:
            yield from self._experts(name, target, held)
        elif name.endswith(".kv_b_proj.weight") and self.store.kind == "gguf":
            yield from self._split_kv_b(name, target, held)
        else:
            self.missing.append(name)

    def _experts(self, name: str, target: str, held: torch.Tensor) -> Iterator[Piece]:
        """Experts that transformers fuses, ``[experts, out, in]``, gate above up."""
        stem, _, kind = name.rpartition(".")
        if kind not in ("gate_up_proj", "down_proj"):
            self.missing.append(name)
            return
        count, high = held.shape[0], held.shape[1] // (2 if kind == "gate_up_proj" else 1)
        if self.store.kind == "gguf":
            block = name.split(".")[2]
            roles = ("gate", "up") if kind == "gate_up_proj" else ("down",)
            for place, role in enumerate(roles):
                stacked = self.store.tensors.get(f"blk.{block}.ffn_{role}_exps.weight")
                cut = _rows(place * high, high, axis=1)
                if stacked is None:
                    self.missing.append(f"blk.{block}.ffn_{role}_exps.weight")
                else:
                    yield self.piece(stacked, target, cut(held), cut)
            return
        for expert in range(count):
            for place in range(2 if kind == "gate_up_proj" else 1):
                found = self._of_expert(f"{stem}.{expert}", place if kind == "gate_up_proj" else 2)
                if found is not None:
                    cut = _expert(expert, place * high, high)
                    yield self.piece(found, target, cut(held), cut)

    def _of_expert(self, stem: str, part: int) -> Placed | None:
        for names in _EXPERT_NAMES:
            if (placed := self.placed(f"{stem}.{names[part]}.weight")) is not None:
                return placed
        self.missing.append(f"{stem}.{_EXPERT_NAMES[0][part]}.weight")
        return None

    def _split_kv_b(self, name: str, target: str, held: torch.Tensor) -> Iterator[Piece]:
        """MLA's up-projection as llama.cpp keeps it: keys ``[heads, rank, nope]``, values ``[heads, value, rank]``."""
        block = name.split(".")[2]
        keys, values = (self.store.tensors.get(f"blk.{block}.attn_{part}_b.weight") for part in "kv")
        if keys is None or values is None or len(keys.shape) != 3 or len(values.shape) != 3:
            self.missing.append(name)
            return
        heads, nope, value = self.heads, keys.shape[2], values.shape[1]
        if heads * (nope + value) != held.shape[0]:
            raise CorruptTarget("tensor_shape", tensor=keys.name, found=_sides(keys.shape), expected=_sides(held.shape))

        def cut_keys(parameter: torch.Tensor) -> torch.Tensor:
            return parameter.view(heads, nope + value, -1)[:, :nope].transpose(1, 2)

        def cut_values(parameter: torch.Tensor) -> torch.Tensor:
            return parameter.view(heads, nope + value, -1)[:, nope:]

        yield self.piece(keys, target, cut_keys(held), cut_keys)
        yield self.piece(values, target, cut_values(held), cut_values)

    def _prefix(self, skeleton: Skeleton) -> Callable[[str], tuple[str, ...]]:
        """How a checkpoint's names differ from the module's, found out from the layers' own parameters."""
        base, store = self.base, self.store
        ways: tuple[Callable[[str], str], ...] = (
            lambda name: name,
            lambda name: name.removeprefix(f"{base}."),
            lambda name: f"{base}.{name}",
            lambda name: f"language_model.{name}",
            lambda name: name.replace("model.", "model.language_model.", 1),
        )
        sought = [f"{skeleton.layers_name}.0.{name}" for name, _ in skeleton.layers[0].named_parameters()]

        def found(way: Callable[[str], str]) -> int:
            return sum(way(name) in store.tensors or _stem_of(way(name)) in stems for name in sought)

        stems = {_stem_of(name) for name in store.tensors} if store.kind != "gguf" else set()
        way = max(ways, key=found)
        mixtral = any(".block_sparse_moe." in name for name in store.tensors)

        def rename(name: str) -> tuple[str, ...]:
            renamed = way(name)
            # The head stands outside the model whose prefix the layers have or lack.
            names = (renamed, name) if renamed != name else (name,)
            return (*names, renamed.replace(".mlp.", ".block_sparse_moe.")) if mixtral else names

        return rename


def bytes_of(module: nn.Module) -> int:
    """What a module's parameters and buffers take, in their own types."""
    return sum(held.numel() * held.element_size() for held in (*module.parameters(), *module.buffers()))


def extents(groups: Sequence[Sequence[Piece]]) -> list[tuple[int, int, int]]:
    """What will be read, in order: file, offset, length; neighbours joined."""
    found: list[tuple[int, int, int]] = []
    for pieces in groups:
        for piece in pieces:
            file, offset, length = piece.placed.file, piece.placed.offset, piece.placed.length
            if found and found[-1][0] == file and found[-1][1] + found[-1][2] == offset:
                found[-1] = (file, found[-1][1], found[-1][2] + length)
            else:
                found.append((file, offset, length))
    return found


def _rows(first: int, count: int, axis: int = 0) -> Cut:
    return lambda parameter: parameter.narrow(axis, first, count)


def _expert(number: int, first: int, count: int) -> Cut:
    return lambda parameter: parameter[number].narrow(0, first, count)


def _fits(stored: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """The same sides; a number may stand for a list of one."""
    return stored == wanted or (prod(stored) == prod(wanted) == 1)


def _sides(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape)) or "1"


def _stem_of(name: str) -> str:
    stem, _, last = name.rpartition(".")
    return stem if last in ("weight", "qweight", "weight_packed") else name


def _non_persistent(module: nn.Module) -> Iterator[tuple[str, None]]:
    for prefix, child in module.named_modules():
        for name in child._non_persistent_buffers_set:
            yield f"{prefix}.{name}".lstrip("."), None
