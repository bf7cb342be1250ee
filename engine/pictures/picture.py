"""A picture: its paper, its colours and the font it is labelled in, the same for all that is drawn here."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from engine.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, _DPI = 7.2, 150
"""Inches and dots per inch: 1080 pixels, which Slack shows at a third to a half of that."""
PAPER, INK, QUIET, IDLE = "#f6f7f9", "#1d2129", "#5d6470", "#cfd2d8"
"""The paper is opaque, so that dark mode changes nothing."""
_CHINESE = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "SimHei", "Noto Sans CJK JP",
    "Droid Sans Fallback", "Arial Unicode MS",
)  # fmt: skip


class Picture(NamedTuple):
    """A PNG, the language it is labelled in (English where no font here has Chinese), and what it shows in words."""

    png: bytes
    lang: str
    alt: str


def paint(draw: Callable[[Figure, str], str], *, height: float, lang: str) -> Picture:
    """Draw a figure of the usual width.

    Args:
        draw: puts everything on the figure, labelled in the language it is given, and says in words what it shows.
        height: in inches.

    Raises:
        UsageError: matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError("pictures_extra") from error
    chinese = chinese_font()
    spoken = lang if lang != "zh" or chinese else "en"
    figure = Figure(figsize=(WIDTH, height), dpi=_DPI, facecolor=PAPER, layout="constrained")
    FigureCanvasAgg(figure)
    with rc_context({"font.family": [*([chinese] if chinese else []), "DejaVu Sans"], "text.color": INK,
                     "axes.labelcolor": INK, "xtick.color": QUIET, "ytick.color": QUIET, "font.size": 13,
                     "axes.edgecolor": QUIET, "axes.unicode_minus": False}):  # fmt: skip
        alt = draw(figure, spoken)
        buffer = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a character that no font here has is drawn as a box
            figure.savefig(buffer, format="png", facecolor=PAPER, metadata={"Software": None})
    return Picture(buffer.getvalue(), spoken, alt)


def chinese_font() -> str | None:
    """A font here that has Chinese, by name."""
    from matplotlib.font_manager import fontManager

    known = {font.name for font in fontManager.ttflist}
    return next((name for name in _CHINESE if name in known), None)
