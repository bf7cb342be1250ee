"""The source article's table in §3.1, computed again from the figures it gives. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from engine.comparing.statistics import relative


@dataclass(frozen=True, slots=True)
class ArticleLine:
    """A line of the table. ``printed``: the relative difference in per cent as the article prints it."""

    metric: str
    full: float
    distilled: float
    printed: str

    @property
    def relative(self) -> float:
        """(distilled - full) / full, by the function that every comparison goes by."""
        return relative(self.full, self.distilled) or 0.0

    @property
    def agrees(self) -> bool:
        """Whether what the article prints is that, rounded to as many digits."""
        digits = len(self.printed.partition(".")[2])
        return f"{100 * self.relative:+.{digits}f}" == self.printed


ARTICLE = (
    ArticleLine("f1", 92.3, 89.7, "-2.8"),
    ArticleLine("em", 78.5, 75.2, "-4.2"),
    ArticleLine("rouge_l", 41.2, 39.8, "-3.4"),
    ArticleLine("sentences_per_second", 12.5, 38.7, "+209"),
)
"""§3.1: text classification (F1), question answering (EM), summarisation (ROUGE-L), sentences a second."""
