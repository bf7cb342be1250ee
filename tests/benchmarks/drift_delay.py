"""How long a swap goes unnoticed: checks and tokens from the swap until it is called, ours beside published methods.

Every method watches the same simulated endpoints (``drift.endpoints``). Ours is called at the evidence that a stable endpoint
reaches with a chance of 1 % in all of 10,000 checks (and that ``drift_false_alarms.py`` shows it keeps). The others are given
the threshold that none of 50,000 checks of stable endpoints passes (MMD, which is slow to simulate: 2,000), which is some twenty
times as many false alarms as ours may make (MMD: hundreds of times): in their favour.
Beside their published sizes each is shown with sizes that cost about as much as our quiet check.

``drift_delay.py [runs]``: 12 of each kind unless told otherwise.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from multiprocessing import Pool
from random import Random
from statistics import median

from drift.endpoints import SWAPS, Endpoint, Nature, Swap
from drift.methods import B3IT, LT, MMD, Method
from drift.ours import Watched

MOST = 300
AT = (50, 500)
STABLE, CHECKS, CHECKS_OF_TEXTS = 20, 2_500, 100
METHODS: dict[str, tuple[bool, Callable[[Endpoint], Method]]] = {
    "LT": (True, LT),
    "LT, 2 samples": (True, lambda endpoint: LT(endpoint, samples=2)),
    "B3IT": (False, B3IT),
    "B3IT, 2 prompts once": (False, lambda endpoint: B3IT(endpoint, prompts=2, samples=1)),
    "MMD": (False, MMD),
    "MMD, 3 texts of 20": (False, lambda endpoint: MMD(endpoint, prompts=3, samples=1, length=20)),
}


def nature(seed: int, *, logprobs: bool) -> Nature:
    random = Random(seed)
    return Nature(logprobs, random.choice((0.01, 0.03)), random.uniform(0, 1))


def main() -> int:
    begun, runs = time.monotonic(), int(sys.argv[1]) if len(sys.argv) > 1 else 12
    with Pool(os.cpu_count()) as pool:
        limits = dict(pool.imap_unordered(_limit, METHODS))
        jobs = [(name, swap, seed, at, limits.get(name, 0.0)) for name in (*METHODS, "ours, logprobs", "ours, text")
                for swap in SWAPS for at in (AT if name.startswith("ours") else (50,)) for seed in range(runs)]  # fmt: skip
        found: dict[tuple[str, str, int], list[tuple[int | None, int]]] = {}
        for key, result in pool.imap_unordered(_delay, jobs, chunksize=4):
            found.setdefault(key, []).append(result)
    print(
        f"{'method':24} {'swapped for':22} {'at':>4} {'checks p50':>10} {'p95':>5} {'tokens p50':>10} {'p95':>7}  missed"
    )
    for (name, swap, at), results in sorted(found.items(), key=lambda item: (item[0][1], item[0][2], item[0][0])):
        delays = sorted(MOST if delay is None else delay for delay, _ in results)
        tokens = sorted(spent for _, spent in results)
        missed = sum(delay is None for delay, _ in results)
        p95 = -(-len(delays) * 95 // 100) - 1
        print(
            f"{name:24} {swap:22} {at:>4} {median(delays):>10.0f} {delays[p95]:>5} {median(tokens):>10.0f} {tokens[p95]:>7}  {missed or ''}"
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


def _delay(job: tuple[str, Swap, int, int, float]) -> tuple[tuple[str, str, int], tuple[int | None, int]]:
    name, swap, seed, at, limit = job
    key = (name, swap.name, at)
    if name.startswith("ours"):
        endpoint = Endpoint(nature(seed, logprobs="logprobs" in name), seed, swap)
        watched = Watched(endpoint, seed)
        for _ in range(at):
            if watched.check():  # a false alarm; drift_false_alarms counts these
                return key, (0, 0)
        endpoint.swapped, before = True, watched.tokens
        delay = next((number for number in range(1, MOST + 1) if watched.check()), None)
        return key, (delay, watched.tokens - before)
    logprobs, make = METHODS[name]
    endpoint = Endpoint(nature(seed, logprobs=logprobs), seed, swap)
    method = make(endpoint)
    endpoint.swapped = True
    delay = next((number for number in range(1, MOST + 1) if _checked(method, seed + number) > limit), None)
    return key, (delay, (delay or MOST) * method.tokens)


if __name__ == "__main__":
    sys.exit(main())
