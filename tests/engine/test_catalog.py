"""The catalog: what ships is true, what users add is checked, folklore is answered."""

from __future__ import annotations

from pathlib import Path

import pytest
from parameters_on_meta import meta_count, named_shapes

from engine.catalog import family_names, load_family, load_folklore, load_published
from engine.claim import read_variants
from engine.errors import CatalogError, UsageError
from engine.folklore import contradicted
from engine.layouts import checkpoint_tensors, implied_parameters
from engine.pipeline import hypotheses_of
from engine.sizing.models import find_model

FAMILY = load_family("deepseek-r1")
MINE = """
name: mine
version: "1"
title: {en: Mine, zh: 我的}
variants:
  - id: teacher
    kind: full
    title: {en: Teacher, zh: 教师}
    shape: {model_type: llama, num_hidden_layers: 4, hidden_size: 64, num_attention_heads: 4}
    parameters: {main: 1000, stored: 1000}
    source: me
"""


@pytest.mark.parametrize("variant", FAMILY.variants, ids=lambda variant: variant.id)
def test_counts_are_those_of_transformers_on_the_meta_device(variant) -> None:
    assert implied_parameters(variant.shape) == variant.parameters.main
    if variant.shape.model_type != "deepseek_v32":  # transformers has other indexer defaults
        assert meta_count(variant.shape) == variant.parameters.main


@pytest.mark.parametrize("name", ["DeepSeek-R1", "R1-Distill-Qwen-7B", "R1-Distill-Llama-8B", "R1-0528-Qwen3-8B"])
def test_layouts_name_tensors_as_transformers_does(name: str) -> None:
    variant = next(variant for variant in FAMILY.variants if variant.id == name)
    ours = {
        t.name: t.shape for t in checkpoint_tensors(variant.shape) if ".experts." not in t.name and t.dtype == "BF16"
    }
    assert ours == named_shapes(variant.shape)


def test_the_full_checkpoint_has_the_published_number_of_tensors_and_weights() -> None:
    tensors = list(checkpoint_tensors(FAMILY.variants[0].shape, fp8=True, mtp=True))
    assert len(tensors) == 91_991
    assert implied_parameters(FAMILY.variants[0].shape) == 671_026_419_200


@pytest.mark.parametrize(
    ("name", "variants"),
    [
        ("deepseek-ai/DeepSeek-R1", {"DeepSeek-R1"}),
        ("DeepSeek_R1", {"DeepSeek-R1"}),
        ("unsloth/DeepSeek-R1-GGUF", {"DeepSeek-R1"}),
        ("DeepSeek-R1-满血版", {"DeepSeek-R1"}),
        ("deepseek-ai/DeepSeek-R1-0528", {"DeepSeek-R1-0528"}),
        ("deepseek-ai/DeepSeek-R1-0528-Qwen3-8B", {"R1-0528-Qwen3-8B"}),
        ("deepseek-ai/DeepSeek-R1-Zero", {"DeepSeek-R1-Zero"}),
        ("deepseek-ai/DeepSeek-V3", {"DeepSeek-V3"}),
        ("deepseek-ai/DeepSeek-V3-0324", {"DeepSeek-V3-0324"}),
        ("DeepSeek-V3.1-Terminus", {"DeepSeek-V3.1"}),
        ("DeepSeek-V3.2-Exp", {"DeepSeek-V3.2"}),
        ("deepseek-r1:32b", {"R1-Distill-Qwen-32B"}),
        ("deepseek-r1:8b", {"R1-Distill-Llama-8B", "R1-0528-Qwen3-8B"}),
        ("deepseek-r1:671b", {"DeepSeek-R1", "DeepSeek-R1-0528"}),
        ("bartowski/DeepSeek-R1-Distill-Qwen-32B-GGUF", {"R1-Distill-Qwen-32B"}),
        ("DeepSeek-R1-Distill-Llama-8B-Q4_K_M", {"R1-Distill-Llama-8B"}),
        ("DeepSeek R1 Distill Qwen 14B", {"R1-Distill-Qwen-14B"}),
        ("Qwen/Qwen2.5-7B-Instruct", {"Qwen2.5-7B-Instruct"}),
        ("meta-llama/Llama-3.1-8B-Instruct", {"Llama-3.1-8B-Instruct"}),
        ("gpt2-medium", {"gpt2-medium"}),
        ("our-own-chat-model", set()),
    ],
)
def test_names_are_read_as_people_mean_them(name: str, variants: set[str]) -> None:
    assert set(read_variants(name, hypotheses_of(FAMILY).variants)) == variants


