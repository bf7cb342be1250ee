"""The folder of catalog updates: every version that was taken in, and which is in use.

``<family>/<version>.yaml`` are families as they were signed; ``index.json`` says which version of each is in use and who
vouched for it. The index takes its place whole (rename), so that those who read see all of an update or none of it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.catalog import load_family, shipped_family
from engine.catalog.schema import Family
from engine.catalog.signed import Update, check_follows
from engine.catalog.versions import later
from engine.catalog.yaml_file import last_written
from engine.errors import CatalogError, UsageError

FORMAT = 1
_INDEX = "index.json"


@dataclass(frozen=True, slots=True)
class Taken:
    """A version that was taken in: ``at`` when (ISO, UTC), ``signer`` and ``key`` who vouched for it, ``sha256`` of its
    text. ``previous``: the version in use before."""

    family: str
    version: str
    previous: str
    at: str
    signer: str
    key: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Index:
    """What a folder has: versions in use by family (none of those that are as they ship), and all that was taken in."""

    current: Mapping[str, str]
    taken: tuple[Taken, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A family that went from one version to another; ``before``: ``None`` where there was none."""

    before: Family | None
    after: Family


def current_files(folder: Path) -> tuple[Path, ...]:
    """The files of updates in use. A family that ships in a later version since is left out.

    Raises:
        CatalogError: the index is damaged.
    """
    index = read_index(folder)
    files = []
    for name, version in index.current.items():
        shipped = shipped_family(name)
        if shipped is None or later(version, shipped.version):
            files.append(_file(folder, name, version))
    return tuple(files)


def index_files(folder: Path) -> tuple[Path, ...]:
    """The file that changes whenever another version comes into use; none where nothing was taken in yet."""
    path = folder / _INDEX
    return (path,) if path.exists() else ()


def read_index(folder: Path) -> Index:
    """What the folder has.

    Raises:
        CatalogError: the index is damaged.
    """
    path = folder / _INDEX
    written = last_written(path)
    return _index_as_of(path, written) if written else Index({})


def steps_of(update: Update, folder: Path, name: str) -> tuple[Step, ...]:
    """What taking an update in would change, all of it checked; nothing for families that are as they are already.

    Raises:
        CatalogError: see ``check_follows``; or what is in use now cannot be read.
    """
    steps = []
    for written in update.families:
        current = _in_use(folder, written.family.name)
        if current is None or check_follows(written.family, current, name):
            steps.append(Step(current, written.family))
    return tuple(steps)


def take_in(update: Update, folder: Path, name: str) -> tuple[Step, ...]:
    """Keep an update's families, and have them used from now on; what was in use before stays for a rollback.

    Raises:
        CatalogError: as ``steps_of``; then nothing has changed.
        UsageError: the folder cannot be written.
    """
    with _locked(folder):
        index, steps = read_index(folder), steps_of(update, folder, name)
        texts = {written.family.name: written.text for written in update.families}
        taken = list(index.taken)
        for step in steps:
            text = texts[step.after.name]
            _write(_file(folder, step.after.name, step.after.version), text)
            taken.append(
                Taken(
                    step.after.name,
                    step.after.version,
                    step.before.version if step.before is not None else "",
                    datetime.now(UTC).isoformat(timespec="seconds"),
                    update.signer,
                    update.key,
                    hashlib.sha256(text.encode()).hexdigest(),
                )
            )
        current = {**index.current, **{step.after.name: step.after.version for step in steps}}
        if steps:
            _keep(folder, Index(current, tuple(taken)))
    return steps


def roll_back(folder: Path, family: str) -> Step:
    """Use the version again that was in use before the one that is now: an earlier update, or the family as it ships.

    Raises:
        UsageError: no update of this family is in use, or there was none before it; the folder cannot be written.
        CatalogError: the earlier version cannot be read any more.
    """
    with _locked(folder):
        index = read_index(folder)
        version = index.current.get(family)
        now = _in_use(folder, family)
        if version is None or now is None or now.version != version:
            raise UsageError("catalog_nothing_to_roll_back", family=family[:64])
        last = next(one for one in reversed(index.taken) if (one.family, one.version) == (family, version))
        current = {name: kept for name, kept in index.current.items() if name != family}
        if any((one.family, one.version) == (family, last.previous) for one in index.taken):
            current[family] = last.previous
        before = _of_index(folder, replace(index, current=current), family)
        if before is None:  # with none before it, its verdicts would be of no family
            raise UsageError("catalog_nothing_before", family=family[:64], version=version)
        _keep(folder, replace(index, current=current))
    return Step(now, before)


def _in_use(folder: Path, family: str) -> Family | None:
    return _of_index(folder, read_index(folder), family)


def _of_index(folder: Path, index: Index, family: str) -> Family | None:
    """The family as it is in use, whatever files of their own people have set beside."""
    shipped, version = shipped_family(family), index.current.get(family)
    if version is None or (shipped is not None and not later(version, shipped.version)):
        return shipped
    return load_family(family, (_file(folder, family, version),))


def _file(folder: Path, family: str, version: str) -> Path:
    return folder / family / f"{version}.yaml"


@lru_cache(maxsize=8)
def _index_as_of(path: Path, written: int) -> Index:
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
        if found["format"] != FORMAT:
            raise ValueError(f"format {found['format']}")
        current = {str(name): str(version) for name, version in found["current"].items()}
        return Index(current, tuple(Taken(**one) for one in found["taken"]))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CatalogError("catalog_index", file=str(path)) from error


def _keep(folder: Path, index: Index) -> None:
    told = {"format": FORMAT, "current": dict(index.current), "taken": [asdict(one) for one in index.taken]}
    _write(folder / _INDEX, json.dumps(told, ensure_ascii=False, indent=1) + "\n")


def _write(path: Path, text: str) -> None:
    """A file that is there whole or not at all, also after a crash."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise UsageError("catalog_unwritable", folder=str(path.parent), problem=error.strerror or "?") from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One change at a time: two that read the index together would lose one of them."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as held:
            try:
                import fcntl

                fcntl.flock(held, fcntl.LOCK_EX)
            except ImportError:  # Windows has none, and one person at it
                pass
            yield
    except OSError as error:
        raise UsageError("catalog_unwritable", folder=str(folder), problem=error.strerror or "?") from error
