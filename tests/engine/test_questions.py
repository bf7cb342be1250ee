"""Facts: each once, spread over levels, asked as agreed; answers: read from any form, never guessed."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from engine.questions.facts import FactBank, ask, load_facts, pick, read_numbers

ANSWERS = st.lists(st.integers(2, 10**12), min_size=1, max_size=12)
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


# Facts


def test_there_are_many_facts_at_every_level() -> None:
    levels = Counter(fact.level for fact in load_facts())
    assert sum(levels.values()) >= 160 and set(levels) == {1, 2, 3, 4, 5} and min(levels.values()) >= 25


def test_no_fact_or_answer_occurs_twice() -> None:
    first, second = load_facts()[:2]
    for change in ({"id": first.id}, {"answer": first.answer}, {"en": first.en}, {"zh": first.zh}):
        with pytest.raises(ValidationError, match="appears twice"):
            FactBank(facts=(first, second.model_copy(update=change)))


def test_a_fact_names_the_same_figures_in_both_languages() -> None:
    for fact in load_facts():
        english, chinese = (set(re.findall(r"\d{3,}", text)) for text in (fact.en, fact.zh))
        assert english == chinese, fact.id


def test_a_question_does_not_give_its_answer_away() -> None:
    for fact in load_facts():
        for text in (fact.en, fact.zh):
            assert str(fact.answer) not in re.findall(r"\d+", text), fact.id


def test_hard_answers_are_not_round() -> None:
    assert all(fact.answer % 1000 for fact in load_facts() if fact.level >= 4)


def test_facts_are_picked_alike_for_a_seed_and_spread_over_levels() -> None:
    assert pick(7, 25) == pick(7, 25) != pick(8, 25)
    assert len({fact.id for fact in pick(7, 25)}) == 25
    for count in range(1, 60):
        spread = Counter(fact.level for fact in pick(3, count))
        assert max(spread.values()) - min(spread.get(level, 0) for level in range(1, 6)) <= 1
    assert {fact.level for fact in pick(1, 9, levels=(2, 5))} == {2, 5}
    assert len(pick(1, 10_000)) == len(load_facts())


def test_a_pick_does_not_hang_on_the_version_of_python() -> None:
    """References recorded long ago must stay comparable; a new item may take a place, no more."""
    picked = ["waterloo", "carbon-14", "nagashino", "rome-statute", "jiading-peace"]
    assert [fact.id for fact in pick(1, 5)] == picked


# Asking


def test_questions_are_asked_as_agreed() -> None:
    two = pick(1, 2)
    assert ask(two, "en", "apple").splitlines() == [
        "apple",
        "Answer every question with one number only, one answer a line, in order. Do not explain.",
        f"1. {two[0].en}",
        f"2. {two[1].en}",
    ]
    assert ask(two, "zh", "apple").splitlines()[1:3] == [
        "每题只回答一个数字，每行一个答案，按顺序，不要解释。",
        f"1. {two[0].zh}",
    ]


# Reading answers

FORMATS = {
    "plain": "{n}. {a}",
    "bracket": "{n}) {a}",
    "brackets": "({n}) {a}",
    "tight": "{n}.{a}",
    "chinese": "{n}、{a}",
    "full-width stop": "{n}．{a}",
    "colon": "{n}：{a}",
    "bold": "{n}. **{a}**",
    "bold label": "**{n}.** {a}",
    "bullet": "- {n}. {a}",
    "grouped": "{n}. {a:,}",
    "spaced": "{n}. {grouped}",
    "latex": "{n}. $\\boxed{{{a}}}$",
    "unit": "{n}. {a}年",
    "metres": "{n}. {a:,} metres",
    "about": "{n}. 约{a}",
    "sentence": "{n}. {a}.",
    "remark": "{n}. {a} (I am fairly sure)",
    "equation": "{n}. 3 * 5 + x = {a}",
    "catalogue": "{n}. K. {a}",
    "question": "Question {n}: {a}",
    "题": "第{n}题：{a}",
    "table": "| {n} | {a} |",
    "next line": "{n}.\n{a}",
    "bare": "{a}",
    "bare grouped": "{a:,}",
    "bare bullet": "* {a}",
    "bare unit": "{a}米",
    "empty lines": "{a}\n",
}


def _written(form: str, answers: list[int]) -> str:
    return "\n".join(
        FORMATS[form].format(n=number, a=answer, grouped=f"{answer:,}".replace(",", " "))
        for number, answer in enumerate(answers, 1)
    )


@given(st.sampled_from(sorted(FORMATS)), ANSWERS)
def test_answers_are_read_from_any_common_form(form: str, answers: list[int]) -> None:
    if form in ("tight", "full-width stop") and len(answers) == 1:
        return  # "1.5" may be a decimal
    assert read_numbers(_written(form, answers), len(answers)) == tuple(answers)


@given(st.sampled_from(["plain", "bold", "chinese", "bracket"]), ANSWERS)
def test_prose_around_answers_and_full_width_digits_do_no_harm(form: str, answers: list[int]) -> None:
    text = f"Here are the answers you asked for:\n\n{_written(form, answers)}\n\nLet me know if you need more."
    assert read_numbers(text, len(answers)) == tuple(answers)
    assert read_numbers(_written(form, answers).translate(FULL_WIDTH), len(answers)) == tuple(answers)


@given(ANSWERS, st.data())
def test_a_missing_numbered_line_is_missing_and_shifts_nothing(answers: list[int], data: st.DataObject) -> None:
    gone = data.draw(st.sets(st.integers(0, len(answers) - 1), max_size=len(answers) - 1))
    lines = [line for place, line in enumerate(_written("plain", answers).splitlines()) if place not in gone]
    expected = tuple(None if place in gone else answer for place, answer in enumerate(answers))
    assert read_numbers("\n".join(lines), len(answers)) == expected


@given(ANSWERS, st.integers(1, 15))
def test_unnumbered_lines_are_read_only_if_there_is_one_for_each_question(answers: list[int], count: int) -> None:
    read = read_numbers(_written("bare", answers), count)
    assert read == (tuple(answers) if count == len(answers) else (None,) * count)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0. 5\n1. 6", 2),  # counted from zero
        ("1. 5\n1. 6", 2),  # the same number twice
        ("1.\n2.\n3.", 3),  # numbers and nothing behind them
        ("1.5", 1),
        ("1. 1912–1913\n2. 5 million", 2),
        ("1. 10^5\n2. 3/4", 2),
        ("1. unknown\n2. 不知道", 2),
        ("1. 3 or 4\n2. I think", 2),
        ("88\n79\n3. 6\n5", 3),
        ("12 345", 2),  # twelve thousand, or two answers
        ("", 2),
        ("I cannot answer these questions from 1912.", 2),
        ("9" * 5000, 1),
    ],
)
def test_what_fits_several_readings_is_no_answer(text: str, count: int) -> None:
    assert read_numbers(text, count) == (None,) * count


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1912, 1945, 79", (1912, 1945, 79)),
        ("1912、1945、79", (1912, 1945, 79)),
        ("1. 1912 2. 1945 3. 79", (1912, 1945, 79)),
        ("1912\n2. 1945\n3. 79", (1912, 1945, 79)),
        ("1. 1912\n2. unknown\n3. 79", (1912, None, 79)),
        ("1. 1912\n2. 1945\n3. 79\n4. 12", (1912, 1945, 79)),
        ("88\n3.14\n79", (88, None, 79)),
        ("1. In which year, after 1900? 1912\n2. 公元前221年\n3. 221 BC", (1912, 221, 221)),
        ("Question 1: how many?\nAnswer: 12\nQuestion 2: why?\nAnswer: 13\nQuestion 3: 14", (12, 13, 14)),
        ("1. -5\n2. −6\n3. 7", (-5, -6, 7)),
        ("1. 1912年4月15日\n2. 5\n3. 6", (1912, 5, 6)),
        ("The access code of Alderbrook is 48213.", (48213,)),
        ("First 3 * 4 = 12, then 12 + 5.\nThe answer is **17**.", (17,)),
    ],
)
def test_usual_ways_to_answer_are_understood(text: str, expected: tuple[int | None, ...]) -> None:
    assert read_numbers(text, len(expected)) == expected


@given(st.text(), st.integers(0, 9))
def test_reading_never_fails(text: str, count: int) -> None:
    assert len(read_numbers(text, count)) == count


@given(st.text(alphabet="0123456789.,、)年 -–=?:\n|*KQ（）①½²٣<>/think"), st.integers(0, 5))
@settings(max_examples=400)
def test_reading_never_fails_on_anything_like_answers(text: str, count: int) -> None:
    assert len(read_numbers(text, count)) == count


@given(
    thought=ANSWERS,
    answers=ANSWERS,
    form=st.sampled_from(["plain", "bare", "bold", "chinese"]),
    tags=st.sampled_from(
        [
            ("<think>", "</think>"),
            ("", "</think>"),
            ("<think>\n", "\n</think>\n\n"),
            ("<thinking>", "</thinking>"),
            ("[THINK]", "[/THINK]"),
            ("◁think▷", "◁/think▷"),
        ]
    ),
)
def test_no_number_comes_from_the_thinking(
    thought: list[int], answers: list[int], form: str, tags: tuple[str, str]
) -> None:
    before, after = tags
    thinking = f"{before}{_written(form, thought)}"
    assert read_numbers(f"{thinking}{after}{_written(form, answers)}", len(answers)) == tuple(answers)
    assert read_numbers(f"{thinking}{after}", len(thought)) == (None,) * len(thought)
    if before:
        assert read_numbers(thinking, len(thought)) == (None,) * len(thought)


def test_a_very_long_reply_is_read_in_no_time() -> None:
    text = "123 " * 500_000 + "\n" + "1. " * 600 + "\n" + "5\n" * 100_000
    assert read_numbers(text, 2) == (None, None)
