"""Conversations: what was said in them, reactions to it, files in it, and whom one talks to.

Sources: docs.slack.dev/reference/methods/conversations.{history,replies,open}, reactions.add, users.info.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.local_slack.errors import ApiError, Body
from bot.local_slack.messages import Message, as_json
from bot.local_slack.people import person_json
from bot.local_slack.uploads import file_json

if TYPE_CHECKING:
    from bot.local_slack.workspace import Workspace


def _react(workspace: Workspace, arguments: Body) -> Body:
    channel, name = workspace.channel(arguments), str(arguments.get("name") or "")
    if not re.fullmatch(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?", name):
        raise ApiError("invalid_name")
    message = workspace.find(channel, arguments.get("timestamp"))
    if (name, workspace.bot_user) in message.reactions:
        raise ApiError("already_reacted")
    message.reactions.append((name, workspace.bot_user))
    workspace.heard.see("reaction", name, channel=channel, ts=message.ts)
    return {}


def _unreact(workspace: Workspace, arguments: Body) -> Body:
    message = workspace.find(workspace.channel(arguments), arguments.get("timestamp"))
    mine = (str(arguments.get("name")), workspace.bot_user)
    if mine not in message.reactions:
        raise ApiError("no_reaction")
    message.reactions.remove(mine)
    return {}


def _open_conversation(workspace: Workspace, arguments: Body) -> Body:
    users = str(arguments.get("users") or "").split(",")
    if len(users) != 1 or users[0] not in workspace.people:
        raise ApiError("user_not_found" if users[0] else "users_list_not_supplied")
    return {"channel": {"id": workspace.people[users[0]].dm}, "already_open": True, "no_op": True}


def _complete_upload(workspace: Workspace, arguments: Body) -> Body:
    channel = workspace.channel({"channel": arguments.get("channel_id")})
    if channel in workspace.outside:  # here chat:write.public does not help
        raise ApiError("not_in_channel")
    thread = arguments.get("thread_ts")
    parents = {message.ts for message in workspace.messages if message.channel == channel and not message.thread_ts}
    if thread is not None and thread not in parents:
        workspace.violations.append(f"thread_ts {thread} is no message that begins a thread")
    files = workspace.uploads.complete(arguments)
    text = str(arguments.get("initial_comment") or "")
    workspace.show(Message(channel, workspace.next_ts(), workspace.bot_user, text, thread_ts=thread, files=files))
    return {"files": [file_json(file) for file in files]}


def _history(workspace: Workspace, arguments: Body) -> Body:
    channel = workspace.channel(arguments)
    if channel in workspace.outside:
        raise ApiError("not_in_channel")
    shown = [message for message in workspace.messages if message.channel == channel and not message.ephemeral_to]
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
    listed = [as_json(message, with_metadata=with_metadata) for message in shown[start : start + limit]]
    return {"messages": listed, "has_more": bool(more), "response_metadata": {"next_cursor": more}}


def _user(workspace: Workspace, arguments: Body) -> Body:
    person = workspace.people.get(str(arguments.get("user")))
    if person is None:
        raise ApiError("user_not_found")
    with_locale = str(arguments.get("include_locale")).lower() in ("1", "true")
    return {"user": person_json(person, workspace.team, with_locale=with_locale)}


METHODS: dict[str, Callable[[Workspace, Body], Body]] = {
    "users.info": _user,
    "reactions.add": _react,
    "reactions.remove": _unreact,
    "conversations.open": _open_conversation,
    "conversations.history": _history,
    "conversations.replies": _history,
    "files.getUploadURLExternal": lambda workspace, given: workspace.uploads.url(given),
    "files.completeUploadExternal": _complete_upload,
    "files.info": lambda workspace, given: workspace.uploads.info(given),
}
