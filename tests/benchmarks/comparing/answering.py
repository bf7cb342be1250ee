"""A server of simulated models for comparisons, on loopback: each right on a known share of cases, at a known pace.

The model's name says what it is: ``right-0.8`` answers 80 of 100 questions right, ``right-0.8-seconds-0.5`` takes half a second
for each; ``judge-first`` is a judge that prefers the first answer, ``judge-long`` one that prefers the longer; ``fails`` always
answers 500. Questions hold their answer, as ``[[answer]]``, which no real question does.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

_ANSWER = re.compile(r"\[\[(.*?)\]\]")
_NAMED = re.compile(r"(right|seconds)-([\d.]+)")
_JUDGED = re.compile(r"<answer_a>\s*(.*?)\s*</answer_a>.*<answer_b>\s*(.*?)\s*</answer_b>", re.DOTALL)
PIECES = 8


class Answering:
    """The application, and how often each model was asked."""

    def __init__(self) -> None:
        self.asked: dict[str, int] = {}
        routes = [
            Route("/v1/chat/completions", self.chat, methods=["POST"]),
            Route("/v1/models", self.models),
            Route("/asked", self.tally),
        ]
        self.app = Starlette(routes=routes)

    async def models(self, request: Request) -> Response:
        return JSONResponse({"data": [{"id": "right-1.0"}]})

    async def tally(self, request: Request) -> Response:
        return JSONResponse(self.asked)

    async def chat(self, request: Request) -> Response:
        body = json.loads(await request.body())
        model, prompt = body["model"], body["messages"][-1]["content"]
        self.asked[model] = self.asked.get(model, 0) + 1
        if model == "fails":
            return JSONResponse({"error": {"message": "out of order"}}, 500)
        said = _said(model, prompt)
        traits = dict(_NAMED.findall(model))
        return StreamingResponse(
            _streamed(model, said, float(traits.get("seconds", 0))), media_type="text/event-stream"
        )


def _said(model: str, prompt: str) -> str:
    if model.startswith("judge"):
        first, second = _JUDGED.search(prompt).groups()  # type: ignore[union-attr]
        better = "A" if model == "judge-first" or len(first) > len(second) else "B"
        return f"It covers more. [[{'C' if first == second else better}]]"
    traits = dict(_NAMED.findall(model))
    # Of the same questions the better model is right on those that the other is right on, and on more.
    drawn = int(hashlib.sha256(prompt.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    answer = _ANSWER.search(prompt)
    right = drawn < float(traits.get("right", 1))
    return answer[1] if right and answer else "I am not sure."


async def _streamed(model: str, said: str, seconds: float) -> AsyncIterator[str]:
    size = max(1, -(-len(said) // PIECES))
    pieces = [said[at : at + size] for at in range(0, len(said), size)] or [""]
    for piece in pieces:
        await asyncio.sleep(seconds / len(pieces))
        yield _event(model, {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
    usage = {"prompt_tokens": 40, "completion_tokens": len(pieces)}
    yield _event(model, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage})
    yield "data: [DONE]\n\n"


def _event(model: str, fields: dict[str, Any]) -> str:
    return f"data: {json.dumps({'id': 'x', 'object': 'chat.completion.chunk', 'model': model, **fields})}\n\n"


@contextmanager
def answering() -> Iterator[tuple[str, Answering]]:
    """The server's base URL, and the application, for as long as the context is open; in a thread."""
    application = Answering()
    server = uvicorn.Server(uvicorn.Config(application.app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        threading.Event().wait(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/v1", application
    finally:
        server.should_exit = True
        thread.join(10)


if __name__ == "__main__":
    with answering() as (url, _):
        print(url, flush=True)
        threading.Event().wait()
