"""Checks of endpoints over real HTTP: what they cost, what they notice, and what is remembered between them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from arena import Arena, Served
from people import HIDING, HONEST

import engine
from engine.behaviour.checking import accept
from engine.behaviour.codec import from_json, to_json
from engine.behaviour.records import Behaviour, Check, Watched
from engine.drift.records import LookRecord
from engine.errors import TargetError
from engine.references import load_references
from engine.targets.endpoint import Budget, Endpoint, parse_endpoint

MOST_BYTES = 60_000
"""Of what is remembered of one endpoint."""
AS_BEFORE = ("same", "suspicious")
"""States of an endpoint that did not change: chance alone makes one look in some tens suspicious."""


def endpoint_of(arena: Arena, served: Served) -> Endpoint:
    return replace(parse_endpoint(arena.spec(served)), concurrency=8)


@pytest.fixture(scope="module")
def begun(arena: Arena) -> Watched:
    """A gateway that gives words only: what is remembered of it after its first check."""
    first = engine.check(endpoint_of(arena, HIDING["refusing"]))
    assert first.look.state == "begun" and "logprobs" in first.watched.lacks
    return first.watched


def kept(watched: Watched) -> Watched:
    """As the next check finds it, after it was written and read."""
    written = json.dumps(to_json(watched), ensure_ascii=False)
    assert len(written.encode()) < MOST_BYTES
    found = from_json(Watched, json.loads(written))
    assert found == watched
    return found


# What is noticed


def test_a_swap_behind_a_gateway_of_words_is_told_at_once_and_its_end_too(arena: Arena, begun: Watched) -> None:
    full, proxy = endpoint_of(arena, HIDING["refusing"]), endpoint_of(arena, HIDING["proxy"])
    before, watched = arena.tally(HIDING["refusing"]), begun
    for _ in range(3):
        check = engine.check(full, kept(watched))
        watched = check.watched
        assert check.look.state in AS_BEFORE and check.change is None
        assert check.escalated or (check.look.requests <= 2 and check.look.tokens <= 200)
    spent = arena.tally(HIDING["refusing"])["requests"] - before["requests"]
    assert spent == sum(look.requests for look in watched.recent[-3:])

    swapped = engine.check(proxy, kept(watched))
    assert swapped.look.state == "changed" and swapped.escalated
    assert swapped.change is not None and swapped.change.against == "past"
    assert "distribution" in swapped.change.signals and swapped.change.examples
    assert swapped.look.tokens <= 2_000
    still = engine.check(proxy, kept(swapped.watched))
    assert still.look.state == "still" and still.change == swapped.change
    back = engine.check(full, kept(still.watched))
    assert back.look.state == "recovered" and back.watched.change is None
    assert engine.check(full, kept(back.watched)).look.state in AS_BEFORE

    accepted = accept(swapped.watched)
    assert engine.check(proxy, kept(accepted)).look.state in AS_BEFORE
    assert engine.check(full, kept(accepted)).look.state == "changed"


def test_a_reference_tells_an_endpoint_that_never_was_what_it_says(arena: Arena, references: list[Path]) -> None:
    full = next(one for one in load_references(references) if one.variant == "DeepSeek-R1").behaved()
    assert full is not None and full.prompts and full.bags
    assert from_json(Behaviour, to_json(full)) == full
    alike = engine.check(endpoint_of(arena, HONEST["DeepSeek-R1"]), reference=full)
    assert alike.look.state == "begun" and alike.watched.reference is not None
    assert engine.check(endpoint_of(arena, HONEST["DeepSeek-R1"]), kept(alike.watched)).look.state in AS_BEFORE
    other = engine.check(endpoint_of(arena, HONEST["DeepSeek-V3"]), reference=full)
    assert other.look.state == "changed" and other.change is not None and other.change.against == "reference"
    assert engine.check(endpoint_of(arena, HONEST["DeepSeek-V3"]), kept(other.watched)).look.state == "still"


def test_where_no_words_come_back_a_name_is_watched(arena: Arena) -> None:
    hidden = endpoint_of(arena, HIDING["withheld"])
    first = engine.check(hidden)
    assert first.look.state == "begun" and {"logprobs", "usage"} <= {*first.watched.lacks}
    again = engine.check(hidden, kept(first.watched))
    assert again.look.state in AS_BEFORE and again.look.requests <= 2


# What fails


def test_an_endpoint_that_is_away_has_not_changed(begun: Watched) -> None:
    gone = Endpoint("http://127.0.0.1:9/v1", "deepseek-r1")
    with pytest.raises(TargetError, match=r"127\.0\.0\.1"):
        engine.check(gone, begun, budget=Budget(seconds=1))
    with pytest.raises(TargetError, match=r"127\.0\.0\.1"):
        engine.check(gone, budget=Budget(seconds=1))


@dataclass
class Vendor:
    """What a small server takes, and which weights it has."""

    weights: str = "a"
    alternatives: int = 5
    raw: bool = True
    url: str = ""
    refusals: list[str] = field(default_factory=list)

    def answer(self, asked: dict[str, Any], path: str) -> tuple[int, dict[str, Any]]:
        """A made-up model: which words come is a matter of the prompt and the weights alone."""
        wanted = asked.get("top_logprobs", 0)
        problem = ""
        if path.endswith("/completions") and "/chat" not in path and not self.raw:
            return self.refuse(404, "Not Found")
        if "temperature" in asked:
            problem = "Unsupported value: 'temperature' does not support 0 with this model."
        elif wanted > self.alternatives:
            problem = (
                f"top_logprobs must be at most {self.alternatives}" if self.alternatives else "no top_logprobs here"
            )
        if problem:
            return self.refuse(400, problem)
        text = asked.get("prompt") or asked["messages"][0]["content"]
        seed = sha256(f"{self.weights}{text}".encode()).digest()
        words = [f"w{byte}" for byte in seed[: min(asked["max_tokens"], 32)]]
        choice: dict[str, Any] = {"index": 0, "message": {"content": " ".join(words)}, "finish_reason": "length"}
        if asked.get("logprobs"):
            top = [{"token": f"w{byte}", "logprob": -(place + byte / 256)} for place, byte in enumerate(seed[:wanted])]
            choice["logprobs"] = {"content": [{"token": words[0], "logprob": -0.1, "top_logprobs": top}]}
        usage = {"prompt_tokens": len(text), "completion_tokens": len(words)}
        return 200, {"model": "m", "choices": [choice], "usage": usage}

    def refuse(self, status: int, message: str) -> tuple[int, dict[str, Any]]:
        self.refusals.append(message)
        return status, {"error": {"message": message}}


@contextmanager
def vending(vendor: Vendor) -> Iterator[Endpoint]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, document = vendor.answer(asked, self.path)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *values: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=lambda: server.serve_forever(poll_interval=0.05), daemon=True).start()
    yield Endpoint(f"http://127.0.0.1:{server.server_port}/v1", "m", concurrency=8)
    server.shutdown()
    server.server_close()


def test_what_a_vendor_does_not_take_is_asked_once_and_what_it_withdraws_is_done_without() -> None:
    vendor = Vendor()
    with vending(vendor) as endpoint:
        first = engine.check(endpoint)
        assert first.watched.lacks == () and 0 < len(vendor.refusals) < 10
        center = next(bag.center for name, bag in first.watched.past.bags.items() if name.startswith("first:"))
        assert isinstance(center, dict) and len(center) == 5
        vendor.refusals.clear()
        quiet = engine.check(endpoint, kept(first.watched))
        assert quiet.look.state == "same" and quiet.look.requests == 2 and vendor.refusals == []

        vendor.alternatives = 0
        poorer = engine.check(endpoint, kept(quiet.watched))
        if "logprobs" not in poorer.watched.lacks:  # a text was drawn, too
            poorer = next(one for one in _checks(endpoint, poorer) if "logprobs" in one.watched.lacks)
        assert poorer.look.state in AS_BEFORE
        assert engine.check(endpoint, kept(poorer.watched)).look.state in AS_BEFORE
        vendor.weights = "b"
        swapped = engine.check(endpoint, kept(poorer.watched))
        assert swapped.look.state == "changed" and swapped.change is not None
        assert swapped.change.signals[0] == "distribution"


def _checks(endpoint: Endpoint, check: Check) -> Iterator[Check]:
    for _ in range(20):
        check = engine.check(endpoint, check.watched)
        yield check


# What is remembered


def test_what_earlier_versions_remembered_is_read(begun: Watched) -> None:
    written = to_json(begun)
    older = {name: part for name, part in written.items() if name in ("format", "prompts", "past")}
    older["prompts"] = [{name: one[name] for name in ("id", "text", "way")} for one in older["prompts"]]
    found = from_json(Watched, json.loads(json.dumps(older)))
    assert found.past.bags == begun.past.bags and [one.id for one in found.prompts] == [one.id for one in begun.prompts]
    look = begun.recent[0]
    assert from_json(LookRecord, json.loads(json.dumps(to_json(look)))) == look


@pytest.mark.parametrize("payload", [{}, {"format": 2}, {"format": 1}, {"format": 1, "prompts": 7, "past": []}])
def test_what_a_later_version_remembered_is_refused_in_a_sentence(payload: dict[str, Any]) -> None:
    with pytest.raises(TargetError, match="cannot be read"):
        from_json(Watched, payload)
