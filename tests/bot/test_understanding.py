"""Free words, follow-ups and the line that says the same: what is understood, and what must never happen by mistake."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.commands import parse
from bot.requests import Earlier, Request, Schedule
from bot.understanding.demands import as_text, token_budget
from bot.understanding.line import line_of
from engine.constraints.values import parse_constraints
from engine.errors import UsageError
from tests.benchmarks.understanding import Score, read, score
from tests.bot.utterances.loading import TODAY, utterances

NAMES = ("prod", "staging", "gw", "r1-gateway")
EXPENSIVE = ("watch", "compare", "endpoint")
SCORES = tuple(score(theme, said, read(said)) for theme, said in utterances())


def ask(*turns: str) -> Request:
    """The last of these messages of a thread, understood."""
    earlier: Earlier | None = None
    for place, text in enumerate(turns[:-1]):
        before = earlier
        request = parse(text, names=lambda: NAMES, earlier=lambda before=before: before, today=TODAY)  # type: ignore[misc]
        if request.verb not in ("help", "other"):
            found = "k3m9x7wq2a" if request.verb == "identify" and request.sure else None
            earlier = Earlier(f"q{place}", request, found, before.subject() if before else None)
    return parse(turns[-1], names=lambda: NAMES, earlier=lambda: earlier, today=TODAY)


def spends(request: Request) -> bool:
    """Whether it would do something expensive, and at once."""
    acts = request.verb in ("compare", "watch") or request.thorough
    acts = acts or (request.verb == "endpoint" and request.action == "remove")
    harmless = request.action in ("list", "remove", "pause") and request.verb == "watch"
    return acts and not harmless and request.sure and request.ask is None


# The utterances that were written before


def test_what_people_say_is_understood() -> None:
    held_out = [one for one in SCORES if one.theme != "adversarial"]
    missed = [one.said.id for one in held_out if not one.three]
    assert len(missed) <= 0.03 * len(held_out), missed


def test_nothing_expensive_happens_that_nobody_asked_for() -> None:
    def shown(scores: tuple[Score, ...]) -> list[str]:
        return [one.said.id for one in scores if one.unasked]

    assert shown(SCORES) == []
    at_once = [one.said.text for one in SCORES if one.said.turns and one.read.free and one.read.sure]
    assert not any("every" in text and "watch" in text for text in at_once)


def test_each_trap_is_seen() -> None:
    assert [one.said.id for one in SCORES if one.theme == "adversarial" and not one.three] == []


# What is expensive


@pytest.mark.parametrize(
    "text",
    ["please watch prod every 6 hours", "compare prod and staging", "帮我盯一下 prod，每天一次", "对比一下 prod 和 staging",
     "a thorough look at gw, is it full R1?", "delete the endpoint staging", "把 staging 这个接口删掉", "watch prod every 6h"],
)  # fmt: skip
def test_what_is_expensive_is_confirmed_first(text: str) -> None:
    request = ask(text)
    assert not request.sure and not spends(request)
    confirmed = ask(text, "yes")
    assert confirmed.sure and confirmed.confirms == "q0"
    assert replace(confirmed, sure=False, confirms=None, text=request.text, lang=request.lang) == request
    assert ask(text, "no, leave it") == Request("cancel", "no, leave it", "en", free=True, confirms="q0")


@pytest.mark.parametrize(
    "text", ["watch prod --every 6h", "compare org/a-7b org/b-7b", "identify gw --thorough", "endpoint remove gw"]
)
def test_a_typed_command_runs_at_once(text: str) -> None:
    assert spends(ask(text))


@pytest.mark.parametrize(
    "text",
    ["don't watch prod", "why would anyone compare prod and staging?", "should I watch prod every hour?",
     "who removed the gw endpoint?", "please do not delete endpoint gw", "how do I watch prod?", "先别对比 prod 和 staging",
     "> watch prod every minute\nwhat does this do?", "谁删了 gw 接口", "不要监控 prod", "怎么监控 prod？",
     "the runbook says \"endpoint remove gw\"", "identify gw without --thorough", "stop", "compare", "watch"],
)  # fmt: skip
def test_denials_questions_and_quotations_do_nothing(text: str) -> None:
    for words in (text, text.upper(), f"hello, {text}"):
        assert not spends(ask(words)) and ask(words).verb != "endpoint"


@pytest.mark.parametrize(
    ("said", "action", "until"),
    [
        ("mute it for a week", "mute", 7), ("静音一周", "mute", 7), ("mute prod for 3 days", "mute", 3), ("把 prod 静音两周", "mute", 14),
        ("mute prod", "mute", None), ("unmute it", "unmute", None), ("取消静音", "unmute", None),
        ("accept it as normal", "accept", None), ("Accept prod as the new normal", "accept", None),
        ("接受为新常态", "accept", None), ("接受 prod 为新常态", "accept", None),
    ],
)  # fmt: skip
def test_a_watch_is_muted_and_a_change_accepted_by_saying_so(said: str, action: str, until: int | None) -> None:
    for turns in (["watch prod every 6h", said], ["看一下 prod", said]):
        found = ask(*turns)
        assert (found.verb, found.action, found.target, found.sure) == ("watch", action, "prod", True), turns
        assert (found.schedule.until if found.schedule else None) == (until and TODAY + timedelta(days=until))
    assert ask("watch prod every 6h", "mute at night").action == "add"
    assert ask("watch prod every 6h", "should I mute it?", "the mic is muted").action != "mute"


def test_yes_confirms_only_what_waits() -> None:
    assert ask("yes").verb == "other"
    assert ask("identify org/x-7b", "yes").verb == "other"
    assert ask("watch prod every 6h", "hmm, yes?").confirms is None
    assert ask("watch prod every 6h", "is org/x-7b full?", "yes").confirms is None


def test_a_mistyped_name_is_put_right_only_where_it_is_shown_first() -> None:
    assert (ask("watch stagin every day").target, ask("watch stagin every day").sure) == ("staging", False)
    assert ask("please delete the endpoint stagin").target is None


# Threads


@pytest.mark.parametrize(
    ("turns", "verb", "target", "constraints"),
    [
        (["can a 4090 run the 32B?", "and two of them?"], "size", "deepseek-r1:32b", {"hardware": "2x rtx-4090"}),
        (["2张A100跑70B够吗", "换成H200呢"], "size", "deepseek-r1:70b", {"hardware": "2x h200"}),
        (["which one for legal work on 8 H20?", "what about the 14B?"], "size", "deepseek-r1:14b", {"hardware": "8x h20-96gb"}),
        (["recommend --budget 5USD/h --task legal", "twice the budget"], "recommend", None, {"budget": "10 USD/hour", "task": "legal"}),
        (["recommend --gpu 2x4090 --ttft 1s", "latency doesn't matter"], "recommend", None, {"hardware": "2x rtx-4090"}),
        (["is org/x-7b full?", "would it run on a 3090?"], "size", "org/x-7b", {"hardware": "1x rtx-3090"}),
        (["identify", "org/x-7b"], "identify", "org/x-7b", {}),
        (["compare", "prod and staging"], "compare", "prod", {}),
    ],
)  # fmt: skip
def test_a_message_goes_on_with_the_question_before(
    turns: list[str], verb: str, target: str | None, constraints: dict[str, str]
) -> None:
    request = ask(*turns)
    assert (request.verb, request.target, dict(request.constraints)) == (verb, target, constraints)


ASIDES: tuple[list[str], ...] = (
    [], ["and on 8 H20?"], ["which model for code on an H100?"], ["can a 4090 run the 32B?"], ["what am I watching?"],
    ["compare it with staging", "no"], ["算了"], ["help", "谢谢"], ["为什么？", "and on 8 H20?", "cancel"],
)  # fmt: skip


@pytest.mark.parametrize("aside", ASIDES, ids=lambda aside: " / ".join(aside) or "at once")
def test_a_thread_remembers_the_model_that_it_is_about(aside: list[str]) -> None:
    def then(text: str) -> Request:
        return ask("is prod the full R1?", *aside, text)

    for text in ("check again", "再查一遍"):
        again = then(text)
        assert (again.verb, again.target, again.fresh, again.thorough) == ("identify", "prod", True, False)
        assert again.sure
    for text in ("take a thorough look at it", "彻底查一遍"):
        closely = then(text)
        assert (closely.verb, closely.target, closely.thorough, closely.sure) == ("identify", "prod", True, False)
    for text in ("watch it every day at 9am", "每天早上9点查一次"):
        watch = then(text)
        assert (watch.verb, watch.target, watch.sure) == ("watch", "prod", False)
        assert watch.schedule == Schedule("1d", at=("09:00",))
    for text in ("compare it with gw", "和 gw 比一下", "and compared with gw?", "和 gw 比呢？"):
        both = then(text)
        assert (both.verb, both.target, both.other, both.sure) == ("compare", "prod", "gw", False)
    assert then("和 /models/x 比呢？").other == then("and compared with /models/x?").other == "/models/x"
    assert then("yes").confirms is None and then("好的").confirms is None


@pytest.mark.parametrize("aside", [[], ["and on 8 H20?"], ["what am I watching?"], ["算了"]], ids=str)
def test_why_and_the_report_are_of_the_verdict_of_the_thread(aside: list[str]) -> None:
    for text, verb in {"why?": "explain", "为什么？": "explain", "report": "report", "出份报告": "report"}.items():
        asked = ask("is prod the full R1?", *aside, text)
        assert (asked.verb, asked.verdict_id, asked.ask) == (verb, "k3m9x7wq2a", None)


def test_another_verdict_is_not_taken_for_one_of_the_same_model() -> None:
    assert ask("is prod the full R1?", "why x3m9x7wq2b?", "check again").verb == "other"
    assert ask("is prod the full R1?", "which model for code on an H100?", "why is the sky blue?").verb == "other"


def test_a_day_alone_is_no_watch() -> None:
    for before in ("我在盯着哪些？", "what am I watching?", "watch prod every 6h", "天天盯 prod"):
        for text in ("今天天气不错", "nice weather today"):
            assert ask(before, text).verb == "other"
    assert ask("watch prod every 6h", "改成明天").schedule == Schedule("6h", once=date(2026, 11, 27))
    assert ask("我在盯着哪些？", "watch it every day").ask == "target"
    assert ask("watch prod every 6h", "and on 8 H20?", "yes").confirms is None
    assert (ask("天天查 prod").verb, ask("天天查 prod").schedule) == ("watch", Schedule("1d"))


@pytest.mark.parametrize(
    ("text", "kept"),
    [("is prod really the full R1?", ""), ("what is prod?", ""), ("prod 是满血版吗？", ""),
     ("is prod full R1? 8xH20, ttft 1s", "is full R1? 8xH20, ttft 1s"), ("is prod full? it must be very cheap", "is full? it must be very cheap"),
     ("is prod full? ttft 1s, ttft 2s", "is full? ttft 1s, ttft 2s")],
)  # fmt: skip
def test_words_beside_a_target_are_kept_where_they_demand_something(text: str, kept: str) -> None:
    assert (ask(text).verb, ask(text).target, ask(text).scenario) == ("identify", "prod", kept)


@pytest.mark.parametrize(
    "text", ["is org/y-8b full?", "which model for code on an H100?", "devices", "history", "14B 在 3060 上能跑吗"]
)
def test_a_whole_question_stands_alone(text: str) -> None:
    assert ask("recommend --gpu 2x4090 --task legal", text) == ask(text)


# The line

WORDS = st.text("abcdefgh-_.0123456789", min_size=2, max_size=12).filter(
    lambda word: word[0].isalpha() and word[-1].isalnum()
)
HUB = st.builds("{}/{}-7b".format, st.text(string.ascii_lowercase, min_size=2, max_size=8), WORDS)
TARGETS = HUB | st.sampled_from(["/data/my models/r1", "https://api.x.io/v1#r1", "./r1.gguf", "deepseek-r1:32b"])
SCENARIO = st.text("abc 你好，。<>&;'0123456789×", max_size=40).map(lambda text: " ".join(text.split()))
CONSTRAINTS = st.fixed_dictionaries(
    {},
    optional={
        "hardware": st.just("2x rtx-4090"),
        "ttft": st.just("1 s"),
        "memory": st.just("24 GB"),
        "task": st.just("legal"),
    },
)
SCHEDULES = st.builds(
    Schedule,
    every=st.sampled_from(["30m", "6h", "1d", "1w"]),
    at=st.sampled_from([(), ("09:00",), ("09:00", "17:30")]),
    days=st.sampled_from([(), ("mon", "thu")]),
    until=st.none() | st.dates(date(2026, 12, 1), date(2027, 1, 1)),
    channel=st.sampled_from([None, "#ops", "C0123456"]),
    quiet=st.sampled_from([None, "22:00-08:00"]),
    timezone=st.sampled_from([None, "Asia/Shanghai"]),
)
PLAIN = {"text": st.just(""), "lang": st.just("en"), "private": st.sampled_from([None, True, False])}
REQUESTS = st.one_of(
    st.builds(Request, verb=st.just("identify"), target=TARGETS, constraints=CONSTRAINTS, scenario=SCENARIO,
              family=st.sampled_from(["deepseek-r1", "article"]), budget_tokens=st.none() | st.integers(1, 9999),
              thorough=st.booleans(), fresh=st.booleans(), **PLAIN),
    st.builds(Request, verb=st.just("recommend"), constraints=CONSTRAINTS, scenario=SCENARIO.filter(bool), fresh=st.booleans(), **PLAIN),
    st.builds(Request, verb=st.just("size"), target=TARGETS, constraints=CONSTRAINTS, quantization=st.sampled_from([None, "fp8", "Q4_K_M"]), **PLAIN),
    st.builds(Request, verb=st.just("compare"), target=HUB, other=HUB, fresh=st.booleans(), **PLAIN),
    st.builds(Request, verb=st.just("watch"), target=HUB | st.just("prod"), action=st.just("add"), schedule=st.none() | SCHEDULES, **PLAIN),
    st.builds(Request, verb=st.just("watch"), target=HUB | st.just("prod"), action=st.sampled_from(["remove", "pause", "resume", "run"]), **PLAIN),
    st.builds(Request, verb=st.just("history"), target=st.none() | HUB, limit=st.integers(1, 50), **PLAIN),
    st.builds(Request, verb=st.sampled_from(["explain", "report"]), verdict_id=st.just("k3m9x7wq2a"), **PLAIN),
    st.builds(Request, verb=st.sampled_from(["explain", "report"]), target=HUB, **PLAIN),
    st.builds(Request, verb=st.just("endpoint"), action=st.just("remove"), target=st.just("prod"), **PLAIN),
    st.builds(Request, verb=st.just("forget"), action=st.sampled_from(["list", "remove"]), **PLAIN),
    st.builds(Request, verb=st.sampled_from(["devices", "help"]), **PLAIN),
)  # fmt: skip


@settings(max_examples=300)
@given(REQUESTS)
def test_the_line_says_the_same(request_: Request) -> None:
    line = line_of(request_)
    again = parse(line)
    assert replace(again, text="", lang="en") == request_, line
    assert line_of(again) == line


def test_the_line_of_what_was_understood_says_the_same() -> None:
    for _, said in utterances():
        try:
            request = parse(said.text, names=lambda said=said: said.endpoints, today=TODAY)  # type: ignore[misc]
        except UsageError:
            continue
        if request.ask is not None or request.verb in ("other", "cancel", "help"):
            continue
        again = parse(line_of(request), names=lambda said=said: said.endpoints, today=TODAY)  # type: ignore[misc]
        aside = {"text": "", "lang": "en", "free": False, "sure": True}
        assert replace(again, **aside) == replace(request, **aside), line_of(request)  # type: ignore[arg-type]


@given(st.fixed_dictionaries({}, optional={
    "memory": st.floats(0.5, 4000), "context": st.integers(1, 2_000_000).map(float), "concurrency": st.integers(1, 9999).map(float),
    "ttft": st.floats(0.05, 600), "tpot": st.floats(0.001, 5), "budget": st.floats(0.1, 900), "throughput": st.floats(1, 99999),
    "availability": st.sampled_from([0.99, 0.999, 0.9995]), "task": st.just("legal"),
}))  # fmt: skip
def test_constraints_are_written_as_they_are_read(stated: dict[str, float | str]) -> None:
    again = parse_constraints(as_text(stated)).stated()
    assert again.keys() == stated.keys()
    for name, value in stated.items():
        assert again[name] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-6))


# Odd text


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("spend no more than 2000 tokens", 2000), ("最多花 2 万个 token", 20000), ("use at most 5k tokens", 5000),
     ("30 tokens per second", None), ("context of 32k tokens", None), ("at most 3000 tokens context", None)],
)  # fmt: skip
def test_a_budget_of_tokens_is_told_from_other_figures(text: str, tokens: int | None) -> None:
    assert token_budget(text)[0] == tokens


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(["identify", "watch", "compare", "prod", "org/x-7b", "⊙", "鉴定", "对比", "满血", "```", "> ", "\n", "每天", "every 6h", '"',
                         "32B", "2x4090", "don't", "别", "endpoint", "remove", "?", "k3m9x7wq2a", "<#C1|ops>", "--every", "--thorough", "yes", "\u202e"]),
        max_size=12,
    ).map(" ".join)
)  # fmt: skip
def test_anything_is_a_request_or_a_sentence_in_a_thread_too(text: str) -> None:
    try:
        request = ask("watch prod every 6h", text)
    except UsageError as error:
        assert error.sentence("en") and error.sentence("zh")
    else:
        assert request.sure or request.verb in (*EXPENSIVE, "identify")


@pytest.mark.parametrize(
    "text",
    ["a" * 4000, "⊙" * 4000, "每天" * 2000, "not " * 1000, "a/b-7b " * 500, "「" * 4000, "1" * 4000, "watch " * 600],
)
def test_long_and_hostile_messages_are_read_in_no_time(text: str) -> None:
    assert isinstance(ask(text), Request)
