"""Messages as people write them, in English and Chinese: what is understood, and what is said not to be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.catalog.yaml_file import parse_records
from engine.constraints.lexicon import WordsFile, lexicon
from engine.constraints.reading import TEXT_LIMIT, read_text
from engine.constraints.record import Constraints, Installed
from engine.constraints.settling import settle
from engine.errors import CatalogError, UsageError

_HERE = Path(__file__).parent
_PHRASES = [
    (row[0], row[1], row[2] if len(row) > 2 else [])
    for rows in yaml.safe_load((_HERE / "phrases.yaml").read_text(encoding="utf-8")).values()
    for row in rows
]
_SAID = yaml.safe_load((_HERE / "nonsense.yaml").read_text(encoding="utf-8"))["said"]


def _told(constraints: Constraints) -> dict[str, Any]:
    stated = constraints.stated()
    if "hardware" in stated:
        stated["hardware"] = ", ".join(f"{part['count']}×{part['device']}" for part in stated["hardware"])
    return stated


@pytest.mark.parametrize(("text", "record", "unread"), _PHRASES, ids=[phrase[0][:60] for phrase in _PHRASES])
def test_a_phrase_is_understood(text: str, record: dict[str, Any], unread: list[str]) -> None:
    reading = read_text(text)
    expected = {
        name: pytest.approx(value) if isinstance(value, (int, float)) else value for name, value in record.items()
    }
    assert _told(reading.constraints) == expected
    assert len(reading.unread) == len(unread)
    assert all(any(part in phrase for phrase in reading.unread) for part in unread)


def test_at_least_150_phrases_in_both_languages_are_tried() -> None:
    chinese = sum(any("\u4e00" <= char <= "\u9fff" for char in text) for text, _, _ in _PHRASES)
    assert len(_PHRASES) >= 150 and chinese >= 75 and len(_PHRASES) - chinese >= 75


@pytest.mark.parametrize(("text", "code", "named"), _SAID)
def test_a_message_that_contradicts_itself_or_makes_no_sense_is_refused(text: str, code: str, named: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_text(text)
    assert refused.value.code == code
    assert all(named in refused.value.sentence(lang) for lang in ("en", "zh"))


def test_a_contradiction_quotes_both_pieces_of_text() -> None:
    with pytest.raises(UsageError) as refused:
        read_text("first we said latency below 2 s, then a latency of 500ms")
    assert "2 s" in refused.value.sentence("en") and "500ms" in refused.value.sentence("zh")


def test_what_is_given_by_name_wins_and_the_reply_can_say_so() -> None:
    constraints, notes = settle({"ttft": "5s"}, "real-time legal answers")
    assert (constraints.ttft, constraints.task) == (5, "legal")
    assert len(notes) == 1 and "real-time" in notes[0] and "ttft" in notes[0]


def test_hardware_given_by_name_overrules_the_memory_in_a_message() -> None:
    constraints, notes = settle({"hardware": "2x4090"}, "我们有 640GB 显存，做客服")
    assert constraints.memory is None and constraints.hardware and constraints.task == "customer-service"
    assert any("640GB" in note and "hardware" in note for note in notes)


def test_an_empty_message_adds_nothing() -> None:
    assert settle({"ttft": "1s"}, "  \n") == (Constraints(ttft=1.0), ())
    assert settle(Constraints(ttft=1.0)) == (Constraints(ttft=1.0), ())


def test_what_is_not_understood_is_told_in_the_language_of_the_message() -> None:
    assert read_text("we have 5000 users").unread == ("“5000 users” (say how many of them ask at the same time)",)
    assert read_text("我们有 5000 个用户").unread == ("“5000 个用户”（请说明同时有多少人在用）",)


def test_a_message_over_the_limit_is_refused_with_its_length() -> None:
    assert read_text("x" * TEXT_LIMIT).constraints == Constraints()
    with pytest.raises(UsageError, match=r"10500000 characters"):
        read_text("potato " * 1_500_000)


def test_a_list_of_what_was_not_understood_stays_short() -> None:
    unread = read_text("; ".join(f"must hold promise {number}" for number in range(100))).unread
    assert len(unread) == 13 and unread[-1] == "…"


def test_no_pattern_of_words_repeats_without_a_bound() -> None:
    words = lexicon()
    patterns = [
        *words.ignored,
        words.negated_before,
        words.negated_after,
        words.whole_answer,
        words.demands,
        words.asking,
    ]
    patterns += (
        [pattern for _, pattern in words.said] + [kind.near for kind in words.kinds] + list(words.asked.values())
    )
    for pattern in patterns:
        bare = pattern.pattern.replace(r"\s*", "").replace(r"\+", "").replace(r"\*", "")
        inside = False
        for place, char in enumerate(bare):
            inside = (char == "[" or inside) and char != "]"
            assert inside or char not in "*+" or bare[place - 1] == "(", pattern.pattern[
                max(0, place - 20) : place + 20
            ]


def test_a_faulty_word_file_is_refused_with_its_line() -> None:
    text = (_HERE.parents[2] / "engine" / "constraints" / "words.yaml").read_text(encoding="utf-8")
    for right, wrong in (
        ("set: {device: edge}", "set: {device: toaster}"),
        ("set: {ttft: 1.0}", "set: {ttft: soon}"),
        ("[移动端,", "['(移动端',"),
    ):
        assert right in text
        with pytest.raises(CatalogError, match=r"words\.yaml, line \d+"):
            parse_records(text.replace(right, wrong), WordsFile, "words.yaml")


_OWN_DEVICE = """
devices:
  - {id: zebra9, title: Zebra 9, vendor: other, kind: accelerator, place: server, names: zebra9, memory: 100, usable: 100,
     bandwidth: 1000, flops: "bf16 100", link: pcie 64, per_node: 8, engines: vllm, source: our own}
"""
_FRAGMENTS = [phrase[0] for phrase in _PHRASES] + [row[0] for row in _SAID]


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_read_or_refused_in_a_sentence(text: str) -> None:
    _survives(text)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(_FRAGMENTS), max_size=5), st.sampled_from([" ", ", ", "，", "", "\n"]))
def test_any_mixture_of_phrases_is_read_or_refused_in_a_sentence(parts: list[str], between: str) -> None:
    _survives(between.join(parts))


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="0123456789.,-~k万x×*$¥%/ 每秒字元个人路并发月tokensmgb:;\n不没非", max_size=200))
def test_text_full_of_numbers_is_read_or_refused_in_a_sentence(text: str) -> None:
    _survives(text)


def _survives(text: str) -> None:
    try:
        reading = read_text(text)
    except UsageError as refused:
        assert all(refused.sentence(lang) for lang in ("en", "zh"))
        return
    assert set(reading.said) == set(reading.constraints.stated())


def test_hardware_of_ones_own_file_is_found_by_name_and_in_words(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(_OWN_DEVICE, encoding="utf-8")
    assert settle({"hardware": "2x zebra9"}, "", (own,))[0].hardware == (Installed("zebra9", 2),)
    assert read_text("legal contracts on 4× zebra9", (own,)).constraints.hardware == (Installed("zebra9", 4),)
    with pytest.raises(UsageError) as refused:
        settle({"hardware": "2x zebra9", "memory": "300 GB"}, "", (own,))
    assert refused.value.code == "constraints_memory_hardware"
