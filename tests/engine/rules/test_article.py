"""The rules that ship: every one the article states is there, says why in both languages, and fires where it should."""

from __future__ import annotations

import re

import pytest

import engine
from engine.errors import UsageError
from engine.rules.linting import lint
from engine.rules.loading import SHIPPED, load_rules, read_rules
from engine.rules.trying import Tried, try_rules

TRIED = try_rules(SHIPPED, load_rules())
THE_ARTICLES = (
    "mobile-or-embedded", "limited-edge", "real-time", "detail-demands", "long-text", "ample-servers", "critical-business",
    "not-a-smaller-equivalent", "never-by-parameter-count-alone", "versions-evolve", "context-may-be-lost",
    "output-is-terser", "unsure-of-rare-words",
)  # fmt: skip


@pytest.mark.parametrize("done", TRIED, ids=lambda done: f"line-{done.line}")
def test_each_rule_fires_where_the_file_says_and_nowhere_near(done: Tried) -> None:
    assert done.passed, done.sentences()


def test_every_rule_is_tried_both_ways() -> None:
    ids = {rule.id for rule in load_rules()}
    assert ids == {name for done in TRIED for name in done.test.expect.fires}
    assert ids == {name for done in TRIED for name in done.test.expect.silent}


def test_rules_about_what_people_say_are_tried_in_both_languages() -> None:
    said: dict[str, set[bool]] = {}
    for done in TRIED:
        for name in done.test.expect.fires if done.test.message else ():
            said.setdefault(name, set()).add(bool(re.search("[\u4e00-\u9fff]", done.test.message)))
    for name in THE_ARTICLES[:7]:
        assert said[name] == {True, False}, name


def test_each_rule_and_pitfall_of_the_article_is_there() -> None:
    assert set(THE_ARTICLES) <= {rule.id for rule in load_rules()}


def test_every_rule_says_why_in_both_languages_and_where_from() -> None:
    for rule in load_rules():
        assert set(rule.reason) == {"en", "zh"} and rule.source
        assert not re.search("[\u4e00-\u9fff]", rule.reason["en"]) and re.search("[\u4e00-\u9fff]", rule.reason["zh"])


def test_nothing_is_wrong_with_the_file_itself() -> None:
    assert lint(SHIPPED) == ()


def test_priorities_settle_every_disagreement() -> None:
    full = {rule.priority for rule in load_rules() if rule.effect == "full"}
    assert full.isdisjoint(rule.priority for rule in load_rules() if rule.effect == "distilled")


def test_the_ids_that_stored_answers_name_are_kept() -> None:
    kept = {
        "weights-do-not-fit", "mobile-or-embedded", "limited-edge", "real-time", "detail-demands", "long-text",
        "ample-servers", "critical-business", "not-a-smaller-equivalent", "versions-evolve",
    }  # fmt: skip
    assert kept <= {rule.id for rule in read_rules(SHIPPED).rules}


@pytest.mark.parametrize(
    "constraints",
    [{"latency": "3 potatoes"}, {"memory": "-5"}, {"memory": "0"}, {"context": "1e400"}, {"device": "toaster"}, {"colour": "red"},
     {"latency": "9" * 5000}, {"detail": ""}],
)  # fmt: skip
def test_nonsense_is_refused_before_any_rule_sees_it(constraints: dict[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        engine.recommend(constraints)
    named = "ttft" if "latency" in constraints else next(iter(constraints))
    assert named in caught.value.sentence("en") or next(iter(constraints)) in caught.value.sentence("en")
