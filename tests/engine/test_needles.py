"""Needles: hidden once, at the depth they claim, in a text of the length asked for."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import tokenizers
from engine.questions import needles
from engine.questions.answer_sheet import read_numbers


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("tokens", [500, 2_000, 32_000])
def test_a_haystack_is_as_long_as_asked_for(tokens: int, lang: str) -> None:
    for seed in range(4):
        needle = needles.haystack(seed, tokens, lang)
        assert abs(tokenizers.count("deepseek-v3", needle.text) - tokens) <= tokens / 10


@given(st.integers(0, 10**6), st.integers(100, 4_000), st.sampled_from(["en", "zh"]))
@settings(max_examples=40)
def test_the_needle_is_said_once_where_it_claims_to_be(seed: int, tokens: int, lang: str) -> None:
    needle = needles.haystack(seed, tokens, lang)
    said = {
        "en": f"The access code of {needle.place} is {needle.answer}.",
        "zh": f"{needle.place}的通行码是{needle.answer}。",
    }
    asked = {
        "en": f"What is the access code of {needle.place}? Answer with the number only.",
        "zh": f"{needle.place}的通行码是多少？只回答数字。",
    }
    assert needle.question == asked[lang]
    assert needle.text.count(said[lang]) == needle.text.count(needle.place) == 1
    assert 10_000 <= needle.answer <= 99_999
    assert abs(needle.text.index(said[lang]) / len(needle.text) - needle.depth) < 0.1 + 100 / len(needle.text)
    assert needles.ask(needle, "apple") == f"apple\n{needle.text}\n{needle.question}"
    assert needle == needles.haystack(seed, tokens, lang)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_needle_does_not_stand_out_by_its_form(lang: str) -> None:
    text = needles.haystack(1, 2_000, lang).text
    assert len(re.findall(r"(?<!\d)\d{5}(?!\d)", text)) > 3
    sentences = re.findall(r"[^.。\n]+[.。]", text)
    assert len(set(sentences)) > 0.95 * len(sentences)


def test_needles_lie_at_all_depths() -> None:
    depths = [needles.haystack(seed, 200, "en").depth for seed in range(60)]
    assert all(any(low <= depth < low + 0.25 for depth in depths) for low in (0, 0.25, 0.5, 0.75))


def test_a_needle_is_read_from_a_short_reply() -> None:
    needle = needles.haystack(1, 300, "zh")
    assert read_numbers(f"{needle.place}的通行码是{needle.answer}。", 1) == (needle.answer,)
