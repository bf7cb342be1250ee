"""`size` as people ask it: by catalog id, by alias, by a checkpoint on disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.constraints.record import Installed
from engine.errors import R1Error, TargetError, UsageError
from engine.sized import Workload
from engine.sizing import find_model, quantizations, size
from engine.text import LANGUAGES

H200 = (Installed("h200", 8),)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("DeepSeek-R1", "DeepSeek-R1"),
        ("deepseek-ai/DeepSeek-R1-0528", "DeepSeek-R1-0528"),
        ("deepseek-r1:32b", "R1-Distill-Qwen-32B"),
        ("deepseek-r1:70b", "R1-Distill-Llama-70B"),
        ("deepseek-r1:8b", "R1-0528-Qwen3-8B"),
        ("DeepSeek-R1-Distill-Llama-8B", "R1-Distill-Llama-8B"),
        ("r1-distill-qwen-1.5b", "R1-Distill-Qwen-1.5B"),
        ("Qwen3-32B", "Qwen3-32B"),
        ("gpt-oss-120b", "gpt-oss-120b"),
    ],
)
def test_a_model_is_known_by_its_names(text: str, meant: str) -> None:
    assert find_model(text).id == meant


def test_the_full_model_is_meant_by_671b() -> None:
    assert find_model("deepseek-r1:671b").shape.n_routed_experts == 256


@pytest.mark.parametrize("text", ["", "   ", "a model", "3 potatoes", "https://"])
def test_what_is_no_model_gets_a_sentence(text: str) -> None:
    with pytest.raises(R1Error) as raised:
        find_model(text)
    for lang in LANGUAGES:
        assert raised.value.sentence(lang)


def test_a_mistyped_model_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError) as raised:
        find_model("deepseek-r1-distil-qwen32b")
    assert "R1-Distill-Qwen-32B" in raised.value.sentence()


def test_every_quantisation_that_runs_is_sized_unless_one_is_named() -> None:
    found = size("deepseek-r1:32b", H200, workload=Workload())
    assert {answer.quantization for answer in found} >= {"bf16", "fp8", "awq-int4", "Q4_K_M"}
    assert all(answer.fits for answer in found)
    (one,) = size("deepseek-r1:32b", H200, quantization="q4_k_m", workload=Workload())
    assert one.quantization == "Q4_K_M"


def test_a_named_quantisation_that_cannot_run_is_answered_with_the_reason() -> None:
    (answer,) = size("deepseek-r1:32b", (Installed("a100-80gb"),), quantization="fp8", workload=Workload())
    assert not answer.fits
    assert answer.notes


def test_an_unknown_quantisation_gets_a_sentence_that_lists_those_there_are() -> None:
    with pytest.raises(UsageError) as raised:
        size("deepseek-r1:32b", H200, quantization="int3", workload=Workload())
    assert all(name in raised.value.sentence() for name in quantizations())


def test_a_checkpoint_on_disk_is_sized_from_its_config_as_the_catalogs_model_is(samples: Path) -> None:
    for name, variant in (("DeepSeek-R1", "DeepSeek-R1"), ("DeepSeek-R1-Distill-Qwen-7B", "R1-Distill-Qwen-7B")):
        (ours,) = size(str(samples / name), H200, quantization="bf16", workload=Workload())
        (known,) = size(variant, H200, quantization="bf16", workload=Workload())
        assert ours.memory == known.memory
        assert ours.tpot == known.tpot


def test_a_gguf_file_is_sized_from_its_metadata(samples: Path) -> None:
    path = samples / "DeepSeek-R1-Distill-Qwen-7B-Q4_K_M.gguf"
    (ours,) = size(str(path), H200, quantization="Q4_K_M", workload=Workload())
    (known,) = size("R1-Distill-Qwen-7B", H200, quantization="Q4_K_M", workload=Workload())
    assert ours.memory.weights == pytest.approx(known.memory.weights, rel=0.02)


def test_a_checkpoint_without_dimensions_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(TargetError) as raised:
        find_model(str(tmp_path))
    assert "num_hidden_layers" in raised.value.sentence()


def test_sizing_needs_no_torch() -> None:
    code = (
        "import sys\nfrom engine.sizing import size\nfrom engine.sized import Workload\n"
        "from engine.constraints.record import Installed\n"
        "size('deepseek-r1:32b', (Installed('h200', 8),), workload=Workload())\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
