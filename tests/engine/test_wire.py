"""Asking servers nobody vouches for: whatever they do, there is a sane reply or a sentence, soon, and in bounds."""

from __future__ import annotations

import asyncio
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from asking import HELLO, SECONDS, ask, assert_a_sentence, only_reply
from hostile_replies import EVIL, REPLIES
from hostile_server import ATTACKS, HostileServer

from engine.codec import _plain
from engine.errors import TargetError
from engine.targets.endpoint import Ask, Budget, Endpoint, Reply
from engine.targets.talk import Talk

MEGABYTES = 150.0


@pytest.fixture(scope="module")
def shared() -> Iterator[HostileServer]:
    with HostileServer() as server:
        yield server


@pytest.fixture
def server() -> Iterator[HostileServer]:
    with HostileServer() as own:
        yield own


def assert_storable(value: Any) -> None:
    """It survives any JSON, database and encoding."""
    text = json.dumps(_plain(value), allow_nan=False, ensure_ascii=False)
    assert len(text) < 5_000_000


def assert_sane(reply: Reply) -> None:
    """Nothing in it that a probe, a database or a terminal would stumble over."""
    for words in (reply.text, reply.reasoning, reply.model, reply.fingerprint, reply.finish or "", *reply.pieces):
        words.encode()
        assert "\0" not in words
    for number in (reply.prompt_tokens, reply.completion_tokens):
        assert number is None or (type(number) is int and 0 <= number < 10**9)
    assert len(reply.model) <= 200 and len(reply.fingerprint) <= 200 and len(reply.finish or "") <= 200
    assert len(reply.tokens) == len(reply.alternatives) <= 4_000
    assert len(reply.pieces) == len(reply.times)
    assert all(0 <= seconds < 10 for seconds in (*reply.times, reply.seconds))
    for considered in reply.alternatives:
        assert len(considered) <= 64
        assert all(math.isfinite(value) and value <= 0 for value in considered.values())
    assert_storable(reply)


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_every_attack_ends_soon_with_a_sentence_or_a_sane_reply(shared: HostileServer, name: str) -> None:
    started = time.monotonic()
    try:
        talk = ask(shared.url(name))
    except TargetError as error:
        assert_a_sentence(error)
    else:
        assert_sane(only_reply(talk))
        assert_storable(talk.conversation)
    assert time.monotonic() - started < SECONDS + 2.5


@pytest.mark.parametrize("name", sorted(REPLIES))
def test_ollamas_own_api_is_read_as_carefully(shared: HostileServer, name: str) -> None:
    try:
        assert_sane(only_reply(ask(shared.url(name).removesuffix("/v1"), api="ollama")))
    except TargetError as error:
        assert_a_sentence(error)


@pytest.mark.parametrize("name", sorted(REPLIES))
def test_what_servers_tell_about_themselves_is_kept_only_as_far_as_it_can_be_stored(
    shared: HostileServer, name: str
) -> None:
    async def look() -> Talk:
        async with Talk(Endpoint(shared.url(name), "m"), Budget(seconds=SECONDS)) as talk:
            await talk.look("/models")
            return talk

    try:
        talk = asyncio.run(look())
    except TargetError as error:
        assert_a_sentence(error)
    else:
        assert_storable(talk.conversation)


def test_endless_and_packed_replies_cost_no_memory(shared: HostileServer) -> None:
    names = [name for name in ATTACKS if name.startswith(("endless", "one_byte", "ten_", "a_million", "token_"))]
    names += ["gzip_bomb", "deflate_bomb", "nested_gzip", "nested_deep", "header_of_a_megabyte"]
    program = Path(__file__).parent / "ask_hostile.py"
    done = subprocess.run(
        [sys.executable, str(program), *(shared.url(name) for name in ["honest", *names])],
        capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    grown = {name: float(line) for name, line in zip(names, done.stdout.split()[1:], strict=True)}
    assert max(grown.values()) < MEGABYTES, grown


def test_an_honest_reply_is_read_whole(shared: HostileServer) -> None:
    reply = only_reply(ask(shared.url("honest")))
    assert (reply.text, reply.prompt_tokens, reply.completion_tokens, reply.finish) == ("Hello there.", 12, 3, "stop")
    streamed = only_reply(ask(shared.url("honest_stream")))
    assert (streamed.text, streamed.pieces, streamed.finish) == ("Hello there.", ("Hello", " there."), "stop")


def test_a_stream_that_is_done_is_not_waited_for(shared: HostileServer) -> None:
    started = time.monotonic()
    assert only_reply(ask(shared.url("done_but_open"), seconds=20)).text == "Hello"
    assert time.monotonic() - started < 1.5


def test_a_server_that_ignores_max_tokens_is_stopped_and_told_of(shared: HostileServer) -> None:
    talk = ask(shared.url("endless_slow_pieces"), seconds=20)
    reply = only_reply(talk)
    assert set(reply.pieces) == {"x "}
    assert len(reply.pieces) < 200
    assert [finding.code for finding in talk.conversation.findings] == ["max_tokens_ignored"]


def test_halves_of_a_character_that_meet_become_one(shared: HostileServer) -> None:
    assert only_reply(ask(shared.url("stream_with_halves"))).text == "😀�"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("silence", "endpoint_slow"), ("slow_headers", "endpoint_slow"), ("slow_body", "endpoint_slow"),
        ("ten_gigabytes", "endpoint_too_large"), ("gzip_bomb", "endpoint_too_large"),
        ("deflate_bomb", "endpoint_too_large"), ("endless_line", "endpoint_too_large"),
        ("called_brotli", "endpoint_encoding"), ("gzip_twice", "endpoint_encoding"), ("nested_gzip", "endpoint_not_json"),
        ("html", "endpoint_not_json"), ("empty", "endpoint_not_json"), ("nested_deep", "endpoint_not_json"),
        ("tls_garbage", "endpoint_unreachable"), ("slammed_door", "endpoint_unreachable"),
        ("redirect_loop", "endpoint_moved"), ("redirect_to_a_file", "endpoint_moved"),
        ("key_refused", "endpoint_key"), ("busy_for_ever", "endpoint_busy"), ("not_found", "endpoint_not_found"),
        ("failing_for_ever", "endpoint_status"), ("error_with_200", "endpoint_status"),
    ],
)  # fmt: skip
def test_the_sentence_says_what_was_wrong(shared: HostileServer, name: str, code: str) -> None:
    with pytest.raises(TargetError) as refusal:
        ask(shared.url(name))
    assert refusal.value.code == code
    assert "127.0.0.1" in str(refusal.value)


