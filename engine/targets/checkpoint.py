"""A folder of files, local or remote, read into a Target: headers, small files, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from engine.errors import CorruptTarget
from engine.targets.safetensors_header import read_places
from engine.targets.source import Source, parse_object
from engine.targets.target import Cost, File, Finding, Kind, Place, Target, Tensor, Vocabulary
from engine.targets.vocabulary import parse_vocabulary, parse_vocabulary_head
from engine.targets.weights import Weights, choose_weights

_SMALL, _CARD, _INDEX = 10_000_000, 1_000_000, 60_000_000
_TENSOR_LIMIT = 2_000_000


class Folder(Protocol):
    """Where a target's files are."""

    files: Sequence[File]
    header_guess: int
    workers: int
    whole_tokenizer: bool

    def small(self, name: str, limit: int) -> bytes | None:
        """A whole file of at most ``limit`` bytes; ``None`` when there is none."""
        ...

    def head(self, name: str, length: int) -> bytes | None:
        """The first bytes of a file."""
        ...

    def open(self, name: str) -> Source:
        """A file to read ranges of."""
        ...


@dataclass(slots=True)
class Contents:
    """What was found in a folder, on the way to a Target."""

    config: Mapping[str, Any] | None = None
    generation_config: Mapping[str, Any] | None = None
    tokenizer_config: dict[str, Any] | None = None
    vocabulary: Vocabulary | None = None
    card: str | None = None
    gguf: Mapping[str, Any] | None = None
    tensors: tuple[Tensor, ...] = ()
    places: tuple[Place, ...] = ()
    weights: tuple[File, ...] = ()
    findings: list[Finding] = field(default_factory=list)

    def as_target(
        self,
        spec: str,
        kind: Kind,
        name: str,
        files: Sequence[File],
        cost: Cost,
        *,
        revision: str | None = None,
        root: Path | None = None,
    ) -> Target:
        """The record of what was found."""
        return Target(
            spec=spec,
            kind=kind,
            name=name,
            revision=revision,
            config=self.config,
            generation_config=self.generation_config,
            tokenizer_config=self.tokenizer_config,
            vocabulary=self.vocabulary,
            card=self.card,
            gguf=self.gguf,
            tensors=self.tensors,
            places=self.places,
            weights=self.weights,
            root=root,
            files=tuple(files),
            weights_size=sum(file.size or 0 for file in self.weights),
            findings=tuple(self.findings),
            cost=cost,
        )


def read_folder(folder: Folder, *, wanted: str = "", with_index: bool = True) -> Contents:
    """Everything that probes need from a folder.

    Raises:
        CorruptTarget: files contradict their format or each other.
    """
    contents = Contents()
    weights = choose_weights(folder.files, _index(folder) if with_index else None, wanted)
    contents.weights = weights.files
    contents.findings += weights.findings
    _read_small_files(folder, contents)
    if any(file.name.endswith(".gguf") for file in weights.files):
        _read_gguf(folder, weights, contents)
    else:
        contents.tensors, contents.places = _read_shards(folder, weights.files)
    if contents.vocabulary is None:
        contents.vocabulary = _read_tokenizer(folder, contents.findings)
    return contents


def _index(folder: Folder) -> Mapping[str, Any] | None:
    names = {file.name for file in folder.files}
    if "model.safetensors.index.json" not in names:
        return None
    data = folder.small("model.safetensors.index.json", _INDEX)
    index = parse_object(data or b"", "model.safetensors.index.json").get("weight_map")
    if not isinstance(index, dict) or not index:
        raise CorruptTarget("index_invalid", name="model.safetensors.index.json")
    return index


def _read_small_files(folder: Folder, contents: Contents) -> None:
    names = {file.name for file in folder.files}

    def read(name: str) -> dict[str, Any] | None:
        data = folder.small(name, _SMALL) if name in names else None
        return parse_object(data, name) if data is not None else None

    contents.config = read("config.json")
    contents.generation_config = read("generation_config.json")
    contents.tokenizer_config = read("tokenizer_config.json")
    if "chat_template.jinja" in names and (template := folder.small("chat_template.jinja", _CARD)):
        contents.tokenizer_config = {
            **(contents.tokenizer_config or {}),
            "chat_template": template.decode("utf-8", "replace"),
        }
    if "README.md" in names and (card := folder.head("README.md", _CARD)):
        contents.card = card.decode("utf-8", "replace")
    if contents.config is not None and contents.config.get("auto_map"):
        contents.findings.append(Finding("remote_code_ignored"))


def _read_shards(folder: Folder, files: Sequence[File]) -> tuple[tuple[Tensor, ...], tuple[Place, ...]]:
    def read(file: File) -> tuple[list[Tensor], list[tuple[int, int]]]:
        source = folder.open(file.name)
        try:
            return read_places(source, folder.header_guess)
        finally:
            _close(source)

    seen: dict[str, str] = {}
    tensors: list[Tensor] = []
    places: list[Place] = []
    for number, (file, (found, within)) in enumerate(zip(files, _each(folder, read, files), strict=True)):
        for tensor in found:
            if tensor.name in seen:
                raise CorruptTarget("tensor_twice", tensor=tensor.name[:80], first=seen[tensor.name], second=file.name)
            seen[tensor.name] = file.name
        tensors += found
        places += [Place(number, begin, end) for begin, end in within]
        if len(tensors) > _TENSOR_LIMIT:
            raise CorruptTarget("too_many_tensors", limit=_TENSOR_LIMIT)
    return tuple(tensors), tuple(places)


def _each(folder: Folder, read: Callable[[File], Any], files: Sequence[File]) -> Iterable[Any]:
    """Read the files in order; side by side where waiting, not parsing, takes the time."""
    if folder.workers == 1 or len(files) < 2:
        return [read(file) for file in files]
    with ThreadPoolExecutor(folder.workers) as pool:
        return list(pool.map(read, files))


def _read_gguf(folder: Folder, weights: Weights, contents: Contents) -> None:
    from engine.targets.gguf_header import GGUFHeader, read_gguf, read_vocabulary

    def read(file: File) -> GGUFHeader:
        source = folder.open(file.name)
        try:
            return read_gguf(source)
        finally:
            _close(source)

    headers = list(_each(folder, read, weights.files))
    first = headers[0]
    parts = first.metadata.get("split.count", 1)
    if isinstance(parts, int) and parts > 1 and parts != len(headers):
        missing = max(parts - len(headers), 0)
        raise CorruptTarget("shards_missing", names=f"split.count = {parts}", missing=missing, total=parts)
    contents.gguf = first.metadata
    contents.vocabulary = read_vocabulary(first)
    contents.tensors = tuple(tensor for header in headers for tensor in header.tensors)
    contents.places = tuple(
        Place(number, begin, end) for number, header in enumerate(headers) for begin, end in header.places
    )


def _read_tokenizer(folder: Folder, findings: list[Finding]) -> Vocabulary | None:
    names = {file.name for file in folder.files}
    if "tokenizer.json" not in names:
        findings.append(Finding("no_tokenizer"))
        return None
    if folder.whole_tokenizer:
        data = folder.small("tokenizer.json", 100_000_000)
        return parse_vocabulary(data) if data is not None else None
    from engine.targets.vocabulary import HEAD

    findings.append(Finding("tokenizer_head_only", {"kilobytes": HEAD >> 10}))
    head = folder.head("tokenizer.json", HEAD)
    return parse_vocabulary_head(head) if head else None


def _close(source: Source) -> None:
    close = getattr(source, "close", None)
    if close is not None:
        close()
