"""One variant in one quantisation on one set of hardware."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from engine.catalog import load_family, load_published
from engine.hardware import load_hardware
from engine.sized import Sizing, Workload
from engine.sizing import quantizations, size_option
from engine.text import LANGUAGES, say

FAMILY = {entry.id: entry for entry in load_family("deepseek-r1").variants}
KNOWN = {**FAMILY, **{entry.id: entry for entry in load_published()}}


def sized(name: str, quantization: str, device: str, count: int = 1, workload: Workload | None = None, **more: str) -> Sizing:  # fmt: skip
    return size_option(KNOWN[name], quantization, load_hardware()[device], count, workload or Workload(), **more)


def _sound(answer: Sizing, count: int) -> None:
    """What holds of every answer, whatever was asked."""
    for figure in (answer.ttft, answer.tpot, answer.throughput, answer.prefill):
        assert figure.low <= figure.value <= figure.high
        assert figure.low >= 0 and not math.isnan(figure.value)
    assert 1 <= answer.layout.devices <= count
    assert answer.memory.weights > 0
    assert answer.fits == (answer.memory.fits and answer.memory.capacity > 0)
    for note in answer.notes:
        for lang in LANGUAGES:
            assert say(f"sizing.notes.{note.code}", lang, **note.values)
    if answer.memory.capacity == 0:
        assert not answer.fits and answer.max_context == 0 and answer.notes
    else:
        assert 0 < answer.tpot.value < math.inf
        assert 0 < answer.ttft.value < math.inf


def test_every_variant_in_every_quantisation_on_every_device_gets_an_answer() -> None:
    shapes = {entry.shape: entry for entry in FAMILY.values()}  # most of the full model's relatives share one
    for place, device in enumerate(load_hardware().values()):
        for variant in shapes.values():
            for turn, quantization in enumerate(quantizations()):
                count = (1, device.per_node, 2 * device.per_node)[(place + turn) % 3]
                _sound(size_option(variant, quantization, device, count, Workload()), count)


def test_models_beside_the_family_get_an_answer_too() -> None:
    for variant in load_published():
        for quantization in quantizations():
            for device in ("h100-sxm", "rtx-4090", "ascend-910b", "m3-ultra-512gb", "epyc-9654-768gb"):
                _sound(size_option(variant, quantization, load_hardware()[device], 1, Workload()), 1)


@settings(max_examples=200, deadline=None)
@given(
    name=some.sampled_from(sorted(FAMILY)),
    quantization=some.sampled_from(sorted(quantizations())),
    device=some.sampled_from(sorted(load_hardware())),
    count=some.integers(1, 40),
    prompt=some.integers(1, 200_000),
    output=some.integers(1, 50_000),
    concurrency=some.integers(1, 5000),
    more=some.floats(1.0, 3.0),
)
def test_more_memory_never_fits_less(name: str, quantization: str, device: str, count: int, prompt: int, output: int, concurrency: int, more: float) -> None:  # fmt: skip
    workload = Workload(prompt, output, concurrency, prompt + output)
    plain = load_hardware()[device]
    roomier = plain.model_copy(update={"usable": plain.usable * more})
    usual, larger = (size_option(FAMILY[name], quantization, entry, count, workload) for entry in (plain, roomier))
    _sound(usual, count)
    _sound(larger, count)
    assert larger.fits >= usual.fits


@settings(max_examples=200, deadline=None)
@given(
    name=some.sampled_from(sorted(FAMILY)),
    quantization=some.sampled_from(sorted(quantizations())),
    device=some.sampled_from(["h200", "h100-sxm", "a100-80gb", "rtx-4090", "m3-ultra-512gb", "mi300x"]),
    count=some.sampled_from([1, 2, 4, 8, 16]),
    concurrency=some.integers(1, 500),
)
def test_a_busier_server_never_answers_sooner(name: str, quantization: str, device: str, count: int, concurrency: int) -> None:  # fmt: skip
    calm, busy = (
        sized(name, quantization, device, count, Workload(1000, 500, n, 2000)) for n in (concurrency, concurrency + 1)
    )
    if calm.fits and busy.fits:
        whole = [answer.ttft.value + 500 * answer.tpot.value for answer in (calm, busy)]
        assert whole[1] >= whole[0] * (1 - 1e-9)
    assert calm.fits >= busy.fits


def test_the_full_model_in_fp8_fits_eight_h200_and_not_eight_h100() -> None:
    assert sized("DeepSeek-R1", "fp8", "h200", 8).fits
    assert not sized("DeepSeek-R1", "fp8", "h100-sxm", 8).fits
    assert sized("DeepSeek-R1", "fp8", "h100-sxm", 16).fits
    assert sized("DeepSeek-R1", "awq-int4", "h100-sxm", 8).fits
    assert sized("DeepSeek-R1", "UD-IQ1_S", "h100-sxm", 2).fits


def test_attention_becomes_data_parallel_where_copies_of_the_latent_cache_would_not_fit() -> None:
    few, many = (sized("DeepSeek-R1", "fp8", "h200", 8, Workload(concurrency=n)) for n in (8, 512))
    assert few.layout.attention == 1 and few.memory.kv_per_token == 8 * 70_272
    assert many.layout.attention == 8 and many.memory.kv_per_token == 70_272
    assert many.fits and many.max_concurrency >= 512
    assert many.memory.weights > few.memory.weights  # each device has all of attention's weights
    assert sized("R1-Distill-Llama-70B", "bf16", "h200", 8, Workload(concurrency=512)).layout.attention == 1


def test_the_32b_fits_two_4090s_in_four_bits_and_not_in_sixteen() -> None:
    assert sized("R1-Distill-Qwen-32B", "awq-int4", "rtx-4090", 2).fits
    assert not sized("R1-Distill-Qwen-32B", "bf16", "rtx-4090", 2).fits
    assert sized("R1-Distill-Qwen-32B", "Q4_K_M", "rtx-4090", 1).fits


def test_the_longest_context_is_what_memory_holds_and_no_more_than_the_model_was_trained_for() -> None:
    assert sized("R1-Distill-Qwen-32B", "bf16", "h200", 8).max_context == 131_072
    cramped = sized("R1-Distill-Qwen-32B", "Q4_K_M", "rtx-4090")
    assert 4096 < cramped.max_context < 131_072
    assert "context_over_trained" in {note.code for note in sized("Qwen3-8B", "bf16", "h200", 1, Workload(context=100_000)).notes}  # fmt: skip


def test_what_cannot_run_says_why() -> None:
    assert [note.code for note in sized("DeepSeek-R1", "fp8", "a100-80gb", 16).notes] == ["no_number_format"]
    assert [note.code for note in sized("R1-Distill-Qwen-7B", "UD-IQ1_S", "h100-sxm").notes] == ["no_such_weights"]
    assert [note.code for note in sized("R1-Distill-Qwen-7B", "awq-int4", "m3-ultra-512gb").notes] == ["no_engine"]
    assert [note.code for note in sized("R1-Distill-Qwen-7B", "bf16", "h100-sxm", engine="mlx").notes] == ["no_engine"]


def test_the_engine_asked_for_is_the_one_that_answers() -> None:
    for engine in ("vllm", "sglang", "llama.cpp"):
        assert sized("R1-Distill-Qwen-7B", "bf16", "h100-sxm", engine=engine).engine == engine


def test_cpus_apple_boards_and_phones_are_sized_by_their_memorys_bandwidth() -> None:
    for device in ("epyc-9654-768gb", "m3-ultra-512gb", "jetson-agx-orin-64gb", "snapdragon-8-gen-3-16gb"):
        answer = sized("R1-Distill-Qwen-7B", "Q4_K_M", device)
        weights = 4.4e9  # without the input embedding
        assert answer.fits and answer.engine in ("llama.cpp", "ollama", "mlx")
        assert answer.tpot.value > weights / (load_hardware()[device].bandwidth * 1e9)
        assert answer.bound in ("memory", "steps")
        assert [note.code for note in answer.notes] == ["not_measured"]


def test_an_apple_gpu_reads_prompts_at_near_its_data_sheet_and_a_cpu_far_slower() -> None:
    studio, epyc = (
        sized("R1-Distill-Llama-8B", "Q4_K_M", name).prefill for name in ("m2-ultra-192gb", "epyc-9654-768gb")
    )
    assert studio.low < 1024 < studio.high  # llama.cpp's own figure of an 8B at 4 bits
    assert epyc.value < studio.value / 2


def test_costs_and_watts_are_those_of_the_devices_used() -> None:
    one, eight = sized("R1-Distill-Qwen-7B", "bf16", "h100-sxm"), sized("R1-Distill-Qwen-7B", "bf16", "h100-sxm", 8)
    assert one.cost and eight.cost and one.watts and eight.watts
    assert eight.cost.value == pytest.approx(eight.count * one.cost.value)
    assert eight.watts == eight.count * one.watts


def test_an_edited_device_or_variant_is_not_answered_from_memory() -> None:
    device = load_hardware()["h100-sxm"]
    before = size_option(KNOWN["Qwen3-8B"], "bf16", device, 1, Workload())
    slower = device.model_copy(update={"bandwidth": device.bandwidth / 2})
    after = size_option(KNOWN["Qwen3-8B"], "bf16", slower, 1, Workload())
    assert after.tpot.value > before.tpot.value * 1.4


def test_an_unknown_quantisation_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        sized("Qwen3-8B", "q9", "h100-sxm")
