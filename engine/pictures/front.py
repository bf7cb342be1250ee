"""What a recommendation chose among, as a PNG: quality over latency, a dot an option, its size what it costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from math import isfinite, sqrt
from typing import TYPE_CHECKING, Any

from engine.choosing.wording import dollars_text, hardware_text, seconds_text
from engine.errors import UsageError
from engine.identification import Option, Recommendation
from engine.pictures.dots import Dot, Role, Scale, best_of_variants, dots_of, name_of
from engine.pictures.labels import Box, place, spread
from engine.pictures.picture import IDLE, INK, PAPER, QUIET, Picture, paint
from engine.text import say
from engine.units import bytes_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BLUE, _CHOICE, _RUNNER, _GREY = "#3f6fb5", "#c8402f", "#b7791f", "#8d939e"
_SMALLEST, _LARGEST = 5.0, 15.0
"""Diameters of dots, in points."""
_ASIDE = 9
"""Options that do not fit which are named beside the plot."""


def front(advice: Recommendation, lang: str = "en") -> Picture:
    """Draw the options of a recommendation.

    Along x is the time per token; where only the first token's time is limited, that; where only money is, the cost.

    Raises:
        UsageError: nothing was sized that could run, or matplotlib is not installed.
    """
    dots, scale = dots_of(advice)
    if not any(isfinite(dot.x) for dot in dots):
        raise UsageError("picture_no_options")
    return paint(partial(_draw, dots=dots, scale=scale), height=5.4, lang=lang)


def _draw(figure: Figure, lang: str, *, dots: Sequence[Dot], scale: Scale) -> str:
    def words(key: str, **values: object) -> str:
        return say(f"pictures.front.{key}", lang, **values)

    shown, aside = [dot for dot in dots if isfinite(dot.x)], [dot for dot in dots if not isfinite(dot.x)]
    places = {(dot.option.sizing.device, dot.option.sizing.count) for dot in dots}
    naming = partial(name_of, with_hardware=len(places) > 1)
    title = words("title" if len(places) > 1 else "title_on", hardware=hardware_text(*min(places)))
    figure.suptitle(title, fontsize=14.5, fontweight="bold", parse_math=False)
    ratios = [3.0, 1.3] if aside else [1]
    axes: Any = figure.subplots(1, len(ratios), width_ratios=ratios, sharey=True, squeeze=False)[0]
    for part in axes:
        part.set_facecolor(PAPER)
        part.spines[["top", "right"]].set_visible(False)
    main = axes[0]
    _frame(main, shown, dots, scale, words)
    sizes = _diameters(dots, scale)
    _line(main, [dot for dot in shown if dot.role != "fails"])
    for dot in reversed(shown):
        _mark(main, dot, sizes(dot.weight))
    _limit(main, scale, words)
    _legend(figure, dots, scale, sizes, words)
    if aside:
        _tidy(axes[-1], words("aside"))
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    _label(main, shown, sizes, naming, words, limit=scale.limit)
    if aside:
        _aside(axes[-1], aside[:_ASIDE], naming, words)
    return _told(dots, scale, naming, words)


def _frame(main: Axes, shown: Sequence[Dot], dots: Sequence[Dot], scale: Scale, words: Callable[..., str]) -> None:
    """Axes wide enough for every dot, its label and the limit."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    qualities = [dot.option.quality for dot in dots]
    low, high = min(qualities), max(qualities)
    room = max(4.0, (high - low) * 0.16)
    main.set_ylim(max(0.0, low - room), min(104.0, high + room * 1.3))
    main.set_ylabel(words("quality"))
    xs = [dot.x for dot in shown] + ([scale.limit] if scale.limit else [])
    main.set_xscale("log")
    left, right = min(xs), max(xs)
    margin = max(1.6, (right / left) ** 0.22)
    main.set_xlim(left / margin, right * margin)
    write = dollars_text if scale.x == "cost" else seconds_text
    spread_out = right / left * margin**2
    main.xaxis.set_major_locator(LogLocator(subs=(1.0,) if spread_out > 200 else (1.0, 2.0, 5.0)))
    main.xaxis.set_major_formatter(FuncFormatter(lambda value, _: write(value).replace("$", r"\$")))
    main.xaxis.set_minor_formatter(NullFormatter())
    main.set_xlabel(words(scale.x))
    main.grid(color=IDLE, linewidth=0.6, alpha=0.7)
    main.set_axisbelow(True)


def _diameters(dots: Sequence[Dot], scale: Scale) -> Callable[[float], float]:
    """Weight → diameter in points: areas grow with it, within what can be seen and leaves room."""
    most = max([dot.weight for dot in dots if isfinite(dot.x)] + ([scale.budget] if scale.budget else []), default=1.0)

    def diameter(weight: float) -> float:
        return _SMALLEST + (_LARGEST - _SMALLEST) * min(1.0, sqrt(max(0.0, weight) / most)) if most > 0 else _SMALLEST

    return diameter


