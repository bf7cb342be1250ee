"""How a target went, as a PNG: which model it was held to be, the evidence of its checks for a change, and its speed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.errors import UsageError
from engine.pictures.picture import IDLE, INK, PAPER, QUIET, Picture, paint
from engine.text import say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TOLD_AT = 4.605
"""Log-evidence at which a change is told: ln(1/alpha), alpha = 0.01."""
_NAME, _MARKS = 30, 8
_WORD, _LEVELS = 0.13, 4
"""Of the width, what a mark's word takes; and how many stand above each other before some go without."""
_COLOURS = {
    "total": INK,
    "identity": "#b2461e",
    "distribution": "#2f6fb3",
    "service": "#4c8a3f",
    "reference": "#8a4fa3",
}
_DASHES = {"total": "-", "identity": (0, (5, 1)), "distribution": (0, (3, 1, 1, 1)), "service": ":", "reference": "--"}
_MARKED = {"changed": "#b3261e", "replaced": "#b3261e", "recovered": "#2b7a3d", "accepted": "#2f5fb3", "failing": QUIET}
_OUTCOMES = {"full": "#2b7a3d", "distilled": "#c77700", "other": "#b3261e", "inconclusive": QUIET}


class Dot(NamedTuple):
    """A verdict."""

    at: datetime
    outcome: str
    title: str
    confidence: float


class Step(NamedTuple):
    """A check: evidence by signal and ``total`` (nats), seconds a request, and the state where that is news."""

    at: datetime
    log_e: Mapping[str, float]
    reference: float | None
    seconds: float | None
    mark: str


def timeline(dots: Sequence[Dot], steps: Sequence[Step], *, name: str, lang: str = "en") -> Picture:
    """Draw what is there: verdicts, evidence, speed; each on a scale of its own over one time.

    Raises:
        UsageError: there are less than three points, or matplotlib is not installed.
    """
    if len(dots) + len(steps) < 3:
        raise UsageError("picture_no_timeline")
    rows = _rows(dots, steps)
    height = 1.5 + sum(2.3 if row == "evidence" else 1.7 for row in rows)
    return paint(lambda figure, spoken: _draw(figure, rows, dots, steps, name, spoken), height=height, lang=lang)


def _rows(dots: Sequence[Dot], steps: Sequence[Step]) -> list[str]:
    rows = ["confidence"] if dots else []
    rows += ["evidence"] if any(step.log_e for step in steps) else []
    rows += ["seconds"] if sum(step.seconds is not None for step in steps) > 1 else []
    return rows or ["evidence"]


def _draw(figure: Figure, rows: list[str], dots: Sequence[Dot], steps: Sequence[Step], name: str, lang: str) -> str:
    from matplotlib import dates

    def words(key: str, **values: object) -> str:
        return say(f"pictures.timeline.{key}", lang, **values)

    shown = _short(name, _NAME)
    figure.suptitle(words("title", name=shown), fontsize=14, fontweight="bold", parse_math=False)
    ratios = [2.3 if row == "evidence" else 1.7 for row in rows]
    grid = figure.subplots(len(rows), 1, sharex=True, squeeze=False, height_ratios=ratios)
    for row, axes in zip(rows, (line[0] for line in grid), strict=True):
        axes.set_facecolor(PAPER)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(words(row), loc="left", fontsize=12, color=QUIET)
        axes.grid(axis="y", color=IDLE, linewidth=0.6)
        {"confidence": _confidence, "evidence": _evidence, "seconds": _seconds}[row](axes, dots, steps, lang)
    marks = [step for step in steps if step.mark in _MARKED]
    for axes in (line[0] for line in grid):
        for step in marks:
            axes.axvline(step.at, color=_MARKED[step.mark], linewidth=0.9, alpha=0.55 if len(marks) < 30 else 0.2)
    _name_marks(grid[0][0], marks, steps, dots, lang)
    last = grid[-1][0]
    untyped: Any = dates
    locator = untyped.AutoDateLocator(minticks=3, maxticks=7)
    last.xaxis.set_major_locator(locator)
    last.xaxis.set_major_formatter(
        untyped.ConciseDateFormatter(locator, formats=_FORMATS, zero_formats=_FORMATS, offset_formats=_OFFSETS)
    )
    moments = [*(dot.at for dot in dots), *(step.at for step in steps)]
    told = "; ".join(f"{words(step.mark)} {step.at:%Y-%m-%d %H:%M}" for step in marks[-_MARKS:]) or words("no_news")
    return words(
        "alt", name=shown, first=f"{min(moments):%Y-%m-%d}", last=f"{max(moments):%Y-%m-%d}", verdicts=len(dots),
        checks=len(steps), news=told,
    )  # fmt: skip


_OFFSETS = ["", "%Y", "%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%d"]
_FORMATS = ["%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M", "%H:%M:%S"]
"""Of years, months, days, hours, minutes and seconds: figures, as both languages read them."""


