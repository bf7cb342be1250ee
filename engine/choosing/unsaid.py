"""What to ask for when nothing was said. Apart from the rest, which takes hardware, rules and sizing to load."""

from __future__ import annotations

from engine.identification import Recommendation

ORDER = (
    "hardware", "task", "ttft", "context", "concurrency", "budget", "tpot", "language", "licence", "availability",
)  # fmt: skip
"""Constraints worth asking for, by how much they change an answer of which nothing is known."""
ASKED = 5
"""More questions than this nobody answers."""


def nothing_said() -> Recommendation:
    """The answer where nothing was said to choose by."""
    return Recommendation(choice=None, missing=ORDER[:ASKED])
