"""What a check found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.presentation import words
from bot.requests import Lang
from engine.errors import R1Error

State = Literal["ok", "wrong", "idle"]
SIGNS: dict[State, str] = {"ok": "✓", "wrong": "✗", "idle": "–"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One check.

    Attributes:
        check: its name, a key of ``doctor.checks`` in the words.
        state: ``idle``: not needed as things are set, or not looked at; the sentence says which.
        code: key of ``doctor.says``, which has what was found and what to do; unused where there is an ``error``.
        error: its sentence says both.
    """

    check: str
    state: State
    code: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    error: R1Error | None = None

    def found(self, lang: Lang) -> str:
        """What was found, in a line."""
        if self.error is not None:
            return self.error.sentence(lang)
        return str(words(lang)["doctor"]["says"][self.code]["found"].format(**self.values))

    def remedy(self, lang: Lang) -> str:
        """What to do about it; empty where nothing is to be done, or where what was found says it."""
        if self.error is not None:
            return ""
        return str(words(lang)["doctor"]["says"][self.code]["do"].format(**self.values))


def failed(check: str, error: R1Error) -> Finding:
    """A check that ended with a sentence."""
    return Finding(check, "wrong", error=error)
