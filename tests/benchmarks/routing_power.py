"""How surely a share of requests that goes to a distill is found, how often a pure endpoint is accused, and after
how many requests: thorough identification of arena endpoints, over HTTP.

    python tests/benchmarks/routing_power.py --each 150 --share 0.1
"""

from __future__ import annotations

import argparse
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parent))

from arena import Arena, Served, honest
from arena.disguises import Mixed

import engine
from engine.catalog import load_family
from engine.pipeline import hypotheses_of
from engine.probes.routing import share_of
from engine.targets.endpoint import Budget, parse_endpoint

BUDGET = Budget(tokens=22_000, requests=80, seconds=300, thorough=True)
DISTILLS = (
    "R1-Distill-Qwen-7B",
    "R1-Distill-Qwen-32B",
    "R1-Distill-Llama-8B",
    "R1-Distill-Llama-70B",
    "R1-0528-Qwen3-8B",
)


def look(job: tuple[int, str]) -> tuple[int, str, int]:
    """Which endpoint, the outcome, and the replies it took."""
    found = engine.identify(job[1], endpoint=parse_endpoint(job[1]), budget=BUDGET)
    row = next((row for row in found.evidence if row.probe == "routing"), None)
    replies = row.observation["replies"] if row else []
    hypotheses = hypotheses_of(load_family("deepseek-r1"), served=True)
    needed = (n for n in range(2, len(replies) + 1) if share_of({"replies": replies[:n]}, hypotheses).clear)
    return job[0], found.verdict.outcome, next(needed, len(replies))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--each", type=int, default=150)
    options.add_argument("--share", type=float, default=0.1)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    full = [served for served in honest(given.seed, given.each * 4) if served.truth == "full"][: given.each]
    random = Random(given.seed)
    mixed = [
        replace(
            served, seed=served.seed + 10**6, truth="mixed", disguises=(Mixed(random.choice(DISTILLS), given.share),)
        )
        for served in full
    ]
    people: list[Served] = [*full, *mixed]
    with Arena(people) as arena, ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        seen = list(pool.map(look, [(at, arena.spec(served)) for at, served in enumerate(people)], chunksize=2))
    accused = [entry for entry in seen if entry[0] < len(full) and entry[1] == "mixed"]
    found = [entry for entry in seen if entry[0] >= len(full) and entry[1] == "mixed"]
    needed = sorted(entry[2] for entry in found)
    print(
        f"{len(mixed)} endpoints with {given.share:.0%} of requests to a distill: {len(found) / len(mixed):.1%} found"
    )
    print(f"{len(full)} endpoints with one model: {len(accused) / len(full):.1%} accused")
    print(f"replies until found: median {statistics.median(needed)}, p95 {needed[int(0.95 * len(needed))]}")
    passed = len(found) >= 0.95 * len(mixed) and len(accused) <= 0.01 * len(full)
    print("PASS" if passed else "FAIL", "(bar: 95 % found, at most 1 % accused)")
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
