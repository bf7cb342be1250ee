"""The workspace served on loopback: Web API, response_urls, Socket Mode, and signed deliveries to the app."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from bot.local_slack.modals import Modal
from bot.local_slack.workspace import ApiError, Body, Delivery, Message, Workspace

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.websockets import WebSocket

_ACK_SECONDS = 3.0
_START_SECONDS = 15.0


class LocalSlack:
    """A running workspace. Deliveries go to ``app_url`` when it is set, else through Socket Mode."""

    def __init__(self) -> None:
        import httpx
        import uvicorn
        from starlette.applications import Starlette
        from starlette.routing import Route, WebSocketRoute

        self.workspace = Workspace()
        self.app_url: str | None = None
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
        self._client = httpx.Client(timeout=30, limits=limits, trust_env=False)
        self._sockets: list[WebSocket] = []
        self._waiting: dict[str, tuple[threading.Event, Delivery]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        routes = [
            Route("/api/{method:path}", self._api, methods=["GET", "POST"]),
            Route("/respond/{key}", self._respond, methods=["POST"]),
            Route("/upload/v1/{key}", self._upload, methods=["POST"]),
            WebSocketRoute("/link", self._link),
        ]
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.workspace.uploads.base = f"http://127.0.0.1:{self.port}/upload/v1/"
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
    def api_url(self) -> str:
        """What a client takes as its base URL."""
        return f"http://127.0.0.1:{self.port}/api/"

    def __enter__(self) -> LocalSlack:
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

    def slash(self, text: str, *, channel: str = "C0MODELS", user: str | None = None) -> Delivery:
        """A person types ``/r1 text``."""
        delivery = self.deliver("slash_commands", self.slash_payload(text, channel=channel, user=user))
        self.workspace.acknowledged(delivery)
        return delivery

    def slash_payload(self, text: str, *, channel: str = "C0MODELS", user: str | None = None) -> Body:
        """The form that Slack posts for a slash command."""
        key, who = secrets.token_hex(8), user or self.workspace.user
        self.workspace.response_urls[key] = (channel, who)
        return {
            "command": "/r1", "text": text, "team_id": self.workspace.team, "channel_id": channel, "user_id": who,
            "channel_name": self.workspace.channels.get(channel, "?"), "trigger_id": self.workspace.modals.trigger(who),
            "response_url": f"http://127.0.0.1:{self.port}/respond/{key}", "api_app_id": "A0R1",
        }  # fmt: skip

    def mention(self, text: str, *, channel: str = "C0MODELS", thread_ts: str | None = None) -> Delivery:
        """A person mentions the bot in a channel."""
        shown = f"<@{self.workspace.bot_user}> {text}"
        message = self.workspace.say(channel, self.workspace.user, shown, thread_ts)
        return self.deliver("events_api", self._event("app_mention", message))

    def dm(self, text: str) -> Delivery:
        """A person writes to the bot directly."""
        message = self.workspace.say("D0PERSON", self.workspace.user, text)
        return self.deliver("events_api", self._event("message", message, channel_type="im"))

    def modal(self) -> Modal | None:
        """The modal that a person has before them."""
        shown = [modal for modal in self.workspace.modals.opened if modal.open]
        return shown[-1] if shown else None

    def submit(self, **typed: str) -> Delivery:
        """A person fills in the modal's fields, by block id, and submits it.

        Raises:
            NotSubmitted: Slack's client would not let them.
        """
        modal = self.modal()
        if modal is None:
            raise LookupError("no modal is open")
        payload = self.workspace.modals.submission(modal, typed, self.workspace.team)
        delivery = self.deliver("interactive", payload)
        self.workspace.modals.answered(modal, delivery.status, delivery.body, delivery.seconds)
        return delivery

    def redeliver(self, delivery: Delivery, *, number: int = 1) -> Delivery:
        """Slack repeats a delivery that it saw no acknowledgement of."""
        return self.deliver(delivery.kind, delivery.payload, retry=number)

    def deliver(self, kind: str, payload: Body, *, retry: int = 0, secret: str | None = None) -> Delivery:
        """Send a payload to the app as Slack does, and wait for its acknowledgement."""
        delivery = Delivery(kind, payload, retries=retry)
        started = time.perf_counter()
        if self.app_url is not None:
            self._post(delivery, secret or self.workspace.signing_secret)
        else:
            self._send(delivery)
        delivery.seconds = time.perf_counter() - started
        return delivery

    def answers(self, channel: str = "C0MODELS") -> list[Message]:
        """The bot's messages in a channel."""
        return [message for message in self.workspace.visible(channel) if message.user == self.workspace.bot_user]

    def wait_for(self, condition: Callable[[], Any], seconds: float = 30.0) -> Any:
        """The condition's value once it is true.

        Raises:
            TimeoutError: it was not true in time.
        """
        until = time.monotonic() + seconds
        while not (value := condition()):
            if time.monotonic() > until:
                raise TimeoutError("the bot did not answer in time")
            time.sleep(0.02)
        return value

    def _event(self, kind: str, message: Message, **more: Any) -> Body:
        event = {
            "type": kind,
            "user": message.user,
            "text": message.text,
            "ts": message.ts,
            "channel": message.channel,
            **more,
        }
        if message.thread_ts:
            event["thread_ts"] = message.thread_ts
        return {
            "type": "event_callback", "token": "-", "team_id": self.workspace.team, "api_app_id": "A0R1",
            "event": event, "event_id": f"Ev{secrets.token_hex(6)}", "event_time": int(time.time()),
            "authorizations": [{"team_id": self.workspace.team, "user_id": self.workspace.bot_user, "is_bot": True}],
        }  # fmt: skip

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

    @property
    def connected(self) -> bool:
        """Whether an app has a Socket Mode connection open."""
        return bool(self._sockets)

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._listener]))

    async def _api(self, request: Request) -> Response:
        from starlette.responses import JSONResponse

        arguments, token = _arguments(await request.body(), request)
        method = request.path_params["method"]
        try:
            wait = self.workspace.refuse(method, arguments)
        except ApiError as error:
            return JSONResponse(error.answer)
        if wait is not None:
            return JSONResponse({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": str(wait)})
        if method == "apps.connections.open" and token == self.workspace.app_token:
            return JSONResponse({"ok": True, "url": f"ws://127.0.0.1:{self.port}/link"})
        headers = {"x-oauth-scopes": ",".join(self.workspace.scopes), "date": self.workspace.date()}
        try:
            return JSONResponse(self.workspace.call(method, arguments, token), headers=headers)
        except ApiError as error:
            return JSONResponse(error.answer, headers=headers)

    async def _respond(self, request: Request) -> Response:
        from starlette.responses import PlainTextResponse

        taken = self.workspace.respond(request.path_params["key"], json.loads(await request.body()))
        return PlainTextResponse("ok" if taken else "invalid_blocks", 200 if taken else 400)

    async def _upload(self, request: Request) -> Response:
        from starlette.responses import PlainTextResponse

        problem = self.workspace.uploads.take(request.path_params["key"], await request.body())
        return PlainTextResponse(problem or "OK", 200 if problem is None else 400)

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
    header = request.headers.get("authorization", "").removeprefix("Bearer ")
    return arguments, str(header or arguments.pop("token", ""))
