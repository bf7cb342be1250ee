"""What a layer does to the embeddings of a few fixed tokens, in a form that no harmless change of basis alters.

A transformer computes the same when its hidden dimensions are permuted or rotated (with the norms folded into the
projections), its heads or neurons reordered, or a factor is moved between a matrix and the one that follows it. What
stays is how two tokens meet inside a layer: x_a Wq^T Wk x_b^T by all heads together, and x_a Wv^T Wo^T x_b^T – the
invariants of HuRef (Zeng et al., NeurIPS 2024, arXiv 2312.04828) – and, of the neurons, x_a Wg^T Wg x_b^T (the Gram
matrix that linear CKA compares; Kornblith et al. 2019, arXiv 1905.00414), and of a norm x_a^T diag(g) x_b. The tokens
are known by their ids, so no permutation has to be searched for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import TargetError
from engine.weights.records import Kind
from engine.weights.roles import Parts
from engine.weights.store import TensorStore
from engine.weights.values import chunks_of, find, values_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

_NEURONS = 1024
"""Rows read of a gate projection. Any thousand neurons give nearly the Gram matrix of all, so an order of neurons
that was changed is survived; reading them all would cost ten times as much."""


def anchor_rows(store: TensorStore, parts: Parts, ids: Mapping[int, int]) -> tuple[tuple[int, ...], Matrix]:
    """The anchors' embeddings, each of unit length.

    Args:
        ids: the id of each anchor by its place among ``ANCHORS``.

    Returns:
        The places of those that lie in the embedding, and their rows: [anchors, hidden].

    Raises:
        TargetError: there is no embedding of tokens, or it is not readable row by row.
    """
    stem = parts.stem(None, "embed")
    if stem is None:
        raise TargetError("no_embedding", name=store.name)
    placed = find(store, stem)
    height = placed.shape[0] if placed.name.endswith((".weight", ".gamma")) else len(values_of(store, stem))
    present = {place: token for place, token in sorted(ids.items()) if token < height}
    if not present:
        return (), np.zeros((0, 1), np.float32)
    rows = np.concatenate([values_of(store, stem, token, 1) for token in present.values()])
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return tuple(present), rows / np.maximum(length, 1e-12)


def sketches(store: TensorStore, parts: Parts, layer: int, anchors: Matrix) -> dict[Kind, Matrix]:
    """How the anchors meet in one layer, by ``engine.weights.records.Kind``, each [anchors, anchors]; what the layer
    has not, or names in no way known, is left out."""
    with np.errstate(all="ignore"):
        found = (
            _latent(store, parts, layer, anchors) if parts.stem(layer, "q_b") else _heads(store, parts, layer, anchors)
        )
        found |= _neurons(store, parts, layer, anchors)
        found |= _norms(store, parts, layer, anchors)
    return {kind: matrix for kind, matrix in found.items() if np.isfinite(matrix).all() and matrix.any()}


def norm_of(store: TensorStore, parts: Parts, layer: int | None, part: str) -> Matrix | None:
    """A norm's factors; Gemma's checkpoints keep them less one (its modelling code, ``1.0 + self.weight``), its GGUF
    files do not."""
    stem = parts.stem(layer, part)
    if stem is None:
        return None
    factors = values_of(store, stem).reshape(-1)
    model_type = str((store.config or {}).get("model_type", ""))
    less_one = store.kind == "safetensors" and model_type.startswith("gemma")
    whole: Matrix = factors + np.float32(less_one)
    return whole


def _heads(store: TensorStore, parts: Parts, layer: int, anchors: Matrix) -> dict[Kind, Matrix]:
    """Ordinary attention, with as many key heads as query heads or fewer."""
    stems = {part: stem for part in ("q", "k", "v", "o") if (stem := parts.stem(layer, part)) is not None}
    if len(stems) < 4:
        return {}
    inside = _through(store, parts, layer, "norm_in", anchors)
    query, key, value = (_project(store, stems[part], inside) for part in ("q", "k", "v"))
    back = _project_back(store, stems["o"], anchors)
    size = _head_dim(store, query.shape[1], key.shape[1])
    if size is None or back.shape[1] != query.shape[1] or value.shape[1] != key.shape[1]:
        return {}
    factors = [norm for part in ("q_norm", "k_norm") if (norm := norm_of(store, parts, layer, part)) is not None]
    if len(factors) == 2 and len(factors[0]) == len(factors[1]) == size:
        key = key * np.tile(factors[0] * factors[1], key.shape[1] // size)
    return {
        "qk": _by_group(query, key.shape[1], size) @ key.T,
        "vo": value @ _by_group(back, value.shape[1], size).T,
    }


def _latent(store: TensorStore, parts: Parts, layer: int, anchors: Matrix) -> dict[Kind, Matrix]:
    """Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434): queries and keys without their rotary part."""
    stems = {part: parts.stem(layer, part) for part in ("q_a", "q_b", "kv_a", "o")}
    rank, nope, size = (_dimension(store, name) for name in ("kv_lora_rank", "qk_nope_head_dim", "v_head_dim"))
    if not all(stems.values()) or rank is None or nope is None or size is None:
        return {}
    inside = _through(store, parts, layer, "norm_in", anchors)
    query = _project(store, stems["q_b"] or "", _latent_of(store, parts, layer, "q_a", inside, None))
    latent = _latent_of(store, parts, layer, "kv_a", inside, rank)
    back = _project_back(store, stems["o"] or "", anchors)
    heads = back.shape[1] // size
    key, value = _keys_and_values(store, parts, layer, latent, heads, nope)
    query = query.reshape(len(anchors), heads, -1)[:, :, :nope].reshape(len(anchors), -1)
    if query.shape != key.shape or value.shape != back.shape:
        return {}
    return {"qk": query @ key.T, "vo": value @ back.T}


def _keys_and_values(
    store: TensorStore, parts: Parts, layer: int, latent: Matrix, heads: int, nope: int
) -> tuple[Matrix, Matrix]:
    """From the latent, by the joint matrix or by llama.cpp's two: [anchors, heads * size] each."""
    count = len(latent)
    stem = parts.stem(layer, "kv_b")
    if stem is not None:
        both = _project(store, stem, latent).reshape(count, heads, -1)
        return both[:, :, :nope].reshape(count, -1), both[:, :, nope:].reshape(count, -1)
    keys, values = (values_of(store, parts.stem(layer, part) or "") for part in ("k_b", "v_b"))
    # llama.cpp keeps k_b as [heads, latent, size] and v_b as [heads, size, latent].
    keys = keys if keys.shape[-1] == nope else keys.transpose(0, 2, 1)
    key = np.einsum("al,hln->ahn", latent, keys)
    value = np.einsum("al,hvl->ahv", latent, values)
    return key.reshape(count, -1), value.reshape(count, -1)


