"""What trusted targets showed, for comparison: what a variant answers, and how its weights are, when it is the variant.

A reference is one JSON file, made by `r1 reference record` from an endpoint or a checkpoint that somebody vouches for.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.attention_profile import AttentionProfile
from engine.errors import CatalogError, R1Error
from engine.targets.source import parse_json
from engine.weights.records import Fingerprint

if TYPE_CHECKING:
    from engine.behaviour.records import Behaviour

FORMAT = 1
PARTS = ("fingerprint", "attention", "entropies", "facts", "problems", "behaviour")
"""What a reference may hold to compare with: of weights the first three, of an endpoint the last four."""
_LIMIT = 20_000_000
Count = Annotated[int, Field(ge=0, le=1_000_000)]


class Reference(BaseModel):
    """What a trusted target showed.

    Attributes:
        variant: catalog id of what it is vouched to be.
        facts: for each fact's id, how often each answer came (``""``: no answer that could be read).
        problems: for each level, how many problems were solved and how many put.
        entropies: for each sentence's id, the entropy in nats of the next token.
        attention: what each head of a checkpoint does.
        fingerprint: of the weights of a checkpoint.
        behaviour: how an endpoint answers a few cheap prompts, see ``engine.behaviour``.
        host: where it was recorded: an endpoint's host without path or key, a checkpoint's name.
        created: day of recording, ISO.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = Field(FORMAT, ge=1, le=FORMAT)
    variant: str = Field(min_length=1, max_length=120)
    facts: dict[str, dict[str, Count]] = {}
    problems: dict[str, tuple[Count, Count]] = {}
    entropies: dict[str, Annotated[float, Field(ge=0, le=20)]] = {}
    attention: AttentionProfile | None = None
    fingerprint: Fingerprint | None = None
    behaviour: dict[str, Any] = {}
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


def load_references(paths: Iterable[Path]) -> tuple[Reference, ...]:
    """The references in these files.

    Raises:
        CatalogError: a file is missing or no reference; the sentence names it.
    """
    return tuple(_load(path) for path in paths)


def newest(references: Iterable[Reference]) -> tuple[Reference, ...]:
    """One reference a variant, each part of it from the newest that has it: answers come from endpoints, weights
    from checkpoints."""
    joined: dict[str, dict[str, object]] = {}
    for entry in sorted(references, key=lambda entry: entry.created):
        present = {name: value for name, value in entry if value or name == "format"}
        joined[entry.variant] = joined.get(entry.variant, {}) | present
    return tuple(Reference.model_construct(**parts) for parts in joined.values())  # type: ignore[arg-type]


def _load(path: Path) -> Reference:
    try:
        if path.stat().st_size > _LIMIT:
            raise CatalogError("reference_invalid", file=path.name, problem="too large")
        return Reference.model_validate(parse_json(path.read_bytes(), path.name))
    except OSError as error:
        raise CatalogError("catalog_missing", file=str(path)) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][:3])
        raise CatalogError("reference_invalid", file=path.name, problem=f"{where}: {first['msg']}") from error
    except CatalogError:
        raise
    except R1Error as error:
        raise CatalogError(
            "reference_invalid", file=path.name, problem=str(error.values.get("problem", "too large"))
        ) from error
