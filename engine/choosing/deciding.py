"""Options → one choice: hard demands, then the scenario rules, then the score. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from engine.choosing.scoring import front_of
from engine.constraints.record import Constraints
from engine.identification import Option
from engine.sized import Workload

Kind = Literal["full", "distilled"]
_NAMED = ("memory", "device")
"""Constraints that say where it runs, by which a choice can be made without a rule."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was chosen and why.

    Attributes:
        option, runner_up: ``None`` where nothing passes, or nothing was said to choose by.
        overruled: the kind that the rules asked for and that was not chosen, and why: ``fails``: no option of it meets
            the demands; ``worse``: the quantisation that fits loses more than the other kind lacks.
        options: all of them, with the front marked.
    """

    kind: Kind | None
    option: Option | None
    runner_up: Option | None
    options: tuple[Option, ...]
    overruled: Literal["fails", "worse"] | None = None

    @property
    def passing(self) -> list[Option]:
        return [option for option in self.options if not option.fails]

    @property
    def front(self) -> list[Option]:
        return [option for option in self.options if option.front]


def is_settled(constraints: Constraints, passing: Sequence[Option]) -> bool:
    """Whether a choice can be made without a rule: where it is known what it runs on, or the demands leave one kind only,
    or one that gives the better answers for less. To choose between kinds by score alone, on hardware that is only a
    suggestion, would be a guess."""
    if constraints.hardware or any(getattr(constraints, name) is not None for name in _NAMED):
        return True
    full, distilled = (
        max((option.quality for option in passing if option.kind == kind), default=0.0)
        for kind in ("full", "distilled")
    )
    return full <= distilled or distilled == 0.0


def decide(options: Sequence[Option], ruled: Kind | None, constraints: Constraints, workload: Workload) -> Decision:
    """The choice: of the kind that the rules ask for, where an option of it meets every demand and is no worse in quality
    than the other kind's best; else of the other kind; by score within it.

    Args:
        ruled: the kind that the scenario rules ask for.
    """
    passing = [option for option in options if not option.fails]
    marked = _mark_front(options, passing, workload)
    if not passing:
        return Decision(None, None, None, marked, "fails" if ruled else None)
    if ruled is None and not is_settled(constraints, passing):
        return Decision(None, None, None, marked)
    passing = [option for option in marked if not option.fails]
    kind, overruled = _kind(passing, ruled)
    option = best(passing, lambda entry: kind is None or entry.kind == kind)
    assert option is not None
    runner_up = best(passing, lambda entry: _is_another(entry, option))
    return Decision(option.kind, option, runner_up, marked, overruled)


def _kind(passing: Iterable[Option], ruled: Kind | None) -> tuple[Kind | None, Literal["fails", "worse"] | None]:
    if ruled is None:
        return None, None
    of_kind = best(passing, lambda entry: entry.kind == ruled)
    of_other = best(passing, lambda entry: entry.kind != ruled)
    other: Kind = "distilled" if ruled == "full" else "full"
    if of_kind is None:
        return other, "fails"
    if ruled == "full" and of_other is not None and of_kind.quality < of_other.quality:
        return other, "worse"
    return ruled, None


def best(options: Iterable[Option], wanted: Callable[[Option], bool]) -> Option | None:
    """The option with the highest score among those wanted; the same one whatever their order."""
    found = [option for option in options if wanted(option)]
    return max(found, key=lambda option: (option.score, option.quality, _name(option)), default=None)


def _name(option: Option) -> str:
    sizing = option.sizing
    return f"{option.variant} {sizing.quantization} {sizing.device} {sizing.count:06d}"


def _is_another(entry: Option, chosen: Option) -> bool:
    """A model of another size: R1 beside R1-0528 would be no second choice."""
    if entry.kind == "full" and chosen.kind == "full":
        return False
    return entry.variant != chosen.variant


def _mark_front(options: Sequence[Option], passing: Iterable[Option], workload: Workload) -> tuple[Option, ...]:
    front = front_of(passing, workload)
    return tuple(replace(option, front=True) if id(option) in front else option for option in options)
