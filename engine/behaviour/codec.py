"""What is remembered of endpoints as plain JSON and back; what earlier versions wrote has the defaults of what they lacked."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from engine.behaviour.records import Behaviour, Watched
from engine.drift.records import LookRecord
from engine.errors import TargetError

FORMAT = 1
Record = TypeVar("Record", Behaviour, LookRecord, Watched)


def to_json(record: Behaviour | LookRecord | Watched) -> dict[str, Any]:
    """A JSON-able mapping; ``from_json`` gives the equal record back."""
    plain: dict[str, Any] = _adapter(type(record)).dump_python(record, mode="json")
    return {"format": FORMAT, **plain}


def from_json(kind: type[Record], payload: dict[str, Any]) -> Record:
    """The record that ``to_json`` wrote.

    Raises:
        TargetError: it is none, or of a newer format.
    """
    if payload.get("format") != FORMAT:
        raise TargetError("stored_format", found=str(payload.get("format")), known=FORMAT)
    try:
        found: Record = _adapter(kind).validate_python(
            {name: part for name, part in payload.items() if name != "format"}
        )
    except ValidationError as error:
        raise TargetError("stored_format", found=str(error.errors()[0]["loc"])[:80], known=FORMAT) from error
    return found


def _adapter(kind: type) -> TypeAdapter[Any]:
    return _adapters()[kind]


@cache
def _adapters() -> dict[type, TypeAdapter[Any]]:
    return {kind: TypeAdapter(kind) for kind in (Behaviour, LookRecord, Watched)}
