"""The workspace's state and its Web API methods: what Slack would answer, and what it would remember."""

from __future__ import annotations

import itertools
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from bot.local_slack.modals import ApiError, Body, Modals
from bot.local_slack.uploads import Upload, Uploads, file_json
from bot.local_slack.validate import problems_of_message
from bot.slack.manifest import manifest_scopes

__all__ = ["ApiError", "Body", "Call", "Delivery", "Message", "Workspace"]


@dataclass(slots=True)
class Message:
    """A message as the channel shows it now; ``edits`` counts its updates."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[Body] = field(default_factory=list)
    metadata: Body | None = None
    thread_ts: str | None = None
    edits: int = 0
    ephemeral_to: str | None = None
    files: list[Upload] = field(default_factory=list)


@dataclass(slots=True)
class Delivery:
    """Something sent to the app, and how it took it. ``seconds`` is until the acknowledgement."""

    kind: str
    payload: Body
    status: int = 0
    body: str = ""
    seconds: float = 0.0
    retries: int = 0


@dataclass(slots=True)
class Call:
    """A Web API call, and the error it met (``None``: ok)."""

    method: str
    arguments: Body
    error: str | None


class Workspace:
    """Channels, people and messages; thread-safe.

    Attributes:
        refuse: called with each method and its arguments; may raise ``ApiError`` or return a number of
            seconds to answer 429 with.
        scopes: what the bot token was granted; those of the manifest.
        clock_ahead: by how many seconds Slack's clock is before this machine's.
    """

    def __init__(self) -> None:
        self.bot_token = f"xoxb-local-{secrets.token_hex(8)}"
        self.app_token = f"xapp-local-{secrets.token_hex(8)}"
        self.signing_secret = secrets.token_hex(16)
        self.team, self.bot_user, self.user = "T0LOCAL", "U0R1BOT", "U0PERSON"
        self.channels: dict[str, str] = {
            "C0GENERAL": "general",
            "C0MODELS": "models",
            "D0PERSON": "R1 Detective",
        }
        self.outside: set[str] = set()
        self.messages: list[Message] = []
        self.calls: list[Call] = []
        self.modals, self.uploads = Modals(), Uploads()
        self.violations: list[str] = self.modals.violations
        self.refuse: Callable[[str, Body], int | None] = lambda method, arguments: None
        self.response_urls: dict[str, tuple[str, str]] = {}
        self.scopes = manifest_scopes()
        self.clock_ahead = 0.0
        self.lock = threading.RLock()
        self._numbers = itertools.count(1)

    def next_ts(self) -> str:
        """A message timestamp, unique and in order."""
        return f"{int(time.time())}.{next(self._numbers):06d}"

    def say(self, channel: str, user: str, text: str, thread_ts: str | None = None) -> Message:
        """A person's message."""
        with self.lock:
            message = Message(channel, self.next_ts(), user, text, thread_ts=thread_ts)
            self.messages.append(message)
            return message

    def call(self, method: str, arguments: Body, token: str) -> Body:
        """Answer a Web API call.

        Raises:
            ApiError: Slack would answer ``ok: false``.
        """
        handler = _METHODS.get(method)
        with self.lock:
            try:
                if token not in (self.bot_token, self.app_token):
                    raise ApiError("invalid_auth" if token else "not_authed")
                if method == "apps.connections.open":  # answered before, with an app token
                    raise ApiError("not_allowed_token_type")
                if handler is None:
                    raise ApiError("unknown_method", req_method=method)
                answer = handler(self, arguments)
            except ApiError as error:
                self.calls.append(Call(method, arguments, error.answer["error"]))
                raise
            self.calls.append(Call(method, arguments, None))
            return {"ok": True, **answer}

    def respond(self, key: str, payload: Body) -> bool:
        """A message through a response_url; ``False`` once it is unknown."""
        with self.lock:
            known = self.response_urls.get(key)
            if known is None or (problems := problems_of_message(payload)):
                if known is not None:
                    self.violations += problems
                return False
            channel, user = known
            shown = None if payload.get("response_type") == "in_channel" else user
            self.messages.append(
                Message(
                    channel,
                    self.next_ts(),
                    self.bot_user,
                    payload.get("text", ""),
                    payload.get("blocks") or [],
                    ephemeral_to=shown,
                )
            )
            return True

    def acknowledged(self, delivery: Delivery) -> None:
        """Show what a command's acknowledgement says: to the person alone, unless it says otherwise."""
        payload = json.loads(delivery.body) if delivery.status == 200 and delivery.body.startswith("{") else {}
        if not payload:
            return
        with self.lock:
            self.violations += problems_of_message(payload)
            channel, user = delivery.payload["channel_id"], delivery.payload["user_id"]
            shown = None if payload.get("response_type") == "in_channel" else user
            message = Message(channel, self.next_ts(), self.bot_user, payload.get("text", ""), ephemeral_to=shown)
            self.messages.append(message)

    def date(self) -> str:
        """The Date header of Slack's clock."""
        return formatdate(time.time() + self.clock_ahead, usegmt=True)

    def visible(self, channel: str) -> list[Message]:
        """A channel's messages in order."""
        with self.lock:
            return [message for message in self.messages if message.channel == channel]

    def _check(self, arguments: Mapping[str, Any]) -> Body:
        message = {name: _decoded(arguments.get(name)) for name in ("blocks", "metadata")}
        message = {name: value for name, value in message.items() if value is not None}
        if "text" in arguments:
            message["text"] = arguments["text"]
        found = problems_of_message(message)
        if not found:
            return message
        self.violations += found
        plain = [problem for problem in found if "json-pointer" not in problem]
        raise ApiError(plain[0] if plain else "invalid_blocks", response_metadata={"messages": found})

    def _post(self, arguments: Body) -> Body:
        channel = self._channel(arguments)
        if channel in self.outside:
            raise ApiError("not_in_channel")
        content = self._check(arguments)
        message = Message(channel, self.next_ts(), self.bot_user, content.get("text", ""), content.get("blocks", []),
                          content.get("metadata"), arguments.get("thread_ts"))  # fmt: skip
        self.messages.append(message)
        return {"channel": channel, "ts": message.ts, "message": _as_json(message)}

    def _update(self, arguments: Body) -> Body:
        channel, content = self._channel(arguments), self._check(arguments)
        for message in self.messages:
            if message.channel == channel and message.ts == arguments.get("ts"):
                if message.user != self.bot_user:
                    raise ApiError("cant_update_message")
                message.text = content.get("text", message.text)
                message.blocks = content.get("blocks", [])
                message.metadata = content.get("metadata", message.metadata)
                message.edits += 1
                return {"channel": channel, "ts": message.ts, "text": message.text}
        raise ApiError("message_not_found")

    def _ephemeral(self, arguments: Body) -> Body:
        channel, content = self._channel(arguments), self._check(arguments)
        message = Message(channel, self.next_ts(), self.bot_user, content.get("text", ""), content.get("blocks", []),
                          ephemeral_to=arguments.get("user"))  # fmt: skip
        self.messages.append(message)
        return {"message_ts": message.ts}

    def _complete_upload(self, arguments: Body) -> Body:
        channel = self._channel({"channel": arguments.get("channel_id")})
        if channel in self.outside:  # here chat:write.public does not help
            raise ApiError("not_in_channel")
        thread = arguments.get("thread_ts")
        parents = {message.ts for message in self.messages if message.channel == channel and not message.thread_ts}
        if thread is not None and thread not in parents:
            self.violations.append(f"thread_ts {thread} is no message that begins a thread")
        files = self.uploads.complete(arguments)
        text = str(arguments.get("initial_comment") or "")
        message = Message(channel, self.next_ts(), self.bot_user, text, thread_ts=thread, files=files)
        self.messages.append(message)
        return {"files": [file_json(file) for file in files]}

    def _upload_url(self, arguments: Body) -> Body:
        return self.uploads.url(arguments)

    def _history(self, arguments: Body) -> Body:
        channel = self._channel(arguments)
        if channel in self.outside:
            raise ApiError("not_in_channel")
        shown = [message for message in self.messages if message.channel == channel and not message.ephemeral_to]
        thread = arguments.get("ts")
        if thread is not None:
            shown = [message for message in shown if thread in (message.ts, message.thread_ts)]
        else:
            shown = [message for message in shown if message.thread_ts in (None, message.ts)][::-1]
        oldest = float(arguments.get("oldest") or 0)
        shown = [message for message in shown if float(message.ts) >= oldest]
        start, limit = int(arguments.get("cursor") or 0), int(arguments.get("limit") or 100)
        more = str(start + limit) if start + limit < len(shown) else ""
        with_metadata = str(arguments.get("include_all_metadata")).lower() in ("1", "true")
        listed = [_as_json(message, with_metadata=with_metadata) for message in shown[start : start + limit]]
        return {"messages": listed, "has_more": bool(more), "response_metadata": {"next_cursor": more}}

    def _channel(self, arguments: Mapping[str, Any]) -> str:
        channel = arguments.get("channel")
        if channel not in self.channels:
            raise ApiError("channel_not_found")
        return str(channel)

    def _auth(self, arguments: Body) -> Body:
        return {
            "user_id": self.bot_user,
            "team_id": self.team,
            "bot_id": "B0R1BOT",
            "team": "Local",
            "user": "r1",
        }

    def _open_view(self, arguments: Body) -> Body:
        return self.modals.open(arguments)

    def _user(self, arguments: Body) -> Body:
        return {"user": {"id": arguments.get("user"), "locale": "en-US", "tz": "Asia/Shanghai", "is_bot": False}}


def _decoded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _as_json(message: Message, *, with_metadata: bool = True) -> Body:
    shown: Body = {
        "type": "message",
        "ts": message.ts,
        "user": message.user,
        "text": message.text,
        "blocks": message.blocks,
    }
    if message.thread_ts:
        shown["thread_ts"] = message.thread_ts
    if message.files:
        shown["files"] = [file_json(file) for file in message.files]
    if message.metadata and with_metadata:
        shown["metadata"] = message.metadata
    return shown


_METHODS: dict[str, Callable[[Workspace, Body], Body]] = {
    "auth.test": Workspace._auth,
    "users.info": Workspace._user,
    "chat.postMessage": Workspace._post,
    "chat.update": Workspace._update,
    "chat.postEphemeral": Workspace._ephemeral,
    "views.open": Workspace._open_view,
    "conversations.history": Workspace._history,
    "conversations.replies": Workspace._history,
    "files.getUploadURLExternal": Workspace._upload_url,
    "files.completeUploadExternal": Workspace._complete_upload,
}
