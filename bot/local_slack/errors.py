"""How a Web API method says no."""

from __future__ import annotations

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