def _latent_of(store: TensorStore, parts: Parts, layer: int, part: str, inside: Matrix, width: int | None) -> Matrix:
    latent = _project(store, parts.stem(layer, part) or "", inside)[:, :width]
    latent = latent / np.maximum(np.sqrt((latent**2).mean(axis=1, keepdims=True)), 1e-12)
    factors = norm_of(store, parts, layer, f"{part}_norm")
    whole: Matrix = latent if factors is None or len(factors) != latent.shape[1] else latent * factors
    return whole


def _neurons(store: TensorStore, parts: Parts, layer: int, anchors: Matrix) -> dict[Kind, Matrix]:
    """The Gram matrix of what the gate (the router, in a mixture of experts) makes of the anchors."""
    part = next((part for part in ("gate", "router", "up") if parts.stem(layer, part)), None)
    stem = parts.stem(layer, part) if part else None
    if stem is None:
        return {}
    after = "norm_mid" if parts.stem(layer, "norm_mid") else "norm_in"
    seen = _project(store, stem, _through(store, parts, layer, after, anchors), _NEURONS)
    return {"gate": seen @ seen.T}


def _norms(store: TensorStore, parts: Parts, layer: int, anchors: Matrix) -> dict[Kind, Matrix]:
    """What tells each norm's factors from one and the same for all: x_a^T diag(g - mean g) x_b."""
    found: dict[Kind, Matrix] = {}
    kinds: tuple[Kind, ...] = ("norm_in", "norm_mid")
    for part in kinds:
        factors = norm_of(store, parts, layer, part)
        if factors is not None and len(factors) == anchors.shape[1]:
            apart = factors - factors.mean()
            # Factors folded into the projections leave ones behind, up to rounding.
            if np.abs(apart).max() > 1e-3 * np.abs(factors).max():
                found[part] = (anchors * apart) @ anchors.T
    return found


