"""The tokenizer shows through: in token counts and token ids, by the published tokenizers themselves."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import bpe_openai
import published_tokenizers
import pytest
from endpoint_rows import CORE, HYPOTHESES, by_vocabulary, conversation, named
from hypothesis import given
from hypothesis import strategies as st

from engine import tokenizers
from engine.catalog import load_composed
from engine.evidence import UNKNOWN, Evidence
from engine.probes import token_count, token_ids
from engine.targets.endpoint import Reply

COUNTED = (
    "deepseek-r1", "deepseek-v3", "deepseek-v3.1", "r1-distill-qwen", "r1-distill-llama", "r1-0528-qwen3", "qwen2.5",
    "qwen3", "llama-3",
)  # fmt: skip
MODES = ("parsed", "plain", "stripped", "bare")


# Counts


@cache
def counted(name: str) -> dict[str, int]:
    """The long composed message less the short one, counted by the published tokenizer in every mode."""
    composed, parsed, plain = load_composed(), published_tokenizers.load(name), published_tokenizers.without_added(name)
    published_tokenizers.document.cache_clear()
    text, marks = composed.long.text, composed.long.marks
    own, kept = {token.content for token in parsed.get_added_tokens_decoder().values()}, marks
    for mark in sorted(own, key=len, reverse=True):
        kept = kept.replace(mark, "")
    short = len(plain.encode(f"apple\n{composed.short.text}", add_special_tokens=False).ids)
    long = {
        "parsed": (parsed, text + marks), "plain": (plain, text + marks),
        "stripped": (plain, text + kept), "bare": (plain, text),
    }  # fmt: skip
    return {
        mode: len(one.encode(f"apple\n{words}", add_special_tokens=False).ids) - short
        for mode, (one, words) in long.items()
    }


def count_row(difference: int, overhead: int = 12) -> Evidence:
    return token_count.score({"long": difference + overhead + 5, "short": overhead + 5}, HYPOTHESES)


@pytest.mark.parametrize("name", COUNTED)
def test_a_count_is_read_as_the_tokenizer_that_made_it(name: str) -> None:
    row = count_row(counted(name)["parsed"])
    near = max(row.log_likelihood.values()) - math.log(2)
    fitting = {variant.tokenizer for variant in HYPOTHESES.variants if row.log_likelihood[variant.id] > near}
    twins = {"deepseek-v3.2"} if name == "deepseek-v3.1" else set()
    assert name in row.values["tokenizer"] and fitting == {name} | twins


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", COUNTED)
def test_however_special_tokens_are_taken_no_other_vocabulary_is_named(name: str, mode: str) -> None:
    row = count_row(counted(name)[mode])
    own = published_tokenizers.PUBLISHED[name][0]
    if row.votes:
        found = by_vocabulary(row)
        assert all(found[other] < found[own] - math.log(4) for other in CORE if other != own)
    else:  # what happens to look like a gateway's own count is left alone
        assert row.values["form"] == "gateway"


@pytest.mark.parametrize("name", load_composed().long.counts)
def test_every_tokenizer_of_the_table_is_told_by_its_count(name: str) -> None:
    composed = load_composed()
    difference = composed.long.counts[name].parsed - composed.short.counts[name]
    assert name in token_count._names(token_count.likelihoods(difference)) or name == "deepseek-v3.2"


@pytest.mark.parametrize("encoding", ["cl100k_base", "o200k_base"])
def test_a_gateways_own_count_says_nothing_of_the_model(encoding: str) -> None:
    composed, openai = load_composed(), bpe_openai.get_encoding(encoding)
    short = f"apple\n{composed.short.text}"
    long = f"apple\n{composed.long.text}{composed.long.marks}"
    row = count_row(len(openai.encode_ordinary(long)) - len(openai.encode_ordinary(short)))
    assert not row.votes and row.values["form"] == "gateway"


def test_an_estimate_excludes_nobody_and_a_constant_says_nothing() -> None:
    composed = load_composed()
    long, short = f"{composed.long.text}{composed.long.marks}", composed.short.text
    for each in (2.2, 3.0, 4.0):
        row = count_row(round(len(long) / each) - round(len(short) / each))
        assert row.strength in ("none", "weak"), each
    for difference in (0, -7):
        assert not count_row(difference).votes


@given(st.sampled_from(COUNTED), st.integers(0, 5_000))
def test_a_hidden_prompt_does_not_change_what_a_count_shows(name: str, hidden: int) -> None:
    difference = counted(name)["parsed"]
    assert count_row(difference, hidden).log_likelihood == count_row(difference).log_likelihood


def test_of_counts_that_differ_the_usual_one_is_taken() -> None:
    replies = [Reply("long", prompt_tokens=count) for count in (165, 165, 190)]
    assert token_count.observe(conversation(*replies, Reply("short", prompt_tokens=17))) == {"long": 165, "short": 17}
    assert token_count.observe(conversation(*replies)) is None
    assert token_count.observe(conversation(Reply("long"), Reply("short"))) is None


# Ids


def forced(name: str) -> str:
    token = tokenizers.load(name).token(token_ids.FORCED_ID)
    assert token is not None
    return token.decode()


@pytest.mark.parametrize("times", [1, 2, 5])
@pytest.mark.parametrize("name", CORE)
def test_a_forced_token_names_the_vocabulary(name: str, times: int) -> None:
    observation = token_ids.observe(conversation(Reply("long", text=forced(name) * times, forced=True)))
    if times == 1:  # one word alone may be anybody's answer
        assert observation is None
    else:
        assert observation is not None and named(token_ids.score(observation, HYPOTHESES)) == {name}


def test_an_ordinary_answer_is_no_forced_token() -> None:
    for text in ("Okay, so", "The", "", "嗯", "I I see", "Hmm..."):
        assert token_ids.observe(conversation(Reply("long", text=text, forced=True))) is None
    assert token_ids.observe(conversation(Reply("long", text=" pec pec"))) is None


def test_a_forced_token_of_nobodys_speaks_against_everybody_known() -> None:
    row = token_ids.score({"id": token_ids.FORCED_ID, "said": ["zyzzyva zyzzyva"], "ids": []}, HYPOTHESES)
    assert named(row) == {UNKNOWN} and row.strength == "strong"


@given(st.text(max_size=200))
def test_only_a_word_over_and_over_is_repeated(text: str) -> None:
    word = token_ids.repeats(text)
    assert not word or (text.strip().startswith(word) and not text.strip().replace(word, "").strip())


ROUTES = {
    "vLLM": lambda ids: {"count": len(ids), "max_model_len": 4096, "tokens": ids},
    "vLLM with a begin": lambda ids: {"count": len(ids) + 1, "tokens": [0, *ids]},
    "llama.cpp": lambda ids: {"tokens": ids},
    "llama.cpp with pieces": lambda ids: {"tokens": [{"id": index, "piece": "?"} for index in ids]},
    "TGI": lambda ids: [{"id": index, "text": "?", "start": 0, "stop": 1} for index in ids],
    "SGLang": lambda ids: {"ids": ids, "count": len(ids)},
    "a list": lambda ids: ids,
}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", CORE)
def test_ids_of_a_tokenize_route_are_read_in_any_shape(name: str, route: str) -> None:
    ids = published_tokenizers.load(name).encode(load_composed().tokenized.text, add_special_tokens=False).ids
    observation = token_ids.observe(conversation(tokenize=ROUTES[route](ids)))
    assert observation is not None and named(token_ids.score(observation, HYPOTHESES)) == {name}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["tokens", "ids", "id"]), inner),
)


@given(JSON)
def test_whatever_a_tokenize_route_answers_is_survived(document: Any) -> None:
    observation = token_ids.observe(conversation(tokenize=document))
    if observation is not None:
        assert set(token_ids.score(observation, HYPOTHESES).log_likelihood) in (set(), set(HYPOTHESES.ids))
