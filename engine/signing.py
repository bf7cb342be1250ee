"""Signed documents: who vouches for a file, and whether it is as they left it.

Ed25519 (RFC 8032) over a document's canonical JSON, so that a file may be laid out anew but nothing in it changed. A
signed file is a JSON object: ``r1_signed`` (1), ``kind``, ``key``, ``signature`` and the ``document`` itself.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from engine.errors import CatalogError, UsageError
from engine.targets.source import check_bounds

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

VERSION = 1
SIGNED = "r1_signed"
"""The member by which a signed file is known."""
Kind = Literal["reference", "catalog"]
State = Literal["signed", "unknown", "tampered", "unsigned"]

_MEMBERS = {SIGNED, "kind", "key", "signature", "document"}
_PREFIX = "ed25519:"
_PUBLIC = re.compile(rf"{_PREFIX}[A-Za-z0-9+/]{{43}}=")
_BYTES = 32


@dataclass(frozen=True, slots=True)
class Key:
    """A private key: 32 bytes, which nothing prints."""

    seed: bytes = field(repr=False)

    @property
    def public(self) -> str:
        """The public key, to hand on: ``ed25519:`` and 44 characters."""
        return _PREFIX + base64.b64encode(self._private().public_key().public_bytes_raw()).decode("ascii")

    @property
    def pem(self) -> str:
        """As a file of its own (PKCS #8, not encrypted), as OpenSSL writes it."""
        from cryptography.hazmat.primitives import serialization

        told: bytes = self._private().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return told.decode("ascii")

    def signature(self, message: bytes) -> bytes:
        """64 bytes; the same for the same message."""
        return self._private().sign(message)

    def _private(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.seed)


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that was opened.

    Attributes:
        document: what it holds; ``None`` where it was tampered with, as nobody vouches for what it says now.
        state: ``signed``: intact, by a trusted key; ``unknown``: intact, by a key that nobody here trusts;
            ``tampered``: not what was signed; ``unsigned``: a document without a signature.
        key: the public key that it names, ``""`` where it is unsigned.
        signer: whose key that is; ``""`` where it is not trusted.
    """

    document: Any
    state: State
    key: str = ""
    signer: str = ""


def new_key() -> Key:
    """A fresh key, from the system's randomness."""
    import secrets

    return Key(secrets.token_bytes(_BYTES))


def read_key(text: str) -> Key:
    """A private key: 32 bytes in base64, or the text of a PEM file (PKCS #8, not encrypted).

    Raises:
        UsageError: it is neither.
    """
    text = text.strip()
    if text.startswith("-----BEGIN"):
        return _of_pem(text)
    try:
        seed = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise UsageError("signing_key_invalid") from error
    if len(seed) != _BYTES:
        raise UsageError("signing_key_invalid")
    return Key(seed)


def read_trusted(text: str) -> dict[str, str]:
    """Names by public key. Keys are one a line or comma separated, each with its name before or after it.

    Raises:
        UsageError: an entry has no key or several, no name, or a key that another entry has under another name.
    """
    found: dict[str, str] = {}
    for entry in re.split(r"[,\n]", text):
        if not (words := entry.split()):
            continue
        keys = [word for word in words if _PUBLIC.fullmatch(word)]
        name = " ".join(word for word in words if word not in keys)
        if len(keys) != 1 or not name or _PREFIX in name or found.get(keys[0], name) != name:
            raise UsageError("trusted_key_invalid", entry=entry.strip()[:90])
        found[keys[0]] = name
    return found


def read_public(text: str) -> str:
    """A public key, as it is written everywhere.

    Raises:
        UsageError: it is none.
    """
    if not _PUBLIC.fullmatch(text := text.strip()):
        raise UsageError("public_key_invalid", key=text[:90])
    return text


def sign(document: Any, key: Key, kind: Kind) -> bytes:
    """The signed file of a document, ready to be written.

    Raises:
        UsageError: it is no JSON: it holds infinities, lone surrogates or things of other types.
    """
    try:
        # As it will be read: tuples are lists then, and every name is text.
        plain = json.loads(json.dumps(document, allow_nan=False))
        signature = base64.b64encode(key.signature(_message(plain, kind))).decode("ascii")
        signed = {SIGNED: VERSION, "kind": kind, "key": key.public, "signature": signature, "document": plain}
        return json.dumps(signed, ensure_ascii=False, indent=1).encode("utf-8") + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError("document_unsignable", problem=str(error)[:120]) from error


def opened(data: bytes, trusted: Mapping[str, str], kind: Kind, *, name: str) -> Opened:
    """What a file holds, and who vouches for it.

    Args:
        data: the file, signed or not.
        trusted: names by public key.
        kind: what it is to be; what was signed as one kind cannot be passed off as another.
        name: of the file, for errors.

    Raises:
        CatalogError: it is no JSON, a member of it is there twice, it was signed as another kind, or in a way that is
            newer than this program.
        CorruptTarget: too much of it.
    """
    check_bounds(data, name)
    try:
        found = json.loads(data, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        problem = (str(error).splitlines() or ["nested too deeply"])[0][:80]
        raise CatalogError("document_invalid", file=name, problem=problem) from error
    if not isinstance(found, dict) or SIGNED not in found:
        return Opened(found, "unsigned")
    whole = type(version := found[SIGNED]) is int
    if whole and version > VERSION:
        raise CatalogError("document_newer", file=name, found=version, known=VERSION)
    key = str(found.get("key"))
    if set(found) != _MEMBERS or not whole or version != VERSION or not _PUBLIC.fullmatch(key):
        return Opened(None, "tampered")
    if not _verifies(key, found):
        return Opened(None, "tampered", key)
    if found["kind"] != kind:
        raise CatalogError("document_kind", file=name, found=found["kind"], wanted=kind)
    return Opened(found["document"], "signed" if key in trusted else "unknown", key, trusted.get(key, ""))


def _verifies(key: str, found: Mapping[str, Any]) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        public = Ed25519PublicKey.from_public_bytes(_decoded(key.removeprefix(_PREFIX)))
        public.verify(_decoded(str(found["signature"])), _message(found["document"], str(found["kind"])))
    except (ValueError, RecursionError, InvalidSignature):
        return False
    return True


def _message(document: Any, kind: str) -> bytes:
    """What is signed: the kind, then the document with its members in the order of their names and no space between;
    numbers as Python writes them, the shortest text that gives the same number back."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return f"r1-signed {VERSION}\n{json.dumps(kind)}\n{canonical}".encode("ascii")


def _decoded(text: str) -> bytes:
    """Base64, of which each value has one spelling: the spare bits of its last character are nought."""
    value = base64.b64decode(text, validate=True)
    if base64.b64encode(value).decode("ascii") != text:
        raise ValueError("spare bits are set")
    return value


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Of two members of one name, programs would read different ones."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name[:40]} is there twice")
        found[name] = value
    return found


def _of_pem(text: str) -> Key:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        found = load_pem_private_key(text.encode("utf-8"), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError("signing_key_invalid") from error
    if not isinstance(found, Ed25519PrivateKey):
        raise UsageError("signing_key_invalid")
    return Key(found.private_bytes_raw())
