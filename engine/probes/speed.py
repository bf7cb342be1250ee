"""`speed`: time to first token, time between tokens and tokens a second, and whether the claimed model can be so fast.

To decode one token, every active weight is read once: 37 billion parameters at one byte each over 8 x H200
(8 x 4.8 TB/s, NVIDIA's data sheet) is 1,040 tokens a second at best, for a single stream and before any
overhead. What is faster than that is no full model on known hardware. Slower says nothing: anybody can be slow.

Cost: none; streams are timed anyway. Intervals: 95 %, normal for the mean of the gaps.
How it could be fooled: by waiting, or by answering out of a cache (hence the upper bound of belief).
"""

from __future__ import annotations

import math
from statistics import fmean, stdev

from engine.catalog.schema import Variant
from engine.evidence import UNKNOWN, Evidence
from engine.probes.probe import Hypotheses, Observation, Probe
from engine.targets.endpoint import Conversation

BANDWIDTH = 8 * 4.8e12
"""Bytes a second of the largest common node that serves the full model: 8 x H200."""
_BEYOND_BELIEF = 5_000.0
"""Tokens a second above which a stream was buffered or cached, not generated."""
_ENOUGH = 40
_TOO_FAST = math.log(0.1)


def observe(conversation: Conversation) -> Observation | None:
    """Seconds to the first piece, and the mean gap between pieces with its 95 % interval, of the longest stream."""
    streams = [reply for reply in conversation.replies if not reply.forced and len(reply.times) >= 2]
    if not streams:
        return None
    longest = max(streams, key=lambda reply: len(reply.times))
    gaps = [after - before for before, after in zip(longest.times, longest.times[1:], strict=False)]
    mean = fmean(gaps)
    half = 1.96 * stdev(gaps) / math.sqrt(len(gaps)) if len(gaps) > 1 else mean
    return {
        "first": longest.times[0],
        "gap": mean,
        "low": max(mean - half, 0.0),
        "high": mean + half,
        "pieces": len(longest.times),
    }


def score(observation: Observation, hypotheses: Hypotheses) -> Evidence:
    """The full model is unlikely where even the slow end of the interval beats memory bandwidth."""
    slow = 1 / observation["high"] if observation["high"] > 0 else math.inf
    rate = 1 / observation["gap"] if observation["gap"] > 0 else math.inf
    believable = observation["pieces"] >= _ENOUGH and rate < _BEYOND_BELIEF
    likelihood: dict[str, float] = {}
    if believable and any(slow > ceiling(variant) for variant in hypotheses.family()):
        likelihood = {variant.id: _TOO_FAST if slow > ceiling(variant) else 0.0 for variant in hypotheses.variants}
        likelihood[UNKNOWN] = 0.0
    fast = f"{1 / observation['low']:,.0f}" if observation["low"] > 0 else "–"
    return Evidence(
        probe="speed",
        group="speed",
        observation=observation,
        log_likelihood=likelihood,
        expected={
            variant.id: f"≤ {ceiling(variant):,.0f}/s" for variant in hypotheses.family() if ceiling(variant) < math.inf
        },
        values={
            "first": f"{observation['first'] * 1000:,.0f}",
            "rate": f"{rate:,.0f}" if believable else "–",
            "low": f"{slow:,.0f}" if believable else "–",
            "high": fast if believable else "–",
            "pieces": observation["pieces"],
            "form": "" if believable else "short",
        },
    )


def ceiling(variant: Variant) -> float:
    """Tokens a second of one stream at most, by memory bandwidth; unbounded for models that fit into
    the on-chip memory of some accelerators, as distills do."""
    if variant.kind not in ("full", "relative") or variant.parameters.active is None:
        return math.inf
    return BANDWIDTH / variant.parameters.active


PROBE = Probe("speed", observe, score)