def _through(store: TensorStore, parts: Parts, layer: int, part: str, anchors: Matrix) -> Matrix:
    factors = norm_of(store, parts, layer, part)
    return anchors if factors is None or len(factors) != anchors.shape[1] else anchors * factors


def _project(store: TensorStore, stem: str, rows: Matrix, most: int | None = None) -> Matrix:
    """rows · Wᵀ, W read piece by piece: [anchors, out]."""
    return np.concatenate([rows @ piece.T for _, piece in chunks_of(store, stem, most)], axis=1)


def _project_back(store: TensorStore, stem: str, rows: Matrix) -> Matrix:
    """rows · W of an output projection: [anchors, in]."""
    total: Any = 0.0
    for first, piece in chunks_of(store, stem):
        total = total + rows[:, first : first + len(piece)] @ piece
    result: Matrix = total
    return result


def _by_group(rows: Matrix, width: int, size: int) -> Matrix:
    """Query heads that share a key head added up: [anchors, width]."""
    if rows.shape[1] == width:
        return rows
    groups = width // size
    summed: Matrix = rows.reshape(len(rows), groups, -1, size).sum(axis=2).reshape(len(rows), width)
    return summed


def _head_dim(store: TensorStore, query: int, key: int) -> int | None:
    """Size of a head; of no matter where each query head has a key head of its own."""
    size = _dimension(store, "head_dim")
    if size is None:
        hidden, heads = _dimension(store, "hidden_size"), _dimension(store, "num_attention_heads")
        size = hidden // heads if hidden and heads else None
    if query == key:
        return key if size is None or key % size else size
    if size is None:
        size = next((guess for guess in (128, 64, 256, 32) if query % guess == 0 and key % guess == 0), None)
    return size if size and query % size == 0 and key % size == 0 and (query // size) % (key // size) == 0 else None


_GGUF_NAMES: Mapping[str, str] = {
    "head_dim": "attention.key_length",
    "hidden_size": "embedding_length",
    "num_attention_heads": "attention.head_count",
    "kv_lora_rank": "attention.kv_lora_rank",
}


def _dimension(store: TensorStore, name: str) -> int | None:
    """A dimension as the config or the GGUF metadata states it."""
    if store.kind == "safetensors":
        config = store.config or {}
        value = config.get(name) or (config.get("text_config") or {}).get(name)
        return value if isinstance(value, int) and value > 0 else None
    prefix = f"{store.metadata.get('general.architecture', '')}."
    if name == "v_head_dim":  # with one shared key head, llama.cpp names the true sizes apart
        value = store.metadata.get(prefix + "attention.value_length_mla") or store.metadata.get(prefix + "attention.value_length")  # fmt: skip
    elif name == "qk_nope_head_dim":
        whole = store.metadata.get(prefix + "attention.key_length_mla") or store.metadata.get(prefix + "attention.key_length")  # fmt: skip
        rope = store.metadata.get(prefix + "rope.dimension_count")
        value = whole - rope if isinstance(whole, int) and isinstance(rope, int) else None
    else:
        value = store.metadata.get(prefix + _GGUF_NAMES[name])
    return value if isinstance(value, int) and value > 0 else None
