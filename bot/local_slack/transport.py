"""A Slack served on loopback: Web API, OAuth, response_urls, Socket Mode, and signed deliveries to the app."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import secrets
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlencode

from bot.local_slack.errors import ApiError, Body
from bot.local_slack.installs import Installs
from bot.local_slack.messages import Delivery
from bot.local_slack.workspace import Workspace

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.websockets import WebSocket

_ACK_SECONDS = 3.0
_START_SECONDS = 15.0


class Transport:
    """What the app talks to. Deliveries go to ``app_url`` when it is set, else through Socket Mode."""

    def __init__(self) -> None:
        import httpx
        import uvicorn
        from starlette.applications import Starlette
        from starlette.routing import Route, WebSocketRoute

        self.workspace = Workspace()
        self.installs = Installs(self.workspace)
        self.app_url: str | None = None
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
        self._client = httpx.Client(timeout=30, limits=limits, trust_env=False)
        self._sockets: list[WebSocket] = []
        self._waiting: dict[str, tuple[threading.Event, Delivery]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        routes = [
            Route("/api/{method:path}", self._api, methods=["GET", "POST"]),
            Route("/respond/{team}/{key}", self._respond, methods=["POST"]),
            Route("/upload/v1/{key}", self._upload, methods=["POST"]),
            Route("/oauth/v2/authorize", self._authorize, methods=["GET"]),
            Route("/files-pri/{file}/{rest:path}", self._file, methods=["GET"]),
            WebSocketRoute("/link", self._link),
        ]
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.workspace.site = self.url
        self.workspace.uploads.base = f"{self.url}upload/v1/"
        self.workspace.uploads.kept = f"{self.url}files-pri/"
        config = uvicorn.Config(
            Starlette(routes=routes),
            log_level="error",
            access_log=False,
            timeout_graceful_shutdown=1,
            date_header=False,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, daemon=True, name="local-slack")

    @property
    def url(self) -> str:
        """Where it is served."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def api_url(self) -> str:
        """What a client takes as its base URL."""
        return f"{self.url}api/"

    @property
    def connected(self) -> bool:
        """Whether an app has a Socket Mode connection open."""
        return bool(self._sockets)

    def __enter__(self) -> Self:
        self._thread.start()
        until = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if time.monotonic() > until:
                raise TimeoutError("the local Slack did not start")
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._client.close()
        self._listener.close()

    def redeliver(self, delivery: Delivery, *, number: int = 1) -> Delivery:
        """Slack repeats a delivery that it saw no acknowledgement of."""
        return self.deliver(delivery.kind, delivery.payload, retry=number)

    def deliver(self, kind: str, payload: Body, *, retry: int = 0, secret: str | None = None) -> Delivery:
        """Send a payload to the app as Slack does, and wait for its acknowledgement."""
        return self.send(Delivery(kind, payload, retries=retry), secret)

    def send(self, delivery: Delivery, secret: str | None = None) -> Delivery:
        """Send what was made ready, and wait for its acknowledgement."""
        started = time.perf_counter()
        if self.app_url is not None:
            self._post(delivery, secret or self.workspace.signing_secret)
        else:
            self._send(delivery)
        delivery.seconds = time.perf_counter() - started
        return delivery

    def _post(self, delivery: Delivery, secret: str) -> None:
        import httpx

        form = delivery.kind != "events_api"
        body = json.dumps(delivery.payload)
        if form:
            body = urlencode({"payload": body} if delivery.kind == "interactive" else delivery.payload)
        stamp = str(int(time.time()))
        digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/x-www-form-urlencoded" if form else "application/json",
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": f"v0={digest}",
        }
        if delivery.retries:
            headers |= {"x-slack-retry-num": str(delivery.retries), "x-slack-retry-reason": "http_timeout"}
        try:
            answer = self._client.post(str(self.app_url), content=body.encode(), headers=headers)
            delivery.status, delivery.body = answer.status_code, answer.text
        except httpx.HTTPError as error:
            delivery.body = type(error).__name__

    def _send(self, delivery: Delivery) -> None:
        """Through the first open socket; acknowledged when its envelope comes back."""
        envelope = secrets.token_hex(8)
        message = {
            "envelope_id": envelope,
            "type": delivery.kind,
            "payload": delivery.payload,
            "accepts_response_payload": True,
        }
        if delivery.retries:
            message |= {"retry_attempt": delivery.retries, "retry_reason": "timeout"}
        acknowledged = threading.Event()
        self._waiting[envelope] = acknowledged, delivery
        if self._sockets and self._loop is not None:
            sending = self._sockets[0].send_text(json.dumps(message))
            asyncio.run_coroutine_threadsafe(sending, self._loop).result(10)
            delivery.status = 200 if acknowledged.wait(_ACK_SECONDS) else 0
        del self._waiting[envelope]

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._listener]))

    async def _api(self, request: Request) -> Response:
        from starlette.responses import JSONResponse

        arguments, token = _arguments(await request.body(), request)
        method = request.path_params["method"]
        workspace = self.installs.workspace_of(token, arguments)
        try:
            wait = workspace.limited(method, arguments)
        except ApiError as error:
            return JSONResponse(error.answer)
        if wait is not None:
            return JSONResponse({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": str(wait)})
        if method == "apps.connections.open" and token == self.workspace.app_token:
            return JSONResponse({"ok": True, "url": f"ws://127.0.0.1:{self.port}/link"})
        headers = {"x-oauth-scopes": ",".join(workspace.scopes), "date": workspace.date()}
        try:
            if method == "oauth.v2.access":
                answer = self.installs.access(arguments, _basic(request))
            else:
                answer = self.installs.call(method, arguments, token)
        except ApiError as error:
            answer = error.answer
        return JSONResponse(answer, headers=headers)

    async def _authorize(self, request: Request) -> Response:
        from starlette.responses import PlainTextResponse, RedirectResponse

        try:
            return RedirectResponse(self.installs.authorize(dict(request.query_params)), 302)
        except ApiError as error:
            return PlainTextResponse(f"Something went wrong: {error}", 400)

    async def _respond(self, request: Request) -> Response:
        from starlette.responses import PlainTextResponse

        workspace = self.installs.teams.get(request.path_params["team"], self.workspace)
        status, said = workspace.respond(request.path_params["key"], json.loads(await request.body()))
        return PlainTextResponse(said, status)

    async def _upload(self, request: Request) -> Response:
        from starlette.responses import PlainTextResponse

        key, data = request.path_params["key"], await request.body()
        found = [one for one in self.installs.teams.values() if one.uploads.awaits(key)] or [self.workspace]
        problem = found[0].uploads.take(key, data)
        return PlainTextResponse(problem or "OK", 200 if problem is None else 400)

    async def _file(self, request: Request) -> Response:
        """A file's bytes, for a token that may read files; anybody else is sent to where people log in, as Slack does."""
        from starlette.responses import RedirectResponse
        from starlette.responses import Response as Answer

        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        for workspace in self.installs.teams.values():
            file = workspace.uploads.files.get(request.path_params["file"])
            allowed = token == workspace.bot_token and "files:read" in workspace.scopes
            if file is not None and file.data is not None and not file.deleted and allowed:
                return Answer(file.data, media_type="application/octet-stream")
        return RedirectResponse(f"{self.url}?redir={request.url.path}", 302)

    async def _link(self, websocket: WebSocket) -> None:
        from starlette.websockets import WebSocketDisconnect

        await websocket.accept()
        self._loop = asyncio.get_running_loop()
        await websocket.send_text(json.dumps({"type": "hello", "num_connections": len(self._sockets) + 1}))
        self._sockets.append(websocket)
        try:
            while True:
                answer = json.loads(await websocket.receive_text())
                if (waiting := self._waiting.get(answer.get("envelope_id", ""))) is not None:
                    acknowledged, delivery = waiting
                    delivery.body = json.dumps(answer["payload"]) if answer.get("payload") else ""
                    acknowledged.set()
        except WebSocketDisconnect:
            pass
        finally:
            self._sockets.remove(websocket)


def _arguments(body: bytes, request: Request) -> tuple[Body, str]:
    """A call's arguments and token, from JSON or a form, header or field."""
    if request.headers.get("content-type", "").startswith("application/json"):
        arguments: Body = json.loads(body or b"{}")
    else:
        arguments = dict(parse_qsl(body.decode(), keep_blank_values=True))
    arguments = {**dict(request.query_params), **arguments}
    header = request.headers.get("authorization", "")
    bearer = header.removeprefix("Bearer ") if header.startswith("Bearer ") else ""
    token: Any = bearer or arguments.pop("token", "")
    return arguments, str(token)


def _basic(request: Request) -> tuple[str, str] | None:
    """Name and secret as HTTP's Basic scheme has them."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(given).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, secret
