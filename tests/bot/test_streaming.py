"""Evidence unfolds in Slack: cards where a workspace streams, lines where not, and one message whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk import WebClient

import engine
from bot.jobs import Answer, Job
from bot.local_slack import LocalSlack
from bot.local_slack.messages import Message
from bot.local_slack.validate import problems_of_blocks, problems_of_message
from bot.local_slack.validate_rich import chunk_problems
from bot.requests import Origin, Request
from bot.settings import Settings, load_settings
from bot.slack import streaming
from bot.slack.installing import web_client
from bot.slack.replier import SlackReplier
from bot.slack.unfolding import Unfolding
from engine.identification import Identification, Progress

CHANNEL = "C0MODELS"
QUICK = 0.05


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalSlack]:
    monkeypatch.setattr(streaming, "_UPDATE_EVERY", QUICK)
    with LocalSlack() as running:
        yield running
    assert running.workspace.violations == []


@pytest.fixture(scope="module")
def steps(samples: Path) -> list[Progress]:
    """Every step of a real identification."""
    told: list[Progress] = []
    engine.identify(str(samples / "DeepSeek-R1-Distill-Qwen-7B"), on_progress=told.append)
    return told


@pytest.fixture(scope="module")
def found(samples: Path) -> Identification:
    return engine.identify(str(samples / "DeepSeek-R1-Distill-Qwen-7B"))


def settings_of(slack: LocalSlack) -> Settings:
    return load_settings(SLACK_BOT_TOKEN=slack.workspace.bot_token, slack_api_url=slack.api_url)


def replier(slack: LocalSlack, change: Callable[[WebClient], None] = lambda client: None) -> SlackReplier:
    """A worker's replier, as if started anew."""
    client = web_client(settings_of(slack))
    change(client)
    return SlackReplier(lambda team: client, settings_of(slack))


def job_of(slack: LocalSlack, *, name: str = "k3m9x7wq2a", lang: Any = "en", thread: bool = True) -> Job:
    """A question that somebody put by mentioning the bot."""
    asked = slack.workspace.say(CHANNEL, slack.workspace.user, "is vendor-a the full one?")
    request = Request(verb="identify", text="identify vendor-a", lang=lang, target="vendor-a", free=False)
    origin = Origin("mention", slack.workspace.team, CHANNEL, slack.workspace.user, asked.ts if thread else None)
    return Job(
        id=name, request=request, origin=origin, state="queued", attempt=1, owner="w", message_ref=None, verdict_id=None,
        recommendation_id=None, request_id="r", other_verdict_id=None, error=None, created=engine_now(),
    )  # fmt: skip


def engine_now() -> Any:
    from bot.store.models import now

    return now()


def begun(by: SlackReplier, job: Job) -> Job:
    return replace(job, state="running", message_ref=by.open(job))


def walk(by: SlackReplier, job: Job, steps: list[Progress], *, pause: float = 0.0) -> None:
    for step in steps:
        by.progress(job, step)
        time.sleep(pause)


def answer_of(found: Identification) -> Answer:
    return Answer(identification=found, verdict_id="v3m9x7wq2a")


def the_message(slack: LocalSlack) -> Message:
    """The one message that is no picture."""
    (only,) = [message for message in slack.answers(CHANNEL) if not message.files]
    return only


def kinds(message: Message) -> list[str]:
    return [block["type"] for block in message.blocks]


def calls(slack: LocalSlack, method: str) -> list[Any]:
    return [call for call in slack.workspace.calls if call.method == method]


def test_each_probe_tells_what_it_saw_as_soon_as_it_saw_it(steps: list[Progress], found: Identification) -> None:
    told = [step for step in steps if step.evidence is not None]
    assert [step.evidence.probe for step in told if step.evidence] == [row.probe for row in found.evidence]
    assert all(step.stage == step.evidence.probe for step in told if step.evidence)
    assert steps[1].ahead == ("parameters", "config", "tokenizer", "quantization", "card", "sanity")


