"""Whether people want to hear of a watch for now. Pure.

Muted for a time, nothing is told. Muted until it changes, what goes on (failing, working again, telling nothing) is
not told; the next change is, and ends it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

FOR = timedelta(days=7)
"""How long, where nobody says."""
UNTIL_CHANGE = datetime(9999, 12, 31, tzinfo=UTC)
"""Stands in a watch's ``muted_until`` for: until it changes."""
_CHANGES = ("changed", "differs", "restored")


@dataclass(frozen=True, slots=True)
class Muted:
    """``until``: ``None`` for until it changes."""

    until: datetime | None


def muted(until: datetime | None, moment: datetime) -> Muted | None:
    """How a watch is muted at a moment; ``None``: it is not."""
    if until is None or until <= moment:
        return None
    return Muted(None if until >= UNTIL_CHANGE else until)


def is_told(kind: str, mute: Muted | None) -> bool:
    """Whether a notice of this kind is told all the same."""
    return mute is None or (mute.until is None and kind in _CHANGES)
