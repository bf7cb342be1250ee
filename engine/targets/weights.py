"""Which of a target's files are its weights. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from engine.errors import CorruptTarget, TargetError
from engine.targets.target import File, Finding

SHARD = re.compile(r"^(?P<stem>.+)-(?P<number>\d{5,6})-of-(?P<total>\d{5,6})\.(?P<kind>safetensors|gguf)$")
PICKLE = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


@dataclass(frozen=True, slots=True)
class Weights:
    """The weight files to read, in shard order, and what is worth telling about the choice."""

    files: tuple[File, ...]
    findings: tuple[Finding, ...] = ()


def choose_weights(files: Sequence[File], index: Mapping[str, Any] | None = None, wanted: str = "") -> Weights:
    """Pick one complete set: what the index names, else the set asked for, else the largest.

    Args:
        index: the ``weight_map`` of model.safetensors.index.json, where it was read.
        wanted: part of a file or folder name that chooses among several GGUF sets.

    Raises:
        CorruptTarget: shards are missing; names some of them.
        TargetError: ``wanted`` matches nothing.
    """
    findings = _pickles(files)
    present = {file.name: file for file in files}
    if index is not None and not wanted:
        named = sorted({str(name) for name in index.values()})
        missing = [name for name in named if name not in present]
        if missing:
            raise CorruptTarget("shards_missing", names=", ".join(missing[:3]), missing=len(missing), total=len(named))
        return Weights(tuple(present[name] for name in named), findings)
    sets = _sets(files)
    if wanted:
        sets = {key: members for key, members in sets.items() if any(_matches(file.name, wanted) for file in members)}
        if not sets:
            raise TargetError("weights_not_found", wanted=wanted)
    if not sets:
        return Weights((), findings)
    chosen = _largest(sets)
    if len(sets) > 1 and not wanted:
        others = sorted({members[0].name for key, members in sets.items() if key != chosen})
        values = {"chosen": sets[chosen][0].name, "count": len(sets), "others": ", ".join(others[:3])}
        findings = (*findings, Finding("several_sets", values))
    _check_complete(sets[chosen])
    return Weights(tuple(sets[chosen]), findings)


def _pickles(files: Sequence[File]) -> tuple[Finding, ...]:
    names = [file.name for file in files if file.name.endswith(PICKLE) and "training_args" not in file.name]
    return (Finding("pickle_weights_unopened", {"names": ", ".join(names[:3]), "count": len(names)}),) if names else ()


def _sets(files: Sequence[File]) -> dict[tuple[str, str, str], list[File]]:
    """Weight files by set: shards of one stem together, single files alone, adapters left out."""
    sets: dict[tuple[str, str, str], list[File]] = {}
    for file in sorted(files):
        name = PurePosixPath(file.name).name
        if not name.endswith((".safetensors", ".gguf")) or name.startswith(("adapter_", "mmproj")):
            continue
        match = SHARD.match(file.name)
        key = (match["stem"], match["total"], match["kind"]) if match else (file.name, "", file.name.rsplit(".", 1)[1])
        sets.setdefault(key, []).append(file)
    unsharded = [key for key in sets if not key[1] and key[2] == "safetensors"]
    if len(unsharded) > 1 and not any(key[0].endswith("model.safetensors") for key in unsharded):
        # Diffusers-like or hand-named parts without an index: together they are the checkpoint.
        joined = [file for key in unsharded for file in sets.pop(key)]
        sets[(joined[0].name, "", "safetensors")] = joined
    return sets


def _largest(sets: Mapping[tuple[str, str, str], Sequence[File]]) -> tuple[str, str, str]:
    def rank(key: tuple[str, str, str]) -> tuple[bool, bool, int, str]:
        own = PurePosixPath(key[0]).name.startswith("model")
        return key[2] == "safetensors", own, sum(file.size or 0 for file in sets[key]), key[0]

    return max(sets, key=rank)


def _check_complete(members: Sequence[File]) -> None:
    matches = [match for file in members if (match := SHARD.match(file.name))]
    if not matches:
        return
    total = int(matches[0]["total"])
    have = {int(match["number"]) for match in matches}
    missing = [number for number in range(1, min(total, 100_000) + 1) if number not in have]
    if missing:
        match, width = matches[0], len(matches[0]["number"])
        names = [f"{match['stem']}-{number:0{width}d}-of-{match['total']}.{match['kind']}" for number in missing[:3]]
        raise CorruptTarget("shards_missing", names=", ".join(names), missing=len(missing), total=total)


def _matches(name: str, wanted: str) -> bool:
    return wanted.lower() in name.lower()
