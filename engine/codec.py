"""Identifications as plain JSON and back: what the store keeps and `--json` prints."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from engine.comparing.records import Comparison
from engine.errors import TargetError
from engine.identification import Identification, Recommendation
from engine.sized import Sizing

FORMAT = 1
"""Raised when a stored payload of an earlier version could no longer be read as it is."""


def to_json(identification: Identification) -> dict[str, Any]:
    """A JSON-able mapping; ``from_json`` gives the equal record back."""
    return {"format": FORMAT, **_plain(identification)}


def from_json(payload: Mapping[str, Any]) -> Identification:
    """The record that ``to_json`` wrote.

    Raises:
        TargetError: the payload is no identification, or of a newer format.
    """
    if payload.get("format") != FORMAT:
        raise TargetError("stored_format", found=str(payload.get("format")), known=FORMAT)
    try:
        record: Identification = _build(Identification, payload)
    except (KeyError, TypeError, ValueError) as error:
        raise TargetError("stored_format", found=str(error)[:80], known=FORMAT) from error
    return record


def recommendation_to_json(recommendation: Recommendation) -> dict[str, Any]:
    """A JSON-able mapping of a recommendation that stands alone."""
    plain: dict[str, Any] = _plain(recommendation)
    return plain


def recommendation_from_json(payload: Mapping[str, Any]) -> Recommendation:
    """The recommendation that ``recommendation_to_json`` wrote."""
    record: Recommendation = _build(Recommendation, payload)
    return record


def comparison_to_json(comparison: Comparison) -> dict[str, Any]:
    """A JSON-able mapping of a comparison on a task."""
    return {"format": FORMAT, **_plain(comparison)}


def comparison_from_json(payload: Mapping[str, Any]) -> Comparison:
    """The comparison that ``comparison_to_json`` wrote."""
    record: Comparison = _build(Comparison, payload)
    return record


def sizings_to_json(sizings: Iterable[Sizing]) -> list[dict[str, Any]]:
    """A JSON-able list of sizings."""
    return [_plain(sizing) for sizing in sizings]


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: _plain(part) for name, part in zip(value._fields, value, strict=True)}
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):  # JSON has no infinity: how long what cannot run takes
        return None
    return value


@cache
def _hints(record: type) -> dict[str, Any]:
    return get_type_hints(record)


def _fields(kind: Any, value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """A record's fields; those with a default may be missing from what an earlier version wrote."""
    hints, required = _hints(kind), dataclasses.MISSING
    return [
        (field.name, hints[field.name])
        for field in dataclasses.fields(kind)
        if field.name in value or (field.default is required and field.default_factory is required)
    ]


def _build(kind: Any, value: Any) -> Any:
    """``value`` as ``kind``, following the records' own annotations; no number where one must be was infinite."""
    if kind is float and value is None:
        return math.inf
    origin = get_origin(kind)
    if origin is Union or origin is types.UnionType:
        if value is None:
            return None
        return _build(next(part for part in get_args(kind) if part is not type(None)), value)
    if origin is tuple:
        return tuple(_build(get_args(kind)[0], part) for part in value)
    if origin in (Literal, None) and not isinstance(kind, type):
        return value
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return kind(**{name: _build(hint, value[name]) for name, hint in _fields(kind, value)})
    if isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields"):
        hints = _hints(kind)
        return kind(**{name: _build(hint, value[name]) for name, hint in hints.items()})
    return value