def test_evidence_unfolds_card_by_card_and_ends_with_the_verdict(
    slack: LocalSlack, steps: list[Progress], found: Identification
) -> None:
    by = replier(slack)
    job = begun(by, job_of(slack))
    started = time.monotonic()
    walk(by, job, steps, pause=QUICK)
    took = time.monotonic() - started
    by.answer(job, answer_of(found))
    message = the_message(slack)
    assert message.stream and message.stream.done and message.stream.display == "plan"
    assert kinds(message)[:2] == ["plan", "header"] and message.blocks[0]["title"] == "Looked at vendor-a"
    cards = {card["title"]: card for card in message.blocks[0]["tasks"]}
    assert {card["status"] for card in cards.values()} == {"complete"}
    shown = cards["Tensors"]["output"]["elements"][0]["elements"][0]["text"]
    assert "28" in shown and set(cards) > {"A first look", "Tensors", "Parameters", "Configuration", "Name and card"}
    assert (message.metadata or {})["event_payload"] == {"job_id": job.id}
    states = [
        chunk["status"]
        for call in [*calls(slack, "chat.startStream"), *calls(slack, "chat.appendStream"), *calls(slack, "chat.stopStream")]
        for chunk in call.arguments["chunks"]
        if chunk.get("title") == "Configuration"
    ]  # fmt: skip
    assert states[0] == "pending" and states[-1] == "complete" and "in_progress" in states
    assert 3 <= len(calls(slack, "chat.appendStream")) <= took / QUICK + 2


def test_what_is_over_at_once_is_two_calls(slack: LocalSlack, steps: list[Progress], found: Identification) -> None:
    by = replier(slack)
    job = begun(by, job_of(slack, lang="zh"))
    walk(by, job, steps)
    by.answer(job, answer_of(found))
    assert [call.method for call in slack.workspace.calls if call.method.startswith("chat.")] == ["chat.startStream", "chat.stopStream"]  # fmt: skip
    assert the_message(slack).blocks[0]["title"] == "已鉴定 vendor-a"


def test_a_workspace_without_streams_reads_lines_and_is_asked_once(
    slack: LocalSlack, steps: list[Progress], found: Identification
) -> None:
    slack.workspace.lacks.add("chat.startStream")
    by = replier(slack)
    for name in ("first", "second"):
        job = begun(by, job_of(slack, name=name))
        walk(by, job, steps[:6], pause=QUICK)
        time.sleep(2 * QUICK)
        shown = [message for message in slack.answers(CHANNEL) if message.thread_ts == job.origin.thread_ts][-1]
        assert kinds(shown) == ["section", "context"] and "✓" in shown.blocks[1]["elements"][0]["text"]
        by.answer(job, answer_of(found))
        assert kinds(shown)[0] == "header"
    assert len(calls(slack, "chat.startStream")) == 1
    assert len([message for message in slack.answers(CHANNEL) if not message.files]) == 2


def test_who_streams_too_much_is_answered_without_waiting(slack: LocalSlack, found: Identification) -> None:
    slack.workspace.refuse = lambda method, arguments: 60 if method == "chat.startStream" else None
    by, started = replier(slack), time.monotonic()
    job = begun(by, job_of(slack))
    by.answer(job, answer_of(found))
    assert time.monotonic() - started < 20 and kinds(the_message(slack))[0] == "header"


def test_outside_a_thread_a_message_is_posted(slack: LocalSlack, found: Identification) -> None:
    by = replier(slack)
    job = begun(by, job_of(slack, thread=False))
    by.answer(job, answer_of(found))
    assert calls(slack, "chat.startStream") == [] and the_message(slack).stream is None


def test_a_stream_whose_worker_died_before_it_was_written_down_is_found_and_ended(
    slack: LocalSlack, steps: list[Progress], found: Identification
) -> None:
    job = job_of(slack)
    first = replier(slack)
    walk(first, begun(first, job), steps[:5], pause=QUICK)
    second, again = replier(slack), replace(job, attempt=2)
    again = begun(second, again)
    walk(second, again, steps, pause=QUICK)
    second.answer(again, answer_of(found))
    message = the_message(slack)
    assert message.stream and message.stream.done and "header" in kinds(message)
    assert {card["status"] for card in message.blocks[0]["tasks"]} == {"complete"}


