"""One look at a checkpoint: its heads and its entropies, the same however it is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from small_models import CONFIGS, load, random_model, save
from tokenizers import Tokenizer, models, pre_tokenizers

from engine.errors import TargetError
from engine.probes.logprobs import entropy_of
from engine.questions.sentences import load_sentences
from engine.tokenizers import byte_alphabet
from engine.weights.heads import acting
from engine.weights.layers import plan_of
from engine.weights.looking import look
from engine.weights.prompts import batches
from engine.weights.skeleton import build
from engine.weights.store import open_store
from engine.weights.streaming import Prompt, activations
from engine.weights.tokens import encode

SENTENCES = load_sentences()


def write_tokenizer(folder: Path) -> None:
    """A byte a token."""
    tokenizer = Tokenizer(models.BPE({char: byte for byte, char in byte_alphabet().items()}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.save(str(folder / "tokenizer.json"))


@pytest.fixture(scope="module", params=["DeepseekV3", "Qwen3"])
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model with a tokenizer: of latent attention, and of grouped queries."""
    config = CONFIGS[request.param]()
    config.vocab_size = 256
    folder = save(random_model(config), tmp_path_factory.mktemp(request.param))
    write_tokenizer(folder)
    return folder


def seen(spec: Path, **options: Any) -> dict[str, Any]:
    return dict(look(str(spec), dtype="float32", **options).observations)


def test_every_head_of_every_layer_is_seen_and_entropies_are_those_of_the_ordinary_pass(checkpoint: Path) -> None:
    found, ordinary = seen(checkpoint), load(checkpoint)
    layers, heads = ordinary.config.num_hidden_layers, ordinary.config.num_attention_heads
    assert [len(row) for row in found["attention"]["entropy"]] == [heads] * layers
    for sentence, ids in zip(
        SENTENCES, encode(str(checkpoint), [sentence.text for sentence in SENTENCES]), strict=True
    ):
        with torch.no_grad():
            logprobs = ordinary(input_ids=torch.tensor([ids])).logits[0, -1].log_softmax(0)
        top = {str(place): value for place, value in enumerate(logprobs.topk(5).values.tolist())}
        assert found["entropy"]["entropies"][sentence.id] == pytest.approx(entropy_of(top), abs=1e-3)
        full = float(-(logprobs.exp() * logprobs).sum())
        assert found["entropy"]["full"][sentence.id] == pytest.approx(full, abs=1e-3)


def test_a_look_repeats_itself_layer_by_layer_too(checkpoint: Path) -> None:
    whole = look(str(checkpoint), dtype="float32")
    with open_store(str(checkpoint)) as store:
        skeleton = build(store, "float32")
        cut = encode(str(checkpoint), [sentence.text for sentence in SENTENCES])
        prompts = [Prompt(str(number), tuple(ids)) for number, ids in enumerate(cut)]
        plan = plan_of(store, skeleton)
        budget = plan.whole_bytes + activations(plan, batches(prompts, skeleton.embedding.num_embeddings)) - 1
    streamed = look(str(checkpoint), dtype="float32", budget=budget)
    assert streamed.observations == whole.observations
    assert not whole.notes and [note.code for note in streamed.notes] == ["too_large_streamed"]


@pytest.mark.parametrize("count", [2])
def test_heads_whose_output_is_cut_off_do_not_act(checkpoint: Path, tmp_path: Path, count: int) -> None:
    """Whatever the architecture: the projection's columns of a head are set to zero."""
    before = seen(checkpoint)["attention"]
    changed = tmp_path / "changed"
    changed.mkdir()
    for file in checkpoint.iterdir():
        (changed / file.name).write_bytes(file.read_bytes())
    (shard,) = changed.glob("*.safetensors")
    tensors = load_file(shard)
    last = before["layers"] - 1
    weight = tensors[f"model.layers.{last}.self_attn.o_proj.weight"]
    weight.view(len(weight), before["heads"], -1)[:, :count] = 0
    save_file(tensors, shard, {"format": "pt"})
    after = seen(changed)["attention"]
    assert after["acting"] == [*before["acting"][:-1], before["acting"][-1] - count]
    assert set(acting(before)) - set(acting(after)) == {(last, head) for head in range(count)}


def test_text_that_cannot_be_cut_is_a_sentence(checkpoint: Path, tmp_path: Path) -> None:
    for file in checkpoint.iterdir():
        if "token" not in file.name:
            (tmp_path / file.name).symlink_to(file)
    with pytest.raises(TargetError, match=r"tokenizer\.json"):
        look(str(tmp_path))
