"""How a Web API method says no."""

from __future__ import annotations

import json
from typing import Any

Body = dict[str, Any]


class ApiError(Exception):
    """An ``ok: false`` answer."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.answer = {"ok": False, "error": error, **more}


def invalid(name: str) -> ApiError:
    """An argument is missing or malformed."""
    return ApiError("invalid_arguments", response_metadata={"messages": [f"invalid or missing `{name}`"]})


def decoded(value: Any) -> Any:
    """An argument that may come as JSON in a string.

    Raises:
        ApiError: it is no JSON.
    """
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise invalid("json") from error
