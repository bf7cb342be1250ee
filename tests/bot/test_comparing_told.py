"""A comparison on a task as people read it: what it implies, the table, the report; and how it is asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.commands import parse
from bot.comparing.article import ARTICLE
from bot.comparing.cached import folder_of, forget_answers
from bot.comparing.kept import compared_from_json, compared_of, compared_to_json
from bot.comparing.pace import Pace
from bot.comparing.records import Compared
from bot.comparing.ruling import rule
from bot.comparing.uploads import upload_of
from bot.forgetting import Scope
from bot.jobs import Answer as Told
from bot.local_slack.validate import problems_of_message
from bot.presentation import present
from bot.presentation.going import Going, TaskLine, far_text, span_text
from bot.report.comparison import comparison_report
from bot.requests import Lang, OnTask, Origin, Request, request_from_json, request_to_json
from bot.settings import load_settings
from bot.slack.blocks import blocks, fallback
from bot.slack.blocks import mark as slack_mark
from bot.store.models import now
from bot.terminal import mark, render
from bot.understanding.line import line_of
from engine.comparing.records import Answer, Case, Comparison, Line, Omission, Task
from engine.comparing.statistics import relative
from engine.errors import UsageError
from engine.identification import Recommendation, RuleHit

TASK = Task("qa-zh", "qa", "zh", tuple(Case(f"c{n}", f"第 {n} 题：最大剂量？", ("400 mg",)) for n in range(4)))
RULE = RuleHit("detail", "full", 50, {"en": "Details matter.", "zh": "细节要紧。"}, "article")
HASTE = RuleHit("real-time", "distilled", 70, {"en": "It is real-time.", "zh": "要求实时。"}, "article")


def line(metric: str, a: float, b: float, low: float | None, high: float | None, **more: Any) -> Line:
    group = more.pop("group", "quality")
    values = {"p": 0.01 if group == "quality" else None, "effect": None, "better": True, "cases": 4, **more}
    return Line(metric, group, a, b, low, high, relative(a, b), **values)


def made(decision: Any, **more: Any) -> Comparison:
    """A answers better, B is faster."""
    lines = (
        line("em", 0.785, 0.752, -0.06, -0.01, needed=420, enough=decision != "more_data"),
        line("length", 210, 35, -190, -160, group="features", better=None),
        line("sentences_per_second", 12.5, 38.7, 20, 30, group="speed"),
        line("ttft", 1.4, 0.3, -1.3, -0.9, group="speed", better=False),
    )
    answers: Any = {
        "a": tuple(Answer(case.id, "每日最大剂量为 400 mg。") for case in TASK.cases),
        "b": tuple(Answer(case.id, "<b>*200*</b> mg" if at else "400 mg") for at, case in enumerate(TASK.cases)),
    }
    scores: Any = {
        "em": {"a": dict.fromkeys(("c0", "c1", "c2", "c3"), 1.0), "b": {"c0": 1.0, "c1": 0.0, "c2": 0.0, "c3": 0.0}}
    }
    known = {"answers": answers, "scores": scores, "omissions": (Omission("c1", "b", "最大剂量"),)}
    first, second = "vendor-a", "/models/DeepSeek-R1-Distill-Qwen-7B"
    return Comparison("qa-zh", "qa", first, second, "em", 0.05, lines, decision, "all", 4, 4, **{**known, **more})


def told(decision: Any, advice: Recommendation | None = None, **more: Any) -> Compared:
    found = made(decision, **more)
    return replace(compared_of(found, TASK, rule(found, advice)), id="k3m9x7wq2a")


def shown(found: Compared, lang: Lang) -> str:
    return render(present(Told(compared=found), asked(lang), mark, prefix="r1 "))


def asked(lang: Lang) -> Request:
    return Request("compare", "", lang, "vendor-a", other="vendor-b", on_task=OnTask("qa-zh"))


def test_the_articles_table_is_computed_from_its_own_figures() -> None:
    assert [f"{100 * one.relative:+.1f}" for one in ARTICLE] == ["-2.8", "-4.2", "-3.4", "+209.6"]
    assert [one.agrees for one in ARTICLE] == [True, True, True, False]
    said = render(present(Told(tasks=()), Request("compare", "", "en", action="list"), mark, prefix="r1 "))
    assert "−2.8%" in said and "+209.6%" in said and "The last is 209.6 %, the article prints 209." in said


@pytest.mark.parametrize(
    ("decision", "advice", "take", "why"),
    [
        ("b", None, "b", "quality"),
        ("trade", None, None, "unweighed"),
        ("trade", Recommendation(None, hits=(RULE,)), "a", "rule"),
        ("trade", Recommendation(None, hits=(RULE, HASTE)), "b", "rule"),
        ("a", Recommendation(None, constraints={"ttft": 1.0}), "b", "demands"),
        ("a", Recommendation(None, constraints={"ttft": 0.1}), None, "neither"),
        ("alike", None, "b", "cheaper"),
        ("more_data", None, None, "more"),
    ],
)
def test_what_to_take_follows_the_figures_and_the_demands(
    decision: Any, advice: Recommendation | None, take: str | None, why: str
) -> None:
    ruling = rule(made(decision), advice)
    assert (ruling.take, ruling.why) == (take, why)
    assert shown(told(decision, advice), "en") and shown(told(decision, advice), "zh")


def test_the_table_is_the_articles_with_intervals_and_whether_the_data_are_enough() -> None:
    said = shown(told("more_data"), "en")
    row = next(line for line in said.splitlines() if line.startswith("  Exact match") and "  78.5" in line)
    assert row.split("  ")[1:] and all(
        part in row for part in ("78.5", "75.2", "−4.2%", "−6.0 … −1.0 pts", "about 416")
    )
    assert "about 416 cases more would show a gap of 5 points" in said and "all the cases of the task" in said
    assert "+209.6%" in said and "1 of what the cases or the other answer have: 最大剂量 (case c1)" in said
    chinese = shown(told("trade"), "zh")
    assert "B 相对 A" in chinese and "一个答得更好，另一个更快" in chinese and "−4.2%" in chinese


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_slack_takes_it_whatever_the_answers_hold(lang: Lang) -> None:
    hostile = "<!channel> ```" + "x" * 5_000
    omissions = tuple(Omission(f"c{n}", "b", f"{hostile}{n}") for n in range(300))
    found = replace(made("trade", omissions=omissions, notes=(hostile,)), task=hostile, a=hostile)
    compared = compared_of(found, TASK, rule(found))
    view = present(Told(compared=replace(compared, id="k3m9x7wq2a")), asked(lang), slack_mark, prefix="/r1 ")
    assert problems_of_message({"text": fallback(view), "blocks": blocks(view, lang)}) == []
    lines = tuple(TaskLine(f"t{n}", "qa", "en", n) for n in range(200))
    listed = present(Told(tasks=lines), asked(lang), slack_mark, prefix="/r1 ")
    assert problems_of_message({"text": fallback(listed), "blocks": blocks(listed, lang)}) == []


def test_what_is_kept_is_what_was_found_and_its_report_shows_where_they_differ() -> None:
    found = told("trade", Recommendation(None, hits=(RULE,), constraints={"ttft": 1.0}))
    again = compared_from_json(compared_to_json(found))
    assert replace(again, id=found.id) == found and not again.comparison.answers
    html = comparison_report(again, "en").html.decode()
    assert html.count('class="case"') == 3 and "&lt;b&gt;*200*&lt;/b&gt;" in html and "<b>*200*" not in html
    assert "the article prints 209" in html and 'class="reach bad"' in html and "<script" not in html


def test_a_comparison_on_a_task_is_asked_for_in_one_line_and_said_back_so() -> None:
    said = 'compare vendor-a vendor-b --task qa-zh --gap 0.02 --ttft 1s --scenario "客服" --budget-tokens 90000'
    request = parse(said)
    assert request.on_task == OnTask("qa-zh", gap=0.02) and request.constraints == {"ttft": "1s"}
    assert request.budget_tokens == 90_000 and request.scenario == "客服"
    assert replace(parse(line_of(request)), text="") == replace(request, text="")
    assert request_from_json(request_to_json(request)) == request
    assert parse("compare tasks").action == "list" and parse("对比 任务").action == "list"
    for wrong, code in (
        ("--gap 3 --task qa-zh", "option_share"),
        ("--gap .02", "task_missing"),
        ("--task ''", "task_missing"),
    ):
        with pytest.raises(UsageError) as refused:
            parse(f"compare vendor-a vendor-b {wrong}")
        assert refused.value.code == code


def test_time_left_follows_how_fast_it_goes_not_what_was_known_before() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    assert pace.left(50, 100) is None  # known already, and there at once
    now[0] = 10.0
    assert pace.left(60, 100) == pytest.approx(40)
    assert far_text(Going(60, 100, 40.0, 12_000), "en") == "60 of 100 cases, about 40 s left, 12,000 tokens so far"
    assert [span_text(span, "zh") for span in (0.2, 600, 7_260, 200_000)] == [
        "1 秒",
        "10 分钟",
        "2 小时 1 分",
        "2 天 7 小时",
    ]


@pytest.mark.parametrize(
    ("told", "code"),
    [({"name": "a.exe", "size": 3}, "task_file_type"), ({"name": "a.csv", "size": 9_000_000}, "task_file_size")],
)
def test_files_that_are_no_tasks_are_refused_by_their_names_and_sizes(told: dict[str, Any], code: str) -> None:
    with pytest.raises(UsageError) as refused:
        upload_of({"id": "F1", **told})
    assert refused.value.code == code
    assert upload_of({"id": "F1", "name": "../../etc/任务 1.csv", "size": 3}).name == ".._.._etc_任务 1.csv"


def test_kept_answers_go_with_whoever_is_forgotten_and_nobody_else(tmp_path: Path) -> None:
    settings = load_settings(answers_dir=tmp_path / "answers")
    people = [Origin("slash", "T1", user="U1"), Origin("slash", "T1", user="U2"), Origin("cli", user="../../ana")]
    for one in people:
        folder_of(settings, one).mkdir(parents=True)
        (folder_of(settings, one) / "answers.sqlite").write_bytes(b"kept")
    assert all(folder_of(settings, one).resolve().is_relative_to(tmp_path / "answers") for one in people)
    forget_answers(settings, Scope(user="U1", team="T1"))
    assert [folder_of(settings, one).exists() for one in people] == [False, True, True]
    forget_answers(settings, Scope(before=now() - timedelta(days=1)))
    assert (folder_of(settings, people[1]) / "answers.sqlite").exists()
    forget_answers(settings, Scope(before=now() + timedelta(days=1)))
    assert not (folder_of(settings, people[1]) / "answers.sqlite").exists()
