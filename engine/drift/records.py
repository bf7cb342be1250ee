"""What checks of an endpoint show, what is remembered of them, and what they come to. All of it JSON-able, and small."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Signal = Literal["identity", "distribution", "service"]
"""``identity``: whose tokenizer counts, what the server calls itself. ``distribution``: how probable which answers are.
``service``: how fast it is, how much it takes, how often it fails."""
SIGNALS: tuple[Signal, ...] = ("identity", "distribution", "service")
Cause = Literal["model", "quantization", "sampling", "service", "unknown"]
State = Literal["begun", "same", "suspicious", "changed", "still", "recovered", "replaced"]
"""Of a check: ``begun``: the first, others are compared with it; ``suspicious``: the evidence leans to a change, and is
not enough; ``changed``: by this check it is; ``still``: it was told before, and is still so; ``recovered``: it is again
as it was before the change; ``replaced``: it changed again, into something else than it was."""
TELLING: tuple[State, ...] = ("changed", "replaced", "recovered")
"""Of which people are told, and after which one wants to know which model it is."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that one request showed.

    Attributes:
        stream: what it may be compared with: an id that stands for the same question asked the same way, such as
            ``border:3f2a``, ``first:x`` or ``count:3f2a``.
        value: an answer as text; a number; or logprobs in nats by token.
    """

    stream: str
    signal: Signal
    value: str | float | Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Bag:
    """How often each value of a stream was seen, where order does not matter.

    Attributes:
        counts: how often each answer came; of numbers and logprobs how often each distance from ``center``, in bins.
        training: values that are not in ``counts``, from which ``center`` and ``spread`` are made once there are enough.
        center: what numbers, or logprobs by token, are compared with.
        spread: how far training values were from it, typically.
        fastest: of a ``service`` stream, the least value of the day so far.
    """

    signal: Signal
    counts: Mapping[str, int] = field(default_factory=dict)
    training: tuple[float | Mapping[str, float], ...] = ()
    center: float | Mapping[str, float] | None = None
    spread: float = 0.0
    fastest: float | None = None


@dataclass(frozen=True, slots=True)
class Wealth:
    """What a gambler owns who began with 1 and bets that something has changed. See ``engine.drift.betting``.

    Attributes:
        idle: not at stake, for each rate at which bets are begun.
        staked: at stake, for each rate and way of betting.
        recent: the most that each way of betting would have made lately, had it begun at the best moment (nats).
        strange: by pool, how many of the latest values were among its strangest.
    """

    idle: tuple[float, ...]
    staked: tuple[tuple[float, ...], ...]
    recent: tuple[float, ...]
    strange: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Monitor:
    """A sequential test of whether an endpoint still shows what it showed. See ``engine.drift.monitor``.

    Attributes:
        alpha: the chance that it ever calls a stable endpoint changed, however long it goes on.
        seed: what ties are broken by, so that a check can be made again exactly.
        looks: how many checks it has seen, the training included.
        bets: how many p-values it has drawn.
        since_day, day: of the first and of the latest look, counted from any day.
        large: the share of the latest answers that are not just rare, but nothing like what came before.
    """

    alpha: float
    seed: int
    looks: int = 0
    bets: int = 0
    since_day: int = 0
    day: int = 0
    large: float = 0.0
    bags: Mapping[str, Bag] = field(default_factory=dict)
    wealth: Mapping[Signal, Wealth] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LookRecord:
    """A check in brief, as history keeps it, from which the moment of a change is estimated.

    Attributes:
        at: when, ISO, UTC.
        state: of the past, or, where a reference is compared with, whichever is worse.
        log_e: for each signal the logarithm of the evidence for a change so far (nats; ``total``: all together).
        p: for each signal the p-values it brought.
        reference_log_e: the same against the reference, where there is one.
        seconds: what the endpoint took on average for a request, and ``tokens_per_second`` where it could be seen.
    """

    at: str
    state: State
    log_e: Mapping[str, float]
    p: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    reference_log_e: Mapping[str, float] = field(default_factory=dict)
    requests: int = 0
    tokens: int = 0
    seconds: float | None = None
    tokens_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """That an endpoint changed, and what can be said of it.

    Attributes:
        against: its own past, or a recorded reference.
        signals: those that show it, the strongest first.
        cause: as far as the data tell; ``unknown`` where they do not.
        log_e: the logarithm of the evidence (nats): a stable endpoint brings as much with a chance of at most exp(-log_e).
        after, before: the last check that was before it, and the first that was after it, most probably (ISO, UTC).
        earliest, latest: between which checks it lies with a probability of 95 %.
        effect: how large it is by signal: share of answers that are others; mean distance of logprobs in nats; ratio of
            speeds.
        examples: for people: stream, what came before mostly, what comes now mostly.
    """

    against: Literal["past", "reference"]
    signals: tuple[Signal, ...]
    cause: Cause
    log_e: float
    after: str | None
    before: str
    earliest: str | None = None
    latest: str | None = None
    effect: Mapping[str, float] = field(default_factory=dict)
    examples: tuple[tuple[str, str, str], ...] = ()