def test_waiting_as_long_as_the_server_asks_is_rewarded(server: HostileServer) -> None:
    assert only_reply(ask(server.url("busy_twice"), seconds=10)).text == "Hello there."
    first, second, third = server.arrivals["busy_twice"]
    assert second - first >= 0.5 and third - second >= 0.5


@pytest.mark.parametrize("name", ["busy_for_ever", "busy_until_next_year"])
def test_a_server_that_asks_for_more_time_than_there_is_is_not_pestered(server: HostileServer, name: str) -> None:
    with pytest.raises(TargetError, match="429"):
        ask(server.url(name), seconds=5)
    assert server.requests[name] == 1


@pytest.mark.parametrize(
    "name", ["busy_by_nonsense", "busy_until_yesterday", "busy_by_less_than_nothing", "failing_for_ever"]
)
def test_failures_are_retried_a_few_times_at_growing_intervals(server: HostileServer, name: str) -> None:
    with pytest.raises(TargetError):
        ask(server.url(name), seconds=5)
    times = server.arrivals[name]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) == 4
    assert gaps[0] >= 0.015 and gaps[2] >= 0.06


def test_what_crashes_over_an_unusual_field_is_asked_only_once(server: HostileServer) -> None:
    biased = Ask("bias:5", "lantern", max_tokens=1, options={"logit_bias": {"5": 100}})
    with pytest.raises(TargetError, match="HTTP 500"):
        ask(server.url("crashing"), ask=biased)
    assert server.requests["crashing"] == 1


def test_fields_a_server_refuses_are_given_up_one_by_one(server: HostileServer) -> None:
    with pytest.raises(TargetError):
        ask(server.url("complains_of_everything"))
    assert 3 < server.requests["complains_of_everything"] <= 8


def test_a_text_that_is_too_long_costs_no_field_that_was_taken_before(server: HostileServer) -> None:
    async def talk() -> Talk:
        async with Talk(Endpoint(server.url("short_of_memory"), "m"), Budget(seconds=5)) as talk:
            for prompt in ("Hello.", "word " * 400, "Hello."):
                await talk.ask(Ask("hello", prompt, 8, logprobs=3))
            return talk

    assert [reply.refused for reply in asyncio.run(talk()).conversation.replies] == [None, "endpoint_status", None]
    assert server.requests["short_of_memory"] == 3


def test_no_more_is_asked_at_once_than_allowed(server: HostileServer) -> None:
    talk = ask(server.url("takes_its_time"), times=6, seconds=10, concurrency=2)
    assert len(talk.conversation.replies) == 6
    assert server.peak == 2
    # Waiting for one's turn is not the server's slowness.
    assert max(reply.seconds for reply in talk.conversation.replies) < 0.3


def test_tokens_and_requests_stop_hard_whoever_asks(server: HostileServer) -> None:
    with pytest.raises(TargetError, match="budget-tokens"):
        ask(server.url("takes_its_time"), times=6, budget=Budget(tokens=3 * (HELLO.prompt_tokens + HELLO.max_tokens)))
    assert server.requests["takes_its_time"] <= 3
    with pytest.raises(TargetError):
        ask(server.url("failing_for_ever"), budget=Budget(requests=2))
    assert server.requests["failing_for_ever"] == 2


def test_a_server_that_counts_absurdly_ends_the_questions_not_the_program(server: HostileServer) -> None:
    talk = ask(server.url("endless_slow_pieces"), seconds=20, budget=Budget(tokens=100))
    assert not talk.affords(HELLO)
    assert talk.cost().completion_tokens <= 10 * HELLO.max_tokens


def test_marks_stay_what_the_model_wrote(shared: HostileServer) -> None:
    reply = only_reply(ask(shared.url("text_with_marks")))
    assert reply.text == EVIL
