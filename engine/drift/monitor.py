"""The test of whether an endpoint still shows what it showed, one observation after another.

Each thing seen goes into its stream's bag and is ranked there (``engine.drift.ranking``); gamblers bet on the ranks
(``engine.drift.betting``), one for each channel: a signal and the way in which it shows. ``rare``: values that are strange
in their stream. ``lean``: of two answers that were as frequent, one comes more often now. The chance that any of them ever
owns so much that his share of the chance alpha is used up is at most alpha, if the endpoint is stable.

What a server needs in time depends on who else asks it, so of ``service`` only the day's fastest answer counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from random import Random

from engine.drift import betting, ranking
from engine.drift.betting import Feature
from engine.drift.records import SIGNALS, Bag, Monitor, Seen, Signal, Wealth

WEIGHTS: Mapping[str, float] = {
    "identity/rare": 0.2,
    "distribution/rare": 0.45,
    "distribution/lean": 0.25,
    "service/rare": 0.1,
}
"""Each channel's share of the chance alpha."""
TRAINED_BY = 6
"""Numbers and logprobs that make a center."""


def begin(seed: int, alpha: float = 0.01) -> Monitor:
    """A test that has seen nothing."""
    wealth = {channel: betting.beginning(_feature(channel)) for channel in WEIGHTS}
    return Monitor(alpha=alpha, seed=seed, wealth=wealth)


def from_bags(bags: Mapping[str, Bag], seed: int, alpha: float = 0.01) -> Monitor:
    """A test of whether what comes is as what these bags hold."""
    return replace(begin(seed, alpha), bags=dict(bags))


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
    wealth = {channel: betting.begin_bets(owned) for channel, owned in monitor.wealth.items()}
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
    owned = {channel: betting.log_owned(wealth) for channel, wealth in monitor.wealth.items()}
    by_signal: dict[str, float] = {
        signal: betting.weighted({name: value for name, value in owned.items() if _signal(name) == signal}, WEIGHTS)
        for signal in SIGNALS
    }
    return {**by_signal, "total": betting.weighted(owned, WEIGHTS)}


def recent(monitor: Monitor) -> float:
    """The evidence for a change that came a moment ago (nats): what is worth asking more for."""
    return max(
        (made for name, wealth in monitor.wealth.items() if _signal(name) != "service" for made in wealth.recent),
        default=0.0,
    )


def is_changed(monitor: Monitor) -> bool:
    """Whether a stable endpoint would have shown this with a chance of at most alpha, however long it was looked at."""
    return log_e(monitor)["total"] >= -math.log(monitor.alpha)


def signals_changed(monitor: Monitor) -> tuple[Signal, ...]:
    """Those that show a change by themselves, the strongest first."""
    found = log_e(monitor)
    shown = [signal for signal in SIGNALS if found[signal] >= -math.log(monitor.alpha)]
    return tuple(sorted(shown, key=lambda signal: -found[signal]))


def _bet(monitor: Monitor, seen: Seen) -> tuple[Monitor, float | None]:
    bags, rare, signed = _with(monitor.bags, seen)
    monitor = replace(monitor, bags=bags)
    if rare is None:
        return monitor, None
    chance = Random(monitor.seed * 1_000_003 + monitor.bets)
    p, size = ranking.rare_p(bags, seen.stream, rare, chance.random())
    wealth = dict(monitor.wealth)
    channel = f"{seen.signal}/rare"
    wealth[channel] = _settled(wealth[channel], seen.stream.partition(":")[0], p, size)
    channel = f"{seen.signal}/lean"
    if channel in wealth:
        bag = bags[seen.stream]
        counts, value = (bag.counts, rare) if signed is None else (bag.signed, signed)
        side = ranking.lean_p(counts, value, chance.random())
        wealth[channel] = betting.settle(wealth[channel], betting.lean_payoffs(side, bag.leaning))
        bags[seen.stream] = replace(bag, leaning=betting.leaning_after(side, bag.leaning))
    return replace(monitor, bags=bags, wealth=wealth, bets=monitor.bets + 1), p


def _settled(wealth: Wealth, pool: str, p: float, size: int) -> Wealth:
    """What is owned after bets on how strange a value is."""
    strange = wealth.strange.get(pool, 0.0)
    strangest = betting.strangest_of(strange, size)
    settled = betting.settle(wealth, betting.rare_payoffs(p, strangest))
    return replace(settled, strange={**wealth.strange, pool: betting.strange_after(p, strangest, strange)})


def _with(bags: Mapping[str, Bag], seen: Seen) -> tuple[dict[str, Bag], str | None, str | None]:
    """The bags with what was seen, and how it is counted there; not counted while it trains a center."""
    bag, value = bags.get(seen.stream, Bag(seen.signal)), seen.value
    if isinstance(value, str):
        return {**bags, seen.stream: replace(bag, counts=_more(bag.counts, value))}, value, None
    if bag.center is None:
        return {**bags, seen.stream: _trained(bag, value)}, None, None
    rare = ranking.distance_bin(ranking.distance(value, bag.center), bag.spread)
    signed = ranking.signed_bin(ranking.difference(value, bag.center), bag.side)
    bag = replace(bag, counts=_more(bag.counts, rare), signed=_more(bag.signed, signed))
    return {**bags, seen.stream: bag}, rare, signed


def _trained(bag: Bag, value: float | Mapping[str, float]) -> Bag:
    training = (*bag.training, value)
    if len(training) < TRAINED_BY:
        return replace(bag, training=training)
    center = ranking.center_of(training)
    far, side = ranking.spreads(training, center, service=bag.signal == "service")
    return replace(bag, training=(), center=center, spread=far, side=side)


def _more(counts: Mapping[str, int], value: str) -> dict[str, int]:
    return {**counts, value: counts.get(value, 0) + 1}


def _signal(channel: str) -> str:
    return channel.partition("/")[0]


def _feature(channel: str) -> Feature:
    return "lean" if channel.endswith("/lean") else "rare"
