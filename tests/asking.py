"""Asking a server of these tests, and what must hold of whatever comes of it."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from engine.errors import R1Error
from engine.targets.endpoint import Ask, Budget, Endpoint, Reply
from engine.targets.talk import Talk

SECONDS = 1.0
HELLO = Ask("hello", "lantern\nSay hello.", max_tokens=8, logprobs=3)


def ask(url: str, *, seconds: float = SECONDS, ask: Ask = HELLO, times: int = 1, **fields: Any) -> Talk:
    """A conversation of one ask, or of the same ask several times at once."""

    async def talk() -> Talk:
        budget = fields.pop("budget", Budget(tokens=100_000, seconds=seconds))
        async with Talk(Endpoint(url, "m", **fields), budget, backoff=0.02) as talk:
            await asyncio.gather(*(talk.ask(ask) for _ in range(times)))
            return talk

    return asyncio.run(talk())


def only_reply(talk: Talk) -> Reply:
    (reply,) = talk.conversation.replies
    return reply


def assert_a_sentence(error: R1Error) -> None:
    """It can be shown to a person, in either language, on one line."""
    for lang in ("en", "zh"):
        sentence = error.sentence(lang)
        assert 10 < len(sentence) < 500
        assert sentence.isprintable()
        assert not re.search(r"\{\w+\}", sentence)
