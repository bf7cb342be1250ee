"""What trusted targets showed, for comparison: what a variant answers, and how its weights are, when it is the variant.

A reference is one JSON file, made by `r1 reference record` from an endpoint or a checkpoint that somebody vouches for, and
signed by whoever recorded it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.attention_profile import AttentionProfile
from engine.errors import CatalogError, R1Error
from engine.signing import State, opened
from engine.targets.target import Finding
from engine.weights.records import Fingerprint

if TYPE_CHECKING:
    from engine.behaviour.records import Behaviour

FORMAT = 1
PARTS = ("fingerprint", "attention", "entropies", "facts", "problems", "behaviour")
"""What a reference may hold to compare with: of weights the first three, of an endpoint the last four."""
SKIPPED = "reference_skipped"
"""The finding that a reference was left out."""
LIMIT = 20_000_000
"""Bytes of a file, at most."""
Count = Annotated[int, Field(ge=0, le=1_000_000)]


class Reference(BaseModel):
    """What a trusted target showed.

    Attributes:
        variant: catalog id of what it is vouched to be.
        version: counted up by whoever records the same variant at the same place again.
        facts: for each fact's id, how often each answer came (``""``: no answer that could be read).
        problems: for each level, how many problems were solved and how many put.
        entropies: for each sentence's id, the entropy in nats of the next token.
        attention: what each head of a checkpoint does.
        fingerprint: of the weights of a checkpoint.
        behaviour: how an endpoint answers a few cheap prompts, see ``engine.behaviour``.
        speed: of the longest stream of a recording: seconds to the ``first`` piece and from piece to piece (``gap``, with
            its 95 % interval from ``low`` to ``high``). Told and not compared: it is that of the line too.
        host: where it was recorded: an endpoint's host without path or key, a checkpoint's name.
        created: day of recording, ISO.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = Field(FORMAT, ge=1, le=FORMAT)
    variant: str = Field(min_length=1, max_length=120)
    version: int = Field(1, ge=1, le=1_000_000)
    facts: dict[str, dict[str, Count]] = {}
    problems: dict[str, tuple[Count, Count]] = {}
    entropies: dict[str, Annotated[float, Field(ge=0, le=20)]] = {}
    attention: AttentionProfile | None = None
    fingerprint: Fingerprint | None = None
    behaviour: dict[str, Any] = {}
    speed: dict[str, Annotated[float, Field(ge=0, le=1e6)]] = {}
    host: str = ""
    created: str = ""
    engine_version: str = ""
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def behaved(self) -> Behaviour | None:
        """How it answered a few cheap prompts; ``None`` where nobody asked, or a later version wrote it down otherwise."""
        from engine.behaviour.codec import from_json
        from engine.behaviour.records import Behaviour

        try:
            return from_json(Behaviour, self.behaviour) if self.behaviour else None
        except R1Error:
            return None


@dataclass(frozen=True, slots=True)
class Vouched:
    """A reference, and who vouches for it: see ``engine.signing.Opened``. What was tampered with is none."""

    reference: Reference
    state: State
    key: str = ""
    signer: str = ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """References that could be read, and for each file of a folder that could not, the sentence that says why."""

    references: tuple[Reference, ...]
    skipped: tuple[CatalogError, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What people are to know of it."""
        return tuple(Finding(SKIPPED, {"file": str(error.values["file"])}) for error in self.skipped)


def load_references(paths: Iterable[Path]) -> tuple[Reference, ...]:
    """The references in these files.

    Raises:
        CatalogError: a file is missing, damaged or no reference; the sentence names it.
    """
    return tuple(load_reference(path).reference for path in paths)


def references_in(paths: Iterable[Path]) -> Loaded:
    """The references in these files and folders. A file of a folder that is damaged is left out, as it says nothing of the
    others; one that is named is to be there.

    Raises:
        CatalogError: a file that is named is missing, damaged or no reference.
    """
    found: list[Reference] = []
    skipped: list[CatalogError] = []
    for path in paths:
        if not path.is_dir():
            found.append(load_reference(path).reference)
            continue
        for file in sorted(path.glob("*.json")):
            try:
                found.append(load_reference(file).reference)
            except CatalogError as error:
                skipped.append(error)
    return Loaded(tuple(found), tuple(skipped))


def newest(references: Iterable[Reference]) -> tuple[Reference, ...]:
    """One reference a variant, each part of it from the newest that has it: answers come from endpoints, weights
    from checkpoints."""
    joined: dict[str, dict[str, object]] = {}
    for entry in sorted(references, key=lambda entry: (entry.created, entry.version)):
        present = {name: value for name, value in entry if value or name == "format"}
        joined[entry.variant] = joined.get(entry.variant, {}) | present
    return tuple(Reference.model_construct(**parts) for parts in joined.values())  # type: ignore[arg-type]


def load_reference(path: Path, trusted: Mapping[str, str] | None = None) -> Vouched:
    """The reference in a file, and who vouches for it. Raises as ``read_reference``, or where it cannot be read.

    Args:
        trusted: names by public key.
    """
    try:
        if path.stat().st_size > LIMIT:
            raise CatalogError("reference_invalid", file=path.name, problem="too large")
        data = path.read_bytes()
    except OSError as error:
        raise CatalogError("catalog_missing", file=str(path)) from error
    return read_reference(data, path.name, trusted)


def read_reference(data: bytes, name: str, trusted: Mapping[str, str] | None = None) -> Vouched:
    """The reference that a file holds, signed or not.

    Raises:
        CatalogError: it is none, or not as it was signed; the sentence names the file.
    """
    try:
        found = opened(data, trusted or {}, "reference", name=name)
        if found.state == "tampered":
            raise CatalogError("reference_tampered", file=name)
        return Vouched(Reference.model_validate(found.document), found.state, found.key, found.signer)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][:3])
        raise CatalogError("reference_invalid", file=name, problem=f"{where}: {first['msg']}") from error
    except R1Error as error:
        if isinstance(error, CatalogError) and error.code != "document_invalid":
            raise
        problem = str(error.values.get("problem", "too large"))
        raise CatalogError("reference_invalid", file=name, problem=problem) from error
