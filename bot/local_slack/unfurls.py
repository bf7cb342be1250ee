"""Links that the app unfurls. Source: docs.slack.dev/reference/methods/chat.unfurl, /reference/events/link_shared."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bot.local_slack.errors import ApiError, Body
from bot.local_slack.messages import Message
from bot.local_slack.validate import problems_of_blocks

if TYPE_CHECKING:
    from bot.local_slack.workspace import Workspace

MOST_DOMAINS = 5
_KEYS = {"blocks", "preview", "hide_color", "color", "fallback", "text", "title", "title_link", "pretext", "fields",
         "footer", "footer_icon", "image_url", "thumb_url", "ts", "author_name", "author_link", "author_icon"}  # fmt: skip


def link_event(workspace: Workspace, message: Message, urls: list[str]) -> Body | None:
    """link_shared for those of a message's links whose domain the app has claimed; ``None``: none is."""
    links = [{"domain": domain, "url": url} for url in urls if (domain := _domain(workspace, url)) is not None]
    if not links:
        return None
    made = f"{message.channel}.{message.ts}.{secrets.token_hex(32)}"
    workspace.unfurl_ids[made] = message.channel, message.ts
    event: Body = {
        "type": "link_shared", "channel": message.channel, "is_bot_user_member": message.channel not in workspace.outside,
        "user": message.user, "message_ts": message.ts, "unfurl_id": made, "source": "conversations_history",
        "links": links, "event_ts": workspace.next_ts(),
    }  # fmt: skip
    return {**event, "thread_ts": message.thread_ts} if message.thread_ts else event


def _domain(workspace: Workspace, url: str) -> str | None:
    host = urlsplit(url).hostname or ""
    claimed = (d for d in workspace.unfurl_domains if host == d or host.endswith(f".{d}"))
    return next(claimed, None)


def _unfurl(workspace: Workspace, given: Body) -> Body:
    message = _message(workspace, given)
    if (unfurls := given.get("unfurls")) is None:
        raise ApiError("missing_unfurls")
    shown = _parsed(unfurls)
    found = [problem for attachment in shown.values() for problem in _problems(attachment)]
    if found:
        workspace.violations += found
        raise ApiError("cannot_parse_attachment", response_metadata={"messages": found})
    for url in shown:
        if url not in message.text.replace("&amp;", "&"):
            raise ApiError("cannot_unfurl_message")
        if _domain(workspace, url) is None:
            raise ApiError("cannot_unfurl_url")
    message.unfurls.update({url: dict(attachment) for url, attachment in shown.items()})
    return {}


def _message(workspace: Workspace, given: Body) -> Message:
    if given.get("unfurl_id") or given.get("source"):
        for name in ("unfurl_id", "source"):
            if not given.get(name):
                raise ApiError(f"missing_{name}")
        if given["source"] not in ("composer", "conversations_history"):
            raise ApiError("invalid_source")
        if given["unfurl_id"] not in workspace.unfurl_ids:
            raise ApiError("invalid_unfurl_id")
        return workspace.find(*workspace.unfurl_ids[given["unfurl_id"]])
    for name in ("channel", "ts"):
        if not given.get(name):
            raise ApiError(f"missing_{name}")
    try:
        return workspace.find(workspace.channel(given), given["ts"])
    except ApiError as error:
        found = error.answer["error"] == "message_not_found"
        raise ApiError("cannot_find_message" if found else "cannot_find_channel") from error


def _parsed(unfurls: Any) -> dict[str, Mapping[str, Any]]:

    try:
        shown = json.loads(unfurls) if isinstance(unfurls, str) else unfurls
    except ValueError:
        shown = None
    if not isinstance(shown, dict) or not shown or not all(isinstance(value, Mapping) for value in shown.values()):
        raise ApiError("invalid_unfurls_format")
    return shown


def _problems(attachment: Mapping[str, Any]) -> list[str]:
    found = [f"invalid additional property: {name}" for name in sorted(set(attachment) - _KEYS)]
    return found + problems_of_blocks(attachment.get("blocks"))


METHODS: dict[str, Callable[[Workspace, Body], Body]] = {"chat.unfurl": _unfurl}
