"""False alarms: endpoints that stay what they are, checked again and again; how many are ever called changed.

``drift_false_alarms.py [endpoints] [checks]``: 200 endpoints, 10,000 checks each, unless told otherwise.
"""

from __future__ import annotations

import os
import sys
import time
from multiprocessing import Pool

from drift.endpoints import Endpoint, stable
from drift.ours import Watched

ALPHA = 0.01


def main() -> int:
    endpoints, checks = (int(word) for word in (*sys.argv[1:], "200", "10000")[:2])
    begun, called = time.monotonic(), 0
    requests = tokens = escalated = looks = 0
    highest: list[float] = []
    with Pool(os.cpu_count()) as pool:
        for seed, at, found in pool.imap_unordered(_watched, [(seed, checks) for seed in range(endpoints)]):
            called += at is not None
            if at is not None:
                print(f"  endpoint {seed} ({stable(seed)}) is called changed at check {at}: {found[4]}", flush=True)
            looks, requests, tokens, escalated = (
                a + b for a, b in zip((looks, requests, tokens, escalated), found[:4], strict=True)
            )  # type: ignore[arg-type]
            highest.append(found[5])
            if len(highest) % 20 == 0:
                print(f"  {len(highest)} endpoints, {looks} checks: {called} called changed", flush=True)
    share = called / endpoints
    print(
        f"{endpoints} stable endpoints, {checks} checks each: {called} ever called changed, {share:.1%} (bar {ALPHA:.0%})"
    )
    print(
        f"a check takes {requests / looks:.2f} requests and {tokens / looks:.0f} tokens on average; {escalated / looks:.2%} ask on"
    )
    print(
        f"the highest evidence of each, nats: median {sorted(highest)[len(highest) // 2]:.1f}, most {max(highest):.1f} (changed at 4.6)"
    )
    print(f"{time.monotonic() - begun:.0f} s; {'PASS' if share <= ALPHA else 'short of the bar'}")
    return share > ALPHA


def _watched(given: tuple[int, int]) -> tuple[int, int | None, tuple[int, int, int, int, object, float]]:
    from engine.drift import monitor as test

    seed, checks = given
    watched = Watched(Endpoint(stable(seed), seed), seed)
    at, highest = None, float("-inf")
    for number in range(checks):
        changed = watched.check()
        highest = max(highest, test.log_e(watched.monitor)["total"])
        if changed:
            at = number
            break
    evidence = {name: round(value, 1) for name, value in test.log_e(watched.monitor).items()}
    return seed, at, (watched.looks, watched.requests, watched.tokens, watched.escalated, evidence, highest)


if __name__ == "__main__":
    sys.exit(main())
