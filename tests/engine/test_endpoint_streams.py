"""The tokenizer shows through in what comes out: in the pieces of a stream, where text is cut off, in logprobs."""

from __future__ import annotations

import math
import re
from random import Random

import pytest
from endpoint_rows import CORE, HYPOTHESES, PROSE, REPEATED, by_vocabulary, conversation, joined, named, pieces_of
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import tokenizers
from engine.evidence import UNKNOWN, Evidence
from engine.probes import logprobs, stream_boundaries, truncation
from engine.probes.logprobs import entropy
from engine.questions.asking import PERIOD
from engine.targets.endpoint import Reply

TEXTS = (REPEATED, PROSE)
PUNCTUATED = "; ".join(f"item {number}, value {number**7}" for number in range(3, 14))


def streamed(*streams: list[str]) -> Evidence:
    return stream_boundaries.score({"streams": list(streams)}, HYPOTHESES)


def cut(name: str, text: str, limit: int) -> str:
    """What is left of a text after so many tokens."""
    return b"".join(tokenizers.tokens(name, text)[:limit]).decode("utf-8", "ignore")


# Pieces


@pytest.mark.parametrize("text", TEXTS, ids=["repeated", "prose"])
@pytest.mark.parametrize("name", CORE)
def test_a_stream_cut_along_a_vocabularys_tokens_names_it(name: str, text: str) -> None:
    row = streamed(pieces_of(name, text))
    assert named(row) == {name} and row.values["vocabulary"] == name
    found = by_vocabulary(row)
    assert all(found[other] < found[name] - math.log(100) for other in CORE if other != name)


def test_the_next_qwens_stream_is_not_taken_for_deepseeks_or_llamas() -> None:
    found = by_vocabulary(streamed(pieces_of("qwen3.5", REPEATED)))
    assert found["qwen2.5"] > max(found["deepseek-v3"], found["llama-3"])


@given(st.sampled_from(CORE), st.sampled_from(TEXTS), st.integers(0, 10**9), st.integers(2, 4))
def test_a_server_that_joins_tokens_never_excludes_its_own_vocabulary(
    name: str, text: str, seed: int, most: int
) -> None:
    row = streamed(joined(pieces_of(name, text), Random(seed), most))
    assert not row.votes or by_vocabulary(row)[name] > math.log(0.01)


@pytest.mark.parametrize("text", (*TEXTS, PUNCTUATED), ids=["repeated", "prose", "punctuated"])
def test_a_stream_cut_anew_by_characters_says_so_and_does_not_vote(text: str) -> None:
    for size in (1, 2, 3, 5):
        row = streamed([text[at : at + size] for at in range(0, len(text), size)])
        assert not row.votes and row.values["form"] == "recut", size


@pytest.mark.parametrize("most", [12, 20, 30])
def test_a_stream_cut_anew_by_chance_seldom_names_anybody_loudly(most: int) -> None:
    """Cuts that are few may all happen to fall between the tokens of somebody whose tokens are short."""
    loud = 0
    for seed in range(60):
        row = streamed(joined(list(REPEATED), Random(seed), most))
        ranked = sorted((by_vocabulary(row)[name] for name in CORE), reverse=True) if row.votes else [0.0, 0.0]
        loud += ranked[0] - ranked[1] > math.log(20)
    assert loud <= 3


@pytest.mark.parametrize("pattern", [r"\S+\s*", r"\s*\S+", r"\s*\S+\s*\S+"])
@pytest.mark.parametrize("text", (PROSE, PUNCTUATED), ids=["prose", "punctuated"])
def test_a_stream_cut_by_words_does_not_vote(text: str, pattern: str) -> None:
    row = streamed(re.findall(pattern, text))
    assert not row.votes and row.values["form"] in ("recut", "alike")


@settings(max_examples=40, deadline=None)
@given(st.text("abc def 123，。人工智能", min_size=4, max_size=120), st.integers(0, 10**9))
def test_what_streams_whole_or_plain_does_not_vote_loudly_for_nothing(text: str, seed: int) -> None:
    assert not streamed([text]).votes
    for value in streamed(joined(list(text), Random(seed), 5)).log_likelihood.values():
        assert math.isfinite(value) and value <= 0


@pytest.mark.parametrize("name", CORE)
def test_marks_in_a_stream_do_not_matter(name: str) -> None:
    pieces = pieces_of(name, REPEATED)
    marked = ["<think>", "\n\n", "</think>", *pieces, "<｜end▁of▁sentence｜>"]
    plain, with_marks = (
        stream_boundaries.observe(conversation(Reply("repeat", text="".join(found), pieces=tuple(found))))
        for found in (pieces, marked)
    )
    assert plain == with_marks == {"streams": [pieces]}


def test_streams_too_short_forced_or_broken_are_not_looked_at() -> None:
    for reply in (
        Reply("repeat", pieces=("29", "979")),
        Reply("long", pieces=("a",) * 20, forced=True),
        Reply("repeat", pieces=("299", "�", "792", "458", "29")),
        Reply("repeat", pieces=("299", "792", "458", "29"), refused="endpoint_status"),
    ):
        assert stream_boundaries.observe(conversation(reply)) is None


# Cuts


