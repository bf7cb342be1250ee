"""What a hostile endpoint says pings nobody in Slack, links nowhere, and repaints no terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hostile_server import HostileServer

import engine
from bot.jobs import Answer
from bot.local_slack.validate import problems_of_message
from bot.presentation import present
from bot.requests import Request
from bot.slack.blocks import blocks, fallback, mark
from bot.terminal import mark as terminal_mark
from bot.terminal import render
from engine.errors import R1Error
from engine.targets.endpoint import Budget

MARKED = ["text_with_marks", "stream_with_marks", "models_with_marks", "headers_with_marks", "error_with_marks",
          "error_with_200", "error_string_with_200", "redirect_with_marks", "called_marks", "no_http", "teapot"]  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    with HostileServer() as shared:
        yield shared


def answer(spec: str) -> Answer:
    try:
        found = engine.identify(spec, budget=Budget(tokens=8_000, seconds=8, thorough=True))
    except R1Error as error:
        return Answer(error=error)
    return Answer(identification=found, verdict_id="k3m9x7wq2a")


def formatted(node: Any) -> Iterator[str]:
    """Every text in which Slack reads marks."""
    if isinstance(node, dict):
        if node.get("type") == "mrkdwn":
            yield str(node["text"])
        node = list(node.values())
    for part in node if isinstance(node, list) else ():
        yield from formatted(part)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("named", ["#m", ""])
@pytest.mark.parametrize("name", MARKED)
def test_nothing_a_server_says_pings_links_or_formats(server: HostileServer, name: str, named: str, lang: str) -> None:
    given = answer(server.url(name) + named)
    request = Request(verb="identify", text="identify x", lang=lang, target="x")  # type: ignore[arg-type]
    view = present(given, request, mark, prefix="/r1 ")
    message = {"text": fallback(view), "blocks": blocks(view)}
    assert problems_of_message(message) == []
    sent = str(message)
    assert not re.search(r"<[!@#]|<https?:|\x1b|\u202e", sent)
    for text in [str(message["text"]), *formatted(message["blocks"])]:
        outside_code = "".join(text.split("`")[::2])
        assert "@here" not in outside_code and "evil.example" not in outside_code and "*bold*" not in outside_code
    assert "\x1b" not in render(present(given, request, terminal_mark, prefix="r1 "))
