"""What a model takes of memory: its weights by quantisation, and its cache by layout."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from engine.catalog import load_family, load_published
from engine.hardware import load_hardware
from engine.layouts import checkpoint_tensors
from engine.sized import Layout
from engine.sizing import quantizations
from engine.sizing.engines import serving_of
from engine.sizing.machine import machine_of
from engine.sizing.memory import cache_of, memory_of, room_for_cache, tokens_in
from engine.sizing.model_parts import Parts, parts_of
from engine.sizing.placement import Placement, weigh

VARIANTS = {entry.id: entry for entry in (*load_family("deepseek-r1").variants, *load_published())}
BYTES = {"F8_E4M3": 1, "BF16": 2, "F32": 4}


def parts(name: str) -> Parts:
    return parts_of(VARIANTS[name].shape, VARIANTS[name].parameters)


def placed(name: str, tensor: int = 1, *, quantization: str = "bf16", device: str = "h200", spread: bool = False,
           cache_bytes: float = 2.0, engine: str = "vllm") -> Placement:  # fmt: skip
    entry, machine = quantizations()[quantization], machine_of(load_hardware()[device])
    model = parts(name)
    return Placement(model, weigh(model, entry), entry, machine, serving_of(engine, machine), Layout(tensor),
                     spread=spread, cache_bytes=cache_bytes)  # fmt: skip


@pytest.mark.parametrize("name", VARIANTS)
def test_the_parts_of_a_model_add_up_to_its_published_weights(name: str) -> None:
    assert parts(name).main == VARIANTS[name].parameters.main


def test_one_token_of_the_full_model_is_multiplied_with_its_published_37_billion_weights() -> None:
    assert parts("DeepSeek-R1").active == pytest.approx(37e9, rel=0.02)
    assert parts("gpt-oss-120b").active == pytest.approx(5.1e9, rel=0.02)
    assert parts("Qwen3-30B-A3B").active == pytest.approx(3.3e9, rel=0.1)


def test_the_full_models_fp8_weights_are_those_of_its_checkpoint_less_the_prediction_layer() -> None:
    shape = VARIANTS["DeepSeek-R1"].shape
    held = sum(tensor.elements * BYTES[tensor.dtype] for tensor in checkpoint_tensors(shape, fp8=True))
    assert weigh(parts("DeepSeek-R1"), quantizations()["fp8"]).total == pytest.approx(held, rel=1e-4)
    assert held == pytest.approx(673.15e9, rel=1e-4)


@pytest.mark.parametrize("name", ["R1-Distill-Qwen-32B", "R1-Distill-Llama-70B", "DeepSeek-R1"])
def test_fewer_bits_take_less_memory(name: str) -> None:
    ordered = ["bf16", "fp8", "Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_M", "Q2_K"]
    sizes = [weigh(parts(name), quantizations()[entry]).total for entry in ordered]
    assert all(more > less for more, less in pairwise(sizes))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DeepSeek-R1", 61 * (512 + 64) * 2),
        ("R1-Distill-Qwen-1.5B", 2 * 28 * 2 * 128 * 2),
        ("R1-Distill-Qwen-7B", 2 * 28 * 4 * 128 * 2),
        ("R1-Distill-Qwen-14B", 2 * 48 * 8 * 128 * 2),
        ("R1-Distill-Qwen-32B", 2 * 64 * 8 * 128 * 2),
        ("R1-Distill-Llama-8B", 2 * 32 * 8 * 128 * 2),
        ("R1-Distill-Llama-70B", 2 * 80 * 8 * 128 * 2),
        ("R1-0528-Qwen3-8B", 2 * 36 * 8 * 128 * 2),
    ],
)
def test_a_tokens_cache_is_the_closed_form(name: str, expected: int) -> None:
    assert cache_of(placed(name), 1000) == 1000 * expected


def test_mla_is_not_counted_as_if_each_of_128_heads_had_keys_and_values() -> None:
    every_head = 2 * 61 * 128 * 128 * 2
    assert cache_of(placed("DeepSeek-R1"), 1) < every_head / 50


def test_plain_tensor_parallelism_copies_the_latent_cache_and_data_parallel_attention_does_not() -> None:
    alone = cache_of(placed("DeepSeek-R1"), 1)
    assert cache_of(placed("DeepSeek-R1", 8), 1) == 8 * alone
    assert cache_of(placed("DeepSeek-R1", 8, spread=True), 1) == alone


def test_grouped_keys_are_copied_only_once_devices_outnumber_their_heads() -> None:
    alone = cache_of(placed("R1-Distill-Qwen-7B"), 1)
    assert [cache_of(placed("R1-Distill-Qwen-7B", tensor), 1) / alone for tensor in (1, 2, 4, 8)] == [1, 1, 1, 2]


def test_an_8_bit_cache_takes_half() -> None:
    assert cache_of(placed("R1-Distill-Qwen-32B", cache_bytes=1.0), 7) * 2 == cache_of(placed("R1-Distill-Qwen-32B"), 7)


def test_layers_with_a_window_keep_no_more_than_it() -> None:
    short, long = cache_of(placed("gpt-oss-20b"), 128), cache_of(placed("gpt-oss-20b"), 32_000)
    layer = 2 * 8 * 64 * 2
    assert short == 24 * 128 * layer
    assert long == (12 * 32_000 + 12 * 128) * layer


@given(
    name=some.sampled_from(sorted(VARIANTS)),
    room=some.floats(0, 1e12),
    tensor=some.sampled_from([1, 2, 4, 8]),
)
def test_the_longest_request_is_the_one_whose_cache_just_fits(name: str, room: float, tensor: int) -> None:
    placement = placed(name, tensor)
    longest = tokens_in(placement, room)
    assert cache_of(placement, longest) <= room * (1 + 1e-9) + 1
    assert cache_of(placement, longest + 1) > room * (1 - 1e-9) - 1


@given(
    name=some.sampled_from(sorted(VARIANTS)),
    context=some.integers(1, 200_000),
    concurrency=some.integers(1, 1000),
    tensor=some.sampled_from([1, 2, 4, 8]),
)
def test_memory_is_the_sum_of_what_takes_it(name: str, context: int, concurrency: int, tensor: int) -> None:
    memory = memory_of(placed(name, tensor), context, concurrency)
    assert memory.needed == memory.weights + memory.kv_cache + memory.activations + memory.overhead
    assert memory.fits == (memory.kv_cache <= room_for_cache(memory))
    more = memory_of(placed(name, tensor), context, concurrency + 1)
    assert more.kv_cache - memory.kv_cache == pytest.approx(memory.kv_cache / concurrency, abs=2)


def test_llama_cpp_keeps_the_input_embedding_in_the_hosts_memory_where_there_is_one() -> None:
    weights = weigh(parts("R1-Distill-Llama-8B"), quantizations()["Q4_K_M"])
    on_card = placed("R1-Distill-Llama-8B", quantization="Q4_K_M", device="rtx-4090", engine="llama.cpp")
    on_cpu = placed("R1-Distill-Llama-8B", quantization="Q4_K_M", device="epyc-9654-768gb", engine="llama.cpp")
    for placement, host in ((on_card, weights.embedding), (on_cpu, 0.0)):
        memory = memory_of(placement, 1000, 1)
        own = placement.machine.memory * placement.serving.share
        assert memory.weights == pytest.approx(weights.total, abs=1)
        assert memory.capacity == pytest.approx(own + host, abs=1)
