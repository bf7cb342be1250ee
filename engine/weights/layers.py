"""The layers of a model, each with its weights for as long as it is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from engine.weights.host import host_memory
from engine.weights.materialise import Filler, put, row_bytes
from engine.weights.page_cache import PageCache
from engine.weights.reading_plan import Names, Piece, extents
from engine.weights.skeleton import Skeleton, float32_kept
from engine.weights.store import TensorStore

_OTHER_HEAD = "embed_out.weight"
"""The head in GPT-NeoX's files, which transformers calls ``lm_head`` as everywhere."""
_HEAD_ROWS = 32 << 20
"""Bytes of the output projection held at a time."""
_AHEAD = 256 << 20
"""Least bytes read ahead of need: a tenth of a second of a fast disk."""


@dataclass(frozen=True, slots=True)
class Filling:
    """What fills one module: the pieces, and the type of each parameter they fill."""

    pieces: tuple[Piece, ...]
    dtypes: Mapping[str, torch.dtype]

    @property
    def stored_bytes(self) -> int:
        """In the files."""
        return sum(piece.placed.length for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Plan:
    """Where everything in a model comes from. ``outside``: modules beside the layers that are small, norms mostly.

    ``layer_bytes``: the largest layer, filled; ``whole_bytes``: all of them.
    """

    skeleton: Skeleton
    layers: tuple[Filling, ...]
    outside: tuple[tuple[nn.Module, Filling], ...]
    embedding: Piece
    head: Piece | None
    layer_bytes: int
    whole_bytes: int


def plan_of(store: TensorStore, skeleton: Skeleton) -> Plan:
    """Match the files with the model. Reads nothing.

    Raises:
        CorruptTarget: tensors are missing or have other shapes than the config calls for.
    """
    names = Names(store, skeleton)
    model: Any = skeleton.model
    kept = float32_kept(model, skeleton.dtype)
    embedding, head = _ends(names, skeleton)

    def filling(prefix: str, module: nn.Module, *, within: bool) -> Filling:
        pieces = names.pieces(prefix, module, within=within, but="weight" if module is skeleton.head else "")
        return Filling(pieces, _dtypes(prefix, module, pieces, skeleton.dtype, kept))

    layers = tuple(
        filling(f"{skeleton.layers_name}.{number}", layer, within=True) for number, layer in enumerate(skeleton.layers)
    )
    outside = tuple((module, filling(prefix, module, within=False)) for prefix, module in _outside(skeleton))
    names.check()
    assert embedding is not None
    sizes = [
        sum(held.numel() * found.dtypes.get(name, held.dtype).itemsize for name, held in _all_held(layer))
        for layer, found in zip(skeleton.layers, layers, strict=True)
    ]
    return Plan(skeleton, layers, outside, embedding, head, max(sizes), sum(sizes))


class Layers:
    """Use as a context manager."""

    def __init__(
        self,
        store: TensorStore,
        plan: Plan,
        device: torch.device,
        tokens: torch.Tensor,
        *,
        stay: bool,
        read_ahead: bool = True,
    ) -> None:
        """Args:
        tokens: those that occur, each once: their rows of the embedding are read and no others.
        stay: layers keep their weights, and get all of them before the first runs; else each in its turn.
        """
        self.store, self.plan, self.device, self._tokens, self._stay = store, plan, device, tokens, stay
        groups = [filling.pieces for _, filling in plan.outside] + [layer.pieces for layer in plan.layers]
        wanted = [*self._places(), *extents(groups + ([(plan.head,)] if plan.head else []))]
        largest = max(layer.stored_bytes for layer in plan.layers)
        ahead = max(_AHEAD, min(2 * largest, host_memory().free // 4)) if read_ahead else 0
        self._page_cache = PageCache(store.paths, wanted, ahead)
        self._filler = Filler(store, device, self._page_cache)

    def __enter__(self) -> Layers:
        try:
            self._begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _begin(self) -> None:
        for module in self.plan.skeleton.model.modules():
            for name, held in module._buffers.items():
                if held is not None and not held.is_meta:
                    module._buffers[name] = held.to(self.device)
        for module, filling in self.plan.outside:
            self._filler.fill(module, filling.pieces, filling.dtypes)
        if self._stay:
            for layer, filling in zip(self.plan.skeleton.layers, self.plan.layers, strict=True):
                self._filler.fill(layer, filling.pieces, filling.dtypes)

    def __exit__(self, *_: object) -> None:
        self._page_cache.close()
        self._filler.close()

    @contextmanager
    def embedding(self) -> Iterator[None]:
        """The embedding with the rows of the tokens that occur; whole, the table may be larger than a layer."""
        module = self.plan.skeleton.embedding
        rows, filled = self._vectors(), module.padding_idx
        places = self._tokens.to(self.device)

        def renumber(_: nn.Module, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor]:
            return (torch.searchsorted(places, given[0]),)

        table = module.weight
        put(module, "weight", rows)
        module.padding_idx = None  # it may lie beyond the rows that are here, and no gradient is asked for
        hook = module.register_forward_pre_hook(renumber)
        try:
            yield
        finally:
            hook.remove()
            put(module, "weight", table.detach())
            module.padding_idx = filled

    @contextmanager
    def filled(self, number: int) -> Iterator[None]:
        """A layer with its weights."""
        layer, filling = self.plan.skeleton.layers[number], self.plan.layers[number]
        if not self._stay:
            self._filler.fill(layer, filling.pieces, filling.dtypes)
        yield
        if not self._stay:
            self._filler.empty(layer, filling.pieces)

    def head(self, hidden: torch.Tensor) -> torch.Tensor:
        """The output projection of ``[…, hidden]``, some rows of it at a time: ``[…, vocab]``."""
        piece, head = self.plan.head, self.plan.skeleton.head
        assert piece is not None and head is not None
        count, dtype = head.out_features, self.plan.skeleton.dtype
        logits = torch.empty((*hidden.shape[:-1], count), dtype=hidden.dtype, device=self.device)
        together = 128 if piece.scale is not None else 1
        step = max(1, _HEAD_ROWS // (head.in_features * dtype.itemsize * together)) * together
        step = count if piece.packed else min(step, count)
        scratch = self._filler.scratch(step, head.in_features, dtype)
        for first in range(0, count, step):
            rows = scratch[: min(step, count - first)]
            self._filler.rows(piece, first, rows)
            logits[..., first : first + len(rows)] = nn.functional.linear(hidden, rows)
        return logits if head.bias is None else logits + head.bias

    def _vectors(self) -> torch.Tensor:
        """``[tokens, hidden]``."""
        piece, module = self.plan.embedding, self.plan.skeleton.embedding
        width, dtype = module.embedding_dim, self.plan.skeleton.dtype
        if piece.packed or piece.scale is not None:
            table = torch.empty((module.num_embeddings, width), dtype=dtype, device=self.device)
            self._filler.rows(piece, 0, table)
            return table[self._tokens.to(self.device)]
        vectors, done = torch.empty((len(self._tokens), width), dtype=dtype, device=self.device), 0
        for first, count in self._runs():
            self._filler.rows(piece, first, vectors[done : done + count])
            done += count
        return vectors

    def _places(self) -> list[tuple[int, int, int]]:
        """Where the rows of the tokens are: file, offset, length."""
        placed, wide = self.plan.embedding.placed, row_bytes(self.plan.embedding.placed)
        if self.plan.embedding.packed:
            return []
        return [(placed.file, placed.offset + first * wide, count * wide) for first, count in self._runs()]

    def _runs(self) -> list[tuple[int, int]]:
        """The tokens as runs of neighbours: first, count."""
        found: list[tuple[int, int]] = []
        for token in self._tokens.tolist():
            if found and sum(found[-1]) == token:
                found[-1] = (found[-1][0], found[-1][1] + 1)
            else:
                found.append((token, 1))
        return found


def _ends(names: Names, skeleton: Skeleton) -> tuple[Piece | None, Piece | None]:
    """The embedding and the head, which are read by rows."""
    model = skeleton.model
    by_module = {id(module): name for name, module in model.named_modules()}
    table = f"{by_module[id(skeleton.embedding)]}.weight"

    def piece(name: str, like: torch.Tensor) -> Piece | None:
        placed = names.placed(name) or (names.placed(_OTHER_HEAD) if like is not skeleton.embedding.weight else None)
        if placed is None:
            names.missing.append(name)
            return None
        return names.piece(placed, "weight", like)

    embedding = piece(table, skeleton.embedding.weight)
    if skeleton.head is None or skeleton.tied:
        return embedding, embedding if skeleton.head is not None else None
    return embedding, piece(f"{by_module[id(skeleton.head)]}.weight", skeleton.head.weight)


def _outside(skeleton: Skeleton) -> Iterator[tuple[str, nn.Module]]:
    """Modules with parameters of their own that are in no layer, nor read by rows."""
    read_by_rows = (skeleton.head, "weight")
    for prefix, module in skeleton.model.named_modules():
        within = prefix == skeleton.layers_name or prefix.startswith(f"{skeleton.layers_name}.")
        # An encoder's pooler comes after the last layer, where nobody looks.
        if within or module is skeleton.embedding or "pooler" in prefix.split("."):
            continue
        if any(held is not None for name, held in module._parameters.items() if (module, name) != read_by_rows):
            yield prefix, module


def _dtypes(
    prefix: str, module: nn.Module, pieces: Sequence[Piece], dtype: torch.dtype, kept: Any
) -> dict[str, torch.dtype]:
    """Parameters compute in ``dtype``, but for those that transformers keeps in float32."""
    held = dict(_all_held(module))
    found: dict[str, torch.dtype] = {}
    for piece in pieces:
        name = piece.target
        own = held[name].dtype
        if not own.is_floating_point:
            found[name] = own
        else:
            found[name] = torch.float32 if kept is not None and kept.search(f"{prefix}.{name}") else dtype
    return found


def _all_held(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    yield from module.named_parameters()
    yield from module.named_buffers()
