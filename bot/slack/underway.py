"""A comparison on a task while it runs: one message, edited now and then, with a button that calls it off."""

from __future__ import annotations

from typing import Any

from bot.presentation.going import Going, going_text
from bot.presentation.view import words
from bot.requests import Request
from bot.slack.blocks import Block, mark

EVERY = 4.0
"""Seconds between two edits: Slack allows some fifty a minute, of all that is under way."""


class Underway:
    """What is known so far of one job; see ``bot.slack.unfolding``, which does the same for identifications."""

    def __init__(self, request_id: str, request: Request) -> None:
        self.request_id, self.request = request_id, request
        self.latest: Going | None = None

    def take(self, progress: Any) -> None:
        """Note how far it is."""
        if isinstance(progress, Going):
            self.latest = progress

    def blocks(self) -> tuple[str, list[Block]]:
        """The message as it is now."""
        said = words(self.request.lang)["tasks"]["going"]
        text = going_text(self.request, self.latest, mark)
        button: Block = {
            "type": "button",
            "action_id": "r1.stop",
            "value": self.request_id,
            "text": _plain(said["cancel"]),
            "confirm": _confirm(said["sure"], words(self.request.lang)["answering"]["confirm"]),
        }
        shown: Block = {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}
        return text, [shown, {"type": "actions", "elements": [button]}]

    def chunks(self) -> list[dict[str, Any]]:
        """Nothing is streamed: a stream's cards have no buttons."""
        return []

    def title(self, *, over: bool = False) -> dict[str, Any]:
        """Of a stream, of which there is none."""
        return {}

    def again(self) -> None:
        """Every edit says all there is."""

    def close(self, *, failed: bool = False) -> None:
        """The answer takes the message's place."""


def _confirm(text: str, said: dict[str, str]) -> Block:
    return {
        "title": _plain(said["title"]),
        "text": _plain(text),
        "confirm": _plain(said["yes"]),
        "deny": _plain(said["no"]),
    }


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}
