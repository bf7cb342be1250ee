"""A metric: how one answer is scored, or all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from engine.comparing.records import Answer, Case

if TYPE_CHECKING:
    from numpy.typing import NDArray

CaseScore = Callable[[Case, Answer], float | None]
Whole = Callable[[Sequence[Case], Sequence[Answer]], float]
Resampled = Callable[[Sequence[Case], Sequence[Answer], "NDArray[Any]"], "NDArray[Any]"]


@dataclass(frozen=True, slots=True)
class Metric:
    """What is counted in answers.

    Attributes:
        name: such as ``em``; its words are in templates.
        better: whether more is better; ``None`` where that is a matter of taste.
        case: the score of one answer, 0..1 for quality; ``None`` for a failed answer. No function at all where a judge or
            a script scores (``rubric``, ``script``).
        whole: the figure of all answers where it is no mean of cases, such as macro F1; failed answers left aside.
        resampled: ``whole`` of many resamples at once: cases, their answers, indices into both of shape (resamples, cases)
            → as many figures. Where there is ``whole``, there is this.
    """

    name: str
    better: bool | None
    group: Literal["quality", "features"]
    case: CaseScore | None = None
    whole: Whole | None = None
    resampled: Resampled | None = None
