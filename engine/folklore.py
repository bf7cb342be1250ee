"""Circulating figures found in a message, each with the published configuration that contradicts it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.catalog import load_folklore

_MOST = 3


def contradicted(text: str) -> tuple[Mapping[str, str], ...]:
    """Replies by language (``en``, ``zh``) to the figures that ``text`` mentions, three at most."""
    found = [tale for tale in load_folklore() if re.search(tale.pattern, text[:4_000], re.IGNORECASE)]
    return tuple({**tale.reply, "figure": tale.figure, "source": tale.source} for tale in found[:_MOST])
