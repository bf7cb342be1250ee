"""The test of whether an endpoint still shows what it showed, one observation after another.

Each thing seen goes into its stream's bag and is ranked there (``engine.drift.ranking``); for each signal a gambler bets that
values are strange (``engine.drift.betting``). The chance that any of them ever owns so much that his share of the chance alpha
is used up is at most alpha, if the endpoint is stable.

What a server needs in time depends on who else asks it, so of ``service`` only the day's fastest answer counts. What its
answers can round to is known after a day and a night; before, only what is nothing like what it answered is told.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from random import Random

from engine.drift import betting, ranking
from engine.drift.records import SIGNALS, Bag, Monitor, Seen, Signal

WEIGHTS: Mapping[Signal, float] = {"identity": 0.25, "distribution": 0.65, "service": 0.1}
"""Each signal's share of the chance alpha."""
TRAINED_BY = 6
"""Numbers and logprobs that make a center."""
PROBATION = 2
"""Days until all hours of a day are known."""
_LARGE_NATS, _LARGE_SHARE, _LATEST = 0.5, 0.4, 0.85
"""Logprobs that are farther from the center are another model's or another quantisation's; so is an answer that never came
before. In the first days so large a share of the latest answers has to be such; older ones fade by a sixth."""


def begin(seed: int, alpha: float = 0.01, day: int = 0) -> Monitor:
    """A test that has seen nothing.

    Args:
        day: on which it begins, counted from any day.
    """
    return Monitor(
        alpha=alpha, seed=seed, since_day=day, day=day, wealth={signal: betting.beginning() for signal in SIGNALS}
    )


def from_bags(bags: Mapping[str, Bag], seed: int, alpha: float = 0.01) -> Monitor:
    """A test of whether what comes is as what these bags hold."""
    return replace(begin(seed, alpha), since_day=-PROBATION, bags=dict(bags))


def learn(monitor: Monitor, seen: Iterable[Seen]) -> Monitor:
    """Put what was seen into the bags without betting on it."""
    for one in seen:
        monitor = replace(monitor, bags=_with(monitor.bags, one)[0])
    return monitor


def new_look(monitor: Monitor, day: int | None = None) -> Monitor:
    """Begin a check: a change may have come since the last one.

    Args:
        day: of the look, counted from any day; once it is another, the last one's fastest answers are ranked.
    """
    wealth = {signal: betting.begin_bets(owned) for signal, owned in monitor.wealth.items()}
    monitor = replace(monitor, wealth=wealth, looks=monitor.looks + 1)
    if day is None or day == monitor.day:
        return monitor
    for stream, bag in list(monitor.bags.items()):
        if bag.fastest is not None:
            monitor = replace(monitor, bags={**monitor.bags, stream: replace(bag, fastest=None)})
            monitor, _ = _bet(monitor, Seen(stream, bag.signal, bag.fastest))
    return replace(monitor, day=day)


def take(monitor: Monitor, seen: Seen) -> tuple[Monitor, float | None]:
    """Bet on one thing that was seen; returns its p-value, ``None`` while its stream has no center yet or the day is
    not over."""
    if seen.signal == "service" and isinstance(seen.value, int | float):
        bag = monitor.bags.get(seen.stream, Bag(seen.signal))
        fastest = seen.value if bag.fastest is None else min(bag.fastest, seen.value)
        return replace(monitor, bags={**monitor.bags, seen.stream: replace(bag, fastest=fastest)}), None
    return _bet(monitor, seen)


def log_e(monitor: Monitor) -> dict[str, float]:
    """The logarithm of the evidence for a change by signal, weighted, and in all (nats)."""
    owned = {signal: betting.log_owned(wealth) for signal, wealth in monitor.wealth.items()}
    by_signal: dict[str, float] = {signal: math.log(WEIGHTS[signal]) + value for signal, value in owned.items()}
    return {**by_signal, "total": betting.weighted(owned, WEIGHTS)}


def recent(monitor: Monitor) -> float:
    """The evidence for a change that came a moment ago (nats): what is worth asking more for."""
    quick = (wealth for signal, wealth in monitor.wealth.items() if signal != "service")
    return max((made for wealth in quick for made in wealth.recent), default=0.0)


def is_changed(monitor: Monitor) -> bool:
    """Whether a stable endpoint would have shown this with a chance of at most alpha, however long it was looked at."""
    young = monitor.day - monitor.since_day < PROBATION
    found = log_e(monitor)
    enough = -math.log(monitor.alpha)
    if young and monitor.large < _LARGE_SHARE:
        return found["identity"] >= enough
    return found["total"] >= enough


def signals_changed(monitor: Monitor) -> tuple[Signal, ...]:
    """Those that show a change by themselves, the strongest first."""
    found = log_e(monitor)
    shown = [signal for signal in SIGNALS if found[signal] >= -math.log(monitor.alpha)]
    return tuple(sorted(shown, key=lambda signal: -found[signal]))


def _bet(monitor: Monitor, seen: Seen) -> tuple[Monitor, float | None]:
    bags, rare = _with(monitor.bags, seen)
    monitor = replace(monitor, bags=bags)
    if rare is None:
        return monitor, None
    chance = Random(monitor.seed * 1_000_003 + monitor.bets)
    p, size = ranking.rare_p(bags, seen.stream, rare, chance.random())
    owned, pool = monitor.wealth[seen.signal], seen.stream.partition(":")[0]
    strange = owned.strange.get(pool, 0.0)
    strangest = betting.strangest_of(strange, size)
    owned = betting.settle(owned, betting.payoffs(p, strangest))
    owned = replace(owned, strange={**owned.strange, pool: betting.strange_after(p, strangest, strange)})
    large = monitor.large
    if seen.signal == "distribution":
        large = _LATEST * large + (1 - _LATEST) * _is_large(bags[seen.stream], seen.value, rare)
    wealth = {**monitor.wealth, seen.signal: owned}
    return replace(monitor, bags=bags, wealth=wealth, bets=monitor.bets + 1, large=large), p


def _is_large(bag: Bag, value: str | float | Mapping[str, float], rare: str) -> bool:
    if bag.center is None:
        return bag.counts[rare] == 1
    return ranking.distance(value, bag.center) > _LARGE_NATS if not isinstance(value, str) else False


def _with(bags: Mapping[str, Bag], seen: Seen) -> tuple[dict[str, Bag], str | None]:
    """The bags with what was seen, and as what it is counted there; not counted while it trains a center."""
    bag, value = bags.get(seen.stream, Bag(seen.signal)), seen.value
    if isinstance(value, str):
        return {**bags, seen.stream: replace(bag, counts=_more(bag.counts, value))}, value
    if bag.center is None:
        return {**bags, seen.stream: _trained(bag, value)}, None
    name = ranking.distance_bin(ranking.distance(value, bag.center), bag.spread)
    return {**bags, seen.stream: replace(bag, counts=_more(bag.counts, name))}, name


def _trained(bag: Bag, value: float | Mapping[str, float]) -> Bag:
    training = (*bag.training, value)
    if len(training) < TRAINED_BY:
        return replace(bag, training=training)
    center = ranking.center_of(training)
    spread = ranking.spread_of(training, center, service=bag.signal == "service")
    return replace(bag, training=(), center=center, spread=spread)


def _more(counts: Mapping[str, int], value: str) -> dict[str, int]:
    return {**counts, value: counts.get(value, 0) + 1}
