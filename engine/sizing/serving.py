"""Continuous batching as arithmetic: many requests served by one replica.

A step takes the tokens of all decoding requests and fills up, to ``chunk`` tokens, with prompts that wait (chunked
prefill, arXiv 2308.16369, the default of vLLM and SGLang). So of b requests decoding, b/output end and start in each
step, and each waits (b-1)/output prompts' time between two of its tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

from engine.sizing.memory import cache_of
from engine.sizing.placement import Placement
from engine.sizing.roofline import Bound, Rates, Step, decode_step, prefill_step


@dataclass(frozen=True, slots=True)
class Steady:
    """One replica with a constant number of requests in flight. Seconds, and output tokens per second.

    Attributes:
        total: from a request's arrival to its last token.
        prompt: what one prompt adds when prompts queue.
        bound: what decoding waits for.
    """

    ttft: float
    tpot: float
    throughput: float
    total: float
    prompt: float
    bound: Bound


def prefill_seconds(rates: Rates, prompt: float) -> float:
    """Seconds from the first to the last chunk of one prompt, nothing else running."""
    chunk = float(rates.placement.serving.chunk)
    whole, rest = divmod(prompt, chunk)
    seconds = prefill_step(rates, rest, whole * chunk + rest / 2).seconds if rest else 0.0
    if whole:
        # Attention grows evenly from chunk to chunk, so the middle one stands for all.
        seconds += whole * prefill_step(rates, chunk, whole * chunk / 2).seconds
    return seconds


def prompt_seconds(rates: Rates, prompt: float) -> float:
    """Seconds that one prompt adds when prompts queue: short ones share steps, pipeline stages work at once."""
    chunk = float(rates.placement.serving.chunk)
    if prompt >= chunk:
        return prefill_seconds(rates, prompt) / rates.stages
    return prefill_step(rates, chunk, prompt / 2).seconds * prompt / chunk / rates.stages


def decoding_at_most(placement: Placement, prompt: float, output: float, room: float) -> float:
    """Requests that decode at once: as many as the cache holds at their mean length, up to the engine's limit, and no
    more than prompts in the rest of each step can replace."""
    each = cache_of(placement, prompt + output / 2)
    held = room / each if each else float("inf")
    fed = placement.serving.chunk * placement.layout.pipeline * output / (prompt + output)
    return max(1.0, min(float(placement.serving.running), held, fed))


def steady(rates: Rates, prompt: float, output: float, inflight: float, room: float = float("inf")) -> Steady:
    """``inflight`` requests, a new one for each that ends. Those that do not fit in ``room`` bytes of cache queue; how
    long follows from Little's law."""
    decoding = min(inflight, decoding_at_most(rates.placement, prompt, output, room))
    alone = prefill_seconds(rates, prompt)
    several_steps = prompt >= rates.placement.serving.chunk
    each = alone / rates.stages if several_steps else prompt_seconds(rates, prompt)
    step = decode_step(rates, decoding, prompt + output / 2)
    tpot = _token_seconds(rates, step, output, decoding, each)
    rate = decoding / (output * tpot + each)
    alone += rates.placement.efficiencies.request
    if inflight > 1:
        # It comes in the middle of a step, and with chance rate x each another prompt is being read.
        alone += tpot / 2 + min(1.0, rate * each) * each / 2
    ttft = max(alone, inflight / rate - output * tpot)
    total = ttft + output * tpot
    return Steady(ttft, tpot, rate * output, total, each, step.bound)


def saturated(rates: Rates, prompt: float, output: float, room: float, each: float) -> float:
    """Output tokens per second with a queue that never empties; ``each``: seconds that a prompt adds."""
    decoding = decoding_at_most(rates.placement, prompt, output, room)
    tpot = _token_seconds(rates, decode_step(rates, decoding, prompt + output / 2), output, decoding, each)
    return decoding * output / (output * tpot + each)


def _token_seconds(rates: Rates, step: Step, output: float, decoding: float, each: float) -> float:
    """Seconds between two tokens of a request, prompts of others coming in between, ``each`` for so long."""
    return step.seconds / (1 + rates.placement.accepted) + max(0.0, decoding - 1) / output * each


@dataclass(frozen=True, slots=True)
class Burst:
    """All requests sent at once, as benchmarks do. Seconds; ``throughput`` in output tokens per second."""

    duration: float
    ttft: float
    tpot: float
    throughput: float


_DRAIN_STEPS = 12
_SHORTEST = 4
"""Tokens of the shortest answers that benchmarks keep (``vllm bench serve`` on ShareGPT)."""
_EULER = 0.577


def burst(rates: Rates, requests: float, prompt: float, output: float, room: float, *, alike: bool) -> Burst:
    """So many requests sent at once to one replica, with ``room`` bytes for their cache.

    The batch stays full until the queue is empty, then drains. ``alike``: all answers are of one length. Otherwise
    lengths are spread exponentially, as chats' are: a draining batch halves every output x ln 2 steps, and the mean
    over requests of 1/length, by which waiting counts in a mean time per token, exceeds 1/output.
    """
    decoding = min(float(requests), decoding_at_most(rates.placement, prompt, output, room))
    queued = requests - decoding
    each = prompt_seconds(rates, prompt)
    context = prompt + output / 2
    gain = 1 + rates.placement.accepted
    full = decode_step(rates, decoding, context)
    step = full.seconds / gain
    filling = decoding * each
    apart = each + output * step / decoding
    draining = output * (step if alike else _drain(rates, decoding, context) / gain)
    request = rates.placement.efficiencies.request
    duration = request + filling + queued * apart + draining
    waits = decoding * filling / 2 + queued * (filling + queued * apart / 2)
    inverse = 1 / output if alike else max(1.0, log(output / _SHORTEST) - _EULER) / output
    flowing = _token_seconds(rates, full, output, decoding, each)
    tpot = (decoding * (step + filling / 2 * inverse) + queued * flowing) / requests
    return Burst(duration, request + waits / requests, tpot, requests * output / duration)


def _drain(rates: Rates, batch: float, context: float) -> float:
    """Steps' seconds per token of mean output while a batch drains: it is at batch x e^-u after u x output steps, and
    the last request is expected to end at u = ln(batch) + 0.577."""
    span = log(max(batch, 1.0)) + _EULER
    width = span / _DRAIN_STEPS
    middle = (width * (index + 0.5) for index in range(_DRAIN_STEPS))
    return sum(decode_step(rates, max(1.0, batch * exp(-u)), context).seconds for u in middle) * width
