"""Whole checks of ours, as a watch makes them, of a server behind which the model is swapped."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import engine
from engine.behaviour.records import Check, Watched
from engine.targets.endpoint import Budget, Endpoint
from tiny_change.serving import serving
from tiny_change.variants import BASE, VARIANTS, file_of

FIRST = Budget(tokens=6_000, requests=260, seconds=1_200.0)
QUIET, MOST, DAYS = 4, 12, 5
SWAPS = ("int8", "int4", "tuned 16 steps", "2 of 18 layers out")


def live(folder: Path) -> None:
    """Print how each swap is told: checks, requests and tokens after it, and what it is taken for."""
    model, log = file_of(folder, BASE.name), folder / "live.log"
    print("\nlive: engine.check against running servers")
    with serving(model, log) as endpoint:
        begun = time.monotonic()
        first = engine.check(endpoint, budget=FIRST)
        print(f"first check: {_cost(first)}, {time.monotonic() - begun:.0f} s", flush=True)
        watched = _older(first.watched)
        watched = _quiet(endpoint, watched, "the same server")
    with serving(model, log) as endpoint:
        watched = _quiet(endpoint, watched, "restarted")
    for name in SWAPS:
        variant = next(one for one in VARIANTS if one.name == name)
        with serving(file_of(folder, variant.name), log) as endpoint:
            _swapped(endpoint, watched, variant.name)


def _older(watched: Watched) -> Watched:
    """As if it had been watched for some days: in the first two only what is far from all that came before is told."""
    return replace(watched, past=replace(watched.past, since_day=watched.past.since_day - DAYS))


def _quiet(endpoint: Endpoint, watched: Watched, name: str) -> Watched:
    checks = []
    for _ in range(QUIET):
        checks.append(engine.check(endpoint, watched))
        watched = checks[-1].watched
    print(f"{name}: {', '.join(f'{one.look.state} ({_cost(one)})' for one in checks)}", flush=True)
    return watched


def _swapped(endpoint: Endpoint, watched: Watched, name: str) -> None:
    requests = tokens = 0
    for number in range(1, MOST + 1):
        check = engine.check(endpoint, watched)
        watched, requests, tokens = check.watched, requests + check.look.requests, tokens + check.look.tokens
        if check.change is not None:
            effect = {one: round(value, 2) for one, value in check.change.effect.items() if "seconds" not in one}
            print(
                f"{name}: told at check {number}, after {requests} requests and {tokens} tokens: "
                f"{check.change.cause}, {effect}; all learned anew: {_cost(check)}",
                flush=True,
            )
            return
    print(f"{name}: not told in {MOST} checks, {requests} requests, {tokens} tokens", flush=True)


def _cost(check: Check) -> str:
    cost = check.cost
    return f"{cost.requests} requests, {cost.prompt_tokens + cost.completion_tokens} tokens"
