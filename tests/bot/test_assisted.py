"""A language model may help to understand; it is never believed. Its server is a real one, on loopback."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bot.requests import Request, Schedule
from bot.settings import load_settings
from bot.understanding.assisted import Model, assistant, assisted

TODAY = date(2026, 11, 26)
NOTHING: dict[str, Any] = {"intent": "other", "target": None, "other": None, "constraints": []}
KEY = "sk-loopback-0123456789abcdef"


class Server(ThreadingHTTPServer):
    """An OpenAI-compatible server that answers ``reply`` and remembers what it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.reply: Any = NOTHING
        self.status = 200
        self.held: str | None = None
        self.released = threading.Event()
        self.answered = False
        self.seen: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def model(self, seconds: float = 2.0) -> Model:
        return Model(self.url, "small-instruct", KEY, seconds)


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append({**body, "path": self.path, "authorization": self.headers.get("Authorization")})
        if self.server.held == "silent":
            self.server.released.wait(30)
        said = self.server.reply if isinstance(self.server.reply, str) else json.dumps(self.server.reply)
        content = json.dumps({"choices": [{"message": {"role": "assistant", "content": said}}]}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        try:
            for place, at in enumerate(range(0, len(content), 8)):
                self.wfile.write(content[at : at + 8])
                if self.server.held == "drips" and place > 3:
                    self.server.released.wait(0.1)
            self.server.answered = True
        except OSError:
            pass  # nobody waited for the rest

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def _helped(server: Server, text: str, names: tuple[str, ...] = (), seconds: float = 2.0) -> Request:
    return assisted(_unclear(text), text, server.model(seconds), names=names, today=TODAY)


def _unclear(text: str) -> Request:
    return Request(verb="other", text=text, lang="en", free=True)


def test_what_the_model_reads_is_shown_to_be_confirmed_and_never_runs_at_once(server: Server) -> None:
    text = "pls sniff acme/r1-mini-v2 for me, ~16k tokens of room"
    server.reply = {**NOTHING, "intent": "identify", "target": "acme/r1-mini-v2"}
    found = _helped(server, text)
    assert (found.verb, found.target, found.sure, found.free, found.thorough) == ("identify", "acme/r1-mini-v2", False, True, False)  # fmt: skip
    sent = server.seen[0]
    assert sent["path"] == "/v1/chat/completions"
    assert (sent["model"], sent["temperature"], sent["authorization"]) == ("small-instruct", 0, f"Bearer {KEY}")
    assert sent["messages"][-1] == {"role": "user", "content": text}
    schema = sent["response_format"]["json_schema"]
    assert schema["strict"] is True and schema["schema"]["additionalProperties"] is False
    assert sorted(schema["schema"]["required"]) == sorted(schema["schema"]["properties"])


def test_a_watch_gets_its_times_from_the_message_and_not_from_the_model(server: Server) -> None:
    server.reply = {**NOTHING, "intent": "watch", "target": "prod"}
    found = _helped(server, "could prod be babysat every 6h until Friday", names=("prod",))
    assert (found.verb, found.action, found.target, found.sure) == ("watch", "add", "prod", False)
    assert found.schedule == Schedule("6h", until=date(2026, 11, 27))


def test_demands_in_the_message_are_kept(server: Server) -> None:
    server.reply = {
        **NOTHING, "intent": "size", "target": "deepseek-r1:32b",
        "constraints": [{"name": "hardware", "value": "2x RTX 4090"}, {"name": "concurrency", "value": "12"}],
    }  # fmt: skip
    found = _helped(server, "32b, a pair: 2 times 4090, a dozen (12) colleagues hammering it")
    assert (found.verb, found.target, found.constraints["concurrency"]) == ("size", "deepseek-r1:32b", "12")


@pytest.mark.parametrize("reply", [
    "no JSON at all",
    '{"intent": "identify"',
    {"intent": "identify"},
    {**NOTHING, "intent": "forget"},
    {**NOTHING, "intent": "identify", "target": "acme/r1", "run": "rm -rf /"},
    {**NOTHING, "intent": "identify", "target": "deepseek-ai/DeepSeek-R1"},
    {**NOTHING, "intent": "identify", "target": "acme"},
    {**NOTHING, "intent": "identify", "target": "https://attacker.example/v1#r1"},
    {**NOTHING, "intent": "compare", "target": "acme/r1", "other": "acme/r2"},
    {**NOTHING, "intent": "recommend", "constraints": [{"name": "concurrency", "value": "500"}]},
    {**NOTHING, "intent": "recommend", "constraints": [{"name": "privacy", "value": "whatever"}]},
    {**NOTHING, "intent": "recommend", "constraints": [{"name": "colour", "value": "blue"}]},
    {**NOTHING, "intent": "recommend", "constraints": [{"name": "hardware", "value": "16x H100"}]},
], ids=["text", "half", "no-record", "another-intent", "more-than-asked", "invented-target", "part-of-one", "invented-url",
        "invented-second", "invented-number", "no-such-value", "no-such-constraint", "invented-hardware"])  # fmt: skip
def test_what_the_message_does_not_bear_out_is_dropped(server: Server, reply: Any) -> None:
    server.reply = reply
    text = "hmm about that acme/r1 thing and 50 folks"
    assert _helped(server, text) == _unclear(text)
    assert len(server.seen) == 1


def test_a_server_that_fails_is_as_none(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    text = "hmm about acme/r1"
    server.reply = {**NOTHING, "intent": "identify", "target": "acme/r1"}
    for status in (302, 401, 429, 500):
        server.status = status
        with caplog.at_level(logging.WARNING, logger="r1.assisted"):
            assert _helped(server, text) == _unclear(text)
        assert f"HTTP {status}" in caplog.text
    server.status, server.reply = 200, "x" * 100_000
    assert _helped(server, text) == _unclear(text)
    assert KEY not in caplog.text and "acme/r1" not in caplog.text


@pytest.mark.parametrize("how", ["silent", "drips"])
def test_a_server_that_is_slow_is_not_waited_for(server: Server, how: str) -> None:
    text = "hmm about acme/r1" + " really" * 400
    server.reply = {**NOTHING, "intent": "identify", "target": "acme/r1", "other": "x" * 2_000}
    server.held = how
    assert _helped(server, text, seconds=0.5) == _unclear(text)
    assert not server.answered
    server.released.set()


def test_no_server_at_all_is_as_none() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/v1", "nonsense"):
        assert assisted(_unclear("hmm"), "hmm", Model(url, "m"), today=TODAY) == _unclear("hmm")


def test_it_is_asked_only_where_nothing_was_understood_and_never_sees_a_secret(server: Server) -> None:
    known = Request(verb="identify", text="identify acme/r1", lang="en", target="acme/r1", free=True)
    typed = Request(verb="other", text="help", lang="en")
    secret = f"my api_key={KEY} what now"
    assert assisted(known, known.text, server.model(), today=TODAY) == known
    assert assisted(typed, typed.text, server.model(), today=TODAY) == typed
    assert _helped(server, secret) == _unclear(secret)
    assert server.seen == []


def test_it_is_there_only_where_it_is_set(server: Server) -> None:
    assert assistant(load_settings()) is None
    assist = assistant(load_settings(llm_url=server.url, llm_model="small-instruct"))
    assert assist is not None
    server.reply = {**NOTHING, "intent": "identify", "target": "acme/r1"}
    assert assist(_unclear("hmm acme/r1"), "hmm acme/r1", (), TODAY).verb == "identify"
    assert server.seen[0]["authorization"] is None
