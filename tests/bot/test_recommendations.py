"""What people read of a recommendation: one choice, its figures, both sides of a conflict, and what was understood."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest
from click.testing import CliRunner

import engine
from bot.cli import group
from bot.commands import parse
from bot.jobs import Answer
from bot.local_slack.validate import problems_of_message
from bot.presentation import present, words
from bot.requests import Lang, Request
from bot.slack.blocks import blocks, fallback, mark
from bot.terminal import mark as terminal_mark
from bot.terminal import render
from engine.codec import recommendation_from_json, recommendation_to_json
from engine.constraints.record import Constraints
from engine.constraints.values import parse_constraints
from engine.identification import Command, Recommendation, RuleHit

CUSTOMERS = "We have 2x4090 and need answers under a second for a customer-service bot in Chinese"
CASES = {
    "chosen": CUSTOMERS,
    "conflict": "very long contracts on an edge box with one RTX 4090",
    "impossible": "full R1 on 2x4090, first token under 1 ms",
    "asked": "",
    "zh": "8×H20，合同审阅，128k 上下文",
}


@pytest.fixture(scope="module")
def advice() -> dict[str, Recommendation]:
    return {name: engine.recommend(scenario=text) for name, text in CASES.items()}


def shown(advice: Recommendation, lang: Lang = "en") -> str:
    """As a terminal prints it."""
    request = Request(verb="recommend", text="", lang=lang)
    return render(present(Answer(recommendation=advice), request, terminal_mark, prefix="r1 "))


def sent(advice: Recommendation, lang: Lang = "en") -> dict[str, object]:
    """As Slack gets it."""
    request = Request(verb="recommend", text="", lang=lang)
    view = present(Answer(recommendation=advice), request, mark, prefix="/r1 ")
    return {"text": fallback(view), "blocks": blocks(view)}


def test_the_first_line_is_the_choice_and_the_next_its_figures(advice: dict[str, Recommendation]) -> None:
    first, _, speed, room, *_ = shown(advice["chosen"]).splitlines()
    assert first.startswith("Run R1-Distill-Qwen-32B") and "2×NVIDIA RTX 4090" in first
    assert "first token after" in speed and "a token" in speed and speed.count("–") == 3
    assert "of memory" in room and "requests at once" in room and "a month" in room
    assert shown(advice["chosen"], "zh").startswith("建议用 R1-Distill-Qwen-32B")


def test_what_is_said_comes_in_the_order_it_is_needed(advice: dict[str, Recommendation]) -> None:
    text = shown(advice["chosen"])
    titles = ["Why", "Rules that spoke", "Runner-up", "Left out", "Mind", "Ready to serve", "What would change it"]
    titles += ["Tell me next, and it may change", "Understood:", "Assumed:"]
    places = [text.index(f"\n{title}\n") for title in titles]
    assert places == sorted(places)
    assert [f"\n  {number}. " in text for number in (1, 2, 3)] == [True] * 3


def test_the_command_can_be_copied(advice: dict[str, Recommendation]) -> None:
    command = advice["chosen"].command
    assert command is not None
    assert f"    {command.text}\n" in shown(advice["chosen"])
    code = [block for block in sent(advice["chosen"])["blocks"] if "```" in str(block)]  # type: ignore[attr-defined]
    assert len(code) == 1 and f"```\n{command.text}\n```" in code[0]["text"]["text"]


def test_a_reason_that_is_a_rule_is_not_said_twice(advice: dict[str, Recommendation]) -> None:
    rules = [hit.reason["en"] for hit in advice["chosen"].hits]
    assert rules and all(shown(advice["chosen"]).count(rule) == 1 for rule in rules)


def test_a_conflict_is_shown_with_both_sides_and_the_priority_that_decides(advice: dict[str, Recommendation]) -> None:
    found = advice["conflict"]
    assert found.conflict
    text = shown(found)
    line = next(line for line in text.splitlines() if "The rules disagree" in line)
    assert all(hit.id in line for hit in found.hits) and "decides: priority" in line
    assert "规则有冲突" in shown(found, "zh")


def test_a_conflict_of_equal_priority_says_so() -> None:
    hits = tuple(
        RuleHit(kind, kind, 50, {"en": f"because {kind}", "zh": f"因为 {kind}"}, "test")  # type: ignore[arg-type]
        for kind in ("full", "distilled")
    )
    text = shown(Recommendation("full", hits=hits, conflict=True))
    assert "equal priority (50)" in text and "the first read, full, decides" in text


def test_what_cannot_be_met_is_said_first_then_why_and_what_would_do(advice: dict[str, Recommendation]) -> None:
    found = advice["impossible"]
    assert found.choice is None and found.excluded
    text = shown(found)
    assert text.startswith("Nothing meets these demands")
    assert text.index("Why nothing fits") < text.index("What would do") < text.index("Understood:")
    assert "its first token would take" in text
    assert shown(found, "zh").startswith("没有方案能满足这些要求")


def test_with_nothing_to_choose_by_it_asks_with_an_example_that_works(advice: dict[str, Recommendation]) -> None:
    for lang in ("en", "zh"):
        text = shown(advice["asked"], lang)  # type: ignore[arg-type]
        example = words(lang)["recommendation"]["example"]
        assert f"r1 {example}" in text and "--gpu 2x4090" in text
        request = parse(example)
        assert engine.recommend(request.constraints, scenario=request.scenario).choice == "distilled"


def test_every_example_is_understood() -> None:
    names = set(Constraints.__dataclass_fields__) | {"latency"}
    for lang in ("en", "zh"):
        said = words(lang)["recommendation"]
        assert set(said["examples"]) == set(said["names"]) == names
        for name, example in said["examples"].items():
            request = parse("recommend x " + shlex.join(example.split(" ", 1)))
            assert parse_constraints(request.constraints).stated(), name


def test_every_value_of_a_constraint_has_its_word() -> None:
    from typing import Literal, get_args, get_origin, get_type_hints

    for name, hint in get_type_hints(Constraints).items():
        for part in get_args(hint):
            if get_origin(part) is Literal:
                assert set(get_args(part)) <= set(words("zh")["recommendation"]["values"]), name


def test_what_was_understood_is_shown_so_that_a_misreading_is_seen(advice: dict[str, Recommendation]) -> None:
    text = shown(advice["chosen"])
    assert "hardware: 2×NVIDIA RTX 4090" in text and "time to first token: ≤ 1 s" in text
    assert "task: customer service" in text and "language: Chinese" in text
    assert "任务：法律" in shown(advice["zh"], "zh") and "上下文长度：131,072" in shown(advice["zh"], "zh")
    unread = replace(advice["chosen"], unread=("at least 3 <b>bananas</b>",))
    assert "at least 3 <b>bananas</b>" in shown(unread)
    assert "<b>" not in str(sent(unread)) and "bananas" in str(sent(unread))


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", CASES)
def test_every_reply_is_short_enough_for_slack(advice: dict[str, Recommendation], name: str, lang: Lang) -> None:
    message = sent(advice[name], lang)
    assert problems_of_message(message) == []
    assert len(json.dumps(message["blocks"], ensure_ascii=False)) < 9_000


def test_a_command_of_any_length_and_content_is_valid_for_slack(advice: dict[str, Recommendation]) -> None:
    for text in ("x" * 5_000, "a ``` b <!channel> & c", "line\n" * 900, "\u202e\x1b[31m", "`" * 4_000):
        found = replace(advice["chosen"], command=Command("vllm", text))
        message = sent(found)
        assert problems_of_message(message) == []
        assert str(message).count("```") % 2 == 0 and "<!channel>" not in str(message)
        assert "\x1b" not in shown(found) and "\u202e" not in shown(found)


# What is kept


@pytest.mark.parametrize("name", CASES)
def test_a_recommendation_is_kept_whole(advice: dict[str, Recommendation], name: str) -> None:
    kept = json.dumps(recommendation_to_json(advice[name]), allow_nan=False)
    found = recommendation_from_json(json.loads(kept))
    assert shown(found) == shown(advice[name]) and shown(found, "zh") == shown(advice[name], "zh")
    assert found.option == advice[name].option and found.excluded == advice[name].excluded


def test_what_cannot_run_at_all_is_kept_as_valid_json() -> None:
    found = engine.recommend({"hardware": "1x T4"}, scenario="legal contracts")
    kept = json.dumps(recommendation_to_json(found), allow_nan=False)
    assert recommendation_from_json(json.loads(kept)).excluded == found.excluded


def test_recommendations_of_earlier_versions_are_still_shown() -> None:
    hit = {"effect": "distilled", "priority": 60, "id": "real-time", "source": "article",
           "reason": {"en": "Real-time use favours a distilled model.", "zh": "实时场景宜用蒸馏版。"}}  # fmt: skip
    caution = {
        **hit,
        "id": "test-first",
        "effect": "caution",
        "reason": {"en": "A/B test it.", "zh": "先做 A/B 测试。"},
    }
    kept = {"choice": "distilled", "hits": [hit], "conflict": False, "cautions": [caution], "missing": [],
            "fits_target": None, "constraints": {"latency": 0.5, "device": "edge", "scenario": "edge"}}  # fmt: skip
    found = recommendation_from_json(kept)
    for text, parts in (
        (
            shown(found),
            ("Run a distilled model", "Real-time use favours", "A/B test it", "time to first token: ≤ 500 ms"),
        ),
        (shown(found, "zh"), ("建议用蒸馏版", "实时场景宜用", "先做 A/B 测试", "边缘设备")),
    ):
        assert all(part in text for part in parts), text
    assert problems_of_message(sent(found)) == []
    open_one = recommendation_from_json({"choice": None, "hits": [], "conflict": False, "cautions": [],
                                         "missing": ["device", "latency"], "fits_target": None, "constraints": {}})  # fmt: skip
    assert "--ttft 1s" in shown(open_one)


# Beside a verdict


def test_beside_a_verdict_it_is_short_and_below_the_evidence(samples: object) -> None:
    found = engine.identify(f"{samples}/DeepSeek-R1-Distill-Qwen-7B", scenario=CUSTOMERS)
    request = Request(verb="identify", text="", lang="en", target="x")
    text = render(present(Answer(identification=found, verdict_id="k3m9x7wq2a"), request, terminal_mark, prefix="r1 "))
    assert text.startswith("✓ As claimed") and text.index("Evidence") < text.index("Which to run")
    joined = text[text.index("Which to run") :]
    assert "Run R1-Distill-Qwen-32B" in joined and "It is R1-Distill-Qwen-7B" in joined
    assert found.recommendation.command is not None and found.recommendation.command.text in joined
    assert "Runner-up" not in joined and "Left out" not in joined and len(joined.splitlines()) < 15


def test_a_kept_verdict_is_explained_with_its_recommendation(samples: object) -> None:
    done = CliRunner().invoke(
        group,
        ["identify", f"{samples}/DeepSeek-R1-Distill-Qwen-7B", "--gpu", "2x4090", "--json"],
        standalone_mode=False,
    )
    assert done.exception is None, done.exception
    kept = json.loads(done.stdout)
    done = CliRunner().invoke(group, ["explain", kept["id"], "--lang", "zh"], standalone_mode=False)
    option = kept["recommendation"]["option"]
    assert f"建议用 {option['title']['zh']}" in done.stdout and kept["recommendation"]["command"]["text"] in done.stdout


def test_nothing_that_fits_is_said_beside_a_verdict_too(samples: object) -> None:
    found = engine.identify(f"{samples}/DeepSeek-R1-Distill-Qwen-7B", scenario=CASES["impossible"])
    request = Request(verb="identify", text="", lang="zh", target="x")
    text = render(present(Answer(identification=found), request, terminal_mark, prefix="r1 "))
    assert "没有方案能满足这些要求" in text
