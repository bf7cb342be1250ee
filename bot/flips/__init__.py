"""Flips: verdicts that are something else under a later version of the catalog, and who is told so.

A version that comes into use is noted in the database together with the verdicts it may change, in one transaction;
each of them is recomputed, kept and told in one more. So every worker may take part, each verdict is recomputed once,
and each flip is told once, whichever process dies when.
"""

from __future__ import annotations

from bot.flips.noticing import note_families, note_family
from bot.flips.recomputing import Outcome, outcome_of, recompute_waiting, settle, tick
from bot.flips.telling import Flip, is_flip, load_flip

__all__ = [
    "Flip",
    "Outcome",
    "is_flip",
    "load_flip",
    "note_families",
    "note_family",
    "outcome_of",
    "recompute_waiting",
    "settle",
    "tick",
]
