"""From which base weights descend: a fingerprint of a few kilobytes a layer, and what two of them say of each other.

Two models trained apart meet tokens alike only as far as their embeddings are alike (frequent words lie near frequent
words in every model), so embeddings alone, and products that carry them along, make strangers look related. Here the
anchors are whitened first – S becomes (G + λ)^-½ S (G + λ)^-½ with G their own Gram matrix, centred – which takes that
likeness out: what two strangers share afterwards is chance, with a standard error of one over the number of anchors.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import TargetError
from engine.targets.target import ANCHORS
from engine.weights.anchored import anchor_rows, norm_of, sketches
from engine.weights.anchors import FEWEST, anchor_texts
from engine.weights.records import SYMMETRIC, Fingerprint, Layer, Relation, RelationKind
from engine.weights.roles import Parts, read_parts
from engine.weights.store import TensorStore, open_store

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

_RIDGE = 0.1
"""λ as a share of the mean eigenvalue: keeps rounding in the weakest directions from being blown up. Judged."""
_NORMS, _NORM_SAMPLES = ("norm_in", "norm_mid", "norm_attn", "norm_mlp"), 32
LOOKED = 5
"""Layers read of a target; each is looked for among all layers of the reference."""
DESCENDS, STRANGER = 0.4, 0.12
"""Mean correlation from which on weights descend, and up to which they are strangers. On ``tests/benchmarks/lineage``
the least of descendants (trained on hard, permuted, in four bits) has 0.48, the most alike of students that only
learned from the reference 0.29, of strangers 0.11."""
_NORMS_KEPT = 0.35
"""Mean correlation of norms from which on weights can descend: training moves norms least of all, while a student that
grows around its teacher's embeddings finds norms of its own. On the same arena 0.5 against 0.15. Judged."""
_EQUAL = 0.97


def take(spec: str, *, layers: int | None = None) -> Fingerprint:
    """The fingerprint of the checkpoint that ``spec`` names; see ``take_from``."""
    with open_store(spec) as store:
        return take_from(store, layers=layers)


def take_from(
    store: TensorStore,
    *,
    layers: int | None = None,
    ids: Mapping[int, int] | None = None,
    report: Callable[[int, int], None] | None = None,
) -> Fingerprint:
    """The fingerprint of an open checkpoint.

    Args:
        layers: how many to read, spread evenly; ``None``: all of them, as a reference needs.
        ids: the id of each anchor by its place, where the vocabulary was renumbered.
        report: told how many of how many layers are read.

    Raises:
        TargetError: its parts have names nobody knows, its vocabulary is too small, or a format is unreadable.
    """
    parts = read_parts(store.tensors)
    if not parts.depth:
        raise TargetError("parts_unknown", name=store.name)
    places, anchors = anchor_rows(store, parts, dict(enumerate(ANCHORS)) if ids is None else ids)
    if len(anchors) < FEWEST:
        raise TargetError("vocabulary_small", name=store.name, anchors=len(anchors), least=FEWEST)
    numbers = spread(parts.depth, layers)
    read = []
    for done, number in enumerate(numbers):
        if report is not None:
            report(done, len(numbers))
        read.append(_layer(store, parts, number, anchors))
    if not any(layer.sketches for layer in read):
        raise TargetError("parts_unknown", name=store.name)
    return Fingerprint(
        anchors=places,
        tokens=anchor_texts(store.target) if layers is None else (),
        hidden=anchors.shape[1],
        depth=parts.depth,
        gram=_pack(anchors @ anchors.T, symmetric=True),
        layers=tuple(read),
    )


def spread(depth: int, count: int | None) -> list[int]:
    """Numbers of ``count`` layers spread evenly over the depth, all of them where there are no more."""
    if count is None or count >= depth:
        return list(range(depth))
    return sorted({round((place + 0.5) * depth / count - 0.5) for place in range(count)})


def compare(target: Fingerprint, reference: Fingerprint) -> Relation:
    """Whether the target's weights descend from the reference's. Pure."""
    common = sorted(set(target.anchors) & set(reference.anchors))
    if len(common) < FEWEST:
        return Relation(kind="incomparable", score=0.0)
    white, known = _whitened(target, common), _whitened(reference, common)
    matches = [
        (number, *max(((other, _likeness(own, theirs)) for other, theirs in known.items()), key=lambda pair: pair[1]))
        for number, own in white.items()
        if own
    ]
    if not matches or not any(known.values()):
        return Relation(kind="incomparable", score=0.0)
    score = float(np.mean([likeness for _, _, likeness in matches]))
    equal = _same_norms(target, reference)
    return Relation(
        kind=_kind(score, equal, target.depth == reference.depth, _norms_kept(white, known, matches)),
        score=round(score, 4),
        same_norms=equal,
        matches=tuple((number, other, round(likeness, 4)) for number, other, likeness in matches),
    )


