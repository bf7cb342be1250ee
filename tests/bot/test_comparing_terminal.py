"""`r1 compare A B --task`: recorded answers and endpoints, what is printed and kept, how one goes on after Ctrl-C."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import r1

TASK = "\n".join(
    json.dumps({"id": f"c{n}", "question": f"What is {n} plus {n}?", "answers": [str(2 * n)]}) for n in range(40)
)


@pytest.fixture
def task(tmp_path: Path) -> str:
    """Forty cases, and recorded answers of two that differ in every fourth."""
    (tmp_path / "sums.jsonl").write_text(TASK)
    for name, wrong in (("good", 0), ("poor", 4)):
        rows = [{"id": f"c{n}", "answer": "none" if wrong and n % wrong == 0 else str(2 * n)} for n in range(40)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return str(tmp_path / "sums.jsonl")


def test_recorded_answers_are_compared_kept_and_reported(task: str, tmp_path: Path) -> None:
    good, poor = str(tmp_path / "good.jsonl"), str(tmp_path / "poor.jsonl")
    done = r1(
        "compare",
        good,
        poor,
        "--task",
        task,
        "--kind",
        "qa",
        "--gap",
        "0.2",
        "--report",
        str(tmp_path / "r.html"),
        "--json",
    )
    found = json.loads(done.stdout)
    assert (found["decision"], found["main"], found["kind"]) == ("a", "em", "qa")
    line = found["lines"][0]
    assert line["a"] == 1.0 and line["low"] < line["relative"] == line["b"] - 1.0 < 0 and line["high"] < 0
    wrong = [pair["case"] for pair in found["pairs"]]
    assert found["ruling"]["take"] == "a" and all(int(case[1:]) % 4 == 0 for case in wrong)
    assert f"<bdi>{wrong[0]}</bdi>" in (tmp_path / "r.html").read_text(encoding="utf-8")
    said = r1("explain", found["id"], "--lang", "zh").stdout
    assert "good.jsonl" in said and "该选哪个" in said
    written = json.loads(r1("report", found["id"], "-o", str(tmp_path / "again.html"), "--json").stdout)
    assert written["id"] == found["id"] and written["bytes"] > 5_000
    same = r1("compare", good, good, "--task", task, "--kind", "qa", "--gap", ".2")
    assert "as good as each other" in same.stdout or "Not known yet" in same.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--task", "no-such-task"), "no-such-task"),
        (("--task", "qa-en", "--kind", "maths"), "ships with this program"),
        (("--task", "qa-en", "--gap", "5"), "above 0 and below 1"),
        (("--task", "qa-en", "--judge", "nobody"), "nobody"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_a_sentence(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "c0", "answer": "x"}')
    done = r1("compare", str(tmp_path / "a.jsonl"), str(tmp_path / "a.jsonl"), *words)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


def test_the_tasks_that_ship_and_the_articles_table_are_listed() -> None:
    names = {row["name"]: row for row in json.loads(r1("compare", "tasks", "--json").stdout)}
    assert names["qa-zh"]["language"] == "zh" and names["qa-zh"]["cases"] > 0
    article = json.loads(r1("compare", "article", "--json").stdout)
    assert [f"{100 * row['relative']:+.1f}" for row in article] == ["-2.8", "-4.2", "-3.4", "+209.6"]
    assert (
        "prints 209" in r1("compare", "article").stdout
        and "文章写作 209" in r1("compare", "article", "--lang", "zh").stdout
    )
