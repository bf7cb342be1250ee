"""What kind of change it is, as far as what was seen tells, and how large."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from engine.drift import ranking
from engine.drift.records import Bag, Cause, Change, LookRecord, Seen, Signal
from engine.drift.since import change_point

UNMOVED = 2.0
"""Logprobs that are on average at most so many times as far from the center as they always were have not moved."""
SMALL, LARGE = 0.12, 0.7
"""Mean distance of logprobs in nats: up to the first as after a change of precision to 8 bits, from the second as after another
model."""
OTHERS, SAID = 0.85, 0.3
"""Share of answers that are others from which it is another model; and from which, with the same logprobs, it is how they are
drawn."""
# Measured with Gemma 3 270M on llama.cpp (tests/benchmarks/tiny_change.py). Nats, share of other answers: int8 0.07, 0.36; Q4_0
# 0.46, 0.72; 1, 4, 16 and 64 steps of training 0.07, 0.19, 0.37 and 0.56, up to 0.94; 2 of 18 layers out 0.54, 0.89; another
# checkpoint 0.81, 1.0; drawn at temperature 1: 0.79 of the answers. Restarted, or without its cache: 1.3 to 1.6 times as far as
# usual. So between SMALL and LARGE, where 4 bits and training look alike, nothing is said.
_EXAMPLES = 3
_SAYING = ("border", "model")
"""Pools whose values are what a server says."""


def describe(
    before: Mapping[str, Bag],
    seen: Sequence[Seen],
    *,
    signals: tuple[Signal, ...],
    log_e: float,
    records: Sequence[LookRecord],
    against: Literal["past", "reference"] = "past",
) -> Change:
    """A change, from what the bags held before and what was seen after it.

    Args:
        signals: those that show it, the strongest first.
        log_e: the evidence in all (nats).
        records: the checks among which it came, the last one included.
    """
    effect = _effects(before, seen)
    after, first, earliest, latest = change_point(records)
    return Change(
        against=against,
        signals=signals,
        cause=_cause(signals, effect),
        log_e=log_e,
        after=after,
        before=first or "",
        earliest=earliest,
        latest=latest,
        effect=effect,
        examples=_examples(before, seen),
    )


def _cause(signals: tuple[Signal, ...], effect: Mapping[str, float]) -> Cause:
    if "counts" in effect and effect["counts"] >= 0.5:
        return "model"
    if signals == ("service",):
        return "service"
    if "distribution" not in signals and "identity" in signals:
        return "unknown"  # it calls itself otherwise, and answers as before
    moved, others = effect.get("logprobs"), effect.get("answers")
    if moved is not None:
        if effect.get("logprobs_ratio", math.inf) <= UNMOVED and others is not None and others >= SAID:
            return "sampling"
        return "quantization" if moved <= SMALL else "model" if moved >= LARGE else "unknown"
    return "model" if others is not None and others >= OTHERS else "unknown"


def _effects(before: Mapping[str, Bag], seen: Sequence[Seen]) -> dict[str, float]:
    """``counts`` and ``answers``: the share that is otherwise than before; ``logprobs``: the mean distance that streams
    moved (nats), ``logprobs_ratio`` as a multiple of what is usual; the ratio of times by service stream."""
    effect: dict[str, float] = {}
    for name, signal in (("counts", "identity"), ("answers", "distribution")):
        texts = [one for one in seen if one.signal == signal and isinstance(one.value, str) and one.stream in before]
        if name == "counts":
            texts = [one for one in texts if one.stream.startswith("count")]
        if texts:
            effect[name] = _otherwise(before, texts)
    moved = _moved(before, seen)
    if moved:
        effect["logprobs"] = math.fsum(far for far, _ in moved) / len(moved)
        effect["logprobs_ratio"] = math.fsum(far / usual for far, usual in moved) / len(moved)
    for one in seen:
        bag = before.get(one.stream)
        if (
            one.signal == "service"
            and bag is not None
            and isinstance(bag.center, float)
            and isinstance(one.value, float)
        ):
            effect[one.stream] = min(math.exp(one.value - bag.center), effect.get(one.stream, math.inf))
    return effect


def _otherwise(before: Mapping[str, Bag], texts: Sequence[Seen]) -> float:
    """By how much less often answers are those from before than answers from before would be."""
    found = expected = 0.0
    for one in texts:
        counts = before[one.stream].counts
        total = sum(counts.values())
        if total:
            found += counts.get(str(one.value), 0) / total
            expected += math.fsum((count / total) ** 2 for count in counts.values())
    return max(0.0, 1 - found / expected) if expected else 0.0


def _moved(before: Mapping[str, Bag], seen: Sequence[Seen]) -> list[tuple[float, float]]:
    """For each stream of logprobs how far its median is from the center now, and a value was before, in nats."""
    now: dict[str, list[float | Mapping[str, float]]] = {}
    for one in seen:
        if isinstance(one.value, Mapping) and one.stream in before and before[one.stream].center is not None:
            now.setdefault(one.stream, []).append(one.value)
    found = []
    for stream, values in now.items():
        center = before[stream].center
        if isinstance(center, Mapping):
            found.append((ranking.distance(ranking.center_of(tuple(values)), center), before[stream].spread))
    return found


def _examples(before: Mapping[str, Bag], seen: Sequence[Seen]) -> tuple[tuple[str, str, str], ...]:
    """Where the most frequent answer is another: those first that were the surest before."""
    now: dict[str, Counter[str]] = {}
    for one in seen:
        if isinstance(one.value, str) and one.stream in before and one.stream.partition(":")[0] in _SAYING:
            now.setdefault(one.stream, Counter())[one.value] += 1
    found: list[tuple[float, str, str, str]] = []
    for stream, answers in now.items():
        counts = before[stream].counts
        if counts:
            usual = max(counts, key=lambda value: (counts[value], value))
            latest = answers.most_common(1)[0][0]
            if latest != usual:
                found.append((counts[usual] / sum(counts.values()), stream, usual, latest))
    return tuple((stream, usual, latest) for _, stream, usual, latest in sorted(found, reverse=True)[:_EXAMPLES])
