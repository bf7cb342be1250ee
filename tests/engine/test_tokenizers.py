"""The candidates' tokenizers cut text exactly as the published ones do; special tokens are set aside."""

from __future__ import annotations

import unicodedata
from random import Random

import published_tokenizers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import tokenizers
from engine.catalog import load_composed, load_family

PUBLISHED = {"deepseek-v3": "deepseek-v3", "qwen2.5": "qwen2.5", "llama-3": "llama-3", "qwen3.5": "qwen3.5"}
FRAGMENTS = (
    "299792458", "60221407", "3.14159", "0xDEADBEEF", "1,000,000", "人工智能", "社会主义核心价值观", "臺灣積體電路",
    "饕餮盛宴", "ありがとうございます", "안녕하십니까", "नमस्ते", "ขอบคุณครับ", "شكرا", "здравствуйте", "Εὐχαριστῶ", "nghiêng",
    "électro", "it's", "WE'LL", "they’re", "don't", " the", "The", "antidisestablishmentarianism", "zyzzyva", "QWERTY",
    "std::map<int,char*>", "for(i=0;i<n;++i){", "</div></td>", "import numpy as np", "a&&b||!c", "!!!!????", "~~~~====",
    "🙂🚀🔥", "👩‍👩‍👧", "🇨🇳", "¯\\_(ツ)_/¯", "x²+y³≠√z", "ẞßœæø", "\n", "\r\n", "\n\n\n", "\t\t", "  ", "     ", " \n ", "。", "、",
    "……", "—", "“”", "½", "٣٤٥", "Ⅷ", "\u200b", "\ufeff", "\u00a0", "\x07", "<", ">", "|", "<|", "think", "｜",
)  # fmt: skip
MARKS = ("<think>", "</think>", "<|im_start|>", "<|eot_id|>", "<｜User｜>", "<｜end▁of▁sentence｜>")
PARTS = st.lists(st.one_of(st.text(alphabet="abc 12>|/｜思\n", max_size=30), st.sampled_from(MARKS)), max_size=8)


def published_tokens(name: str, text: str) -> tuple[bytes, ...]:
    """As the tokenizer.json of the model cuts it."""
    tokenizer = published_tokenizers.load(PUBLISHED[name])
    byte_of = {char: byte for byte, char in tokenizers.byte_alphabet().items()}
    cut = tokenizer.encode(text, add_special_tokens=False).tokens
    return tuple(bytes(byte_of[char] for char in token) for token in cut)


def varied(seed: int, count: int) -> list[str]:
    """Strings of a few fragments each, alike for a seed."""
    random = Random(seed)
    return ["".join(random.choices(FRAGMENTS, k=random.randint(1, 9))) for _ in range(count)]


def test_every_candidate_is_a_vocabulary_of_the_catalog_or_a_published_one() -> None:
    assert set(tokenizers.CANDIDATES) == set(PUBLISHED)
    assert {"deepseek-v3", "qwen2.5", "llama-3"} <= set(load_family("deepseek-r1").vocabularies)


@pytest.mark.parametrize("name", tokenizers.CANDIDATES)
def test_varied_text_is_cut_as_the_published_tokenizer_cuts_it(name: str) -> None:
    for text in varied(1, 400):
        composed = unicodedata.normalize("NFC", text)
        assert tokenizers.tokens(name, composed) == published_tokens(name, composed), composed


@pytest.mark.parametrize("name", tokenizers.CANDIDATES)
@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=60))
def test_any_text_is_cut_as_the_published_tokenizer_cuts_it(name: str, text: str) -> None:
    # Qwen's tokenizer.json composes characters first; what models write is composed already.
    composed = unicodedata.normalize("NFC", text)
    assert tokenizers.tokens(name, composed) == published_tokens(name, composed)


@pytest.mark.parametrize("name", tokenizers.CANDIDATES)
@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=60))
def test_tokens_join_to_the_text_and_each_is_found_again(name: str, text: str) -> None:
    found = tokenizers.tokens(name, text)
    assert b"".join(found) == text.encode()
    assert tokenizers.count(name, text) == len(found)
    codec = tokenizers.load(name)
    assert all(codec.find(token) is not None for token in found)


@pytest.mark.parametrize("name", tokenizers.CANDIDATES)
def test_what_is_no_token_is_not_found_and_no_id_is_beyond_the_vocabulary(name: str) -> None:
    codec = tokenizers.load(name)
    assert codec.find(b"no vocabulary has this as one token") is None
    assert codec.token(10_000_000) is None


def test_digits_are_cut_in_threes_by_deepseek_and_llama_and_one_by_one_by_qwen() -> None:
    assert tokenizers.tokens("deepseek-v3", "299792458") == (b"299", b"792", b"458")
    assert tokenizers.tokens("llama-3", "299792458") == (b"299", b"792", b"458")
    assert tokenizers.tokens("qwen2.5", "299792458") == tuple(bytes([byte]) for byte in b"299792458")


@pytest.mark.parametrize("name", ["deepseek-v3", "qwen2.5", "llama-3", "qwen3.5"])
def test_the_ids_expected_of_a_tokenize_route_are_the_tokenizers_own(name: str) -> None:
    tokenized = load_composed().tokenized
    assert tuple(tokenizers.load(name).encode(tokenized.text)) == tokenized.ids[name]


@given(PARTS)
def test_marks_are_taken_out_and_counted(parts: list[str]) -> None:
    plain = [part for part in parts if part not in MARKS]
    assert tokenizers.without_marks("".join(parts)) == ("".join(plain), len(parts) - len(plain))


def test_marks_are_those_that_servers_print() -> None:
    assert tokenizers.without_marks("<think>\n嗯</think>299<｜end▁of▁sentence｜>") == ("\n嗯299", 3)
    assert tokenizers.without_marks("a <b> c | d <| e |> f") == ("a <b> c | d <| e |> f", 0)


@given(PARTS, st.lists(st.integers(1, 12), min_size=1, max_size=40))
def test_the_ordinary_part_of_a_stream_is_its_longest_text_between_marks(parts: list[str], sizes: list[int]) -> None:
    text, pieces, runs = "".join(parts), [], [""]
    for part in parts:
        runs = [*runs, ""] if part in MARKS else [*runs[:-1], runs[-1] + part]
    while text:
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(text[:size])
        text = text[size:]
    kept = tokenizers.ordinary(pieces)
    assert "".join(kept) in runs and len("".join(kept)) == max(map(len, runs))
    # It is cut where the stream was cut, but at its own two ends.
    assert all(kept) and all(piece in pieces for piece in kept[1:-1])


def test_a_stream_without_marks_is_all_ordinary() -> None:
    assert tokenizers.ordinary(["29", "979", "", "2458"]) == ["29", "979", "2458"]
    assert tokenizers.ordinary([]) == []


def test_a_mark_that_arrives_in_several_pieces_is_still_one() -> None:
    assert tokenizers.ordinary(["<th", "ink>", "好的", "，", "299</thi", "nk>", "x"]) == ["好的", "，", "299"]
