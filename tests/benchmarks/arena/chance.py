"""Chance without a global state: every draw is a hash of what it is about, so that a run can be repeated."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from statistics import NormalDist
from typing import TypeVar

T = TypeVar("T")
_NORMAL = NormalDist()


def whole(*about: object) -> int:
    """64 bits."""
    return int.from_bytes(blake2b("\x1f".join(map(str, about)).encode(), digest_size=8).digest(), "big")


def uniform(*about: object) -> float:
    """In (0, 1)."""
    return (whole(*about) + 0.5) / 2**64


def normal(*about: object) -> float:
    """Of mean 0 and deviation 1."""
    return _NORMAL.inv_cdf(uniform(*about))


def below(value: float) -> float:
    """The chance that a normal draw falls below ``value``."""
    return _NORMAL.cdf(value)


def pick(options: Sequence[T], *about: object) -> T:
    """One of the options, each as likely as the others."""
    return options[whole(*about) % len(options)]


def stream(*about: object) -> random.Random:
    """A generator of its own, for what needs many draws in a row."""
    return random.Random(whole(*about))


def weighed(shares: Mapping[T, float], rng: random.Random) -> T:
    """One of the keys, as likely as its share says."""
    return rng.choices(list(shares), weights=list(shares.values()))[0]
