"""How strange a value is beside all that were seen: conformal p-values.

The rank of a value among all of its bag, itself included, with ties broken by chance, is uniform, and those that follow
each other are independent, as long as values are exchangeable: as long as it is chance alone which came when. Nothing
need be known of their distribution, and no error of an estimate can add up over 10,000 checks. (Vovk, Nouretdinov and
Gammerman, "Testing exchangeability on-line", ICML 2003.)

Streams of a pool, ``border:…``, are ranked together, each value by how rare it is in its own stream: one answer that
never came before among 400 says more than one among 20. That is exact where it is chance which prompt is put.

Answers of servers are not quite exchangeable: load makes some more frequent at some hours. So what was seen in a stream
before has the rank of what is least strange; bets win on strange values only, so that costs no certainty, but power.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from engine.drift.records import Bag

_RATIO = math.log(1.12)
_MOST = 99
_MANY = 0.3
USUAL, USUAL_SHARE = 2, 0.02
"""An answer that came more often than that before in its stream, and more often than this share, is usual there."""
_LEAST_NATS = 6e-3
"""Distances of logprobs below this are chance: medians of the same weights move so far with another cache of prompts or load
(llama.cpp; ``tests/benchmarks/tiny_change.py``)."""
SLOWER = math.log(1.15)
"""Differences of the day's fastest answer below this are chance."""


def rare_p(bags: Mapping[str, Bag], stream: str, value: str, chance: float) -> tuple[float, int]:
    """The p-value of a value that its bag has already counted: how many of the pool are as strange; and the pool's size.

    Args:
        chance: uniform in [0, 1), breaks ties.
    """
    if is_usual(bags[stream], value):
        return 1.0, 1  # such a p loses every bet, however large the pool
    pool = stream.partition(":")[0] + ":"
    own = _commonness(bags[stream], bags[stream].counts[value], value)
    stranger = ties = total = 0
    for name, bag in bags.items():
        if not name.startswith(pool):
            continue
        if bag.center is None:
            seen = sum(bag.counts.values())
            total += seen
            for count in bag.counts.values():  # as _commonness, which would be called too often
                common = (count - 1) / (seen - 1) if seen > 1 else 1.0
                if common < own:
                    stranger += count
                elif common == own:
                    ties += count
            continue
        for name_of_bin, count in bag.counts.items():
            common = -float(name_of_bin)
            total += count
            if common < own:
                stranger += count
            elif common == own:
                ties += count
    if ties > _MANY * total:  # as strange as very many: nothing to bet on
        chance = 1.0
    return (stranger + chance * ties) / total, total


def distance_bin(distance: float, spread: float) -> str:
    """In which bin a distance from the center is; bins grow by 12 %."""
    if distance < 1e-9:
        return "0"
    return str(min(max(round(math.log(distance / spread) / _RATIO) + 50, 1), _MOST))


def center_of(values: tuple[float | Mapping[str, float], ...]) -> float | Mapping[str, float]:
    """The median; of logprobs for each token that is among at least half of them."""
    numbers = [value for value in values if isinstance(value, int | float)]
    if len(numbers) == len(values):
        return _median(numbers)
    logprobs = [value for value in values if isinstance(value, Mapping)]
    tokens = {token for value in logprobs for token in value}
    return {
        token: _median([value.get(token, _floor(value)) for value in logprobs])
        for token in sorted(tokens)
        if 2 * sum(token in value for value in logprobs) >= len(logprobs)
    }


def distance(value: float | Mapping[str, float], center: float | Mapping[str, float]) -> float:
    """How far a value is from the center: for logprobs the mean over the center's tokens, in nats."""
    if isinstance(value, Mapping) and isinstance(center, Mapping):
        floor = _floor(value)
        return math.fsum(abs(value.get(token, floor) - known) for token, known in center.items()) / max(len(center), 1)
    return abs(_number(value) - _number(center))


def spread_of(
    values: tuple[float | Mapping[str, float], ...], center: float | Mapping[str, float], *, service: bool
) -> float:
    """How far training values are from the center, on average."""
    far = math.fsum(distance(value, center) for value in values) / len(values)
    return max(far, SLOWER if service else _LEAST_NATS)


def is_usual(bag: Bag, value: str) -> bool:
    """Whether an answer that the bag has counted came before in its stream, or logprobs as far from the center: however often
    they come now. How often a server's sums round otherwise depends on who else is in the batch, by the hour; what they can
    round to does not."""
    if bag.signal != "distribution":
        return False
    if bag.center is None:
        before = bag.counts[value] - 1
    else:
        far = float(value)
        before = sum(count for name, count in bag.counts.items() if float(name) >= far) - 1
    return before > max(USUAL, USUAL_SHARE * sum(bag.counts.values()))


def _commonness(bag: Bag, count: int, value: str) -> float:
    """How often the others of the stream are the same; of distances, the nearer the commoner."""
    if bag.center is not None:
        return -float(value)
    others = sum(bag.counts.values()) - 1
    return (count - 1) / others if others else 1.0


def _floor(logprobs: Mapping[str, float]) -> float:
    return min(logprobs.values(), default=0.0)


def _number(value: float | Mapping[str, float]) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
