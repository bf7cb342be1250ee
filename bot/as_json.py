"""Answers as plain JSON: what `--json` prints. Each verb has one shape, and its option says which keys it has."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date
from typing import Any

from bot.comparing.records import Compared
from bot.jobs import Answer
from bot.store.queries import StoredVerdict
from bot.terminal import error_json
from engine.backends import Device
from engine.codec import recommendation_to_json, sizings_to_json, to_json


def json_of(answer: Answer) -> Any:
    """The answer as its verb prints it; ``None`` where there is none."""
    if answer.error is not None:
        return error_json(answer.error, "en")
    if answer.identification is not None:
        return {"id": answer.verdict_id, "as_of": plain(answer.as_of), **to_json(answer.identification)}
    if answer.comparison is not None:
        return _compared(answer.comparison.first, answer.comparison.second)
    if answer.compared is not None:
        return compared_json(answer.compared)
    if answer.recommendation is not None:
        return recommendation_to_json(answer.recommendation)
    if answer.sizes is not None:
        sizes = answer.sizes
        return {"model": sizes.model, "hardware": sizes.hardware or None, "sizings": sizings_to_json(sizes.sizings)}
    if answer.explanation is not None:
        today = plain(answer.today) if answer.today is not None else None
        again = plain(answer.explanation.recomputed)
        return {**verdict_json(answer.explanation), "today": today, "recomputed": again}
    if answer.devices is not None:
        return [_device(device) for device in answer.devices]
    if answer.removed is not None:
        return {"removed": answer.removed}
    for rows in (answer.tasks, answer.history, answer.endpoints, answer.watches):
        if rows is not None:
            return plain(rows)
    return plain(answer.added if answer.added is not None else answer.watch)


def _compared(first: StoredVerdict, second: StoredVerdict) -> dict[str, Any]:
    from bot.presentation.comparing import likeness

    alike = likeness(first.identification.verdict, second.identification.verdict)
    return {"likeness": alike, "first": verdict_json(first), "second": verdict_json(second)}


def compared_json(found: Compared) -> dict[str, Any]:
    """Two models on a task: the comparison, what it implies, and the cases on which they differ most."""
    from bot.comparing.kept import compared_to_json

    kept = compared_to_json(found)
    made = {name: part for name, part in kept.pop("comparison").items() if name not in ("answers", "format")}
    return {"id": found.id or None, **made, **kept}


def verdict_json(stored: StoredVerdict) -> dict[str, Any]:
    """A past verdict, whole."""
    return {"id": stored.id, "created": stored.created.isoformat(), **to_json(stored.identification)}


def plain(value: Any) -> Any:
    """Records as mappings, times as ``2026-01-31T09:00:00+00:00``."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(part) for part in value]
    return value.isoformat() if isinstance(value, date) else value


def _device(device: Device) -> dict[str, Any]:
    return {"id": device.id, **dataclasses.asdict(device), "budget": device.budget, "fp8": device.fp8}
