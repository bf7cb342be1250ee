"""Watches: a target looked at again and again, and people told when it is no longer what they know.

A look that is due becomes a job in the transaction that sets when the next one is; what a look changes, and the notice
of it, is kept in the transaction that keeps its verdict. So each due look happens once and each change is told once,
whichever process dies when.
"""

from __future__ import annotations

from bot.watches.asked import answer, change, look_asked
from bot.watches.changing import add_watch, change_watch, list_watches
from bot.watches.checking import check_endpoint
from bot.watches.looking import is_look, look_failed, looked, seen
from bot.watches.notices import Notice
from bot.watches.ticking import EVERY, tick
from bot.watches.times import next_run

__all__ = [
    "EVERY",
    "Notice",
    "add_watch",
    "answer",
    "change",
    "change_watch",
    "check_endpoint",
    "is_look",
    "list_watches",
    "look_asked",
    "look_failed",
    "looked",
    "next_run",
    "seen",
    "tick",
]
