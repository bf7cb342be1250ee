"""What a conversation holds: messages, those under way, and the signs by which people see that they were heard."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from bot.local_slack.choosing import Typed, with_ids
from bot.local_slack.errors import Body
from bot.local_slack.uploads import Upload, file_json


@dataclass(slots=True)
class Stream:
    """How a streamed message came to be. ``tasks`` by id, in the order they were first told."""

    display: str
    recipient: str | None
    chunked: bool | None = None
    tasks: dict[str, Body] = field(default_factory=dict)
    plan: str = ""
    parts: list[Body] = field(default_factory=list)
    appended: int = 0
    done: bool = False
    since: float = field(default_factory=time.monotonic)


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
    reactions: list[tuple[str, str]] = field(default_factory=list)
    unfurls: dict[str, Body] = field(default_factory=dict)
    stream: Stream | None = None
    chosen: dict[str, Typed] = field(default_factory=dict)
    opens_assistant: bool = False


@dataclass(slots=True)
class Delivery:
    """Something sent to the app, and how it took it. ``seconds`` is until the acknowledgement; ``act`` is what
    somebody did."""

    kind: str
    payload: Body
    status: int = 0
    body: str = ""
    seconds: float = 0.0
    retries: int = 0
    act: Act | None = None


@dataclass(slots=True)
class Call:
    """A Web API call, and the error it met (``None``: ok). ``at`` is of the monotonic clock."""

    method: str
    arguments: Body
    error: str | None
    at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that somebody sees after what they did, so many seconds after it.

    Attributes:
        kind: ack, status, ephemeral, message, reaction, modal or home.
        what: the text, emoji or title.
    """

    kind: str
    user: str
    channel: str
    seconds: float
    what: str


@dataclass(slots=True)
class Act:
    """What somebody did: said, pressed, submitted. ``thread`` is where an answer would be."""

    user: str
    channel: str
    thread: str | None
    ts: str | None = None
    at: float = field(default_factory=time.monotonic)
    signs: list[Sign] = field(default_factory=list)


class Signs:
    """Which sign answers which act: the last that it can be for."""

    def __init__(self) -> None:
        self.acts: list[Act] = []
        self.seen: list[Sign] = []

    def act(self, user: str, channel: str, thread: str | None = None, ts: str | None = None) -> Act:
        """Somebody did something, now."""
        made = Act(user, channel, thread, ts)
        self.acts.append(made)
        return made

    def see(self, kind: str, what: str, *, channel: str = "", thread: str | None = None, user: str | None = None,
            ts: str | None = None, act: Act | None = None) -> None:  # fmt: skip
        """The app shows something: in a channel or thread, to one person, or on one message (``ts``)."""
        now = time.monotonic()
        found = act or self._answered(channel, thread, user, ts)
        if found is None:
            return
        sign = Sign(kind, found.user, channel or found.channel, now - found.at, what)
        found.signs.append(sign)
        self.seen.append(sign)

    def _answered(self, channel: str, thread: str | None, user: str | None, ts: str | None) -> Act | None:
        for act in reversed(self.acts):
            if ts is not None:
                if act.ts == ts and act.channel == channel:
                    return act
            elif user is not None:
                if act.user == user and (not channel or act.channel == channel):
                    return act
            elif act.channel == channel and thread in (act.thread, act.ts):
                return act
        return None


def as_json(message: Message, *, with_metadata: bool = True) -> Body:
    """A message as the Web API shows it."""
    shown: Body = {
        "type": "message",
        "ts": message.ts,
        "user": message.user,
        "text": message.text,
        "blocks": with_ids(message.blocks, salt=f"{message.ts[-3:]}."),
    }
    if message.thread_ts:
        shown["thread_ts"] = message.thread_ts
    if message.files:
        shown["files"] = [file_json(file) for file in message.files]
    if message.metadata and with_metadata:
        shown["metadata"] = message.metadata
    if message.reactions:
        names = sorted({name for name, _ in message.reactions})
        by = {name: [user for given, user in message.reactions if given == name] for name in names}
        shown["reactions"] = [{"name": name, "users": users, "count": len(users)} for name, users in by.items()]
    if message.edits and not message.blocks:
        shown["edited"] = {"user": message.user, "ts": message.ts}
    if message.unfurls:
        shown["attachments"] = [
            {"id": number, "from_url": url, "is_app_unfurl": True, **shown_below}
            for number, (url, shown_below) in enumerate(message.unfurls.items(), 1)
        ]
    return shown
