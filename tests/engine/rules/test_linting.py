"""Whoever writes a rule file is told everything that is wrong with it, by line, in their language."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from engine.rules.linting import lint
from engine.rules.loading import load_rules

GOOD = "effect: full, priority: 9, reason: {en: a, zh: 乙}, source: us"


def linted(folder: Path, text: str, *, beside: bool = False) -> list[tuple[int | str, str]]:
    path = folder / "mine.yaml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    found = lint(path, load_rules() if beside else ())
    for problem in found:
        assert problem.sentence("en").startswith(f"mine.yaml:{problem.line}: ")
        assert any("\u4e00" <= char <= "\u9fff" for char in problem.sentence("zh"))
    return [(problem.line, problem.code) for problem in found]


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("id: a, when: {colour: {in: [red]}}, " + GOOD, "constraint_unknown"),
        ("id: a, when: {memori: {under: 5}}, " + GOOD, "constraint_unknown"),
        ("id: a, when: {device: {in: [toaster]}}, " + GOOD, "word_unknown"),
        ("id: a, when: {memory: {under: 5, over: 9}}, " + GOOD, "never_holds"),
        ("id: a, when: {memory: {under: 5, at_least: 5}}, " + GOOD, "never_holds"),
        ("id: a, when: {memory: {under: 0}}, " + GOOD, "never_holds"),
        ("id: a, when: {memory: {over: 5, missing: true}}, " + GOOD, "never_holds"),
        ("id: a, when: {memory: {}}, " + GOOD, "empty_condition"),
        ("id: a, when: {memory: {under: .inf}}, " + GOOD, "bound_infinite"),
        ("id: a, when: {memory: {under: .nan}}, " + GOOD, "bound_infinite"),
        ("id: a, when: {ttft: {up_to: 3 GB}}, " + GOOD, "bound_unit"),
        ("id: a, when: {ttft: {up_to: 3 potatoes}}, " + GOOD, "bound_unit"),
        ("id: a, when: {ttft: {up_to: 1500}}, " + GOOD, "bound_odd"),
        ("id: a, when: {availability: {at_least: 99.9}}, " + GOOD, "bound_odd"),
        ("id: a, when: {all: [{memory: {under: 10}}, {memory: {over: 20}}]}, " + GOOD, "never_holds_together"),
        ("id: a, when: {task: {in: [math]}, not: {task: {in: [math]}}}, " + GOOD, "never_holds_together"),
        ("id: a, when: {any: [{memory: {under: 5}, not: {memory: {under: 6}}}]}, " + GOOD, "never_holds_together"),
        ("id: a, words: {en: ['(']}, " + GOOD, "pattern_broken"),
        ("id: a, words: {en: ['x*']}, " + GOOD, "pattern_empty"),
        ("id: a, words: {en: [x]}, effect: full, priority: 9, reason: {en: a}, source: us", "reason_lacks"),
        ("id: a, words: {en: [x]}, effect: full, priority: 9, reason: {en: a, zh: ' '}, source: us", "reason_lacks"),
        ("id: a, words: {en: [x]}, effect: full, reason: {en: a, zh: 乙}, source: us", "rule_lacks"),
        ("id: a, words: {en: [x]}, effect: full, priority: 9, reason: {en: a, zh: 乙}", "rule_lacks"),
        ("words: {en: [x]}, " + GOOD, "rule_lacks"),
        ("id: a, words: {en: [x]}, effect: maybe, priority: 9, reason: {en: a, zh: 乙}, source: us", "word_unknown"),
        ("id: a, " + GOOD, "rule_silent"),
        ("id: 'A b', words: {en: [x]}, " + GOOD, "id_form"),
        ("id: a, wrods: {en: [x]}, " + GOOD, "field_unknown"),
        ("id: a, chosen: full, " + GOOD, "vote_too_late"),
        ("id: a, when: {memory: {under: lots}}, " + GOOD, "bound_unit"),
        ("id: a, words: {en: [x]}, effect: full, priority: soon, reason: {en: a, zh: 乙}, source: us", "value_wrong"),
        ("id: a, chosen: {variant: [mixtral]}, effect: caution, priority: 9, reason: {en: a, zh: 乙}, source: us", "never_chosen"),
        ("id: a, chosen: {kind: full, variant: [llama]}, effect: caution, priority: 1, reason: {en: a, zh: 乙}, source: us", "never_chosen"),
        ("id: a, when: {hardware: {in: [h2000]}}, " + GOOD, "device_unknown"),
        ("id: a, when: {not: {hardware: {in: [h200, toaster]}}}, " + GOOD, "device_unknown"),
        ("id: a, when: {vendor: {in: [acme]}}, " + GOOD, "word_unknown"),
        ("id: nobody, disable: true", "disables_nothing"),
    ],
)  # fmt: skip
def test_a_faulty_rule_is_told_by_line(tmp_path: Path, rule: str, code: str) -> None:
    fine = "id: fine, words: {en: [fine]}, effect: caution, priority: 1, reason: {en: a, zh: 乙}, source: us"
    assert linted(tmp_path, f"rules:\n  - {{{fine}}}\n  - {{{rule}}}\n") == [(3, code)]


def test_a_good_file_has_nothing_wrong(tmp_path: Path) -> None:
    text = f"""\
        rules:
          - {{id: a, when: {{ttft: {{up_to: 500 ms}}, hardware: {{in: [h200]}}}}, {GOOD.replace("9", "99")}}}
          - {{id: long-text, disable: true}}
        tests:
          - {{given: {{ttft: 0.4 s, hardware: 8xH200}}, expect: {{fires: [a]}}}}
    """
    assert linted(tmp_path, text, beside=True) == []


def test_every_problem_is_told_and_in_order(tmp_path: Path) -> None:
    text = f"""\
        rules:
          - {{id: a, when: {{colour: {{in: [red]}}, memory: {{under: 5, over: 9}}}}, {GOOD}}}
          - {{id: a, words: {{en: ['(']}}, {GOOD}}}
        extra: 1
    """
    found = linted(tmp_path, text)
    assert [line for line, _ in found] == [2, 2, 3, 3, 4]
    assert {code for _, code in found} == {
        "constraint_unknown", "never_holds", "pattern_broken", "id_twice", "field_unknown",
    }  # fmt: skip


def test_the_line_is_that_of_the_faulty_part(tmp_path: Path) -> None:
    text = """\
        rules:
          - id: a
            effect: full
            priority: 9
            when:
              any:
                - ttft: {up_to: 1}
                - ttft:
                    up_to: 3 GB
            reason: {en: a, zh: 乙}
            source: us
    """
    assert [line for line, _ in linted(tmp_path, text)] in ([8], [9])


def test_equal_priorities_that_can_clash_are_refused(tmp_path: Path) -> None:
    rules = "rules:\n  - {{id: a, when: {{memory: {{under: {a}}}}}, effect: full, priority: 9, reason: {{en: a, zh: 乙}}, source: us}}\n  - {{id: b, when: {{memory: {{over: {b}}}}}, effect: distilled, priority: 9, reason: {{en: a, zh: 乙}}, source: us}}\n"
    assert linted(tmp_path, rules.format(a=20, b=10)) == [(3, "contradiction")]
    assert linted(tmp_path, rules.format(a=10, b=20)) == []


def test_a_clash_with_a_rule_that_ships_is_told_too(tmp_path: Path) -> None:
    text = "rules:\n  - {id: mine, when: {task: {in: [code]}}, effect: full, priority: 60, reason: {en: a, zh: 乙}, source: us}\n"
    assert linted(tmp_path, text, beside=True) == [(2, "contradiction")]
    assert linted(tmp_path, text.replace("60", "61"), beside=True) == []


def test_a_vote_that_is_always_outvoted_never_decides(tmp_path: Path) -> None:
    text = "rules:\n  - {id: mine, when: {memory: {under: 100}}, effect: full, priority: 61, reason: {en: a, zh: 乙}, source: us}\n"
    assert linted(tmp_path, text, beside=True) == [(2, "never_decides")]
    assert linted(tmp_path, text.replace("under", "over"), beside=True) == []


def test_tests_are_linted_as_well(tmp_path: Path) -> None:
    text = f"""\
        rules:
          - {{id: a, words: {{en: [gpu]}}, {GOOD}}}
        tests:
          - {{message: gpu, expect: {{fires: [b]}}}}
          - {{given: {{colour: red}}, expect: {{fires: [a]}}}}
          - {{message: gpu, expect: {{}}}}
          - {{message: gpu, expect: {{choice: maybe}}}}
    """
    assert linted(tmp_path, text) == [(4, "test_unknown"), (5, "unreadable"), (6, "test_idle"), (7, "word_unknown")]


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "unreadable"), ("rules: [", "unreadable"), ("rules: 5", "no_rules"), ("- a", "no_rules"),
     ("rules:\n  - {id: a, id: b}", "unreadable")],
)  # fmt: skip
def test_what_is_no_rule_file_is_told_in_a_sentence(tmp_path: Path, text: str, code: str) -> None:
    assert [found for _, found in linted(tmp_path, text)] == [code]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "nowhere.yaml" in lint(tmp_path / "nowhere.yaml")[0].sentence("zh")


@pytest.mark.parametrize(
    "entry",
    [
        "5",
        "[1, 2]",
        "null",
        "{id: 5}",
        "{id: a, when: 5}",
        "{id: a, when: {any: 5}}",
        "{id: a, words: 5}",
        "{id: a, chosen: 5}",
    ],
)
def test_no_shape_of_rule_breaks_the_linter(tmp_path: Path, entry: str) -> None:
    assert linted(tmp_path, f"rules:\n  - {entry}\n")
