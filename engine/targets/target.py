"""What a probe sees of a target: headers and small files, read once, never weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, Literal, NamedTuple

Kind = Literal["hub", "directory", "safetensors", "gguf", "endpoint"]


class Tensor(NamedTuple):
    """One tensor as a header declares it. ``dtype`` is the format's own name (``F8_E4M3``, ``Q4_K``);
    ``shape`` is in PyTorch order (outermost first) for both formats."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def elements(self) -> int:
        """Number of elements."""
        return prod(self.shape)


class Place(NamedTuple):
    """Where the bytes of a tensor lie: index of the weight file, first byte in it, and the byte after the last."""

    file: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What was read of a vocabulary, whichever file it came from.

    ``size`` and ``merges`` are ``None`` when only the head of a remote tokenizer.json was fetched.
    ``added`` maps added-token text to id (GGUF: tokens of type control or user-defined).
    ``sample`` maps id to raw token text (byte-level alphabet as stored, e.g. ``Ġthe``) for those of
    ``SAMPLE_IDS`` that were read; ``anchors`` does for ``ANCHORS``.
    """

    source: Literal["tokenizer.json", "gguf", "tokenizer_config.json"]
    size: int | None
    merges: int | None
    added: Mapping[str, int]
    sample: Mapping[int, str]
    anchors: Mapping[int, str] = field(default_factory=dict)


SAMPLE_IDS: tuple[int, ...] = tuple(range(300, 2300, 50)) + tuple(range(5_000, 100_000, 2_500))
"""Token ids compared with the catalog: a dense head (within the first bytes of any tokenizer.json)
and a sparse tail. Below 300 lie bytes and special tokens, which differ without meaning anything."""


ANCHORS: tuple[int, ...] = tuple(range(260, 2260, 50)) + tuple(range(5_000, 101_000, 4_000))
"""Ids of the tokens that weights are compared by: a dense head, so that small vocabularies have some, and a sparse
tail. Not to be changed: recorded fingerprints hold these in this order."""


class File(NamedTuple):
    """A file of the target, with its size in bytes (``None``: the host does not say)."""

    name: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something worth telling that is no evidence: ``pickle_weights_unopened``, ``no_tokenizer``,
    ``remote_code_ignored``, ``tokenizer_head_only`` ... ``code`` is a key under ``findings``."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cost:
    """What reading the target took. ``bytes_read`` counts payload bytes off disk or the wire; tokens are
    an endpoint's, as it counts them or as estimated where it does not."""

    requests: int = 0
    bytes_read: int = 0
    seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """A target, opened. Absent parts are ``None`` or empty, never guessed.

    ``spec`` is what the user typed; ``name`` what a claim is read from (repo id, directory or file
    name); ``revision`` the resolved commit of a Hub repo. ``gguf`` is the scalar metadata of a GGUF
    file (arrays are left out; the vocabulary has its own record). ``places`` are those of ``tensors``, in
    the files ``weights``, in the folder ``root`` where they are on this machine. ``weights_size`` is the
    apparent size in bytes of all weight files.
    """

    spec: str
    kind: Kind
    name: str
    revision: str | None = None
    config: Mapping[str, Any] | None = None
    generation_config: Mapping[str, Any] | None = None
    tokenizer_config: Mapping[str, Any] | None = None
    vocabulary: Vocabulary | None = None
    card: str | None = None
    gguf: Mapping[str, Any] | None = None
    tensors: tuple[Tensor, ...] = ()
    places: tuple[Place, ...] = ()
    weights: tuple[File, ...] = ()
    root: Path | None = None
    files: tuple[File, ...] = ()
    weights_size: int = 0
    findings: tuple[Finding, ...] = ()
    cost: Cost = Cost()