def _confidence(axes: Any, dots: Sequence[Dot], steps: Sequence[Step], lang: str) -> None:
    axes.set_ylim(0, 1.12)
    axes.set_yticks([0, 0.5, 1], ["0", "50 %", "100 %"])
    axes.step([dot.at for dot in dots], [dot.confidence for dot in dots], where="post", color=IDLE, linewidth=1.2)
    for dot in dots:
        axes.plot(dot.at, dot.confidence, "o", markersize=6, color=_OUTCOMES.get(dot.outcome, QUIET))
    titles = list(dict.fromkeys((dot.title, dot.outcome) for dot in reversed(dots)))[:3]
    for title, outcome in titles:
        axes.plot([], [], "o", color=_OUTCOMES.get(outcome, QUIET), label=_short(title, 24))
    _legend(axes)


def _evidence(axes: Any, dots: Sequence[Dot], steps: Sequence[Step], lang: str) -> None:
    seen = [step for step in steps if step.log_e]
    for signal in ("identity", "distribution", "service", "total"):
        values = [(step.at, step.log_e[signal]) for step in seen if signal in step.log_e]
        if values and (signal == "total" or any(abs(value) > 0.05 for _, value in values)):
            _line(axes, values, signal, lang)
    against = [(step.at, step.reference) for step in seen if step.reference is not None]
    if against:
        _line(axes, against, "reference", lang)
    axes.axhline(TOLD_AT, color="#b3261e", linestyle=(0, (4, 3)), linewidth=1)
    axes.annotate(
        say("pictures.timeline.told", lang), (0.004, TOLD_AT), xycoords=("axes fraction", "data"), xytext=(0, 3),
        textcoords="offset points", fontsize=10, color="#b3261e",
    )  # fmt: skip
    most = max((max(step.log_e.values()) for step in seen), default=0)
    if most > 40:  # a swap brings hundreds of nats: what leads to it is still seen
        axes.set_yscale("symlog", linthresh=10)
    axes.set_ylim(top=max(7.0, most * 1.25))
    _legend(axes)


def _line(axes: Any, values: Sequence[tuple[datetime, float]], signal: str, lang: str) -> None:
    axes.plot(
        [at for at, _ in values], [value for _, value in values], color=_COLOURS[signal], linestyle=_DASHES[signal],
        linewidth=1.8 if signal == "total" else 1.3, label=say(f"pictures.timeline.{signal}", lang),
        marker="." if len(values) < 40 else None, markersize=4,
    )  # fmt: skip


def _seconds(axes: Any, dots: Sequence[Dot], steps: Sequence[Step], lang: str) -> None:
    values = [(step.at, step.seconds) for step in steps if step.seconds is not None]
    axes.plot([at for at, _ in values], [value for _, value in values], ".", markersize=4, color=_COLOURS["service"])
    axes.set_ylim(bottom=0, top=max(value for _, value in values) * 1.15 or 1)


def _legend(axes: Axes) -> None:
    """Beside the panel's title, where no line can lie under it."""
    if axes.get_legend_handles_labels()[1]:
        axes.legend(
            loc="lower right", bbox_to_anchor=(1.01, 0.97), ncols=5, fontsize=10, frameon=False, handlelength=1.6,
            columnspacing=1.0, borderaxespad=0.1, handletextpad=0.4,
        )  # fmt: skip


def _name_marks(axes: Axes, marks: Sequence[Step], steps: Sequence[Step], dots: Sequence[Dot], lang: str) -> None:
    """What happened, in words at the foot of its line; those close together stand above each other."""
    moments = [*(dot.at.timestamp() for dot in dots), *(step.at.timestamp() for step in steps)]
    begin, wide = min(moments), max(max(moments) - min(moments), 1.0)
    free = [-1.0] * _LEVELS
    said: dict[str, float] = {}
    for step in marks:
        place = (step.at.timestamp() - begin) / wide
        if place - said.get(step.mark, -1.0) < _WORD:  # of failures in a row the first is named
            continue
        said[step.mark] = place
        late = place > 0.85
        left = place - (_WORD if late else 0)
        level = next((level for level, until in enumerate(free) if until <= left), None)
        if level is None:
            continue
        free[level] = place + (0.01 if late else _WORD)
        axes.annotate(
            say(f"pictures.timeline.{step.mark}", lang), (step.at, 0.03 + 0.13 * level), xycoords=("data", "axes fraction"),
            xytext=(-4 if late else 4, 2), textcoords="offset points", fontsize=10, color=_MARKED[step.mark],
            ha="right" if late else "left",
        )  # fmt: skip


def _short(text: str, most: int) -> str:
    """Text from outside, short and without anything that is not printed."""
    plain = "".join(char if char.isprintable() else "�" for char in text)
    return plain if len(plain) <= most else plain[: most - 1] + "…"