@given(st.integers(8, 64))
def test_digits_cut_after_so_many_tokens_name_qwen_and_not_deepseek(limit: int) -> None:
    qwen, deepseek = ({"cut": [{"text": cut(name, PERIOD * 40, limit), "limit": limit}]} for name in CORE[1::-1])
    assert named(truncation.score(qwen, HYPOTHESES)) == {"qwen2.5"}
    row = truncation.score(deepseek, HYPOTHESES)
    assert {"deepseek-v3", "llama-3"} == named(row) and by_vocabulary(row)["qwen2.5"] < math.log(0.01)


@pytest.mark.parametrize("name", ["deepseek-v3", "llama-3"])
def test_chinese_parts_deepseek_from_llama(name: str) -> None:
    text = "社会主义核心价值观可持续发展知识产权公开发行股票人工智能有限公司" * 12
    row = truncation.score({"cut": [{"text": cut(name, text, 64), "limit": 64}]}, HYPOTHESES)
    assert named(row) == {name}


@pytest.mark.parametrize("name", CORE)
def test_marks_count_towards_the_limit_and_unseen_ones_may(name: str) -> None:
    text = cut(name, REPEATED * 2, 40)
    for seen, limit in ((text, 40), (f"<think>{text}", 41), (text, 42), (f"<think>{text}</think>", 42)):
        row = truncation.score({"cut": [{"text": seen, "limit": limit}]}, HYPOTHESES)
        assert name in named(row)
        assert all(by_vocabulary(row)[other] < math.log(0.2) for other in CORE if other not in named(row))


def test_a_text_of_nobodys_length_says_nothing() -> None:
    for text, limit in (("ok", 64), (PROSE * 20, 16)):
        assert not truncation.score({"cut": [{"text": text, "limit": limit}]}, HYPOTHESES).votes


def test_only_texts_that_the_limit_cut_are_looked_at() -> None:
    for reply in (
        Reply("period", text="299", max_tokens=8, finish="stop"),
        Reply("long", text="pec pec", max_tokens=2, finish="length", forced=True),
        Reply("period", max_tokens=8, finish="length"),
        Reply("period", text="299", max_tokens=8, finish="length", refused="endpoint_slow"),
    ):
        assert truncation.observe(conversation(reply)) is None
    thought = Reply("short", reasoning="嗯，", text="用户", max_tokens=3, finish="length")
    assert truncation.observe(conversation(thought)) == {"cut": [{"text": "嗯，用户", "limit": 3}]}


# Strings and their odds


def offered(strings: list[str]) -> Evidence:
    return logprobs.score({"strings": strings, "positions": 4, "entropy": None}, HYPOTHESES)


@pytest.mark.parametrize("name", CORE)
def test_strings_that_are_tokens_of_one_vocabulary_name_it(name: str) -> None:
    strings = sorted({piece for text in TEXTS for piece in pieces_of(name, text) if len(piece) > 1})
    row = offered(strings)
    assert named(row) == {name} and row.group == "tokens"


def test_strings_that_are_nobodys_tokens_speak_for_somebody_unknown() -> None:
    assert named(offered([f"nobody has {word}" for word in ("this", "that", "these", "those", "it", "them")])) == {
        UNKNOWN
    }


def test_a_few_strings_or_characters_are_not_enough() -> None:
    few = Reply("logprobs", tokens=("299", "792"), alternatives=({"299": -0.1}, {"792": -0.1}))
    single = Reply("logprobs", tokens=tuple("0123456789"), alternatives=({"1": -0.1},) * 10)
    marks = Reply("logprobs", tokens=("<think>", "<|im_end|>", "<｜User｜>", "</think>", "<｜a｜>", "<｜b｜>"))
    assert all(logprobs.observe(conversation(reply)) is None for reply in (few, single, marks))


@pytest.mark.parametrize(
    ("distribution", "nats"), [([0.7, 0.2, 0.1], 0.802), ([0.6, 0.3, 0.1], 0.898), ([1.0], 0.0), ([2, 2], math.log(2))]
)
def test_entropy_is_the_articles(distribution: list[float], nats: float) -> None:
    """Its §4.2 gives H = -Σ p ln p, and these two distributions as its example."""
    assert entropy(distribution) == pytest.approx(nats, abs=5e-4)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30).filter(lambda shares: sum(shares) > 0))
def test_entropy_lies_between_certainty_and_an_even_choice(shares: list[float]) -> None:
    assert 0.0 <= entropy(shares) <= math.log(len(shares)) + 1e-9


@pytest.mark.parametrize("shares", [[], [0.0, 0.0], [-0.1, 1.1]])
def test_what_is_no_distribution_has_no_entropy(shares: list[float]) -> None:
    with pytest.raises(ValueError, match="not a distribution"):
        entropy(shares)


@given(st.lists(st.floats(-1e6, 0), min_size=1, max_size=20))
def test_logprobs_of_what_was_ruled_out_are_survived(values: list[float]) -> None:
    """vLLM gives -9999 for it."""
    top = {f"word {number}": value for number, value in enumerate(values)}
    reply = Reply("logprobs", tokens=("aa", "bb", "cc", "dd", "ee", "ff"), alternatives=(top,) * 6)
    observation = logprobs.observe(conversation(reply))
    assert observation is not None and 0 <= observation["entropy"] <= math.log(len(values)) + 1e-9
