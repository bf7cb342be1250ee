"""How a target went, in a report: two panels that stretch to any width, and what was news as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.presentation.view import percent, words
from bot.report.markup import harmless, mark
from bot.requests import Lang
from bot.store.timeline import Timeline

WIDE, HIGH = 1000, 100
"""Of a panel, in its own units; the page stretches it, lines and dots stay as thick as they are."""
_TOLD_AT = 4.605
"""Log-evidence at which a change is told: ln(1/alpha), alpha = 0.01."""
_ROWS = 40


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines through points (as SVG writes them), dots, marks from top to bottom, and where a change is told."""

    title: str
    line: str = ""
    dots: tuple[tuple[str, str, str], ...] = ()
    marks: tuple[tuple[str, str], ...] = ()
    told: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A timeline as it is laid out; ``rows``: when and what."""

    alt: str
    first: str
    last: str
    panels: tuple[Panel, ...]
    rows: tuple[tuple[str, str], ...]


def drawn(found: Timeline, lang: Lang) -> Drawn:
    """A timeline for the page."""
    said, looks = words(lang)["looks"]["timeline"], words(lang)["looks"]
    moments = [*(one.at for one in found.verdicts), *(one.at for one in found.points)]
    first, last = min(moments), max(moments)
    wide = max((last - first).total_seconds(), 1.0)

    def x(at: datetime) -> str:
        return f"{20 + (WIDE - 40) * (at - first).total_seconds() / wide:.1f}"

    marks = tuple((x(point.at), point.mark) for point in found.points if point.mark)
    panels = []
    if found.verdicts:
        dots = tuple((x(one.at), f"{95 - 90 * one.confidence:.1f}", one.outcome) for one in found.verdicts)
        panels.append(Panel(said["confidence"], dots=dots, marks=marks))
    evidence = [(point.at, point.log_e["total"]) for point in found.points if "total" in point.log_e]
    if evidence:
        most = max(7.0, max(value for _, value in evidence) * 1.1)
        least = min(-1.0, min(value for _, value in evidence))

        def y(value: float) -> str:
            return f"{95 - 90 * (value - least) / (most - least):.1f}"

        line = " ".join(f"{x(at)},{y(value)}" for at, value in evidence)
        panels.append(Panel(said["evidence"], line=line, marks=marks, told=y(_TOLD_AT)))
    rows = [(one.at, _held(one.outcome, one.title, one.confidence, lang)) for one in found.verdicts]
    news = [
        point
        for before, point in zip((None, *found.points), found.points, strict=False)
        if point.mark and not (point.mark == "failing" and before is not None and before.mark == "failing")
    ]
    rows += [(point.at, str(looks["states"].get(point.mark, point.mark))) for point in news]
    alt = said["alt"].format(
        target=harmless(found.target), first=f"{first:%Y-%m-%d}", last=f"{last:%Y-%m-%d}",
        verdicts=len(found.verdicts), checks=len(found.points),
    )  # fmt: skip
    return Drawn(alt, f"{first:%Y-%m-%d %H:%M}", f"{last:%Y-%m-%d %H:%M}", tuple(panels), _latest(rows))


def _held(outcome: str, title: str, confidence: float, lang: Lang) -> str:
    what = words(lang)["verdict"]["what"][outcome].format(title=mark(title))
    return str(words(lang)["looks"]["timeline"]["held"].format(what=what, percent=percent(confidence)))


def _latest(rows: Sequence[tuple[datetime, str]]) -> tuple[tuple[str, str], ...]:
    ordered = sorted(rows, key=lambda row: row[0], reverse=True)
    return tuple((f"{at:%Y-%m-%d %H:%M}", what) for at, what in ordered[:_ROWS])