def test_every_published_model_means_itself_by_its_name() -> None:
    variants = hypotheses_of(FAMILY).variants
    assert [v.id for v in load_published() if v.id not in read_variants(v.id, variants)] == []


def test_a_family_of_ones_own_is_added(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(MINE)
    assert load_family("mine", (path,)).variants[0].id == "teacher"
    assert family_names((path,)) == ["deepseek-r1", "article", "mine"]


def test_a_family_of_ones_own_that_takes_a_shipped_ones_place_is_there_once(tmp_path: Path) -> None:
    path, older = tmp_path / "mine.yaml", tmp_path / "older.yaml"
    path.write_text(MINE.replace("name: mine", "name: deepseek-r1"))
    older.write_text(MINE.replace("name: mine", "name: deepseek-r1").replace("id: teacher", "id: master"))
    assert family_names((path, older)) == ["deepseek-r1", "article"]
    known = find_model("teacher", (path, older))
    assert known.id == "teacher" and load_family("deepseek-r1", (path, older)).variants == (known,)


def test_an_edited_family_file_is_read_again(tmp_path: Path) -> None:
    import os

    path = tmp_path / "mine.yaml"
    path.write_text(MINE)
    load_family("mine", (path,))
    path.write_text(MINE.replace("id: teacher", "id: master"))
    os.utime(path, ns=(1, 1))
    assert load_family("mine", (path,)).variants[0].id == "master"


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("kind: full", "kind: huge", 7),
        ("hidden_size: 64", "hidden_size: -3", 9),
        ("source: me", "sauce: me", 6),
        ("title: {en: Mine", "title: {en: [Mine", 4),
        ("    source: me", "    source: me\n    source: you", 12),
        ("    source: me", "    source: me\n    names: ['(']", 12),
        ("    source: me", "    source: me\n    tokenizer: none-such", 1),
    ],
)
def test_a_bad_family_file_is_refused_with_its_line(tmp_path: Path, old: str, new: str, line: int) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(MINE.replace(old, new, 1))
    with pytest.raises(CatalogError) as caught:
        load_family("mine", (path,))
    assert caught.value.values["line"] in (line, line + 1)
    assert "mine.yaml" in caught.value.sentence("zh")


def test_a_billion_laughs_are_not_laughed(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"] + [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    path = tmp_path / "bomb.yaml"
    path.write_text("\n".join(lines))
    with pytest.raises(CatalogError, match="aliases"):
        load_family("bomb", (path,))


def test_an_unknown_family_is_answered_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"deepseek-r1, article.*did you mean deepseek-r1"):
        load_family("deepseek-r2")


@pytest.mark.parametrize(
    ("message", "tale"),
    [
        ("they say 12 layers and 768 is distilled", "12 layers / 768 / 110M"),
        ("12层 768维 就是蒸馏版吗", "12 layers / 768 / 110M"),
        ("full R1 has 24 layers, 2048 hidden, 175B", "24 layers / 2048 / 175B"),
        ("满血是80层64头", "80 layers / 64 heads"),
        ("128 layers / 4096 hidden", "128 layers / 4096"),
        ("smaller than 400 GB means distilled", "file size tells"),
        ("可以只看参数量判断吗", "parameter count alone"),
        ("just ask the model who it is", "ask the model who it is"),
        ("the 32B is the full version", "32B / 70B is the full model"),
    ],
)
def test_circulating_figures_are_contradicted_kindly(message: str, tale: str) -> None:
    replies = contradicted(message)
    assert tale in [reply["figure"] for reply in replies]
    assert all(reply["en"] and reply["zh"] and reply["source"] for reply in replies)


def test_ordinary_questions_call_up_no_folklore() -> None:
    assert contradicted("identify deepseek-ai/DeepSeek-R1 for 8xH200, 128K context") == ()
    assert len(load_folklore()) >= 10
