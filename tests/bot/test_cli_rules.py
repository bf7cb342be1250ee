"""Rules in the terminal: listed, linted, tried, in both languages."""

from __future__ import annotations

import json
from pathlib import Path

from command_line import r1

RULE = "{id: house-rule, effect: full, priority: 99, words: {en: [gpu]}, reason: {en: Ours, zh: 自家}, source: us}"


def written(folder: Path, text: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_rules_that_ship_have_nothing_wrong_and_pass_their_tests() -> None:
    clean = r1("rules", "lint")
    assert (clean.returncode, clean.stdout) == (0, "Nothing is wrong with article.yaml.\n")
    tried = r1("rules", "test", "--lang", "zh")
    assert tried.returncode == 0 and "0 条不符" in tried.stdout and "real-time (蒸馏版, 60)" in tried.stdout
    assert all(row["passed"] and row["fired"] is not None for row in json.loads(r1("rules", "test", "--json").stdout))


def test_rules_are_listed_by_priority_with_their_reasons() -> None:
    lines = r1("rules", "list").stdout.splitlines()
    assert lines[0].split() == ["100", "weights-do-not-fit", "distilled"] and "335 GB" in lines[1]
    assert "蒸馏版" in r1("rules", "list", "--lang", "zh").stdout
    listed = json.loads(r1("rules", "list", "--json").stdout)
    assert [rule["priority"] for rule in listed] == sorted((rule["priority"] for rule in listed), reverse=True)


def test_ones_own_files_in_the_settings_are_listed_linted_and_tried(tmp_path: Path) -> None:
    path = written(tmp_path, f"rules:\n  - {RULE}\ntests:\n  - {{message: a gpu, expect: {{fires: [house-rule]}}}}\n")
    files = json.dumps([path])
    assert "house-rule" in r1("rules", "list", R1_RULE_FILES=files).stdout
    assert "mine.yaml" in r1("rules", "lint", R1_RULE_FILES=files).stdout
    assert "house-rule (full, 99)" in r1("rules", "test", R1_RULE_FILES=files).stdout
    assert r1("rules", "test", path).stdout.endswith("Tests: 1, wrong: 0.\n")


def test_what_is_wrong_with_a_file_is_a_sentence_with_its_line(tmp_path: Path) -> None:
    path = written(
        tmp_path, f"rules:\n  - {RULE}\n  - {RULE.replace('words', 'when').replace('en: [gpu]', 'vram: 5')}\n"
    )
    done = r1("rules", "lint", path)
    assert done.returncode == 2 and done.stderr == ""
    assert done.stdout.splitlines()[0].startswith("mine.yaml:3: ")
    assert "mine.yaml:3: id “house-rule”" in r1("rules", "lint", path, "--lang", "zh").stdout
    assert {row["code"] for row in json.loads(r1("rules", "lint", path, "--json").stdout)} == {"constraint_unknown", "id_twice"}  # fmt: skip


def test_a_test_that_fails_says_what_fired_instead(tmp_path: Path) -> None:
    path = written(tmp_path, f"rules:\n  - {RULE}\ntests:\n  - {{message: a gpu, expect: {{choice: distilled}}}}\n")
    done = r1("rules", "test", path)
    assert done.returncode == 2 and "expected distilled, got full" in done.stdout
    assert "✗ mine.yaml:4" in done.stdout and "Tests: 1, wrong: 1." in done.stdout


def test_a_file_without_tests_or_without_sense_gets_a_sentence(tmp_path: Path) -> None:
    assert "may hold a list called tests" in r1("rules", "test", written(tmp_path, f"rules:\n  - {RULE}\n")).stdout
    for verb in ("lint", "test"):
        broken = r1("rules", verb, written(tmp_path, "rules: [\x1b[31m"))
        assert broken.returncode == 2 and "mine.yaml" in broken.stdout + broken.stderr
        assert "\x1b" not in broken.stdout + broken.stderr and "Traceback" not in broken.stderr
    assert r1("rules", "lint", str(tmp_path / "nowhere.yaml")).returncode == 2
