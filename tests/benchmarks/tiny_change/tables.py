"""How large changes are, how surely one check tells them, and what it takes until they are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from drift.ours import Watched

from engine.drift.cause import describe
from engine.drift.records import LookRecord
from tiny_change import methods
from tiny_change.methods import Dealt, Method, Watching
from tiny_change.recording import Questions, Replies

WINDOWS = 200
"""Checks of the base, and of each variant, for an AUC."""
LIMITED_BY, LIMITED_BY_OF_TEXTS = 4_000, 1_000
"""Checks of the base that no threshold may pass."""
RUNS, MOST, BEFORE = 16, 150, 60
"""Swaps of each kind; checks after one, and before."""
STABLE, FOR_EVER = 10, 1_000
"""Runs of ours without a swap, and checks in each."""


@dataclass(frozen=True, slots=True)
class Size:
    """How far a variant is from the base.

    Attributes:
        logits: standard deviation over tokens of how far a logit moved, mean over prompts, nats; of tokens among the likeliest
            of both, so too small where few are.
        nats, ratio, others: as ``engine.drift.cause`` takes them: mean distance of the median logprobs; that as a multiple of
            what is usual; the share of first tokens and texts that are others than before.
        cause: what it is taken for, with logprobs and without.
    """

    logits: float
    nats: float
    ratio: float
    others: float
    cause: str
    cause_by_text: str


def show(questions: Questions, replies: Mapping[str, Replies], *, nulls: Sequence[str], hot: str) -> None:
    """Print all of it."""
    base = replies["base"]
    stable = [replies[name] for name in nulls]
    changed = {name: one for name, one in replies.items() if name != "base" and name not in nulls}
    _show_sizes(questions, base, {name: one for name, one in replies.items() if name != "base"})
    made = _methods(questions, base)
    _show_auc(made, stable, changed)
    _show_tokens(questions, base, made, stable, changed)
    print(f"finding the prompts took {questions.found_with} tokens; {hot}: the base, its server sampling as it likes")


def _methods(questions: Questions, base: Replies) -> dict[str, Method]:
    return {
        "LT": methods.lt(base),
        "LT 2": methods.lt(base, 2),
        "ours": methods.ours(base, questions, logprobs=True, checks=1),
        "ours × 5": methods.ours(base, questions, logprobs=True, checks=5),
        "B3IT": methods.b3it(base, questions),
        "MMD": methods.mmd(base, questions),
        "text": methods.ours(base, questions, logprobs=False, checks=1),
        "text × 5": methods.ours(base, questions, logprobs=False, checks=5),
    }


def _show_sizes(questions: Questions, base: Replies, others: Mapping[str, Replies]) -> None:
    print("\nhow large                logits sd   nats  ratio  others  taken for (logprobs / text)")
    for name, one in others.items():
        size = size_of(questions, base, one)
        print(
            f"{name:24}{size.logits:>10.3f}{size.nats:>7.3f}{size.ratio:>7.1f}{size.others:>8.2f}"
            f"  {size.cause} / {size.cause_by_text}"
        )


def size_of(questions: Questions, base: Replies, other: Replies) -> Size:
    """How far what a server answers is from what the base does."""
    causes, effects = [], []
    for logprobs in (True, False):
        watching = Watching(questions, base, logprobs=logprobs)
        learned = watching.learned(1)
        watching.dealt = Dealt(other, 3)
        seen = [found for one in watching.prompts for _ in range(4) for found in watching.seen(one)]
        record = LookRecord("2026-01-01T00:00:00+00:00", "changed", {})
        change = describe(learned.bags, seen, signals=("distribution",), log_e=5.0, records=[record, record])
        causes.append(change.cause)
        effects.append(change.effect)
    moved = []
    for text in questions.ours:
        before, now = _means(base.logprobs[text]), _means(other.logprobs[text])
        both = [now[token] - before[token] for token in before if token in now]
        moved += [float(np.std(both))] if len(both) > 2 else []
    return Size(
        float(np.mean(moved)), effects[0]["logprobs"], effects[0]["logprobs_ratio"], effects[1]["answers"], *causes
    )


def _means(values: Sequence[Mapping[str, float]]) -> dict[str, float]:
    tokens = set.intersection(*(set(one) for one in values))
    return {token: float(np.mean([one[token] for one in values])) for token in sorted(tokens)}


def _show_auc(made: Mapping[str, Method], stable: Sequence[Replies], changed: Mapping[str, Replies]) -> None:
    print("\nAUC of one check       " + "".join(f"{name:>9}" for name in made))
    print("requests               " + "".join(f"{one.requests:>9}" for one in made.values()))
    print("tokens                 " + "".join(f"{one.tokens:>9}" for one in made.values()))
    null = {name: _checks(one.check, stable, WINDOWS) for name, one in made.items()}
    rows = []
    for name, replies in changed.items():
        rows.append([_auc(null[method], _checks(one.check, [replies], WINDOWS)) for method, one in made.items()])
        print(f"{name:23}" + "".join(f"{value:>9.3f}" for value in rows[-1]), flush=True)
    print(f"{'mean':23}" + "".join(f"{value:>9.3f}" for value in np.mean(rows, axis=0)))


def _checks(check: Callable[[Dealt], float], of: Sequence[Replies], count: int) -> list[float]:
    """Checks of servers, as many of each."""
    dealt = [Dealt(one, number) for number, one in enumerate(of)]
    return [check(dealt[number % len(dealt)]) for number in range(count)]


def _auc(null: Sequence[float], changed: Sequence[float]) -> float:
    """The share of pairs in which the changed one is larger, ties half."""
    low, high = np.array(null)[:, None], np.array(changed)[None]
    return float((high > low).mean() + (high == low).mean() / 2)


def _show_tokens(
    questions: Questions,
    base: Replies,
    made: Mapping[str, Method],
    stable: Sequence[Replies],
    changed: Mapping[str, Replies],
) -> None:
    published = {name: one for name, one in made.items() if name in ("LT", "LT 2", "B3IT", "MMD")}
    limits = {
        name: max(_checks(one.check, stable, LIMITED_BY_OF_TEXTS if name == "MMD" else LIMITED_BY))
        for name, one in published.items()
    }
    watches = {"ours": True, "ours, text": False}
    theirs = {name: _tokens_of_ours(questions, base, stable, changed, logprobs=one) for name, one in watches.items()}
    print("\nmedian tokens to detection (missed of all)" + "".join(f"{name:>15}" for name in (*published, *watches)))
    for swap, replies in changed.items():
        cells = [_cell(_tokens(one, limits[name], replies)) for name, one in published.items()]
        cells += [_cell(theirs[name][swap]) for name in watches]
        print(f"{swap:42}" + "".join(f"{cell:>15}" for cell in cells), flush=True)
    for name, logprobs in watches.items():
        called, tokens = _called(questions, base, stable, logprobs=logprobs)
        print(
            f"{name}: {called} of {STABLE} runs of {FOR_EVER} checks of the base call a change; "
            f"{tokens:.0f} tokens a check"
        )


def _cell(found: Sequence[int | None]) -> str:
    known = sorted(one for one in found if one is not None)
    missed = len(found) - len(known)
    if not known:
        return "-"
    return f"{median(known):.0f}" + (f" ({missed}/{len(found)})" if missed else "")


def _tokens(method: Method, limit: float, replies: Replies) -> list[int | None]:
    found: list[int | None] = []
    for run in range(RUNS):
        dealt = Dealt(replies, run)
        passed = (number for number in range(1, MOST + 1) if method.check(dealt) > limit)
        at = next(passed, None)
        found.append(at * method.tokens if at is not None else None)
    return found


def _watched(questions: Questions, base: Replies, seed: int, *, logprobs: bool) -> Watched:
    """An endpoint after its first check."""
    watching: Any = Watching(questions, base, logprobs=logprobs)
    return Watched(watching, seed)


def _tokens_of_ours(
    questions: Questions, base: Replies, stable: Sequence[Replies], changed: Mapping[str, Replies], *, logprobs: bool
) -> dict[str, list[int | None]]:
    """By swap; what comes before it is the same for all."""
    found: dict[str, list[int | None]] = {swap: [] for swap in changed}
    for run in range(RUNS):
        watched = _watched(questions, base, run, logprobs=logprobs)
        watching: Any = watched.endpoint
        watching.dealt = Dealt(stable[run % len(stable)], run)
        early = any(watched.check() for _ in range(BEFORE))
        for swap, replies in changed.items():
            one, other = copy(watched), copy(watching)
            other.dealt = Dealt(replies, run)
            one.endpoint, one.random = other, deepcopy(watched.random)
            at = None if early else next((number for number in range(MOST) if one.check()), None)
            found[swap].append(one.tokens - watched.tokens if at is not None else None)
    return found


def _called(questions: Questions, base: Replies, stable: Sequence[Replies], *, logprobs: bool) -> tuple[int, float]:
    """Runs without a swap in which a change is called, the servers taking turns by the day; tokens of a check."""
    called, tokens, looks = 0, 0, 0
    for run in range(STABLE):
        watched = _watched(questions, base, run + 100, logprobs=logprobs)
        watching: Any = watched.endpoint
        dealt = [Dealt(one, run) for one in (base, *stable)]
        for look in range(FOR_EVER):
            watching.dealt = dealt[look // 24 % len(dealt)]
            if watched.check():
                called += 1
                break
        tokens, looks = tokens + watched.tokens, looks + watched.looks
    return called, tokens / looks
