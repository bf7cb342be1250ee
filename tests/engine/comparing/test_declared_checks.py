"""Checks that a task's cases declare: what they hold for, and how they are told to be wrong."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from engine.comparing.records import Answer, Case
from engine.comparing.scripts import ScriptProblem, require_declared, run_checks
from engine.comparing.scripts.cell.declared import FORMS, holds, well_formed
from engine.errors import UsageError
from engine.text import parse_yaml

# What is asked as YAML, an answer that passes, and one that does not.
HOLD = [
    ("contains: Insulin", "take INSULIN daily", "take it daily"),
    ("contains: [胰岛素, 血糖]", "胰岛素降低血糖", "胰岛素"),
    ("contains_any: [mg/dL, mmol/L]", "5 mmol/l", "5"),
    ("not_contains: as an AI", "I am", "As an AI, I"),
    ("equals: 42", " 42\n", "42."),
    ("equals: [B, (B)]", "(B)", "b"),
    (r'regex: "^\\d{3}-\\d+$"', "123-4", "1234"),
    (r'not_regex: "\\bsorry\\b"', "worry", "so sorry"),
    ("number: 42", "It is 41, no: 42.", "42 is not 41"),
    ("number: {value: 0.3, within: 0.1}", "0.4", "0.41"),
    ("number: {value: 200, within: 1%}", "about 202", "203"),
    ("number: -1234.5", "so −1,234.5", "1234.5"),
    ("number: 3", "３ 个", "三"),
    ("number: 1.5e-3", "= 1.5e-3", "1.5"),
    ('json: "a.b[1]"', '{"a": {"b": [1, null]}}', '{"a": {"b": [1]}}'),
    ("json: {path: 'x[0].y', equals: 2}", 'Here:\n```json\n{"x": [{"y": 2}]}\n```', '{"x": [{"y": "2"}]}'),
    ("json: {path: ok, equals: true}", '{"ok": true}', '{"ok": 1}'),
    ("json: {path: '', equals: [1]}", "[1]", "[" * 10**5),
    ("length: {max: 5}", " 五个字啊啊 ", "六个字啊啊啊"),
    ("length: {min: 2, max: 3, unit: words}", "two words", "one"),
    ("length: {min: 2, unit: lines}", "a\nb", "a"),
]
WRONG = [
    "contains: []", "contains: {a: 1}", "contains: ''", "contains_any:", "equals: [[1]]",
    "number: many", "number: true", "number: {value: 1, within: wide}", "number: {value: 1, within: -1}", "number: {within: 1}",
    "number: .nan", "json: 'a[b]'", "json: 3", "json: {path: a, is: 1}", "length: 5", "length: {}", "length: {unit: words}",
    "length: {max: 5, unit: bytes}", "length: {max: long}",
]  # fmt: skip


@pytest.mark.parametrize(("written", "passes", "fails"), HOLD)
def test_a_check_holds_for_the_answers_it_should(written: str, passes: str, fails: str) -> None:
    ((name, asked),) = parse_yaml(written).items()
    assert well_formed(name, asked)
    assert holds(name, asked, passes)
    assert not holds(name, asked, fails)


def test_each_kind_of_check_is_among_these() -> None:
    assert {written.split(":")[0] for written, _, _ in HOLD} == set(FORMS)


@pytest.mark.parametrize("written", WRONG)
def test_a_check_that_cannot_be_read_is_told_with_how_it_is_written(written: str) -> None:
    with pytest.raises(UsageError) as problem:
        require_declared([Case("q7", "?", given={"checks": [parse_yaml(written)]})])
    name = written.split(":")[0]
    assert "q7" in str(problem.value)
    assert FORMS[name] in problem.value.sentence("zh")


@pytest.mark.parametrize(
    ("checks", "code"),
    [(None, "check_missing"), ([], "check_missing"), ({"has": "a"}, "check_unknown"), (["contains"], "check_invalid")],
)
def test_cases_without_checks_or_with_unknown_ones_are_told(checks: Any, code: str) -> None:
    with pytest.raises(UsageError) as problem:
        run_checks("", [Case("q7", "?", given={"checks": checks})], [Answer("q7", "?")])
    assert problem.value.code == code
    assert "q7" in problem.value.sentence("zh")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX system")
def test_a_case_scores_the_share_of_its_checks_that_hold() -> None:
    cases = [
        Case("a", "?", given={"checks": {"contains": "x", "length": {"max": 3}}}),
        Case("b", "?", given={"checks": [{"regex": "^y"}, {"regex": "z$"}, {"number": 1}, {"not_contains": "!"}]}),
    ]
    assert run_checks("", cases, [Answer("a", "xyz"), Answer("b", "y 2")]) == {"a": 1.0, "b": 0.5}


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX system")
def test_a_pattern_without_end_is_stopped_and_one_that_is_none_is_told() -> None:
    endless = [
        Case("a", "?", given={"checks": {"contains": "a"}}),
        Case("b", "?", given={"checks": {"regex": "(a+)+$"}}),
    ]
    with pytest.raises(ScriptProblem, match=r"took longer than 0\.3 s") as stopped:
        run_checks("", endless, [Answer("a", "a"), Answer("b", "a" * 64 + "!")], seconds=0.3)
    assert stopped.value.scores == {"a": 1.0}
    for pattern in ("(", "a{99999999999}", "(?<=a*)b"):
        with pytest.raises(ScriptProblem, match="no regular expression"):
            run_checks("", [Case("a", "?", given={"checks": {"regex": pattern}})], [Answer("a", "a")])
