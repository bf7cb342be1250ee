"""A turn as JSON: the same keys whatever was said."""

from __future__ import annotations

from typing import Any

from bot.as_json import json_of
from bot.chat.conversation import Turn
from bot.terminal import error_json

_NOTHING_UNDERSTOOD = ("help", "other", "cancel", "refused")


def said_json(text: str, turn: Turn) -> dict[str, Any]:
    """What was said, what was understood, and what came of it."""
    request, answer = turn.request, turn.answer
    refusal = error_json(answer.error, request.lang)["error"] if answer.error is not None else None
    return {
        "text": text,
        "lang": request.lang,
        "verb": request.verb,
        "understood": _line(turn),
        "answer": json_of(answer) if answer.error is None else None,
        "headline": turn.view.headline,
        "pending": answer.pending,
        "asks": turn.asks,
        "choices": [choice.label for choice in turn.choices],
        "files": [str(file) for file in turn.files],
        "error": refusal,
    }


def _line(turn: Turn) -> str | None:
    from bot.understanding.line import line_of

    return None if turn.request.verb in _NOTHING_UNDERSTOOD else line_of(turn.request)
