"""An OpenAI-compatible endpoint on loopback that adds: right as often as it is told to be, and as slowly."""

from __future__ import annotations

import asyncio
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


class Summing:
    """A model that is wrong about every ``wrong``-th number; ``asked`` counts answers."""

    def __init__(self, *, wrong: int = 0, seconds: float = 0.0) -> None:
        self.wrong, self.seconds, self.asked, self.url, self.model = wrong, seconds, 0, "", "sums"
        routes = [
            Route("/v1/models", self._models),
            Route("/v1/chat/completions", self._answer, methods=["POST"]),
        ]
        self.app = Starlette(routes=routes)

    async def _models(self, request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": self.model, "object": "model"}]})

    async def _answer(self, request: Request) -> Response:
        body = json.loads(await request.body())
        number = int((re.findall(r"\d+", body["messages"][-1]["content"]) or ["0"])[0])
        await asyncio.sleep(self.seconds)
        self.asked += 1
        said = str(2 * number + (1 if self.wrong and number % self.wrong == 0 else 0))
        usage = {"prompt_tokens": 12, "completion_tokens": 4, "total_tokens": 16}
        common: dict[str, Any] = {"id": "c", "created": 1, "model": self.model}
        if not body.get("stream"):
            choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
            return JSONResponse({**common, "object": "chat.completion", "choices": [choice], "usage": usage})
        return StreamingResponse(_pieces(common, said, usage), media_type="text/event-stream")


@contextmanager
def summing(*models: Summing) -> Iterator[None]:
    """Serve them for as long as the block runs."""
    running = []
    for model in models:
        server = uvicorn.Server(uvicorn.Config(model.app, port=0, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        running.append((server, thread))
    for model, (server, _) in zip(models, running, strict=True):
        while not server.started:
            threading.Event().wait(0.01)
        model.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1"
    yield
    for server, thread in running:
        server.should_exit = True
        thread.join(10)


async def _pieces(common: dict[str, Any], said: str, usage: dict[str, int]) -> AsyncIterator[str]:
    for delta, finish in (({"role": "assistant", "content": said}, None), ({}, "stop")):
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        yield f"data: {json.dumps({**common, 'object': 'chat.completion.chunk', 'choices': [choice]})}\n\n"
    yield f"data: {json.dumps({**common, 'object': 'chat.completion.chunk', 'choices': [], 'usage': usage})}\n\n"
    yield "data: [DONE]\n\n"
