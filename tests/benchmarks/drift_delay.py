"""How long a swap goes unnoticed: checks and tokens from the swap until it is called, ours beside published methods.

Every method watches the same simulated endpoints (``drift.endpoints``). Ours is called at the evidence that a stable endpoint
reaches with a chance of 1 % in all of 10,000 checks (and that ``drift_false_alarms.py`` shows it keeps). The others are given
the threshold that none of 50,000 checks of stable endpoints passes (MMD, which is slow to simulate: 2,000), which is some twenty
times as many false alarms as ours may make (MMD: hundreds of times): in their favour.
Beside their published sizes each is shown with sizes that cost about as much as our quiet check.

``quiet`` is what a check costs while nothing has changed: at equal cost who spends less looks more often. A run in which ours
calls a change before there is one counts as missed.

``drift_delay.py [runs] [check …]``: 12 of each kind, swapped at checks 50, 500 and 5,000, unless told otherwise; for the others,
which remember no checks, it is all the same when.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from copy import copy, deepcopy
from multiprocessing import Pool
from random import Random
from statistics import median

from drift.endpoints import SWAPS, Endpoint, Nature
from drift.methods import B3IT, LT, MMD, Method
from drift.ours import Watched

MOST = 300
AT = (50, 500, 5_000)
STABLE, CHECKS, CHECKS_OF_TEXTS = 20, 2_500, 100
METHODS: dict[str, tuple[bool, Callable[[Endpoint], Method]]] = {
    "LT": (True, LT),
    "LT, 2 samples": (True, lambda endpoint: LT(endpoint, samples=2)),
    "B3IT": (False, B3IT),
    "B3IT, 2 prompts once": (False, lambda endpoint: B3IT(endpoint, prompts=2, samples=1)),
    "MMD": (False, MMD),
    "MMD, 3 texts of 20": (False, lambda endpoint: MMD(endpoint, prompts=3, samples=1, length=20)),
}

Result = tuple[str, str, int, int | None, int, int]
"""Method, swap, at which check (0: no matter), delay in checks, tokens to detection, tokens of a quiet check."""


def nature(seed: int, *, logprobs: bool) -> Nature:
    random = Random(seed)
    return Nature(logprobs, random.choice((0.01, 0.03)), random.uniform(0, 1))


def main() -> int:
    begun = time.monotonic()
    runs, *moments = (int(word) for word in (sys.argv[1:] or ["12"]))
    found: dict[tuple[str, int, str], list[Result]] = {}
    with Pool(os.cpu_count()) as pool:
        limits = dict(pool.imap_unordered(_limit, METHODS))
        names = ("ours, logprobs", "ours, text", *METHODS)
        jobs = [(name, seed, moments or AT, limits.get(name, 0.0)) for name in names for seed in range(runs)]
        for results in pool.imap_unordered(_delay, jobs):
            for result in results:
                name, swap, at, *_ = result
                found.setdefault((swap, at, name), []).append(result)
    print(
        "swapped for           at check  method                quiet   checks p50   p95   tokens p50      p95  missed"
    )
    for (swap, at, name), results in sorted(found.items()):
        delays = sorted(MOST if delay is None else delay for *_, delay, _, _ in results)
        tokens = sorted(spent for *_, spent, _ in results)
        missed = sum(delay is None for *_, delay, _, _ in results)
        p95 = -(-len(delays) * 95 // 100) - 1
        print(
            f"{swap:22}{at or 'any':>8}  {name:22}{median(quiet for *_, quiet in results):>5.0f}"
            f"{median(delays):>13.0f}{delays[p95]:>6}{median(tokens):>13.0f}{tokens[p95]:>9}  {missed or ''}"
        )
    print(f"{runs} runs each, at most {MOST} checks after the swap; {time.monotonic() - begun:.0f} s")
    return 0


def _limit(name: str) -> tuple[str, float]:
    """The highest of all statistics of stable endpoints."""
    logprobs, make = METHODS[name]
    highest = 0.0
    for seed in range(STABLE):
        method = make(Endpoint(nature(seed + 900, logprobs=logprobs), seed + 900))
        highest = max(
            highest, *(_checked(method, hour) for hour in range(CHECKS_OF_TEXTS if name.startswith("MMD") else CHECKS))
        )
    return name, highest


def _checked(method: Method, hour: int) -> float:
    """A check of this hour."""
    method.endpoint.hour = float(hour)
    return method.check()


def _ours(name: str, seed: int, moments: Sequence[int]) -> list[Result]:
    """The delays of ours, for each moment and swap; what comes before the swap is the same for all."""
    kind = nature(seed, logprobs="logprobs" in name)
    watched, results = Watched(Endpoint(kind, seed, SWAPS[0]), seed), list[Result]()
    for at in sorted(moments):
        if any(watched.check() for _ in range(at - watched.looks)):
            return [*results, *((name, swap.name, at, None, 0, 0) for swap in SWAPS)]
        quiet = round(watched.tokens / watched.looks)
        for swap in SWAPS:
            swapped = Endpoint(kind, seed, swap)
            swapped.swapped, swapped.hour = True, watched.endpoint.hour
            swapped.random.setstate(watched.endpoint.random.getstate())
            one = copy(watched)
            one.endpoint, one.random = swapped, deepcopy(watched.random)
            delay = next((number for number in range(1, MOST + 1) if one.check()), None)
            results.append((name, swap.name, at, delay, one.tokens - watched.tokens, quiet))
    return results


def _delay(job: tuple[str, int, Sequence[int], float]) -> list[Result]:
    name, seed, moments, limit = job
    if name not in METHODS:
        return _ours(name, seed, moments)
    (logprobs, make), results = METHODS[name], list[Result]()
    for swap in SWAPS:
        endpoint = Endpoint(nature(seed, logprobs=logprobs), seed, swap)
        method = make(endpoint)
        endpoint.swapped = True
        delay = next((number for number in range(1, MOST + 1) if _checked(method, seed + number) > limit), None)
        results.append((name, swap.name, 0, delay, (delay or MOST) * method.tokens, method.tokens))
    return results


if __name__ == "__main__":
    sys.exit(main())
