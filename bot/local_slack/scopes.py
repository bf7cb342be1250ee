"""Which scopes a method asks for. Source: the pages of docs.slack.dev/reference/methods."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from bot.local_slack.errors import ApiError

_WRITE = ("chat:write",)
_HISTORY = {"C": ("channels:history",), "G": ("groups:history",), "D": ("im:history",)}
_ANY_OF: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("chat.postMessage", "chat.update", "chat.delete", "chat.postEphemeral"), _WRITE),
    **dict.fromkeys(("chat.startStream", "chat.appendStream", "chat.stopStream"), _WRITE),
    "chat.unfurl": ("links:write",),
    "users.info": ("users:read",),
    "reactions.add": ("reactions:write",),
    "reactions.remove": ("reactions:write",),
    "conversations.open": ("im:write", "mpim:write", "channels:manage", "groups:write"),
    "files.getUploadURLExternal": ("files:write",),
    "files.completeUploadExternal": ("files:write",),
    "files.info": ("files:read",),
    "assistant.threads.setStatus": ("chat:write", "assistant:write"),
    "assistant.threads.setTitle": ("assistant:write",),
    "assistant.threads.setSuggestedPrompts": ("assistant:write",),
}


def check_scope(method: str, arguments: Mapping[str, Any], scopes: Collection[str]) -> None:
    """Refuse a method that the token was not granted.

    Raises:
        ApiError: missing_scope, with what is needed and what was provided.
    """
    needed = _ANY_OF.get(method, ())
    if method in ("conversations.history", "conversations.replies"):
        needed = _HISTORY.get(str(arguments.get("channel"))[:1], ())
    if needed and not set(needed) & set(scopes):
        raise ApiError("missing_scope", needed=needed[0], provided=",".join(scopes))
