"""A model's attention heads as a heat map: a cell a head, a row a layer, as a PNG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.attention_profile import ACTS
from engine.pictures.picture import IDLE, PAPER, Picture, paint
from engine.text import say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = "viridis"  # even to the eye, in print and to people who see fewer colours; no grey in it
_NAME = 36


def heatmap(observation: Mapping[str, Any], *, name: str, lang: str = "en") -> Picture:
    """Draw an observation of the probe ``attention``.

    Args:
        name: whose heads they are.

    Raises:
        UsageError: matplotlib is not installed.
    """
    height = min(8.5, max(3.4, 2.1 + 0.11 * len(observation["entropy"])))
    return paint(lambda figure, spoken: _draw(figure, observation, name, spoken), height=height, lang=lang)


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
    colours = colormaps[_COLOURS].with_extremes(under=IDLE, bad=PAPER)
    image = main.pcolormesh(grid, cmap=colours, vmin=0.0, vmax=1.0, edgecolor=PAPER, linewidth=_gap(layers, heads))
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
        axes.set_facecolor(PAPER)
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
