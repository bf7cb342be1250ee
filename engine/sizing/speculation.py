"""Speculative decoding: tokens proposed, and how many of them are kept."""

from __future__ import annotations

KEPT = 0.7
"""Chance that a proposed token is kept when all before it were. Judged from published acceptance rates: DeepSeek-V3's
own prediction layer 0.85 to 0.9 (arXiv 2412.19437, section 5.4.3), EAGLE-3's drafts about 0.7 (arXiv 2503.01840)."""


def accepted_tokens(proposed: int) -> float:
    """Tokens kept on average of so many proposed in a row (Leviathan and others, 2023): the sum of KEPT^i."""
    return sum(KEPT**index for index in range(1, proposed + 1))
