"""How fast a model runs: the roofline, continuous batching, and what was measured."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sizing.points import POINTS, read_points
from sizing.throughput import BARS, COVERAGE, FEW, compare

from engine.catalog import load_family, load_published
from engine.hardware import load_hardware
from engine.sized import Layout
from engine.sizing import quantizations
from engine.sizing.efficiencies import FITTED
from engine.sizing.engines import serving_of
from engine.sizing.machine import machine_of
from engine.sizing.model_parts import parts_of
from engine.sizing.placement import Placement, weigh
from engine.sizing.roofline import Rates, decode_step, distinct_share, prefill_step, rates_of
from engine.sizing.serving import burst, prefill_seconds, prompt_seconds, steady
from engine.sizing.speculation import accepted_tokens
from engine.sizing.spread import widen

VARIANTS = {entry.id: entry for entry in (*load_family("deepseek-r1").variants, *load_published())}
SERVED = [
    "DeepSeek-R1",
    "DeepSeek-V3.2",
    "R1-Distill-Qwen-1.5B",
    "R1-Distill-Qwen-32B",
    "R1-Distill-Llama-70B",
    "gpt-oss-120b",
]


def rates(name: str, tensor: int = 8, pipeline: int = 1, *, quantization: str = "bf16", device: str = "h200", drafted: int = 0) -> Rates:  # fmt: skip
    variant, entry, machine = VARIANTS[name], quantizations()[quantization], machine_of(load_hardware()[device])
    parts = parts_of(variant.shape, variant.parameters)
    return rates_of(
        Placement(parts, weigh(parts, entry), entry, machine, serving_of("vllm", machine), Layout(tensor, pipeline),
                  drafted=drafted, accepted=accepted_tokens(drafted))
    )  # fmt: skip


models = some.sampled_from(SERVED)
prompts = some.integers(1, 50_000).map(float)
outputs = some.integers(16, 5_000).map(float)


def test_tokens_spread_over_experts_until_all_are_touched() -> None:
    assert distinct_share(256, 8, 1) == pytest.approx(8 / 256)
    assert distinct_share(256, 8, 1000) == pytest.approx(1.0)
    shares = [distinct_share(256, 8, tokens) for tokens in (1, 4, 16, 64, 256)]
    assert all(less < more for less, more in pairwise(shares))
    assert distinct_share(0, 0, 5) == 0


def test_one_request_waits_for_memory_and_a_long_prompt_for_arithmetic() -> None:
    dense = rates("R1-Distill-Llama-70B", 1)
    assert decode_step(dense, 1, 1000).bound == "memory"
    assert prefill_step(dense, 8192, 4096).bound == "compute"


def test_a_lone_request_reads_all_weights_but_the_embedding_for_each_token() -> None:
    dense = rates("R1-Distill-Qwen-32B", 1)
    weights = dense.placement.weights
    seconds = (weights.total - weights.embedding) / (4800e9 * FITTED.memory)
    assert decode_step(dense, 1, 0).memory == pytest.approx(seconds, rel=1e-3)


def test_of_a_mixture_a_lone_request_reads_the_experts_it_chose() -> None:
    mixed = rates("DeepSeek-R1", 8, quantization="fp8")
    weights = mixed.placement.weights
    read = (weights.total - weights.embedding - weights.experts * (1 - 8 / 256)) / 8
    assert decode_step(mixed, 1, 0).memory == pytest.approx(read / (4800e9 * FITTED.memory), rel=1e-3)


@given(name=models, prompt=prompts, output=outputs, requests=some.integers(1, 2000))
def test_more_requests_in_flight_never_speed_up_one_of_them(name: str, prompt: float, output: float, requests: int) -> None:  # fmt: skip
    served = rates(name)
    fewer, more = (steady(served, prompt, output, inflight, 1e11) for inflight in (requests, requests + 1))
    assert more.tpot >= fewer.tpot * (1 - 1e-9)
    assert more.total >= fewer.total * (1 - 1e-9)
    assert more.throughput >= fewer.throughput * (1 - 1e-9)


@given(name=models, prompt=prompts, output=outputs, requests=some.integers(1, 2000))
def test_requests_in_flight_obey_littles_law(name: str, prompt: float, output: float, requests: int) -> None:
    served = steady(rates(name), prompt, output, requests, 1e11)
    assert requests <= served.throughput / output * served.total * (1 + 1e-6) + 2


@given(name=models, prompt=prompts, more=some.integers(1, 10_000))
def test_longer_prompts_take_longer(name: str, prompt: float, more: int) -> None:
    served = rates(name)
    assert prefill_seconds(served, prompt + more) > prefill_seconds(served, prompt) * 0.98
    assert prompt_seconds(served, prompt + more) > prompt_seconds(served, prompt) * 0.98


@given(name=models, batch=some.integers(1, 512).map(float), context=prompts)
def test_a_faster_memory_or_faster_arithmetic_never_slows_a_step(name: str, batch: float, context: float) -> None:
    plain = rates(name).placement
    usual = decode_step(rates_of(plain), batch, context).seconds
    machine = plain.machine
    for better in (
        replace(machine, bandwidth=machine.bandwidth * 2),
        replace(machine, flops={name: value * 2 for name, value in machine.flops.items()}),
        replace(machine, link=machine.link * 2),
    ):
        assert decode_step(rates_of(replace(plain, machine=better)), batch, context).seconds <= usual


@given(name=models, prompt=prompts, output=outputs, requests=some.integers(1, 2000), alike=some.booleans())
def test_a_burst_takes_longer_the_more_is_sent(name: str, prompt: float, output: float, requests: int, alike: bool) -> None:  # fmt: skip
    served = rates(name)
    fewer, more = (burst(served, sent, prompt, output, 1e11, alike=alike) for sent in (requests, 2 * requests))
    assert more.duration > fewer.duration
    assert 0 < fewer.ttft <= fewer.duration
    assert fewer.throughput == pytest.approx(requests * output / fewer.duration)


def test_a_cache_too_small_for_the_batch_slows_a_burst() -> None:
    served = rates("R1-Distill-Qwen-32B", 1)
    roomy, cramped = (burst(served, 1000, 217, 200, room, alike=False) for room in (1e11, 5e9))
    assert cramped.throughput < roomy.throughput / 1.3
    assert cramped.ttft > roomy.ttft


def test_speculation_helps_one_request_and_less_so_a_crowd() -> None:
    plain, drafting = rates("DeepSeek-R1", quantization="fp8"), rates("DeepSeek-R1", quantization="fp8", drafted=1)
    gains = [steady(plain, 200, 200, n).tpot / steady(drafting, 200, 200, n).tpot for n in (1, 512)]
    assert 1.2 < gains[0] < 1.7
    assert gains[1] < gains[0]


def test_eight_devices_answer_sooner_than_one_and_not_eight_times_sooner() -> None:
    one, eight = (decode_step(rates("R1-Distill-Llama-70B", tensor), 1, 1000).seconds for tensor in (1, 8))
    assert one / 8 < eight < one


@given(value=some.floats(1e-6, 1e6), inflight=some.floats(1, 4096), measured=some.booleans())
def test_ranges_hold_their_value_and_are_wider_where_nothing_was_measured(value: float, inflight: float, measured: bool) -> None:  # fmt: skip
    for name in ("ttft", "tpot", "throughput", "prefill"):
        stated = widen(value, name, measured=measured, inflight=inflight)
        assert 0 < stated.low < stated.value < stated.high < math.inf
        unknown = widen(value, name, measured=False, inflight=inflight)
        assert unknown.low <= stated.low
        assert unknown.high >= stated.high


def test_published_measurements_are_met_within_the_stated_errors() -> None:
    questions, unread = read_points(POINTS)
    assert not unread
    for consistent in (False, True):
        compared = compare([question for question in questions if not (consistent and question.problems)])
        few = [
            entry.error for entry in compared if not entry.question.burst and (entry.question.concurrency or 0) <= FEW
        ]
        assert median(few) <= BARS["tpot"]
        assert median(entry.error for entry in compared if entry.question.burst) <= BARS["tokens"]
        assert sum(entry.covered for entry in compared) / len(compared) >= COVERAGE


def test_measurements_that_contradict_themselves_are_told_apart_with_a_reason() -> None:
    questions, _ = read_points(POINTS)
    reasons = sorted(reason for question in questions for reason in question.problems)
    assert len(reasons) == 7
    assert sum("Little's law" in reason for reason in reasons) == 2
    assert sum("are stated" in reason for reason in reasons) == 4
    assert sum("14B model in the document of qwen3-32b" in reason for reason in reasons) == 1
