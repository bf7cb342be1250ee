"""Continuous batching as arithmetic: many requests served by one replica."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

from engine.sizing.memory import cache_of
from engine.sizing.placement import Placement
from engine.sizing.roofline import decode_step, prefill_step


@dataclass(frozen=True, slots=True)
class Steady:
    """One replica with a constant number of requests in flight. Seconds, and output tokens per second; ``cycle``: from
    a request's arrival to its last token."""

    ttft: float
    tpot: float
    throughput: float
    cycle: float


def prefill_seconds(placement: Placement, prompt: float) -> float:
    """Seconds from the first to the last chunk of one prompt, nothing else running."""
    chunk = float(placement.serving.chunk)
    whole, rest = divmod(prompt, chunk)
    seconds = prefill_step(placement, rest).seconds if rest else 0.0
    if whole:
        # Attention grows evenly from chunk to chunk, so the middle one stands for all.
        seconds += whole * prefill_step(placement, chunk, (whole - 1) * chunk / 2).seconds
    return seconds


def prompt_rate(placement: Placement, prompt: float) -> float:
    """Prompt tokens per second when prompts queue: short ones share steps, pipeline stages work at once."""
    chunk = float(placement.serving.chunk)
    if prompt >= chunk:
        return placement.layout.pipeline * prompt / prefill_seconds(placement, prompt)
    step = prefill_step(placement, chunk)
    alone = prefill_step(placement, prompt)
    scores = max(0.0, alone.compute - step.compute * prompt / chunk)
    return placement.layout.pipeline * chunk / (step.seconds + scores * chunk / prompt)


def steady(placement: Placement, prompt: float, output: float, running: float) -> Steady:
    """``running`` requests in flight, a new one for each that ends, so that prompts interrupt evenly.

    Of the others' prompts, each token of a request waits for (running-1)/output of one.
    """
    step = decode_step(placement, running, prompt + output / 2).seconds
    each = prompt / prompt_rate(placement, prompt)
    interrupted = max(0.0, running - 1) / output * each
    tpot = (step + interrupted) / (1 + placement.accepted)
    busy = min(1.0, running * each / (output * tpot + each))
    ttft = (
        placement.efficiencies.request
        + prefill_seconds(placement, prompt)
        + (step + busy * each if running > 1 else 0.0)
    )
    cycle = ttft + output * tpot
    return Steady(ttft, tpot, running * output / (output * tpot + each), cycle)


def batch_that_fits(placement: Placement, prompt: float, output: float, room: float) -> float:
    """Requests in one batch: as many as the cache holds on average, up to the engine's limit."""
    each = cache_of(placement, prompt + output / 2)
    return max(0.0, min(float(placement.serving.running), room / each if each else float("inf")))


@dataclass(frozen=True, slots=True)
class Burst:
    """All requests sent at once, as benchmarks do. Seconds; ``throughput`` in output tokens per second."""

    duration: float
    ttft: float
    tpot: float
    throughput: float


_DRAIN_STEPS = 12


def burst(
    placement: Placement, requests: int, prompt: float, output: float, room: float, *, alike: bool = False
) -> Burst:
    """So many requests sent at once to one replica.

    The batch stays full until the queue is empty, then drains. Lengths of answers are spread exponentially, as chats'
    are, so a draining batch halves every ``output`` x ln 2 steps; ``alike``: all of one length, no tail.
    """
    batch = max(1.0, min(float(requests), batch_that_fits(placement, prompt, output, room)))
    each = prompt / prompt_rate(placement, prompt)
    context = prompt + output / 2
    gain = 1 + placement.accepted
    full = decode_step(placement, batch, context).seconds / gain
    queued = max(0.0, requests - batch)
    filling = batch * each
    flowing = queued * (each + output * full / batch)
    draining = output * full if alike else output * _drain(placement, batch, context) / gain
    duration = placement.efficiencies.request + filling + flowing + draining
    rate = (each + output * full / batch) if queued else 0.0
    ttft = placement.efficiencies.request + (batch * filling / 2 + queued * (filling + queued * rate / 2)) / requests
    tpot = full + each * batch / output * (0.5 + 0.5 * queued / requests)
    return Burst(duration, ttft, tpot, requests * output / duration)


def _drain(placement: Placement, batch: float, context: float) -> float:
    """Seconds per token of mean output that a draining batch takes: its steps at batch e^-u, over u to ln(batch)."""
    span = log(max(batch, 1.0)) + 1.0
    width = span / _DRAIN_STEPS
    middle = (width * (index + 0.5) for index in range(_DRAIN_STEPS))
    return sum(decode_step(placement, max(1.0, batch * exp(-u)), context).seconds for u in middle) * width