def _line(main: Axes, passing: Sequence[Dot]) -> None:
    """The front: options that no other beats in both respects."""
    best: list[Dot] = []
    for dot in sorted(passing, key=lambda dot: (dot.x, -dot.option.quality)):
        if not best or dot.option.quality > best[-1].option.quality:
            best.append(dot)
    if len(best) > 1:
        main.plot(
            [dot.x for dot in best], [dot.option.quality for dot in best],
            color=_BLUE, linewidth=1.6, alpha=0.55, drawstyle="steps-post", zorder=2,
        )  # fmt: skip


def _mark(main: Axes, dot: Dot, diameter: float) -> None:
    colour = {"choice": _CHOICE, "runner_up": _RUNNER, "other": _BLUE, "fails": IDLE}[dot.role]
    edge = {"fails": _GREY}.get(dot.role, PAPER)
    main.plot(
        [dot.x], [dot.option.quality], marker={"choice": "o", "runner_up": "D"}.get(dot.role, "o"), linestyle="none",
        markersize=diameter * (0.85 if dot.role == "runner_up" else 1.0), color=colour, markeredgecolor=edge, markeredgewidth=1.0,
        alpha=0.95 if dot.role != "other" else 0.75, zorder=5 if dot.role == "choice" else 4,
    )  # fmt: skip
    if dot.role == "choice":
        main.plot(
            [dot.x], [dot.option.quality], marker="o", linestyle="none", markersize=diameter + 7, markerfacecolor="none",
            markeredgecolor=_CHOICE, markeredgewidth=1.6, zorder=5,
        )  # fmt: skip


def _limit(main: Axes, scale: Scale, words: Callable[..., str]) -> None:
    if scale.limit is None:
        return
    main.axvline(scale.limit, color=INK, linewidth=1.1, linestyle=(0, (5, 4)), zorder=1)
    write = dollars_text if scale.x == "cost" else seconds_text
    where = main.transAxes.inverted().transform(main.transData.transform((scale.limit, main.get_ylim()[0])))[0]
    aside, align = (5, "left") if where < 0.5 else (-5, "right")
    main.annotate(
        words("limit", value=write(scale.limit)), (scale.limit, 1.0), xycoords=("data", "axes fraction"),
        xytext=(aside, -3), textcoords="offset points", ha=align, va="top", fontsize=10.5, color=QUIET, parse_math=False,
    )  # fmt: skip


def _legend(
    figure: Figure, dots: Sequence[Dot], scale: Scale, sizes: Callable[[float], float], words: Callable[..., str]
) -> None:
    from matplotlib.lines import Line2D

    def entry(label: str, colour: str, size: float, **more: Any) -> Line2D:
        return Line2D([], [], linestyle="none", color=colour, markersize=size, label=label, **{"marker": "o", **more})

    roles = {dot.role for dot in dots}
    entries = []
    if "choice" in roles:
        entries.append(entry(words("choice"), _CHOICE, 9))
    if "runner_up" in roles:
        entries.append(entry(words("runner_up"), _RUNNER, 8, marker="D"))
    if "other" in roles:
        entries.append(entry(words("other"), _BLUE, 8))
    if "fails" in roles:
        entries.append(entry(words("fails_demand"), IDLE, 8, markeredgecolor=_GREY))
    weights = sorted(dot.weight for dot in dots if isfinite(dot.x))
    if weights:
        write = dollars_text if scale.size == "cost" else lambda size: bytes_text(int(size))
        least, most = weights[0], weights[-1]
        value = write(least) if sizes(most) - sizes(least) < 1 else f"{write(least)}–{write(most)}"
        entries.append(entry(words(f"size_{scale.size}", value=value), "none", 11, markeredgecolor=QUIET))
    if scale.budget:
        entries.append(
            entry(words("budget", value=dollars_text(scale.budget)), "none", sizes(scale.budget), markeredgecolor=INK)
        )
    legend = figure.legend(
        handles=entries, loc="outside lower center", ncols=3, fontsize=10.5, frameon=False, handletextpad=0.4,
        columnspacing=1.4,
    )  # fmt: skip
    for text in legend.get_texts():
        text.set_parse_math(False)


