"""A rule file's own tests: each says what it expected and what fired."""

from __future__ import annotations

from pathlib import Path

from engine.rules.loading import load_rules
from engine.rules.trying import try_rules

RULES = """\
rules:
  - {id: house-rule, effect: full, priority: 99, words: {en: [gpu], zh: [显卡]}, reason: {en: Ours, zh: 自家}, source: us}
tests:
"""


def tried(folder: Path, *tests: str) -> list[tuple[bool, tuple[str, ...], tuple[str, ...]]]:
    path = folder / "rules.yaml"
    path.write_text(RULES + "".join(f"  - {{{test}}}\n" for test in tests), encoding="utf-8")
    found = try_rules(path, load_rules((path,)))
    assert [done.line for done in found] == list(range(4, 4 + len(tests)))
    return [(done.passed, tuple(hit.id for hit in done.fired), done.sentences("en")) for done in found]


def test_what_was_expected_and_came_passes(tmp_path: Path) -> None:
    (english, chinese) = tried(
        tmp_path,
        "given: {device: phone}, message: a gpu, expect: {choice: full, conflict: true, fires: [house-rule, mobile-or-embedded]}",
        "message: 两张显卡, expect: {choice: full, conflict: false, silent: [real-time]}",
    )
    assert english == (True, ("house-rule", "mobile-or-embedded", "versions-evolve"), ())
    assert chinese[0]


def test_what_did_not_come_is_said(tmp_path: Path) -> None:
    (wrong,) = tried(
        tmp_path, "message: gpu, expect: {choice: distilled, conflict: true, fires: [real-time], silent: [house-rule]}"
    )
    assert wrong[0] is False
    assert wrong[2] == (
        "expected distilled, got full",
        "expected both sides to speak",
        "real-time should have fired",
        "house-rule should not have fired",
    )


def test_constraints_that_make_no_sense_fail_with_their_sentence(tmp_path: Path) -> None:
    (wrong,) = tried(tmp_path, "given: {memory: 3 potatoes}, expect: {choice: none}")
    assert wrong[0] is False and wrong[1] == () and "memory" in wrong[2][0]
