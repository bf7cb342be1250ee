"""The folder of references: which there are, and how one comes in, goes out, and is recorded again. What takes the place
of another leaves that in the folder ``earlier``."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bot.signatures import own_key, signing_key, trusted
from engine.errors import CatalogError, UsageError

if TYPE_CHECKING:
    from bot.settings import Settings
    from engine.references import Reference, Vouched

EARLIER = "earlier"
State = Literal["signed", "unknown", "unsigned", "tampered", "invalid"]
"""See ``engine.signing``; ``invalid``: it cannot be read, or is no reference."""
_NAMED = 12
_INWARD = (".local", ".internal", ".lan", ".corp", ".home", ".intranet", ".localdomain", ".home.arpa")


@dataclass(frozen=True, slots=True)
class Kept:
    """A reference file: what it holds and who vouches for it, or else why it is of no use."""

    path: Path
    vouched: Vouched | None
    problem: CatalogError | None = None

    @property
    def state(self) -> State:
        if self.vouched is not None:
            return self.vouched.state
        return "tampered" if self.problem is not None and self.problem.code == "reference_tampered" else "invalid"


@dataclass(frozen=True, slots=True)
class Put:
    """A reference that was put into the folder. ``aside``: where the one before it is now; ``new``: it was not here yet."""

    kept: Kept
    aside: Path | None = None
    new: bool = True


def look_at(path: Path, names: Mapping[str, str]) -> Kept:
    """A reference file as it is. ``names``: of trusted public keys."""
    from engine.references import load_reference

    try:
        return Kept(path, load_reference(path, names))
    except CatalogError as error:
        return Kept(path, None, error)


def every(settings: Settings, *, earlier: bool = False) -> list[Kept]:
    """All that identifications compare with; ``earlier``: those that were superseded too, after them."""
    names = trusted(settings)
    return [look_at(path, names) for path in files(settings, earlier=earlier)]


def files(settings: Settings, *, earlier: bool = False) -> list[Path]:
    """The files of references: those set, those in the folder, and ``earlier`` ones."""
    folder = settings.reference_folder
    aside = sorted((folder / EARLIER).glob("*.json")) if earlier else []
    return [*settings.reference_files, *sorted(folder.glob("*.json")), *aside]


def find(settings: Settings, name: str) -> Kept:
    """The one reference that is meant: a file, the name of one in the folder, with or without its ending, or a variant.

    Raises:
        UsageError: none is meant, or several may be; the sentence lists them.
    """
    names = trusted(settings)
    path = Path(name).expanduser()
    if path.is_file():
        return look_at(path, names)
    known = files(settings, earlier=True)
    for found in known:
        if name in (found.name, found.name.removesuffix(".json")):
            return look_at(found, names)
    current = [look_at(found, names) for found in files(settings)]
    meant = [kept for kept in current if kept.vouched and kept.vouched.reference.variant.lower() == name.lower()]
    if len(meant) == 1:
        return meant[0]
    listed = ", ".join(kept.path.name for kept in (meant or current)[:_NAMED]) or "–"
    raise UsageError("reference_several" if meant else "reference_unknown", name=name[:80], known=listed)


def keep_recorded(settings: Settings, recorded: dict[str, Any], whose: str, output: Path | None) -> Put:
    """Sign what was recorded, and keep it as the next version of what was recorded there of the same variant.

    Args:
        whose: name or host of what was recorded.
        output: the file to write, where it is not to lie in the folder.

    Raises:
        UsageError: it cannot be written, or there is no key to sign with.
    """
    from engine.signing import sign

    key = signing_key(settings)
    path = output or settings.reference_folder / f"{_name(recorded['variant'], whose)}.json"
    with _alone(path.parent):
        aside = _put_aside(path)
        version = 1 + max(_versions(path), default=0)
        write_whole(path, sign({**recorded, "version": version}, key, "reference"))
        return Put(look_at(path, trusted(settings)), aside)


def take_in(settings: Settings, data: bytes, vouched: Vouched) -> Put:
    """Keep a reference that came from elsewhere, byte by byte as it came. Those of another key, and unsigned ones, lie beside
    one's own of the same variant and host.

    Raises:
        UsageError: a later version of it is here, or it cannot be written.
    """
    reference, names = vouched.reference, trusted(settings)
    whose = "" if _is_mine(vouched, settings) else f".{_short(vouched.key)}"
    path = settings.reference_folder / f"{_name(reference.variant, reference.host or 'unnamed')}{whose}.json"
    with _alone(path.parent):
        for here in (look_at(file, names) for file in files(settings)):
            if here.vouched and (here.vouched.reference, here.vouched.key) == (reference, vouched.key):
                return Put(here, new=False)
        there = look_at(path, names).vouched if path.exists() else None
        if there is not None and there.reference.version > reference.version:
            raise UsageError("reference_older", file=path.name, version=reference.version, kept=there.reference.version)
        aside = _put_aside(path)
        write_whole(path, data)
        return Put(look_at(path, names), aside)


def to_hand_on(settings: Settings, kept: Kept, *, sign_it: bool) -> bytes:
    """A reference as a file for others: signed, and without the name of a host that only one's own network knows.

    Args:
        sign_it: vouch for it with one's own key, whoever signed it.

    Raises:
        CatalogError: it is damaged.
        UsageError: nobody has signed it, and ``sign_it`` is not said.
    """
    from engine.signing import sign

    if kept.vouched is None:
        raise kept.problem or CatalogError("catalog_missing", file=str(kept.path))
    if not sign_it and not _is_mine(kept.vouched, settings):
        if kept.state == "unsigned":
            raise UsageError("reference_export_unsigned", file=kept.path.name)
        return kept.path.read_bytes()
    reference = kept.vouched.reference
    told = reference.model_copy(update={"host": ""}) if _is_inward(reference) else reference
    return sign(told.model_dump(mode="json"), signing_key(settings), "reference")


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: an identification may read the folder at any time.

    Raises:
        UsageError: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise UsageError("reference_unwritable", file=str(path)[:200], problem=error.strerror or "?") from error


def _put_aside(path: Path) -> Path | None:
    """Copy a file that is to be superseded, where there is one, into the folder of earlier ones; it stays until the new one
    is there."""
    if not path.exists():
        return None
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError("reference_unwritable", file=str(path)[:200], problem=error.strerror or "?") from error
    version = _version(path) or 1 + max(_versions(path), default=0)
    names = (f"{path.stem}.v{version}{f'-{turn}' if turn else ''}.json" for turn in range(10_000))
    for name in names:
        place = path.parent / EARLIER / name
        if not place.exists() or place.read_bytes() == data:
            break
    write_whole(place, data)
    return place


def _versions(path: Path) -> Iterator[int]:
    """Of a file and of those that it superseded."""
    if (own := _version(path)) is not None:
        yield own
    for file in (path.parent / EARLIER).glob("*.json"):
        if found := re.fullmatch(rf"{re.escape(path.stem)}\.v(\d{{1,6}})(-\d+)?\.json", file.name):
            yield int(found[1])


def _version(path: Path) -> int | None:
    found = look_at(path, {}).vouched
    return found.reference.version if found is not None else None


def _name(variant: str, whose: str) -> str:
    return re.sub(r"[^\w.@-]+", "-", f"{variant}@{whose}")[:180].lstrip(".")


def _short(key: str) -> str:
    return re.sub(r"\W", "", key.partition(":")[2])[:8] or "unsigned"


def _is_mine(vouched: Vouched, settings: Settings) -> bool:
    key = own_key(settings)
    return key is not None and key.public == vouched.key


def _is_inward(reference: Reference) -> bool:
    """Whether the host's name tells strangers nothing but how somebody's own network is laid out. A checkpoint has a name
    and no host."""
    host = reference.host.lower()
    if reference.fingerprint is not None:
        return False
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith(_INWARD)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Of two that record at the same time, the later one is to see the version of the earlier one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise UsageError("reference_unwritable", file=str(folder)[:200], problem=error.strerror or "?") from error
    try:
        try:
            import fcntl

            fcntl.flock(held, fcntl.LOCK_EX)
        except (ImportError, OSError):  # Windows and some network file systems have no such lock
            pass
        yield
    finally:
        os.close(held)
