"""Which job goes where next: to the place with the most free memory. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from engine.backends.jobs import Task


@dataclass(frozen=True, slots=True)
class Seat:
    """A place for one job at a time. Seats of one device of one node share its memory.

    Attributes:
        number: tells it from the others.
        device: as torch names it there.
        free: bytes free on the device before any of our jobs runs.
        budget: bytes that one job here may use.
        node: of a cluster.
    """

    number: int
    device: str
    free: int
    budget: int
    node: str = ""


def in_order(tasks: Sequence[Task]) -> list[Task]:
    """The largest first, as small ones still fit around them; else as given."""
    return sorted(tasks, key=lambda task: (-task.job.bytes_needed, task.number))


def place(waiting: Sequence[Task], seats: Sequence[Seat], taken: Collection[Seat]) -> tuple[Task, Seat] | None:
    """The next task to start, and its seat: the one on the device that has most left.

    A task that only fits a larger seat waits for that one (``None`` where every waiting task does); one that fits
    none runs all the same, as it streams its layers within the budget there is.
    """
    idle = [seat for seat in seats if seat not in taken]
    if not idle:
        return None

    def left(seat: Seat) -> int:
        return seat.free - sum(
            other.budget for other in taken if (other.node, other.device) == (seat.node, seat.device)
        )

    best = max(idle, key=lambda seat: (left(seat), -seat.number))
    most = max(seat.budget for seat in seats)
    fitting = (task for task in waiting if task.job.bytes_needed <= best.budget or task.job.bytes_needed > most)
    return next(((task, best) for task in fitting), None)
