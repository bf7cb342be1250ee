"""What is asked about: Hub repositories, checkpoint directories, safetensors and GGUF files."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from engine.errors import TargetError, UsageError
from engine.targets.endpoint import Endpoint
from engine.targets.source import FileSource
from engine.targets.spec import parse_spec
from engine.targets.target import Target
from engine.targets.weights import PICKLE

__all__ = ["Target", "open_target"]


def open_target(spec: str) -> Target:
    """Read the headers and small files of the target that ``spec`` names; never its weights.

    Args:
        spec: an existing path (directory, ``.safetensors``, ``.gguf``, any shard of a set), else a Hub id
            ``org/name[@revision][:quant]`` or its URL. A local path wins over a Hub id of the same name.

    Raises:
        UsageError: the spec is nothing that could be read.
        TargetError: it is not there, or may not be read.
        CorruptTarget: its files contradict their format or each other.
    """
    started = time.perf_counter()
    where = parse_spec(spec)
    if isinstance(where, Path):
        target = _open_path(spec, where)
    elif isinstance(where, Endpoint):
        raise UsageError("endpoint_has_no_files", spec=spec[:120])
    else:
        from engine.targets.hub import open_hub

        target = open_hub(spec, where)
    return replace(target, cost=replace(target.cost, seconds=time.perf_counter() - started))


def _open_path(spec: str, path: Path) -> Target:
    from engine.targets.local import open_blob, open_directory, open_file

    if path.is_dir():
        return open_directory(spec, path)
    if path.suffix in PICKLE:
        raise TargetError("pickle_only", name=path.name)
    with FileSource(path) as source:
        if path.suffix not in (".gguf", ".safetensors"):
            if source.read(0, 4) != b"GGUF":
                raise TargetError("file_type_unknown", name=path.name)
            return open_blob(spec, path)
    return open_file(spec, path)
