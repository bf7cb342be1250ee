"""What an infrastructure lead would sign: every written scenario gets the expected choice, and an explanation that holds."""

from __future__ import annotations

import pytest
import written
from written import Case

import engine
from engine.errors import UsageError


@pytest.mark.parametrize("case", written.cases(), ids=lambda case: case.id)
def test_the_answer_is_the_one_an_expert_would_give(case: Case) -> None:
    found = written.answer(case)
    wrong = written.disagreements(case, found)
    if not isinstance(found, UsageError):
        wrong += written.unexplained(found)
    assert not wrong, "\n".join(["", *wrong, written.explained(case, found)])


def test_both_languages_are_written_in_equal_measure() -> None:
    langs = [case.lang for case in written.cases()]
    assert len(langs) >= 150 and abs(langs.count("en") - langs.count("zh")) <= 0.2 * len(langs)
    assert len(written.pairs()) >= 30


def test_every_rule_of_the_article_is_asked_for_in_both_languages() -> None:
    from engine.rules.loading import load_rules

    for lang in written.LANGUAGES:
        asked = {rule for case in written.cases() if case.lang == lang for rule in case.rules}
        # No expert's choice is at two bits: what is said of them is held in the rules' own tests.
        assert {rule.id for rule in load_rules(())} <= asked | {"two-bits-lose-quality"}


@pytest.mark.parametrize("pair", written.pairs(), ids=lambda pair: pair[0].pair)
def test_english_and_chinese_get_the_same_choice(pair: tuple[Case, Case]) -> None:
    english, chinese = (written.answer(case) for case in pair)
    if isinstance(english, UsageError) or isinstance(chinese, UsageError):
        assert isinstance(english, UsageError) and isinstance(chinese, UsageError)
        return
    both = "\n".join(written.explained(case, found) for case, found in zip(pair, (english, chinese), strict=True))
    assert (english.choice, english.conflict) == (chinese.choice, chinese.conflict), both
    assert {hit.id for hit in english.hits} == {hit.id for hit in chinese.hits}, both
    assert written.named(english.option) == written.named(chinese.option), both


@pytest.mark.parametrize(("first", "other"), [pytest.param(a, b, id=name) for name, a, b in written.wordings()])
def test_wording_that_means_nothing_changes_nothing(first: str, other: str) -> None:
    expected, found = engine.recommend(scenario=first), engine.recommend(scenario=other)
    assert found.choice == expected.choice
    assert [hit.id for hit in found.hits] == [hit.id for hit in expected.hits]
    assert {**found.constraints, "scenario": ""} == {**expected.constraints, "scenario": ""}
    assert written.named(found.option) == written.named(expected.option)