def _label(
    main: Axes, shown: Sequence[Dot], sizes: Callable[[float], float], naming: Callable[[Option], str],
    words: Callable[..., str], *, limit: float | None,
) -> None:  # fmt: skip
    """Names beside their dots, nearer ones first; a line leads to a name that had to move away."""
    points = main.figure.dpi / 72
    named = [dot for dot in shown if dot.role != "other"] + best_of_variants(shown)
    dots = [*named, *(dot for dot in shown if dot not in named)]
    at = [main.transData.transform((dot.x, dot.option.quality)) for dot in dots]
    circles = [
        (float(x), float(y), (sizes(dot.weight) / 2 + (5 if dot.role == "choice" else 1)) * points)
        for (x, y), dot in zip(at, dots, strict=True)
    ]
    texts = [_text(main, dot, naming, words) for dot in named]
    extents = [text.get_window_extent() for text in texts]
    frame = main.get_window_extent()
    room = Box(frame.x0 + 3, frame.y0 + 3, frame.x1 - 3, frame.y1 - 14 * points)
    line = float(main.transData.transform((limit, 0.0))[0]) if limit else -1.0
    taken = [Box(line - 2, frame.y0, line + 2, frame.y1)]
    boxes = place(circles, [(extent.width, extent.height) for extent in extents], room, taken)
    for text, box, (x, y, radius) in zip(texts, boxes, circles, strict=False):
        if box is None:
            text.remove()
            continue
        text.set_position((box.left, box.bottom))
        near_x, near_y = min(max(x, box.left), box.right), min(max(y, box.bottom), box.top)
        if (near_x - x) ** 2 + (near_y - y) ** 2 > (radius + 6 * points) ** 2:
            main.annotate(
                "", (x, y), xytext=(near_x, near_y), xycoords="figure pixels", textcoords="figure pixels",
                arrowprops={"arrowstyle": "-", "color": _GREY, "linewidth": 0.6, "shrinkB": radius / points, "shrinkA": 0},
            )  # fmt: skip


def _text(main: Axes, dot: Dot, naming: Callable[[Option], str], words: Callable[..., str]) -> Any:
    from matplotlib.patheffects import withStroke

    name = naming(dot.option) + (f"\n{_why(dot.option, words)}" if dot.role == "fails" else "")
    return main.text(
        0, 0, name, transform=None, fontsize=10.5 if dot.role in ("choice", "runner_up") else 8.5, va="bottom", ha="left",
        fontweight="bold" if dot.role == "choice" else "normal", linespacing=1.1, parse_math=False, zorder=6,
        color={"choice": _CHOICE, "runner_up": _RUNNER}.get(dot.role, QUIET),
        path_effects=[withStroke(linewidth=2.5, foreground=PAPER)],
    )  # fmt: skip


def _tidy(axes: Axes, title: str) -> None:
    axes.set_xlim(0, 1)
    axes.spines[:].set_visible(False)
    axes.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)
    axes.axvline(0.0, color=IDLE, linewidth=1.2)
    axes.set_title(title, fontsize=10.5, color=QUIET, loc="left")


def _aside(axes: Axes, aside: Sequence[Dot], naming: Callable[[Option], str], words: Callable[..., str]) -> None:
    """Options that do not fit, at their quality, beside the plot."""
    points = axes.figure.dpi / 72
    frame = axes.get_window_extent()
    names = [f"{naming(dot.option)}\n{_why(dot.option, words)}" for dot in aside]
    height = max(name.count("\n") + 1 for name in names) * 9.6 * points
    wanted = [float(axes.transData.transform((0.0, dot.option.quality))[1]) for dot in aside]
    for dot, name, y in zip(
        aside, names, spread(wanted, height, frame.y0 + height / 2, frame.y1 - height / 2), strict=True
    ):
        axes.plot([0.06], [dot.option.quality], marker="x", color=_GREY, markersize=5, markeredgewidth=1.4)
        axes.annotate(
            name, (frame.x0 + frame.width * 0.14, y), xycoords="figure pixels", fontsize=8, color=QUIET, va="center", ha="left",
            linespacing=1.1, parse_math=False, annotation_clip=False,
        )  # fmt: skip


def _why(option: Option, words: Callable[..., str]) -> str:
    """The demands it fails, a word each."""
    return ", ".join(words(f"fails.{fail.code.rpartition('.')[2]}") for fail in option.fails)


def _told(dots: Sequence[Dot], scale: Scale, naming: Callable[[Option], str], words: Callable[..., str]) -> str:
    """What it shows, in words."""
    write = dollars_text if scale.x == "cost" else seconds_text

    def line(role: Role) -> Iterable[str]:
        for dot in dots:
            if dot.role == role:
                name = naming(dot.option).replace("\n", ", ")
                if role == "fails":
                    yield f"{name} ({_why(dot.option, words)})"
                else:
                    yield words(
                        "told", name=name, quality=f"{dot.option.quality:.0f}", axis=words(scale.x), x=write(dot.x)
                    )

    parts = [
        words(f"told_{role}", what="; ".join(said))
        for role in ("choice", "runner_up", "fails")
        if (said := list(line(role)))
    ]
    return " ".join(parts) or words("title", hardware="")
