"""Names beside dots so that none covers another: places tried from near to far, in pixels. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

_TURNS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))
_RINGS = (0.0, 14.0, 30.0, 50.0, 74.0, 102.0, 134.0)
_GAP = 5.0


class Box(NamedTuple):
    """A rectangle; y grows upwards."""

    left: float
    bottom: float
    right: float
    top: float

    def overlaps(self, other: Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top
        )

    def inside(self, other: Box) -> bool:
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.bottom >= other.bottom
            and self.top <= other.top
        )


def place(
    dots: Sequence[tuple[float, float, float]],
    sizes: Sequence[tuple[float, float]],
    frame: Box,
    taken: Sequence[Box] = (),
) -> list[Box | None]:
    """Where each dot's label goes, the first having first pick; ``None`` where there is no room for it.

    Args:
        dots: centre and radius of every dot; those beyond ``sizes`` have no label, but are not covered either.
        sizes: width and height of each label.
        frame: what no label may leave.
        taken: what no label may cover besides.
    """
    closed = [*taken, *(Box(x - r, y - r, x + r, y + r) for x, y, r in dots)]
    placed: list[Box | None] = []
    for dot, size in zip(dots, sizes, strict=False):
        free = (
            box for box in _around(dot, size) if box.inside(frame) and not any(box.overlaps(other) for other in closed)
        )
        chosen = next(free, None)
        placed.append(chosen)
        if chosen is not None:
            closed.append(Box(chosen.left - _GAP, chosen.bottom, chosen.right + _GAP, chosen.top))
    return placed


def _around(dot: tuple[float, float, float], size: tuple[float, float]) -> Iterator[Box]:
    x, y, radius = dot
    width, height = size
    for ring in _RINGS:
        reach = radius + _GAP + ring
        for right, up in _TURNS:
            centre_x = x + right * (reach + width / 2)
            centre_y = y + up * (reach + height / 2)
            yield Box(centre_x - width / 2, centre_y - height / 2, centre_x + width / 2, centre_y + height / 2)


def spread(wanted: Sequence[float], height: float, low: float, high: float) -> list[float]:
    """Heights as near to those wanted as may be, each ``height`` from the next and all within bounds; where there are
    too many, as far apart as they can be."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    step = min(height, (high - low) / max(1, len(wanted) - 1))
    found = [0.0] * len(wanted)
    at = low - step
    for rank, index in enumerate(order):
        most = high - step * (len(order) - 1 - rank)
        at = min(max(wanted[index], at + step, low), most)
        found[index] = at
    return found
