"""Updates of the catalog as files: families as they are written, signed by somebody who vouches for them.

The signed document (see ``engine.signing``, kind ``catalog``) has one member, ``families``: the texts of family files,
comments and all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.catalog import parse_family
from engine.catalog.schema import Family
from engine.catalog.versions import grows, later
from engine.errors import CatalogError
from engine.signing import Key, opened, sign

_MOST = 32
"""Families in one update."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class Written:
    """A family, and the text it was read from."""

    text: str
    family: Family


@dataclass(frozen=True, slots=True)
class Update:
    """Families that somebody vouches for: ``signer`` by name, ``key`` the public key."""

    families: tuple[Written, ...]
    signer: str
    key: str


def read_update(data: bytes, trusted: Mapping[str, str], *, name: str) -> Update:
    """The update that a file is.

    Args:
        trusted: names by public key.
        name: the file's, in sentences.

    Raises:
        CatalogError: unsigned, signed by nobody who is trusted or changed since, or one of its families is invalid.
    """
    found = opened(data, trusted, "catalog", name=name)
    if found.state == "tampered":
        raise CatalogError("catalog_tampered", file=name)
    if found.state == "unsigned":
        raise CatalogError("catalog_unsigned", file=name)
    if found.state == "unknown":
        raise CatalogError("catalog_unknown_key", file=name, key=found.key)
    texts = found.document.get("families") if isinstance(found.document, dict) else None
    if not isinstance(texts, list) or not 0 < len(texts) <= _MOST or not all(isinstance(text, str) for text in texts):
        raise CatalogError("catalog_document", file=name)
    return Update(tuple(read_families(texts, name)), found.signer, found.key)


def read_families(texts: Sequence[str], name: str) -> list[Written]:
    """The families that texts are, each fit to be an update.

    Raises:
        CatalogError: one is invalid, or has a name or version by which a later one could not be told.
    """
    read = [Written(text, parse_family(text, name)) for text in texts]
    for number, one in enumerate(read):
        family = one.family
        if not _NAME.fullmatch(family.name) or family.name in {other.family.name for other in read[:number]}:
            raise CatalogError("catalog_name", file=name, family=family.name[:64])
        if not grows(family.version):
            raise CatalogError("catalog_version", file=name, family=family.name, version=family.version[:40])
        if not family.variants:
            raise CatalogError("catalog_no_variants", file=name, family=family.name)
    return read


def sign_families(paths: Sequence[Path], key: Key) -> bytes:
    """The signed file of family files.

    Raises:
        CatalogError: one of them is missing or invalid.
        UsageError: too many of them, or too large.
    """
    from engine.catalog.yaml_file import read_text

    texts = [read_text(path) for path in paths]
    for path, text in zip(paths, texts, strict=True):
        read_families([text], path.name)
    read_families(texts, " + ".join(path.name for path in paths))
    return sign({"families": texts}, key, "catalog")


def check_follows(family: Family, current: Family, name: str) -> bool:
    """Whether a family is a later version of the one in use; ``False`` where it is the very same.

    Raises:
        CatalogError: it is an earlier version, another text of the same one, or drops a variant without saying so.
    """
    if family == current:
        return False
    told = {"file": name, "family": family.name, "version": family.version, "current": current.version}
    if not later(family.version, current.version):
        same = not later(current.version, family.version)
        raise CatalogError("catalog_same_version" if same else "catalog_downgrade", **told)
    kept = {variant.id for variant in family.variants} | set(family.retired)
    gone = [variant.id for variant in current.variants if variant.id not in kept]
    if gone:
        raise CatalogError("catalog_variants_gone", file=name, family=family.name, variants=", ".join(gone)[:300])
    return True
