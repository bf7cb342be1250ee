"""What is served over HTTP: Slack's deliveries, installing by OAuth, reports by their links, and whether it lives."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from multiprocessing import get_context
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from slack_bolt import App
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from bot.past import beside
from bot.report.links import opens
from bot.requests import Lang
from bot.settings import Settings
from bot.slack.installing import INSTALL_PATH, REDIRECT_PATH
from bot.slack.pages import HEADERS, page, spoken_by
from bot.store import Store
from bot.store.looks import Whose
from bot.store.queries import StoredVerdict, load_verdict
from bot.store.timeline import Timeline

if TYPE_CHECKING:
    from slack_bolt import BoltRequest, BoltResponse

log = logging.getLogger("r1.serve")
_MOST_WAITING = 16


def web_app(app: App, store: Store, settings: Settings, *, events: bool) -> Starlette:
    """The routes, at the root and below the path of ``public_url``: proxies differ in whether they take it off.

    Args:
        events: whether Slack delivers here; in Socket Mode it does not.
    """
    reports = Reports(store, settings)
    routes: list[BaseRoute] = [
        Route("/healthz", _health),
        Route("/reports/{verdict_id}", reports.answer),
    ]
    if events:
        routes.append(Route("/slack/events", _bolt(app.dispatch), methods=["POST"]))
    if app.oauth_flow is not None:
        routes.append(Route(INSTALL_PATH, _bolt(app.oauth_flow.handle_installation)))
        routes.append(Route(REDIRECT_PATH, _bolt(app.oauth_flow.handle_callback)))
    below = urlsplit(settings.public_url).path.rstrip("/")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        reports.close()

    return Starlette(routes=[*routes, Mount(below, routes=routes)] if below else routes, lifespan=lifespan)


class Reports:
    """Reports by their links. They are made in a process of their own: drawing takes a second of processor time, in
    which nothing could be acknowledged here."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._maker: ProcessPoolExecutor | None = None
        self._waiting = 0

    async def answer(self, request: Request) -> Response:
        """The report, or a page with one sentence: whatever is wrong with a link, it says the same."""
        asked = request.query_params.get("lang")
        spoken = spoken_by(asked or request.headers.get("accept-language", ""))
        verdict_id, key = request.path_params["verdict_id"], request.query_params.get("key", "")
        stored = await run_in_threadpool(self._opened, verdict_id, key)
        if stored is None:
            return HTMLResponse(page("report", "none", spoken), 404, HEADERS)
        if self._waiting >= _MOST_WAITING:
            return HTMLResponse(page("report", "busy", spoken), 503, {**HEADERS, "Retry-After": "10"})
        self._waiting += 1
        try:
            return HTMLResponse(await self._made(stored, "zh" if asked == "zh" else "en"), headers=HEADERS)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the process that makes reports."""
        if self._maker is not None:
            self._maker.shutdown(wait=False, cancel_futures=True)

    def _opened(self, verdict_id: str, key: str) -> tuple[StoredVerdict, Timeline | None] | None:
        with self._store.read() as session:
            stored = load_verdict(session, verdict_id) if opens(session, verdict_id, key, self._settings) else None
            # Whoever has the link sees what anybody in the workspace may see.
            return (stored, beside(session, stored, Whose(stored.team, ""))) if stored is not None else None

    async def _made(self, stored: tuple[StoredVerdict, Timeline | None], lang: Lang) -> bytes:
        for last in (False, True):
            maker = self._maker = self._maker or ProcessPoolExecutor(1, mp_context=get_context("spawn"))
            try:
                return await asyncio.get_running_loop().run_in_executor(maker, _make, stored, self._settings, lang)
            except BrokenProcessPool:  # it was killed, for its memory perhaps; another may do
                log.warning("the process that makes reports ended", exc_info=True)
                self._maker = None if self._maker is maker else self._maker
                if last:
                    raise
        raise AssertionError("unreachable")


def _make(stored: tuple[StoredVerdict, Timeline | None], settings: Settings, lang: Lang) -> bytes:
    from bot.report import reported

    report = reported(stored[0], settings, lang, stored[1]).report
    return report.html if report is not None else b""


async def _health(request: Request) -> Response:
    return PlainTextResponse("ok")


def _bolt(handle: Callable[[BoltRequest], BoltResponse]) -> Callable[[Request], object]:
    async def answer(request: Request) -> Response:
        # The adapter's own handler would run a synchronous app's listeners on the event loop, one by one.
        asked = to_bolt_request(request, await request.body())
        return to_starlette_response(await run_in_threadpool(handle, asked))

    return answer
