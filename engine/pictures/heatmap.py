"""A model's attention heads as a heat map: a cell a head, a row a layer, as a PNG."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.attention_profile import ACTS
from engine.errors import UsageError
from engine.text import say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _DPI = 7.2, 150
"""Inches and dots per inch: 1080 pixels, which Slack shows at a third to a half of that."""
_PAPER, _INK, _QUIET, _IDLE = "#f6f7f9", "#1d2129", "#5d6470", "#cfd2d8"
"""The paper is opaque, so that dark mode changes nothing."""
_COLOURS = "viridis"  # even to the eye, in print and to people who see fewer colours; no grey in it
_CHINESE = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "SimHei", "Noto Sans CJK JP",
    "Droid Sans Fallback", "Arial Unicode MS",
)  # fmt: skip
_NAME = 36


class Picture(NamedTuple):
    """A PNG, the language it is labelled in (English where no font here has Chinese), and what it shows in words."""

    png: bytes
    lang: str
    alt: str


def heatmap(observation: Mapping[str, Any], *, name: str, lang: str = "en") -> Picture:
    """Draw an observation of the probe ``attention``.

    Args:
        name: whose heads they are.

    Raises:
        UsageError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError("pictures_extra") from error
    chinese = _chinese_font()
    spoken = lang if lang != "zh" or chinese else "en"
    layers = len(observation["entropy"])
    height = min(8.5, max(3.4, 2.1 + 0.11 * layers))
    figure = Figure(figsize=(_WIDTH, height), dpi=_DPI, facecolor=_PAPER, layout="constrained")
    FigureCanvasAgg(figure)
    from matplotlib import rc_context

    with rc_context({"font.family": [*([chinese] if chinese else []), "DejaVu Sans"], "text.color": _INK,
                     "axes.labelcolor": _INK, "xtick.color": _QUIET, "ytick.color": _QUIET, "font.size": 13,
                     "axes.edgecolor": _QUIET, "axes.unicode_minus": False}):  # fmt: skip
        alt = _draw(figure, observation, name, spoken)
        buffer = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a character that no font here has is drawn as a box
            figure.savefig(buffer, format="png", facecolor=_PAPER, metadata={"Software": None})
    return Picture(buffer.getvalue(), spoken, alt)


def _draw(figure: Figure, observation: Mapping[str, Any], name: str, lang: str) -> str:
    import numpy as np
    from matplotlib import colormaps

    def words(key: str, **values: object) -> str:
        return say(f"pictures.attention.{key}", lang, **values)

    rows, moved = observation["entropy"], observation["moved"]
    layers, heads = len(rows), max(map(len, rows))
    grid = np.full((layers, heads), np.nan)
    for layer, (row, acts) in enumerate(zip(rows, moved, strict=True)):
        grid[layer, : len(row)] = [value if moves >= ACTS else -1.0 for value, moves in zip(row, acts, strict=True)]
    title = words(
        "title", name=_shown(name), acting=f"{sum(observation['acting']):,}", heads=f"{sum(map(len, rows)):,}"
    )
    figure.suptitle(title, fontsize=14.5, fontweight="bold", parse_math=False)
    main, side = figure.subplots(1, 2, width_ratios=[5, 1], sharey=True)
    colours = colormaps[_COLOURS].with_extremes(under=_IDLE, bad=_PAPER)
    image = main.pcolormesh(grid, cmap=colours, vmin=0.0, vmax=1.0, edgecolor=_PAPER, linewidth=_gap(layers, heads))
    main.invert_yaxis()
    main.set_xlabel(words("head"))
    main.set_ylabel(words("layer"))
    _number(main, layers, heads)
    side.barh([layer + 0.5 for layer in range(layers)], observation["acting"], height=0.8, color="#3f6fb5")
    side.set_xlim(0, heads)
    side.set_xticks([0, heads])
    side.set_xlabel(words("acting"))
    side.tick_params(left=False)
    for axes in (main, side):
        axes.set_facecolor(_PAPER)
        axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=(main, side), location="bottom", aspect=40, pad=0.02, ticks=[0, 0.5, 1])
    bar.ax.set_xticklabels([words("narrow"), words("entropy"), words("wide")])
    bar.outline.set_visible(False)
    return title


def _shown(name: str) -> str:
    """A name from outside, short and without anything that is not printed."""
    plain = "".join(char if char.isprintable() else "�" for char in name)
    return plain if len(plain) <= _NAME else plain[: _NAME - 1] + "…"


def _number(axes: Axes, layers: int, heads: int) -> None:
    """Count layers and heads from 1, as many as can be read."""
    for axis, count, most in ((axes.xaxis, heads, 12), (axes.yaxis, layers, 12)):
        step = next((step for step in (1, 2, 4, 8, 16, 32, 64) if count / step <= most), 128)
        numbers = [*([1] if step > 2 else []), *range(step, count + 1, step)]
        axis.set_ticks([number - 0.5 for number in numbers], [str(number) for number in numbers])
        axis.set_tick_params(length=0)


def _gap(layers: int, heads: int) -> float:
    """Line between cells, in points; none where cells are a few pixels wide."""
    return 0.0 if heads > 64 or layers > 80 else 0.5 if heads > 24 or layers > 40 else 1.2


def _chinese_font() -> str | None:
    """A font here that has Chinese, by name."""
    from matplotlib.font_manager import fontManager

    known = {font.name for font in fontManager.ttflist}
    return next((name for name in _CHINESE if name in known), None)
