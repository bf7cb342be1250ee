"""Whether a block of weights is more than random numbers.

Training leaves correlations in weight matrices, so that their spectra leave the Marchenko-Pastur bulk that random
matrices fill (Martin & Mahoney 2021, "Implicit Self-Regularization in Deep Neural Networks"), and gives rows and
columns scales of their own. Entries that were drawn independently, from whatever one distribution, show neither.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WILD, _WILD_SHARE = 1000.0, 0.01
"""No matrix of a trained model holds a hundredth of its weights beyond this; bytes read as floats do."""
_CHUNK, _FEW = 64, 0.2
_PRODUCT = 32
"""Columns multiplied at a time: so few that BLAS stays on this core, instead of waiting for others that are busy."""


def independence(block: NDArray[np.float32]) -> float:
    """How far the entries are from independent draws of one distribution, in standard deviations.

    The largest of five one-sided scores, each about standard normal if they are: of the variances of rows and of
    columns against the χ² of so many draws (with the kurtosis of these entries), of the means of both, and of the sum
    of squared correlations between rows (Schott 2005, "Testing for complete independence in high dimensions").

    Args:
        block: ``[m, n]``, finite; at least 8 each way.

    Returns:
        Infinite where all entries are equal.
    """
    rows, columns = block.shape
    centred = block - block.mean()
    spread = float(centred.std())
    if not spread > 0:
        return math.inf
    unit = centred / np.float32(spread)
    squares = unit * unit
    tail = max(float((squares * squares).mean()) - 1, 1e-3)
    of_rows, of_columns = squares.mean(axis=1), squares.mean(axis=0)
    scores = [
        _score(float(((of_rows - 1) ** 2).sum()) * columns / tail, rows - 1),
        _score(float(((of_columns - 1) ** 2).sum()) * rows / tail, columns - 1),
        _score(float((unit.mean(axis=1) ** 2).sum()) * columns, rows - 1),
        _score(float((unit.mean(axis=0) ** 2).sum()) * rows, columns - 1),
    ]
    level = unit - unit.mean(axis=1, keepdims=True)
    norms = np.sqrt((level * level).sum(axis=1))
    level = level[norms > 0] / norms[norms > 0, None]
    if len(level) > 1:
        gram = np.zeros((len(level), len(level)), np.float32)
        for first in range(0, columns, _PRODUCT):
            part = level[:, first : first + _PRODUCT]
            gram += part @ part.T
        pairs = len(level) * (len(level) - 1) // 2
        off = (float((gram * gram).sum()) - len(level)) / 2
        scores.append(_score(off * (columns - 1), pairs))
    return max(scores)


def _score(total: float, freedom: int) -> float:
    """A χ² value with so many degrees of freedom as a standard normal one (Wilson & Hilferty 1931)."""
    if freedom < 1:
        return 0.0
    spread = 2 / (9 * freedom)
    return (math.cbrt(max(total, 0.0) / freedom) - (1 - spread)) / math.sqrt(spread)


def is_wild(block: NDArray[np.float32]) -> bool:
    """Whether numbers are as large, or as often none, as bytes are that were never meant as these floats."""
    return bool(np.count_nonzero(~(np.abs(block) <= _WILD)) > _WILD_SHARE * block.size)


def is_repeating(block: NDArray[np.float32], raw: bytes) -> bool:
    """Whether the same few rows, columns or pieces of 64 bytes make up the whole; weights never repeat so many."""
    for lines in (block, block.T):
        if len(lines) >= 16 and len({line.tobytes() for line in np.ascontiguousarray(lines)}) < _FEW * len(lines):
            return True
    pieces = len(raw) // _CHUNK
    if pieces < 32:
        return False
    view = np.frombuffer(raw, np.dtype((np.void, _CHUNK)), pieces)
    return len(set(view.tolist())) < _FEW * pieces


def looks_encrypted(raw: bytes) -> bool:
    """Whether all 256 bytes are equally frequent (χ² within five standard deviations), as in random bytes."""
    if len(raw) < 1 << 14:
        return False
    counts = np.bincount(np.frombuffer(raw, np.uint8), minlength=256)
    expected = len(raw) / 256
    return _score(float(((counts - expected) ** 2).sum()) / expected, 255) < 5
