"""What a server says, made harmless: bounded, finite, and text that any database and terminal can hold."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from engine.errors import CorruptTarget
from engine.targets.source import parse_json

_BRACKETS, _QUOTES = 200_000, 1_000_000
"""A thousand tokens with twenty alternatives each, spelt out in bytes, have some 45,000 and 170,000."""
_DEPTH, _ENTRIES, _CHARACTERS = 12, 1_000, 20_000
"""Of documents that are kept. Chat templates, the longest strings told, have some 8,000 characters."""


def parse(data: bytes) -> Any:
    """JSON of a reply.

    Raises:
        CorruptTarget: not JSON, or it would unfold to more than a reply ever holds.
    """
    if data.count(b"[") + data.count(b"{") > _BRACKETS or data.count(b'"') > _QUOTES:
        raise CorruptTarget("json_too_large", name="-")
    return parse_json(data, "-")


def text(value: Any, limit: int | None = None) -> str:
    """A string as Unicode text; anything else is empty.

    JavaScript gateways cut between the halves of a surrogate pair, so halves that meet become one character.
    Lone halves and NUL, which no database takes, become U+FFFD.
    """
    if not isinstance(value, str):
        return ""
    whole: str = value
    try:
        whole.encode()
    except UnicodeEncodeError:
        whole = whole.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\0", "�")[:limit]


def count(value: Any) -> int | None:
    """A number of tokens, where it can be one."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9 else None


def logprob(value: Any) -> float | None:
    """A log probability in nats, where it can be one. vLLM gives -9999 for what it ruled out."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e6 < value < 0.01:
        return None
    return min(float(value), 0.0)


def document(value: Any, depth: int = _DEPTH) -> Any:
    """A copy of a JSON value, cut to what is worth keeping and can be stored."""
    if isinstance(value, str):
        return text(value, _CHARACTERS)
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else None
    if depth == 0:
        return None
    if isinstance(value, Mapping):
        kept = list(value.items())[:_ENTRIES]
        return {text(name, 200): document(part, depth - 1) for name, part in kept}
    if isinstance(value, list):
        return [document(part, depth - 1) for part in value[:_ENTRIES]]
    return value