def _kind(score: float, equal: bool, as_deep: bool, norms: float | None) -> RelationKind:
    if score <= STRANGER:
        return "unrelated"
    if score < DESCENDS or (norms is not None and norms < _NORMS_KEPT):
        return "akin"
    if not as_deep:
        return "resized"
    return "same" if equal and score >= _EQUAL else "tuned"


def _layer(store: TensorStore, parts: Parts, number: int, anchors: Matrix) -> Layer:
    norms = (norm_of(store, parts, number, part) for part in _NORMS)
    return Layer(
        number=number,
        sketches={
            kind: _pack(found, symmetric=kind in SYMMETRIC)
            for kind, found in sketches(store, parts, number, anchors).items()
        },
        norms=tuple(_sampled(norm) for norm in norms if norm is not None),
    )


def _sampled(norm: Matrix) -> tuple[float, ...]:
    places = np.linspace(0, len(norm) - 1, min(_NORM_SAMPLES, len(norm))).astype(int)
    return tuple(round(float(value), 7) for value in norm[places])


def _same_norms(target: Fingerprint, reference: Fingerprint) -> bool:
    theirs = {entry.number: entry.norms for entry in reference.layers}
    own = [(entry.norms, theirs.get(entry.number)) for entry in target.layers if entry.norms]
    return bool(own) and all(
        other is not None
        and [len(norm) for norm in norms] == [len(norm) for norm in other]
        # Rounding to bfloat16 moves a value by 0.2 % at most; a step of training in it by 0.4 % at least.
        and all(np.allclose(one, two, rtol=3e-3, atol=1e-6) for one, two in zip(norms, other, strict=True))
        for norms, other in own
    )


def _whitened(of: Fingerprint, common: Sequence[int]) -> dict[int, dict[str, Matrix]]:
    """By number of the layer and kind: the sketch over the common anchors, whitened, flat, of zero mean and unit
    length."""
    rows = np.searchsorted(np.array(of.anchors), np.array(common))
    chosen = np.ix_(rows, rows)
    side, upper = len(of.anchors), np.triu_indices(len(common), 1)
    root = _root(_unpack(of.gram, side)[chosen])
    found: dict[int, dict[str, Matrix]] = {}
    for layer in of.layers:
        flats = found[layer.number] = {}
        for kind, packed in layer.sketches.items():
            sketch = root @ _unpack(packed, side)[chosen] @ root.T
            # The diagonal of a Gram matrix only says how large each row is.
            flat = sketch[upper] if kind in SYMMETRIC else sketch.reshape(-1)
            flat = flat - flat.mean()
            length = np.linalg.norm(flat)
            if np.isfinite(length) and length > 0:
                flats[str(kind)] = flat / length
    return found


def _root(gram: Matrix) -> Matrix:
    """(G + λ)^-½ of the centred anchors, and the centring."""
    centre = np.eye(len(gram), dtype=np.float32) - np.float32(1 / len(gram))
    values, vectors = np.linalg.eigh(centre @ gram @ centre)
    floor = _RIDGE * max(float(values.mean()), 1e-12)
    root: Matrix = (vectors / np.sqrt(np.maximum(values, 0) + floor)) @ vectors.T @ centre
    return root


def _likeness(own: Mapping[str, Matrix], theirs: Mapping[str, Matrix]) -> float:
    """Mean correlation of the kinds that both have."""
    kinds = sorted(own.keys() & theirs.keys())
    return float(np.mean([own[kind] @ theirs[kind] for kind in kinds])) if kinds else 0.0


def _norms_kept(
    white: Mapping[int, Mapping[str, Matrix]],
    known: Mapping[int, Mapping[str, Matrix]],
    matches: Sequence[tuple[int, int, float]],
) -> float | None:
    """Mean correlation of the norms of layers that match; ``None`` where they were folded into the projections."""
    found = [
        float(white[number][kind] @ known[other][kind])
        for number, other, _ in matches
        for kind in ("norm_in", "norm_mid")
        if kind in white[number] and kind in known[other]
    ]
    return float(np.mean(found)) if found else None


def _pack(matrix: Matrix, *, symmetric: bool = False) -> str:
    scaled = matrix / max(float(np.sqrt((matrix**2).mean())), 1e-30)
    kept = scaled[np.triu_indices(len(matrix))] if symmetric else scaled
    return base64.b64encode(np.clip(kept, -65_000, 65_000).astype("<f2").tobytes()).decode("ascii")


def _unpack(text: str, side: int) -> Matrix:
    """Raises ValueError: not a sketch of so many anchors."""
    flat = np.frombuffer(base64.b64decode(text), "<f2").astype(np.float32)
    if flat.size == side * side:
        return flat.reshape(side, side)
    if flat.size != side * (side + 1) // 2:
        raise ValueError(f"a sketch of {flat.size} values for {side} anchors")
    matrix = np.zeros((side, side), np.float32)
    matrix[np.triu_indices(side)] = flat
    return matrix + np.triu(matrix, 1).T
