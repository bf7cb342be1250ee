"""A small real Bolt app for the tests of the loopback Slack: it records what it is told, over either transport."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler

from bot.local_slack import LocalSlack

Told = list[dict[str, Any]]


@contextmanager
def running(slack: LocalSlack, app: App, *, socket_mode: bool) -> Iterator[None]:
    """The app connected to the Slack, or served to it."""
    if socket_mode:
        handler = SocketModeHandler(app, slack.workspace.app_token)
        handler.connect()
        slack.wait_for(lambda: slack.connected, 10)
        yield
        handler.close()
        return
    import uvicorn
    from slack_bolt.adapter.starlette import SlackRequestHandler
    from starlette.applications import Starlette
    from starlette.routing import Route

    handle = SlackRequestHandler(app).handle
    served = Starlette(routes=[Route("/slack/events", handle, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(served, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    slack.wait_for(lambda: server.started, 10)
    port = server.servers[0].sockets[0].getsockname()[1]
    slack.app_url = f"http://127.0.0.1:{port}/slack/events"
    yield
    server.should_exit = True
    thread.join(10)


def recording(slack: LocalSlack, told: Told) -> App:
    """An app that acknowledges whatever it is told and keeps it."""
    app = App(
        token=slack.workspace.bot_token,
        signing_secret=slack.workspace.signing_secret,
        client=client(slack),
        token_verification_enabled=False,
        process_before_response=True,
    )

    def keep(body: dict[str, Any], next: Callable[[], Any]) -> Any:
        told.append(body)
        return next()

    app.use(keep)
    return app


def client(slack: LocalSlack, token: str | None = None) -> Any:
    """A client of the first workspace, or by any token."""
    from slack_sdk import WebClient

    return WebClient(token=token or slack.workspace.bot_token, base_url=slack.api_url)


def plain(text: str) -> dict[str, Any]:
    """A plain text object."""
    return {"type": "plain_text", "text": text}


def option(value: str) -> dict[str, Any]:
    """An option that says its value."""
    return {"text": plain(value), "value": value}


def button(action_id: str, value: str = "v", **more: Any) -> dict[str, Any]:
    """A button that says its value."""
    return {"type": "button", "action_id": action_id, "text": plain(value), "value": value, **more}


def actions(*elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A row of elements."""
    return {"type": "actions", "elements": list(elements), **more}
