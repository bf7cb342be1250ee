"""response_urls: five messages within half an hour, to one person or the channel, or in the place of a message; and
what a command is acknowledged with.

Source: docs.slack.dev/interactivity/handling-user-interaction (message responses).
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.local_slack.errors import Body
from bot.local_slack.messages import Delivery, Message
from bot.local_slack.validate import problems_of_message

if TYPE_CHECKING:
    from bot.local_slack.workspace import Workspace

USES, SECONDS = 5, 1800.0
_KEYS = {"text", "blocks", "response_type", "replace_original", "delete_original", "thread_ts", "metadata",
         "unfurl_links", "unfurl_media", "mrkdwn", "attachments"}  # fmt: skip


@dataclass(slots=True)
class ResponseUrl:
    """Where it leads: to a person in a channel, and to the message they pressed something in, if they did."""

    channel: str
    user: str
    message_ts: str | None = None
    uses: int = 0
    since: float = field(default_factory=time.monotonic)


def response_url(workspace: Workspace, channel: str, user: str, message_ts: str | None = None) -> str:
    """A new one."""
    key = secrets.token_hex(8)
    workspace.response_urls[key] = ResponseUrl(channel, user, message_ts)
    return f"{workspace.site}respond/{workspace.team}/{key}"


def respond(workspace: Workspace, key: str, payload: Body) -> tuple[int, str]:
    """What Slack answers to a message through one, and its status."""
    known = workspace.response_urls.get(key)
    if known is None:
        return 404, "no_service"
    if time.monotonic() - known.since > SECONDS:
        return 404, "expired_url"
    if known.uses >= USES:
        return 404, "used_url"
    if payload.get("delete_original"):
        known.uses += 1
        _delete(workspace, known)
        return 200, "ok"
    found = problems_of_message(payload)
    found += [f"invalid additional property: {name}" for name in sorted(set(payload) - _KEYS)]
    if payload.get("response_type", "ephemeral") not in ("ephemeral", "in_channel"):
        found.append("response_type must be ephemeral or in_channel")
    if found:
        workspace.violations += found
        return 400, "invalid_blocks" if "blocks" in payload else "no_text"
    known.uses += 1
    if payload.get("replace_original") and _replaced(workspace, known, payload):
        return 200, "ok"
    _say(workspace, known, payload)
    return 200, "ok"


def acknowledged(workspace: Workspace, delivery: Delivery) -> None:
    """Show what a command's acknowledgement says: to the person alone, unless it says otherwise."""
    if delivery.status != 200 or not delivery.body:
        return
    payload: Body = json.loads(delivery.body) if delivery.body.startswith("{") else {"text": delivery.body}
    if not payload:
        return
    workspace.violations += problems_of_message(payload)
    channel, user = delivery.payload["channel_id"], delivery.payload["user_id"]
    shown = None if payload.get("response_type") == "in_channel" else user
    text, blocks = str(payload.get("text") or ""), payload.get("blocks") or []
    message = Message(channel, workspace.next_ts(), workspace.bot_user, text, blocks, ephemeral_to=shown)
    workspace.messages.append(message)
    workspace.heard.see("ack", text, channel=channel, act=delivery.act)


def _say(workspace: Workspace, known: ResponseUrl, payload: Body) -> None:
    private = payload.get("response_type") != "in_channel"
    message = Message(
        known.channel,
        workspace.next_ts(),
        workspace.bot_user,
        str(payload.get("text") or ""),
        payload.get("blocks") or [],
        thread_ts=payload.get("thread_ts"),
        ephemeral_to=known.user if private else None,
    )
    workspace.show(message, user=known.user)
    if known.message_ts is None:
        known.message_ts = message.ts


def _original(workspace: Workspace, known: ResponseUrl) -> Message | None:
    return next((m for m in workspace.messages if m.channel == known.channel and m.ts == known.message_ts), None)


def _replaced(workspace: Workspace, known: ResponseUrl, payload: Body) -> bool:
    message = _original(workspace, known)
    if message is None:
        return False
    message.text, message.blocks = str(payload.get("text") or ""), payload.get("blocks") or []
    message.edits += 1
    return True


def _delete(workspace: Workspace, known: ResponseUrl) -> None:
    message = _original(workspace, known)
    if message is not None:
        workspace.messages.remove(message)