def test_a_verdict_whose_worker_died_before_it_was_told_takes_the_streams_place(
    slack: LocalSlack, steps: list[Progress], found: Identification
) -> None:
    first = replier(slack)
    job = begun(first, job_of(slack))
    walk(first, job, steps[:5])
    for _ in range(2):  # and once more, as where that worker died before it wrote down that it had answered
        replier(slack).answer(replace(job, state="computed", attempt=2), answer_of(found))
        message = the_message(slack)
        assert message.stream and message.stream.done and kinds(message)[0] == "header"


def test_a_stream_that_slack_ended_becomes_the_answer(
    slack: LocalSlack, steps: list[Progress], found: Identification
) -> None:
    by = replier(slack)
    job = begun(by, job_of(slack))
    slack.workspace.stream_seconds = 0.0
    walk(by, job, steps[:6], pause=2 * QUICK)
    assert "context" in kinds(the_message(slack))  # what is seen from then on is edited in
    by.answer(job, answer_of(found))
    assert kinds(the_message(slack))[0] == "header"


def test_a_stream_that_was_begun_though_slacks_reply_was_lost_is_no_second_message(
    slack: LocalSlack, found: Identification, monkeypatch: pytest.MonkeyPatch
) -> None:
    through = WebClient.chat_startStream

    def lost(client: WebClient, **given: Any) -> None:
        through(client, **given)
        raise TimeoutError("the reply was lost")

    monkeypatch.setattr(WebClient, "chat_startStream", lost)
    by = replier(slack)
    job = begun(by, job_of(slack))
    by.answer(job, answer_of(found))
    message = the_message(slack)
    assert message.stream and message.stream.done and "header" in kinds(message)


def test_an_answer_whose_message_was_deleted_is_given_all_the_same(slack: LocalSlack, found: Identification) -> None:
    by = replier(slack)
    job = begun(by, job_of(slack))
    slack.workspace.messages = [message for message in slack.workspace.messages if message.stream is None]
    by.answer(job, answer_of(found))
    assert kinds(the_message(slack))[0] == "header"


def test_what_fails_on_the_way_fails_its_card(slack: LocalSlack, steps: list[Progress]) -> None:
    from engine.errors import TargetError

    by = replier(slack)
    job = begun(by, job_of(slack))
    walk(by, job, steps[:3])
    by.answer(job, Answer(error=TargetError("path_not_found", name="vendor-a")))
    message = the_message(slack)
    assert "error" in {card["status"] for card in message.blocks[0]["tasks"]} and kinds(message)[1] == "header"


def test_a_repeated_verdict_is_posted_without_looking_for_a_message(slack: LocalSlack, found: Identification) -> None:
    replier(slack).answer(job_of(slack), replace(answer_of(found), as_of=engine_now()))
    assert calls(slack, "conversations.replies") == [] and kinds(the_message(slack))[0] == "header"


@settings(max_examples=60, deadline=None)
@given(
    st.text(max_size=400) | st.sampled_from(["<!channel> [x](http://evil) *b* `c`", "🦊" * 300, "﷽" * 200]),
    st.sampled_from(["en", "zh"]),
)
def test_cards_and_lines_are_valid_whatever_a_model_is_called(text: str, lang: Any) -> None:
    request = Request(verb="identify", text=text, lang=lang, target=text)
    unfolding = Unfolding("k3m9x7wq2a", request)
    for step in _STEPS:
        row = step.evidence
        values = {k: text if isinstance(v, str) and k != "form" else v for k, v in row.values.items()} if row else {}
        unfolding.take(replace(step, evidence=replace(row, values=values) if row else None))
        shown, laid_out = unfolding.blocks()
        assert problems_of_message({"text": shown, "blocks": laid_out}) == []
    chunks = [unfolding.title(), *unfolding.chunks()]
    assert chunk_problems(chunks, problems_of_blocks) == []
    assert all("<" not in str(chunk.get("output", "")) + chunk["title"] for chunk in chunks)


_STEPS: list[Progress] = []


@pytest.fixture(scope="module", autouse=True)
def _real_steps(steps: list[Progress]) -> None:
    _STEPS[:] = steps
