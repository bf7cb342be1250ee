"""Targets on this machine: a checkpoint directory, a .safetensors or a .gguf."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from engine.errors import CorruptTarget, TargetError
from engine.targets.checkpoint import Contents, read_folder
from engine.targets.source import FileSource
from engine.targets.target import Cost, File, Kind, Place, Target
from engine.targets.weights import SHARD

_FILE_LIMIT = 20_000
_NAMELESS = re.compile(r"^(?:model|pytorch_model|consolidated|weights|ggml-model)\b", re.IGNORECASE)


class LocalFolder:
    """A directory; sub-folders one deep, as GGUF collections are laid out."""

    header_guess = 0
    workers = 1
    whole_tokenizer = True

    def __init__(self, root: Path, only: frozenset[str] | None = None) -> None:
        self.root, self.requests = root, 0
        self._sources: list[FileSource] = []
        self.files: Sequence[File] = [
            file for file in _list(root) if only is None or not _is_weight(file.name) or file.name in only
        ]

    def small(self, name: str, limit: int) -> bytes | None:
        data = self.head(name, limit + 1)
        if data is not None and len(data) > limit:
            raise CorruptTarget("json_too_large", name=name)
        return data

    def head(self, name: str, length: int) -> bytes | None:
        with self.open(name) as source:
            return source.read(0, min(length, source.size))

    def open(self, name: str) -> FileSource:
        self.requests += 1
        source = FileSource(self.root / name)
        self._sources.append(source)
        return source

    def cost(self) -> Cost:
        """Files opened and bytes read so far."""
        return Cost(requests=self.requests, bytes_read=sum(source.bytes_read for source in self._sources))


def open_directory(spec: str, root: Path, *, name: str | None = None, kind: Kind = "directory") -> Target:
    """A checkpoint directory. ``name`` replaces the directory's own (a Hub snapshot's is a commit)."""
    folder = LocalFolder(root)
    contents = read_folder(folder)
    if not contents.weights and contents.config is None and contents.vocabulary is None:
        raise TargetError("nothing_readable", name=str(root))
    return contents.as_target(spec, kind, name or _name_of(root), folder.files, folder.cost(), root=root)


def open_file(spec: str, path: Path) -> Target:
    """A single weight file, or the whole set when it is one shard; siblings such as config.json are read too."""
    match = SHARD.match(path.name)
    if match:
        prefix, suffix = f"{match['stem']}-", f"-of-{match['total']}.{match['kind']}"
        only = frozenset(file.name for file in path.parent.iterdir() if file.name.startswith(prefix) and file.name.endswith(suffix))  # fmt: skip
        only = only or frozenset({path.name})
    else:
        only = frozenset({path.name})
    folder = LocalFolder(path.parent, only)
    kind: Kind = "gguf" if path.suffix == ".gguf" else "safetensors"
    if path.name not in {file.name for file in folder.files}:
        raise TargetError("not_a_file", name=str(path))
    contents = read_folder(folder, wanted=match["stem"] if match else path.name, with_index=False)
    if kind == "gguf":
        # A GGUF carries its own metadata; the folder's config.json may belong to another file.
        contents.config = contents.generation_config = contents.tokenizer_config = contents.card = None
    stem = match["stem"] if match else path.stem
    name = _name_of(path.parent) if _NAMELESS.match(stem) else stem
    return contents.as_target(spec, kind, name, folder.files, folder.cost(), root=path.parent)


def open_blob(spec: str, path: Path) -> Target:
    """A GGUF file without its suffix, as Ollama keeps models (``blobs/sha256-…``)."""
    from engine.targets.gguf_header import read_gguf, read_vocabulary

    with FileSource(path) as source:
        header = read_gguf(source)
        cost = Cost(requests=1, bytes_read=source.bytes_read)
    file = File(path.name, source.size)
    contents = Contents(
        vocabulary=read_vocabulary(header),
        gguf=header.metadata,
        tensors=tuple(header.tensors),
        places=tuple(Place(0, begin, end) for begin, end in header.places),
        weights=(file,),
    )
    return contents.as_target(spec, "gguf", path.name, (file,), cost, root=path.parent)


def _name_of(root: Path) -> str:
    """The directory's name as the user sees it; the repository's for a snapshot in the Hub's cache."""
    shown = Path(os.path.abspath(root))  # noqa: PTH100  # links are kept: their name is the claim
    for folder in (shown, *shown.parents):
        if folder.name.startswith("models--"):
            return folder.name.removeprefix("models--").replace("--", "/")
    return shown.name


def _is_weight(name: str) -> bool:
    return name.endswith((".safetensors", ".gguf"))


def _list(root: Path) -> list[File]:
    """Regular files, broken links left out; sub-folders one deep for GGUF files only."""
    found: list[File] = []
    try:
        with os.scandir(root) as entries:
            for entry in entries:
                if entry.is_file():
                    found.append(File(entry.name, entry.stat().st_size))
                elif entry.is_dir() and not entry.name.startswith("."):
                    found += _nested(Path(entry.path))
                if len(found) > _FILE_LIMIT:
                    raise TargetError("too_many_files", name=str(root), limit=_FILE_LIMIT)
    except PermissionError as error:
        raise TargetError("no_permission", name=str(root)) from error
    except OSError as error:
        raise TargetError("unreadable", name=str(root), problem=error.strerror or str(error)) from error
    return sorted(found)


def _nested(folder: Path) -> list[File]:
    try:
        with os.scandir(folder) as entries:
            return [
                File(f"{folder.name}/{entry.name}", entry.stat().st_size)
                for entry in entries
                if entry.name.endswith(".gguf") and entry.is_file()
            ]
    except OSError:
        return []
