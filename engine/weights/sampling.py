"""Which bytes of a checkpoint are looked at to see whether there is a trained model in it, and what is in them.

A few megabytes whatever the size: *spots* of 4 KB spread over every file, and over the same part of every layer and
expert, for what is not there, zero, constant, not a number or the same as elsewhere; *excerpts* of up to 64 × 1,024
values from matrices of every kind, for whether they are more than random numbers. Which ones follows from the names.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from engine.weights.excerpts import excerpt, where_read
from engine.weights.noise import independence, is_repeating, is_wild, looks_encrypted
from engine.weights.roles import role_of, stem_of
from engine.weights.store import Placed, TensorStore

SPOT = 4096
_SPOTS, _EXCERPTS, _ALONG, _EXPERTS = 256, 24, 64, 64
"""Spots over the files (three a file at least), excerpts, layers and experts of which the same part is compared."""
_STACKS, _IN_STACK = 6, 16
"""Of experts stored as one tensor: how many of these, and experts of each."""
_LEAST_SLICE = 64
"""Bytes of an expert in a stack from which on it is compared with the others."""
STRUCTURELESS = 4.5
"""Score under which an excerpt is no more than random numbers: independent draws exceed it in one excerpt in
30,000 (five normal scores), trained ones do nearly always (gemma3-270m: the least of 127 matrices 11.7)."""
_COMPARED = ("o", "q", "q_b", "down", "up")
_VECTORS = ("norm", "layernorm", "ln_")
_FLOATS: Mapping[str, str] = {"F32": "<u4", "F16": "<u2", "BF16": "<u2", "F64": "<u8"}
_EXPONENT: Mapping[str, int] = {"F32": 0x7F800000, "F16": 0x7C00, "BF16": 0x7F80, "F64": 0x7FF0000000000000}


@dataclass
class Sample:
    """What was found, counted.

    Attributes:
        spots, holes, zeros, constants, no_numbers: spots, and how many of them are what they are called.
        excerpts: by what they turned out to be: ``trained``, ``noise``, ``wild``, ``zero``, ``constant``,
            ``repeating``, ``no_number``, ``hole``.
        kinds: by part of the model, how many excerpts were taken and how many are more than noise.
        scores: of every excerpt that could be scored, see ``independence``.
        norms, even_norms: spots in norm vectors, and those of one value throughout.
        copies: of every part that several layers or experts have: how many were compared, how many are distinct.
        random_bytes: excerpts without structure whose bytes are all equally frequent.
        damaged: files with zeros or not-a-numbers where weights should be, and in how many places; with holes too,
            unless everything is one.
        hollow: files with holes there.
    """

    spots: int = 0
    holes: int = 0
    zeros: int = 0
    constants: int = 0
    no_numbers: int = 0
    excerpts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    kinds: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    scores: list[float] = field(default_factory=list)
    norms: int = 0
    even_norms: int = 0
    copies: dict[str, tuple[int, int]] = field(default_factory=dict)
    random_bytes: int = 0
    damaged: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    hollow: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def sample(store: TensorStore) -> Sample:
    """Read the spots and excerpts of a checkpoint.

    Raises:
        CorruptTarget, TargetError: the files cannot be read.
    """
    known = _roles(store)
    found = Sample()
    sparse = _sparse(store)
    compared: dict[tuple[str, str, tuple[int, ...]], list[bytes]] = defaultdict(list)
    along = set(_along(known))
    for placed in _chosen(store, along):
        part = known.get(placed.name, "")
        state, digest = _spot(store, placed, sparse)
        found.spots += 1
        _count(found, state, part, store.files[placed.file])
        if _is_norm(placed.name) and state in ("constant", "zero", ""):
            found.norms += 1
            found.even_norms += state != ""
        if placed.name in along and state == "":
            compared[part, placed.dtype, placed.shape].append(digest)
    for placed in _stacks(store, known):
        compared[known[placed.name], placed.dtype, placed.shape] += _slices(store, placed, sparse)
    for (part, _, _), digests in compared.items():
        before = found.copies.get(part, (0, 0))
        if len(digests) > 1:
            found.copies[part] = (before[0] + len(digests), before[1] + len(set(digests)))
    if found.holes < found.spots:
        for file, count in found.hollow.items():
            found.damaged[file] += count
    for placed in _matrices(store, known):
        _look(store, placed, known.get(placed.name, "other"), found, sparse)
    return found


def _roles(store: TensorStore) -> dict[str, str]:
    """The part of the model each matrix is; of single experts only some, there are tens of thousands."""
    names: list[str] = []
    single: list[str] = []
    for name in store.tensors:
        if "experts." not in name or "shared" in name:
            names.append(name)
        elif name.endswith(("weight", "packed", "_proj")):
            single.append(name)
    step = max(1, len(single) // 512) | 1  # odd: gate, up and down alternate
    parts: dict[str, str] = {}
    for name in (*names, *single[::step]):
        placed = store.tensors[name]
        part = _part(name, len(placed.shape))
        if part is not None and placed.length:
            parts[name] = part
    return parts


def _part(name: str, dimensions: int) -> str | None:
    """What a tensor is: its role; the last word of its name for other matrices and stacks of them, else ``None``."""
    stem = stem_of(name)
    role = role_of(stem) if stem is not None else None
    if role is not None:
        return f"expert_{role.part}" if role.expert is not None else role.part
    if dimensions == 3 or (dimensions == 2 and stem is not None):
        return (stem or name).rpartition(".")[2]
    return None


def _along(parts: Mapping[str, str]) -> Iterable[str]:
    """Matrices that every layer has, and experts: those that might be copies of each other."""
    by_part: dict[str, list[str]] = defaultdict(list)
    for name, part in parts.items():
        if part in _COMPARED or part.startswith("expert_"):
            by_part[part].append(name)
    for part, names in by_part.items():
        yield from _spread(names, _EXPERTS if part.startswith("expert_") else _ALONG)


def _chosen(store: TensorStore, along: set[str]) -> list[Placed]:
    """Tensors of which a spot is read: spread over each file, the last one among them, and those to compare."""
    by_file: dict[int, list[Placed]] = defaultdict(list)
    for placed in store.tensors.values():
        by_file[placed.file].append(placed)
    each = max(3, _SPOTS // max(1, len(by_file)))
    taken: dict[str, Placed] = {}
    for inside in by_file.values():
        taken.update((placed.name, placed) for placed in _spread(inside, each))  # headers are in the order of the data
    taken.update((name, store.tensors[name]) for name in along)
    return sorted(taken.values(), key=lambda one: (one.file, one.offset))


def _matrices(store: TensorStore, parts: Mapping[str, str]) -> list[Placed]:
    """Matrices of which an excerpt is taken: every kind, from layers all over."""
    by_part: dict[str, list[str]] = defaultdict(list)
    for name, part in parts.items():
        if "norm" not in part and len(store.tensors[name].shape) > 1 and part != "router":
            by_part[part].append(name)
    if sum(map(len, by_part.values())) < 8:  # names of an architecture that is not known here
        by_part["other"] = [
            one.name for one in store.tensors.values() if len(one.shape) > 1 and one.length and one.name not in parts
        ]
    share = -(-_EXCERPTS // max(1, len(by_part)))
    chosen: list[str] = []
    for number, part in enumerate(sorted(by_part)):
        names = by_part[part]
        chosen += _spread(names, share, offset=number)
    return [store.tensors[name] for name in _spread(chosen, _EXCERPTS + 8)]


def _spread(entries: Sequence[Any], count: int, offset: int = 0) -> list[Any]:
    """``count`` of them at equal distances; from the first to the last, or turned by ``offset``."""
    if len(entries) <= count:
        return list(entries)
    if offset == 0 and count > 1:
        return [entries[round(number * (len(entries) - 1) / (count - 1))] for number in range(count)]
    step = len(entries) / count
    return [entries[int(number * step + offset * 0.618 * step) % len(entries)] for number in range(count)]


def _stacks(store: TensorStore, parts: Mapping[str, str]) -> list[Placed]:
    """A few of the tensors that hold a layer's experts one after another."""
    threefold = [placed for name in parts if len((placed := store.tensors[name]).shape) == 3 and placed.shape[0] >= 4]
    # A few bytes may be the same by chance.
    return _spread([placed for placed in threefold if placed.length >= _LEAST_SLICE * placed.shape[0]], _STACKS)


