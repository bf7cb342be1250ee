"""The workspace's state and its Web API methods: what Slack would answer, and what it would remember."""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Any

from bot.local_slack import assistants, conversations, streams, unfurls
from bot.local_slack.declared import declared
from bot.local_slack.errors import ApiError, Body, decoded
from bot.local_slack.messages import Act, Call, Delivery, Message, Sign, Signs, as_json
from bot.local_slack.modals import Home, Modals
from bot.local_slack.people import Person
from bot.local_slack.rates import Rates
from bot.local_slack.response_urls import ResponseUrl, acknowledged, respond
from bot.local_slack.scopes import check_scope
from bot.local_slack.uploads import Uploads
from bot.local_slack.validate import TEXT, UPDATED_TEXT, problems_of_message
from bot.local_slack.validate_rich import MARKDOWN_TEXT
from bot.slack.manifest import manifest_scopes, written_manifest

__all__ = ["ApiError", "Body", "Call", "Delivery", "Message", "Workspace"]


class Workspace:
    """Channels, people and messages; thread-safe.

    Attributes:
        refuse: called with each method and its arguments; may raise ``ApiError`` or return a number of
            seconds to answer 429 with.
        scopes: what the bot token was granted; those of the manifest.
        lacks: methods that it does not know (``"chat.startStream"``), or refuses (``"chat.startStream:not_allowed"``).
        rates: ``Rates()`` to keep to Slack's tiers; nothing is limited without.
        app: what the app's manifest declares.
        clock_ahead: by how many seconds Slack's clock is before this machine's.
        unfurl_domains: hosts whose links the app is told of.
        org_wide: whether its organisation has the app, rather than it.
        unseen: what was posted and nobody sees: ephemeral messages in a thread that has not begun.
    """

    def __init__(
        self, team: str = "T0LOCAL", name: str = "Local", *, number: int = 0, enterprise: str | None = None
    ) -> None:
        self.team, self.name, self.enterprise, self.org_wide = team, name, enterprise, False
        self.bot_token = f"xoxb-local-{secrets.token_hex(8)}"
        self.app_token = f"xapp-local-{secrets.token_hex(8)}"
        self.signing_secret = secrets.token_hex(16)
        self.bot_user, self.bot_id, self.user = f"U{number}R1BOT", f"B{number}R1BOT", f"U{number}PERSON"
        self.main, self.site = f"C{number}MODELS", ""
        self.channels: dict[str, str] = {
            f"C{number}GENERAL": "general",
            self.main: "models",
            f"D{number}PERSON": "R1 Detective",
        }
        self.people: dict[str, Person] = {self.user: Person(self.user, "person", f"D{number}PERSON")}
        self.outside: set[str] = set()
        self.messages: list[Message] = []
        self.unseen: list[Message] = []
        self.calls: list[Call] = []
        self.modals = Modals(team, self.bot_id)
        self.uploads: Uploads = Uploads()
        self.modals.file = self.uploads.told
        self.violations: list[str] = self.modals.violations
        self.refuse: Callable[[str, Body], int | None] = lambda method, arguments: None
        self.response_urls: dict[str, ResponseUrl] = {}
        self.threads: dict[tuple[str, str], assistants.Thread] = {}
        self.app = declared(written_manifest())
        self.unfurl_domains: set[str] = set(self.app.unfurl_domains)
        self.unfurl_ids: dict[str, tuple[str, str]] = {}
        self.scopes = manifest_scopes()
        self.lacks: set[str] = set()
        self.rates: Rates | None = None
        self.stream_seconds = streams.SECONDS
        self.clock_ahead = 0.0
        self.heard = Signs()
        self.lock = threading.RLock()
        self._numbers = itertools.count(1)

    @property
    def homes(self) -> dict[str, Home]:
        """The Home tab of each person who has one."""
        return self.modals.homes

    @property
    def signs(self) -> list[Sign]:
        """What people saw after what they did."""
        return self.heard.seen

    def next_ts(self) -> str:
        """A message timestamp, unique and in order."""
        return f"{int(time.time())}.{next(self._numbers):06d}"

    def person(self, user: str, **more: Any) -> Person:
        """Somebody, who joins with their first word; ``more`` sets their name, locale, tz or admin."""
        with self.lock:
            if user not in self.people:
                dm = f"D{user[1:]}"
                self.people[user] = Person(user, user[1:].lower(), dm)
                self.channels[dm] = "R1 Detective"
            for name, value in more.items():
                setattr(self.people[user], name, value)
            return self.people[user]

    def dm_of(self, user: str) -> str:
        """Somebody's conversation with the bot."""
        return self.person(user).dm

    def say(self, channel: str, user: str, text: str, thread_ts: str | None = None) -> Message:
        """A person's message."""
        with self.lock:
            self.person(user)
            message = Message(channel, self.next_ts(), user, text, thread_ts=thread_ts)
            self.messages.append(message)
            return message

    def show(self, message: Message, *, user: str | None = None) -> None:
        """The app's message appears; a status in its thread goes."""
        begun = message.thread_ts is None or any(
            other.thread_ts == message.thread_ts and not other.ephemeral_to for other in self.messages
        )
        if message.ephemeral_to and not begun:
            self.unseen.append(message)
            return
        self.messages.append(message)
        kind, user = ("ephemeral", message.ephemeral_to) if message.ephemeral_to else ("message", user)
        if message.thread_ts is not None and not message.ephemeral_to:
            user = None
            if (thread := self.threads.get((message.channel, message.thread_ts))) is not None:
                thread.status = ""
        self.heard.see(kind, message.text, channel=message.channel, thread=message.thread_ts, user=user)

    def status(self, channel: str, thread_ts: str) -> str:
        """The status that a thread shows now."""
        thread = self.threads.get((channel, thread_ts))
        return thread.shown() if thread else ""

    def call(self, method: str, arguments: Body, token: str) -> Body:
        """Answer a Web API call.

        Raises:
            ApiError: Slack would answer ``ok: false``.
        """
        handler = METHODS.get(method)
        with self.lock:
            try:
                if token not in (self.bot_token, self.app_token):
                    raise ApiError("invalid_auth" if token else "not_authed")
                if method == "apps.connections.open":  # answered before, with an app token
                    raise ApiError("not_allowed_token_type")
                if handler is None or method in self.lacks:
                    raise ApiError("unknown_method", req_method=method)
                for lacking in self.lacks:
                    if lacking.startswith(f"{method}:"):
                        raise ApiError(lacking.partition(":")[2])
                check_scope(method, arguments, self.scopes)
                answer = handler(self, arguments)
            except ApiError as error:
                self.calls.append(Call(method, arguments, error.answer["error"]))
                raise
            self.calls.append(Call(method, arguments, None))
            return {"ok": True, **answer}

    def limited(self, method: str, arguments: Body) -> int | None:
        """The seconds after which a method may be called again, if not now.

        Raises:
            ApiError: by ``refuse``.
        """
        wait = self.refuse(method, arguments)
        return wait if wait is not None or self.rates is None else self.rates.wait(method, arguments)

    def respond(self, key: str, payload: Body) -> tuple[int, str]:
        """A message through a response_url."""
        with self.lock:
            return respond(self, key, payload)

    def acknowledged(self, delivery: Delivery) -> None:
        """Show what a command's acknowledgement says."""
        with self.lock:
            acknowledged(self, delivery)

    def act(self, user: str, channel: str, thread: str | None = None, ts: str | None = None) -> Act:
        """Somebody does something, now: what they see next is measured from here."""
        with self.lock:
            self.person(user)
            return self.heard.act(user, channel, thread, ts)

    def date(self) -> str:
        """The Date header of Slack's clock."""
        return formatdate(time.time() + self.clock_ahead, usegmt=True)

    def visible(self, channel: str) -> list[Message]:
        """A channel's messages in order."""
        with self.lock:
            return [message for message in self.messages if message.channel == channel]

    def find(self, channel: str, ts: Any) -> Message:
        """A message that everybody sees.

        Raises:
            ApiError: there is none.
        """
        for message in self.messages:
            if message.channel == channel and message.ts == str(ts) and not message.ephemeral_to:
                return message
        raise ApiError("message_not_found")

    def check(self, arguments: Mapping[str, Any], text: int = TEXT) -> Body:
        """A message's content, as Slack takes it.

        Raises:
            ApiError: it does not.
        """
        message = {name: decoded(arguments.get(name)) for name in ("blocks", "metadata")}
        message = {name: value for name, value in message.items() if value is not None}
        if "text" in arguments:
            message["text"] = arguments["text"]
        if (markdown := arguments.get("markdown_text")) is not None:
            if message.keys() & {"blocks", "text"}:
                raise ApiError("markdown_text_conflict")
            if not isinstance(markdown, str) or len(markdown) > MARKDOWN_TEXT:
                raise ApiError("msg_too_long")
            message |= {"text": markdown, "blocks": [{"type": "markdown", "text": markdown}]}
        found = problems_of_message(message, text=text)
        if not found:
            return message
        self.violations += found
        plain = [problem for problem in found if "json-pointer" not in problem]
        raise ApiError(plain[0] if plain else "invalid_blocks", response_metadata={"messages": found})

    def channel(self, arguments: Mapping[str, Any]) -> str:
        """The channel that a call names; a person's id stands for their conversation with the bot.

        Raises:
            ApiError: there is none.
        """
        channel = arguments.get("channel")
        if channel in self.people:
            return self.people[str(channel)].dm
        if channel not in self.channels:
            raise ApiError("channel_not_found")
        return str(channel)

    def _post(self, arguments: Body) -> Body:
        channel = self.channel(arguments)
        if channel in self.outside:
            raise ApiError("not_in_channel")
        content = self.check(arguments)
        message = Message(channel, self.next_ts(), self.bot_user, content.get("text", ""), content.get("blocks", []),
                          content.get("metadata"), arguments.get("thread_ts"))  # fmt: skip
        self.show(message)
        return {"channel": channel, "ts": message.ts, "message": as_json(message)}

    def _update(self, arguments: Body) -> Body:
        channel, content = self.channel(arguments), self.check(arguments, UPDATED_TEXT)
        message = self.find(channel, arguments.get("ts"))
        if message.user != self.bot_user:
            raise ApiError("cant_update_message")
        streams.check_update(message, content)
        if "blocks" in content or "text" in content:
            message.blocks = content.get("blocks", [])
        message.text = content.get("text", message.text)
        message.metadata = content.get("metadata", message.metadata) or None
        message.edits += 1
        return {"channel": channel, "ts": message.ts, "text": message.text, "message": as_json(message)}

    def _delete(self, arguments: Body) -> Body:
        channel = self.channel(arguments)
        message = self.find(channel, arguments.get("ts"))
        if message.user != self.bot_user:
            raise ApiError("cant_delete_message")
        self.messages.remove(message)
        return {"channel": channel, "ts": message.ts}

    def _ephemeral(self, arguments: Body) -> Body:
        channel, content = self.channel(arguments), self.check(arguments)
        user = arguments.get("user")
        if channel in self.outside or user not in self.people:
            raise ApiError("not_in_channel" if channel in self.outside else "user_not_in_channel")
        message = Message(channel, self.next_ts(), self.bot_user, content.get("text", ""), content.get("blocks", []),
                          thread_ts=arguments.get("thread_ts"), ephemeral_to=user)  # fmt: skip
        self.show(message)
        return {"message_ts": message.ts}

    def _auth(self, arguments: Body) -> Body:
        return {"url": self.site, "user_id": self.bot_user, "team_id": self.team, "bot_id": self.bot_id,
                "team": self.name, "user": "r1", "enterprise_id": self.enterprise,
                "is_enterprise_install": self.org_wide}  # fmt: skip

    def _view(self, change: Callable[[Body], Body], kind: str, arguments: Body) -> Body:
        if kind == "home" and not self.app.home:
            raise ApiError("not_enabled")
        answer = change(arguments)
        if kind == "modal":
            user = self.modals.opened[-1].user
            self.heard.see("modal", str(answer["view"]["title"]["text"]), user=user)
        elif kind == "home":
            self.heard.see("home", "", user=str(arguments["user_id"]))
        return answer


METHODS: dict[str, Callable[[Workspace, Body], Body]] = {
    "auth.test": Workspace._auth,
    "chat.postMessage": Workspace._post,
    "chat.update": Workspace._update,
    "chat.delete": Workspace._delete,
    "chat.postEphemeral": Workspace._ephemeral,
    "views.open": lambda workspace, given: workspace._view(workspace.modals.open, "modal", given),
    "views.push": lambda workspace, given: workspace._view(workspace.modals.push, "modal", given),
    "views.update": lambda workspace, given: workspace._view(workspace.modals.update, "", given),
    "views.publish": lambda workspace, given: workspace._view(workspace.modals.publish, "home", given),
    **conversations.METHODS,
    **streams.METHODS,
    **assistants.METHODS,
    **unfurls.METHODS,
}
