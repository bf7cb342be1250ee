"""Betting against chance: an e-process over p-values that would be uniform if nothing had changed.

Who begins with 1 and only takes fair bets ever owns 1/α with a chance of at most α, however long he goes on (Ville's
inequality; Shafer, "Testing by betting", JRSS A 2021; Vovk et al., "Algorithmic Learning in a Random World", 2022,
chapter 8: conformal test martingales). He does not know when a change will come nor how it will show: so he keeps most
of what he owns aside, begins bets with a little of it at every look, and takes some back (fixed share; Herbster and
Warmuth, 1998). What he loses by not knowing when grows with the logarithm of the time only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from operator import mul

from engine.drift.records import Signal, Wealth

RATES = (0.1, 0.01, 0.001)
"""Shares of what is idle with which bets are begun at a look: changes are expected once in so many looks."""
BACK = 0.02
"""Share of what is staked that is taken back at a look."""
STEPS: tuple[tuple[float, float], ...] = ((0.9, 0.1), (0.9, 0.02), (0.4, 0.1), (0.15, 0.01))
"""Ways of betting on strange values: a share λ of the stake that p ≤ ε. A whole swap shows in nearly every answer, a
mixture in some."""
SHARES = (0.9, 0.45, 0.15)
"""Shares of the stake that a value is among the strangest of its pool, together with those that lately were."""
_ONE_MORE, _MOST_STRANGE, _FORGETS = 1.2, 0.3, 0.998
_WAYS = len(STEPS) + len(SHARES)


def beginning() -> Wealth:
    """1, nothing of it at stake; an equal part for each rate."""
    return Wealth((1 / len(RATES),) * len(RATES), ((0.0,) * _WAYS,) * len(RATES), (0.0,) * _WAYS)


def begin_bets(wealth: Wealth) -> Wealth:
    """Stake some of what is idle, and take some of what is staked back: done once a look. What is owned stays the same."""
    idle, staked = [], []
    for rate, kept, at_stake in zip(RATES, wealth.idle, wealth.staked, strict=True):
        back = BACK * math.fsum(at_stake)
        new = rate * kept / len(at_stake)
        idle.append((1 - rate) * kept + back)
        staked.append(tuple((1 - BACK) * stake + new for stake in at_stake))
    return Wealth(tuple(idle), tuple(staked), wealth.recent, wealth.strange)


def settle(wealth: Wealth, paid: tuple[float, ...]) -> Wealth:
    """What is owned after bets that paid so much for 1."""
    staked = tuple(tuple(map(mul, at_stake, paid)) for at_stake in wealth.staked)
    recent = tuple(
        max(0.0, made + math.log(payoff)) for made, payoff in zip(wealth.recent, paid, strict=True)
    )  # CUSUM (Page, 1954)
    return Wealth(wealth.idle, staked, recent, wealth.strange)


def log_owned(wealth: Wealth) -> float:
    """The logarithm of all that is owned (nats)."""
    return math.log(math.fsum(wealth.idle) + math.fsum(stake for at_stake in wealth.staked for stake in at_stake))


def payoffs(p: float, strangest: float) -> tuple[float, ...]:
    """What each of ``STEPS`` and ``SHARES`` pays for 1: 1 on average where ``p`` is uniform.

    Args:
        strangest: the share of the pool that is as strange as what lately was, and one more: what a swap brings is soon no
            longer rare in its pool, but still among the strangest.
    """
    fixed = tuple(1 - share + (share / most if p <= most else 0.0) for share, most in STEPS)
    return (*fixed, *(1 - share + (share / strangest if p <= strangest else 0.0) for share in SHARES))


def strangest_of(strange: float, size: int) -> float:
    """The share of a pool of that size that counts as strange."""
    return min((strange + _ONE_MORE) / max(size, 1), _MOST_STRANGE)


def strange_after(p: float, strangest: float, strange: float) -> float:
    """How many values lately were among the strangest, with one more value; the older ones faded."""
    return _FORGETS * strange + (1.0 if p <= strangest else 0.0)


def weighted(owned: Mapping[Signal, float], weights: Mapping[Signal, float]) -> float:
    """The largest of what each signal's gambler owns times its weight, as a logarithm. With weights that sum to 1, that
    it ever reaches log(1/α) has a chance of at most α: the sum of those of each signal."""
    return max((math.log(weights[signal]) + value for signal, value in owned.items()), default=0.0)