def _slices(store: TensorStore, placed: Placed, sparse: set[int]) -> list[bytes]:
    """The digests of the same spot in experts of a stack, where there is something."""
    each = placed.length // placed.shape[0]
    spots = [
        _spot(store, placed, sparse, (number * each, each)) for number in _spread(range(placed.shape[0]), _IN_STACK)
    ]
    return [digest for state, digest in spots if state == ""]


def _spot(
    store: TensorStore, placed: Placed, sparse: set[int], within: tuple[int, int] | None = None
) -> tuple[str, bytes]:
    """What 4 KB somewhere in a tensor hold, or within a range of its bytes, and their digest. Tensors alike in shape
    are read at the same place."""
    begin, length = within or (0, placed.length)
    size = min(SPOT, length)
    if not size:
        return "empty", b""
    places = max(1, (length - size) // SPOT + 1)
    first = begin + crc32(repr((placed.dtype, placed.shape)).encode()) % places * SPOT
    if store.is_hole(placed, first, size):
        return "hole", b""
    raw = store.read(placed, first, size)
    if not raw.strip(b"\0"):
        return ("hole" if placed.file in sparse else "zero"), b""
    if placed.dtype in _FLOATS:
        codes = np.frombuffer(raw[: size // 8 * 8] if size >= 8 else raw, _FLOATS[placed.dtype])
        exponent = _EXPONENT[placed.dtype]
        if len(codes) and (codes[0] == codes).all():
            return ("constant" if len(codes) > 1 else ""), b""
        if ((codes & exponent) == exponent).any() and _is_weight(placed.name):
            return "no_number", b""
    elif raw.count(raw[:1]) == size > 1:
        return "constant", b""
    return "", blake2b(raw, digest_size=8).digest()


def _count(found: Sample, state: str, part: str, file: str) -> None:
    if state == "hole":
        found.holes += 1
        if part in _NEVER_ZERO or part.startswith("expert_"):
            found.hollow[file] += 1
    elif state == "zero":
        found.zeros += 1
        if part in _NEVER_ZERO or part.startswith("expert_"):
            found.damaged[file] += 1
    elif state == "constant":
        found.constants += 1
    elif state == "no_number":
        found.no_numbers += 1
        found.damaged[file] += 1


_NEVER_ZERO = ("o", "down", "kv_a", "kv_b", "q_a")
"""Parts in which 4 KB of zeros, or nothing, are a fault. Pruning empties whole rows of q, k, v, gate and up, and columns of o and
down; a vocabulary has ids that were never used; Gemma stores norms less one."""


def _look(store: TensorStore, placed: Placed, part: str, found: Sample, sparse: set[int]) -> None:
    """Take one excerpt and say what it is."""
    if store.is_hole(placed, *where_read(store, placed)):
        found.excerpts["hole"] += 1
        return
    taken = excerpt(store, placed)
    if taken is None:
        return
    state, score = _judge(taken.values, taken.raw, placed.file in sparse)
    found.excerpts[state] += 1
    if state == "hole":
        return
    if math.isfinite(score):
        found.scores.append(round(score, 1))
    found.kinds[part][0] += 1
    found.kinds[part][1] += state == "trained"
    if state in ("noise", "wild") and looks_encrypted(taken.raw):
        found.random_bytes += 1
    if state == "no_number":
        found.damaged[store.files[placed.file]] += 1


def _judge(values: Any, raw: bytes, in_sparse_file: bool) -> tuple[str, float]:
    with np.errstate(all="ignore"):
        if not values.any():
            return ("hole" if in_sparse_file and not raw.strip(b"\0") else "zero"), math.inf
        if is_wild(values):
            mostly = np.count_nonzero(np.isfinite(values)) > 0.01 * values.size and not np.isnan(values).all()
            big = np.abs(values[np.isfinite(values)])
            return ("wild" if mostly and (big > 1000).mean() > 0.01 else "no_number"), math.inf
        if not np.isfinite(values).all():
            return "no_number", math.inf
        if values.min() == values.max():
            return "constant", math.inf
        if is_repeating(values, raw):
            return "repeating", math.inf
        score = independence(values)
    return ("noise" if score < STRUCTURELESS else "trained"), score


def _is_norm(name: str) -> bool:
    return name.endswith("weight") and any(mark in name.lower() for mark in _VECTORS)


def _is_weight(name: str) -> bool:
    """Whether a tensor is a weight or a scale of one: masks, kept in some files, are infinite by right."""
    return (stem_of(name) is not None or name.endswith(("bias", "scale_inv", "scale", "scales"))) and "mask" not in name


def _sparse(store: TensorStore) -> set[int]:
    """Files that take less room on disk than they are long: zeros in them may well be nothing at all."""
    sparse = set()
    for number, path in enumerate(store.paths):
        status = Path(path).stat()
        blocks = getattr(status, "st_blocks", None)
        if blocks is not None and blocks * 512 < 0.99 * status.st_size - 65536:
            sparse.add(number)
    return sparse
