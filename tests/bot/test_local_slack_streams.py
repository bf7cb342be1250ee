"""Streams on the loopback Slack: begun, appended to, stopped – and refused as Slack refuses them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from local_app import client
from slack_sdk.errors import SlackApiError

from bot.local_slack import LocalSlack, Message

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}


@pytest.fixture(scope="module")
def slack() -> Iterator[LocalSlack]:
    with LocalSlack() as running:
        yield running


def place(slack: LocalSlack, channel: str = "C0MODELS") -> dict[str, Any]:
    """Below something that somebody has just said."""
    said = slack.workspace.say(channel, "U0PERSON", "is it R1?")
    to = {"recipient_user_id": "U0PERSON", "recipient_team_id": "T0LOCAL"}
    return {"channel": channel, "thread_ts": said.ts, **(to if channel.startswith("C") else {})}


def task(name: str, status: str, **more: Any) -> dict[str, Any]:
    return {"type": "task_update", "id": name, "title": f"Task {name}", "status": status, **more}


def text(words: str) -> dict[str, Any]:
    return {"type": "markdown_text", "text": words}


def message(slack: LocalSlack, ts: str) -> Message:
    return next(one for one in slack.workspace.messages if one.ts == ts)


def error(call: Any, **given: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        call(**given)
    return str(caught.value.response["error"])


def test_a_plan_unfolds_as_slacks_own_client_streams_it(slack: LocalSlack) -> None:
    stream = client(slack).chat_stream(**place(slack), task_display_mode="plan")
    stream.append(chunks=[{"type": "plan_update", "title": "Looking"}, task("a", "in_progress"), task("b", "pending")])
    shown = message(slack, str(stream.ts))
    (plan,) = shown.blocks
    assert (plan["type"], plan["title"], [one["status"] for one in plan["tasks"]]) == (
        "plan", "Looking", ["in_progress", "pending"])  # fmt: skip
    source = {"type": "url", "url": "https://x.example", "text": "x"}
    stream.append(chunks=[task("a", "complete", output="61 layers", sources=[source]), task("b", "in_progress")])
    stream.append(chunks=[task("b", "complete", details="head dims"), text("It is the **full** model.")])
    metadata = {"event_type": "r1_job", "event_payload": {"job_id": "j"}}
    stream.stop(chunks=[{"type": "plan_update", "title": "Done"}], blocks=[SECTION], metadata=metadata)
    assert [block["type"] for block in shown.blocks] == ["plan", "markdown", "section"]
    first = shown.blocks[0]["tasks"][0]
    assert first["output"]["elements"][0]["elements"][0]["text"] == "61 layers" and first["sources"] == [source]
    assert shown.blocks[0]["title"] == "Done" and shown.metadata == metadata and shown.text.startswith("It is")
    assert shown.stream is not None and shown.stream.done and not slack.workspace.violations


def test_a_timeline_shows_tasks_where_they_came(slack: LocalSlack) -> None:
    stream = client(slack).chat_stream(**place(slack, "D0PERSON"))
    stream.append(chunks=[text("First"), task("a", "complete"), text(" then "), text("more"), task("b", "error")])
    stream.stop()
    shown = message(slack, str(stream.ts)).blocks
    assert [block["type"] for block in shown] == ["markdown", "task_card", "markdown", "task_card"]
    assert shown[2]["text"] == " then more"


def test_a_task_left_running_has_failed_and_details_add_up(slack: LocalSlack) -> None:
    stream = client(slack).chat_stream(**place(slack), task_display_mode="plan")
    stream.append(chunks=[task("a", "in_progress", details="one ")])
    stream.append(chunks=[task("a", "in_progress", details="two")])
    stream.stop()
    (plan,) = message(slack, str(stream.ts)).blocks
    assert plan["title"] == "Something went wrong" and plan["tasks"][0]["status"] == "error"
    assert plan["tasks"][0]["details"]["elements"][0]["elements"][0]["text"] == "one two"


@pytest.mark.parametrize(
    "chunk",
    [
        {"type": "unheard_of"},
        {"type": "markdown_text"},
        text("x" * 12_001),
        {**text("x"), "surprise": 1},
        {"type": "plan_update", "title": "t" * 257},
        {"type": "plan_update", "title": ""},
        task("a", "done"),
        task("a", "pending", title="t" * 257),
        task("i" * 257, "pending"),
        task("a", "pending", details="d" * 257),
        task("a", "pending", output="o" * 257),
        task("a", "pending", sources=[{"type": "url", "url": "https://x.example"}]),
        task("a", "pending", sources=[{"type": "url", "url": "u" * 3001, "text": "x"}]),
        {"type": "blocks"},
        {"type": "blocks", "blocks": [{"type": "unheard_of"}]},
    ],
)
def test_chunks_are_held_to_their_limits(slack: LocalSlack, chunk: dict[str, Any]) -> None:
    known = len(slack.workspace.messages) + 1
    assert error(client(slack).chat_startStream, **place(slack), chunks=[chunk]) == "invalid_chunks"
    assert len(slack.workspace.messages) == known  # what was said, and nothing more


def test_streams_are_refused_as_slack_refuses_them(slack: LocalSlack) -> None:
    calls, where = client(slack), place(slack)
    start, append, stop, update = (
        calls.chat_startStream, calls.chat_appendStream, calls.chat_stopStream, calls.chat_update)  # fmt: skip
    for name, missing in (
        ("recipient_user_id", "missing_recipient_user_id"),
        ("recipient_team_id", "missing_recipient_team_id"),
    ):
        assert error(start, **{**where, name: None}) == missing
    assert error(start, **{**where, "recipient_user_id": "U0NOBODY"}) == "user_not_found"
    assert error(start, **{**where, "recipient_team_id": "T0OTHER"}) == "team_not_found"
    assert error(start, **{**where, "thread_ts": "9.9"}) == "invalid_arguments"
    assert error(start, **{**where, "channel": "C9"}) == "channel_not_found"
    assert error(start, **where, task_display_mode="sideways") == "invalid_arguments"
    assert error(start, **where, markdown_text="x" * 12_001) == "msg_too_long"
    both = {"markdown_text": "x", "chunks": [text("x")]}
    assert error(start, **where, **both) == "cannot_provide_both_markdown_text_and_chunks"

    said = {"channel": "C0MODELS", "ts": start(**where, markdown_text="x")["ts"]}
    assert error(append, **said, markdown_text=None, chunks=[text("y")]) == "streaming_mode_mismatch"
    assert error(append, **said, markdown_text="") == "no_text"
    assert error(update, **said, text="y") == "streaming_state_conflict"
    assert error(stop, **said, blocks=[{"type": "unheard_of"}]) == "invalid_blocks"
    assert error(stop, **said, metadata={"event_type": "e"}) == "invalid_metadata_format"
    stop(**said)
    for call in (append, stop):
        assert error(call, **said, markdown_text="y") == "message_not_in_streaming_state"
    assert error(update, **said, text="y") == "block_mismatch"
    update(**said, text="y", blocks=[SECTION])

    human = {"channel": "C0MODELS", "ts": where["thread_ts"]}
    assert error(append, **human, markdown_text="y") == "message_not_owned_by_app"
    assert error(append, channel="C0MODELS", ts="9.9", markdown_text="y") == "message_not_found"
    plain = {"channel": "C0MODELS", "ts": calls.chat_postMessage(channel="C0MODELS", text="x")["ts"]}
    assert error(append, **plain, markdown_text="y") == "message_not_in_streaming_state"


def test_a_stream_holds_so_much_and_lasts_so_long(slack: LocalSlack) -> None:
    calls, where = client(slack), place(slack)
    many = [task(str(number), "complete", output="o" * 200) for number in range(50)]
    said = {"channel": "C0MODELS", "ts": calls.chat_startStream(**where, chunks=many)["ts"]}
    assert error(calls.chat_appendStream, **said, markdown_text=None, chunks=[text("and so")]) == "msg_too_long"
    sections = [{"type": "blocks", "blocks": [SECTION] * 26}]
    calls.chat_appendStream(**said, markdown_text=None, chunks=sections)
    assert error(calls.chat_appendStream, **said, markdown_text=None, chunks=sections) == "msg_blocks_too_many"
    calls.chat_stopStream(**said, blocks=[SECTION] * 50)
    late = {"channel": "C0MODELS", "ts": calls.chat_startStream(**where, markdown_text="x")["ts"]}
    slack.workspace.stream_seconds = 0.01
    time.sleep(0.02)
    assert error(calls.chat_appendStream, **late, markdown_text="y") == "message_not_in_streaming_state"
    slack.workspace.stream_seconds = 300.0
