"""Two models asked the same cases, by a real server on loopback whose models are right on known shares of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from comparing.answering import Answering, answering

import engine
from engine.comparing.records import Case, Comparison, Line, Task
from engine.errors import R1Error

CASES = tuple(
    Case(str(at), f"What is the word number {at}? [[word{at}]]", answers=(f"word{at}",), points=((f"word{at}",),))
    for at in range(400)
)
TASK = Task("words", "qa", "en", CASES, max_tokens=16)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, Answering]]:
    with answering() as served:
        yield served


def spec(server: tuple[str, Answering], model: str) -> str:
    return f"{server[0]}#{model}"


def line(comparison: Comparison, metric: str) -> Line:
    return next(one for one in comparison.lines if one.metric == metric)


def test_a_better_model_is_told_before_all_cases_are_asked(server: tuple[str, Answering]) -> None:
    found = engine.compare(spec(server, "right-0.9"), spec(server, "right-0.6"), TASK, concurrency=32)
    exact = line(found, "em")
    assert (found.decision, found.ended) == ("a", "decided") and found.asked < len(CASES)
    assert exact.low is not None and exact.high is not None and exact.low < exact.high < 0
    assert exact.enough and exact.relative is not None and exact.relative < 0 and exact.p is not None and exact.p < 0.05
    assert {"sentences_per_second", "tokens_per_second", "ttft", "seconds"} <= {one.metric for one in found.lines}
    assert found.omissions and {one.side for one in found.omissions} <= {"a", "b"}


def test_models_that_are_alike_are_called_so_and_too_few_cases_too_few(server: tuple[str, Answering]) -> None:
    same = engine.compare(spec(server, "right-0.9"), spec(server, "right-0.90"), TASK, concurrency=32, gap=0.1)
    assert same.decision == "alike" and line(same, "em").enough
    few = engine.compare(
        spec(server, "right-0.8"), spec(server, "right-0.7"), replace(TASK, cases=CASES[:24]), gap=0.02
    )
    exact = line(few, "em")
    assert (few.decision, few.ended, few.asked) == ("more_data", "all", 24)
    assert not exact.enough and exact.needed is not None and exact.needed > 24


def test_nothing_is_asked_twice_whatever_broke_off(server: tuple[str, Answering], tmp_path: Path) -> None:
    a, b, task = spec(server, "right-0.81"), spec(server, "right-0.82"), replace(TASK, cases=CASES[:60])
    seen: list[int] = []

    def on_progress(progress: engine.Answered) -> None:
        seen.append(progress.done)

    broken = engine.compare(
        a,
        b,
        task,
        cache=tmp_path,
        concurrency=4,
        on_progress=on_progress,
        cancelled=lambda: bool(seen) and seen[-1] >= 10,
    )
    assert broken.ended == "cancelled" and 10 <= broken.asked < 60
    whole = engine.compare(a, b, task, cache=tmp_path, concurrency=4)
    assert whole.asked == 60 and sum(answer.cached for answer in whole.answers["a"]) >= broken.asked
    asked = server[1].asked["right-0.81"]
    again = engine.compare(a, b, task, cache=tmp_path)
    assert server[1].asked["right-0.81"] == asked <= 60 + 8 and again.cost["a"]["requests"] == 0
    assert again.lines == whole.lines


def test_a_budget_ends_it_and_failures_are_told_apart(server: tuple[str, Answering]) -> None:
    dear = engine.compare(spec(server, "right-0.5"), spec(server, "right-0.6"), TASK, budget=2_000)
    assert dear.ended == "budget" and 2 < dear.asked < 40
    assert sum(dear.cost[side][name] for side in ("a", "b") for name in ("prompt_tokens", "completion_tokens")) <= 2_000
    with pytest.raises(R1Error) as problem:
        engine.compare(spec(server, "fails"), spec(server, "right-0.6"), TASK)
    assert "out of order" in problem.value.sentence("en")
    with pytest.raises(R1Error, match="endpoint"):
        engine.compare("nothing/here", spec(server, "right-0.6"), TASK)


def test_a_judge_is_asked_with_the_answers_in_both_places(server: tuple[str, Answering]) -> None:
    task = replace(TASK, kind="rubric", cases=CASES[:40], rubric="The word is given.")
    sides = spec(server, "right-1.0"), spec(server, "right-0.3")
    vain = engine.compare(*sides, task, judge=spec(server, "judge-first"))
    assert line(vain, "rubric").a == line(vain, "rubric").b == 0.5 and vain.decision != "a"
    assert vain.agreement is not None and vain.agreement < 0.5
    sound = engine.compare(*sides, task, judge=spec(server, "judge-long"))
    assert sound.agreement == 1.0 and sound.decision == "b"
    with pytest.raises(R1Error, match="judge"):
        engine.compare(*sides, task)


def test_recorded_answers_are_a_side_and_a_script_scores(server: tuple[str, Answering], tmp_path: Path) -> None:
    file = tmp_path / "old.jsonl"
    file.write_text("".join(f'{{"id": "{at}", "answer": "word{at}"}}\n' for at in range(30)), "utf-8")
    script = "def check(case, answer):\n    return answer == case['answers'][0]\n"
    task = replace(TASK, kind="script", script=script, cases=CASES[:30])
    found = engine.compare(str(file), spec(server, "right-0.5"), task)
    checked = line(found, "script")
    assert checked.a == 1.0 and 0.2 < checked.b < 0.8 and found.decision == "a" and found.a == "old.jsonl"
