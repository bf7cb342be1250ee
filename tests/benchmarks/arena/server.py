"""The arena: hundreds of simulated endpoints on one loopback port, in a process of their own."""

from __future__ import annotations

import multiprocessing
import os
import socket
import threading
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Self

import httpx
import published_tokenizers
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from arena.disguises import Mixed
from arena.models import MODELS
from arena.population import Served
from arena.service import Service
from arena.vocabulary import vocabulary


class Arena:
    """Serves a population while the context is open.

    Args:
        paced: stream at the pace that each model has on plausible hardware; else at once.
        processes: how many servers share the endpoints among them.
    """

    def __init__(self, population: Sequence[Served], *, paced: bool = False, processes: int = 1) -> None:
        self.population = tuple(population)
        self._place = {served: place for place, served in enumerate(self.population)}
        assert len(self._place) == len(self.population), "an endpoint appears twice"
        self._paced, self._count = paced, processes
        self._running: list[tuple[multiprocessing.process.BaseProcess, Connection, int]] = []

    def __enter__(self) -> Self:
        # Not forked: a fork would inherit threads and tokenizers in whatever state they are.
        context = multiprocessing.get_context("spawn")
        for _ in range(self._count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(self.population, self._paced, theirs), daemon=True)
            process.start()
            theirs.close()
            self._running.append((process, ours, 0))
        self._running = [(process, ours, ours.recv()) for process, ours, _ in self._running]
        return self

    def __exit__(self, *_: object) -> None:
        for process, ours, _ in self._running:
            ours.close()
            process.join(5)
            if process.is_alive():
                process.kill()
        self._running = []

    def url(self, served: Served) -> str:
        """Base URL: ends in ``/v1``, or ``/api`` for Ollama's own."""
        return f"{self.root(served)}/{'api' if served.stack.api == 'ollama' else 'v1'}"

    def root(self, served: Served) -> str:
        """The server's root, where its own routes are."""
        place = self._place[served]
        port = self._running[place % len(self._running)][2]
        return f"http://127.0.0.1:{port}/e/{place}"

    def model(self, served: Served) -> str:
        """What its requests must name as the model."""
        return served.name

    def spec(self, served: Served) -> str:
        """The endpoint in one string, as the engine takes it."""
        return f"{self.url(served)}#{served.name}"

    def tally(self, served: Served) -> dict[str, int]:
        """Requests and true tokens served so far, from the server's side."""
        url, _, place = self.root(served).rpartition("/e/")
        found: dict[str, int] = httpx.get(f"{url}/tally/{place}", trust_env=False).json()
        return found


def app(population: Sequence[Served], *, paced: bool = False) -> Starlette:
    """The arena as an application."""
    services: dict[int, Service] = {}

    def service(request: Request) -> Service | None:
        place = request.path_params["place"]
        if place not in services and place < len(population):
            services[place] = Service(population[place], paced=paced)
        return services.get(place)

    async def endpoint(request: Request) -> Response:
        found = service(request)
        return await found.handle(request, request.path_params["path"]) if found else Response("no such endpoint", 404)

    async def tally(request: Request) -> Response:
        found = service(request)
        return JSONResponse(found.told() if found else {})

    return Starlette(
        routes=[
            Route("/e/{place:int}/{path:path}", endpoint, methods=["GET", "POST"]),
            Route("/tally/{place:int}", tally),
        ]
    )


def warm(population: Sequence[Served]) -> None:
    """Read every vocabulary that the population needs, so that no request pays for it."""
    models = {served.variant for served in population} | {
        mixed.variant for served in population if (mixed := served.of(Mixed))
    }
    for name in sorted({MODELS[model].tokenizer for model in models} | {"deepseek-r1"}):
        vocabulary(name)
        # Parsed, a tokenizer.json takes ten times the memory of the tokenizer made of it.
        published_tokenizers.document.cache_clear()


def _serve(population: Sequence[Served], paced: bool, parent: Connection) -> None:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    listening = socket.create_server(("127.0.0.1", 0), backlog=2_048)
    config = uvicorn.Config(
        app(population, paced=paced), log_level=60, access_log=False, server_header=False, date_header=False, lifespan="off"
    )  # fmt: skip

    def follow() -> None:
        """The parent's end is closed when it leaves the context, and when it dies."""
        try:
            parent.recv()
        except EOFError:
            os._exit(0)

    threading.Thread(target=follow, daemon=True).start()
    warm(population)
    parent.send(listening.getsockname()[1])
    uvicorn.Server(config).run(sockets=[listening])
