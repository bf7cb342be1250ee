"""How often a method may be called: Slack's published tiers, where a workspace keeps to them.

Source: docs.slack.dev/apis/web-api/rate-limits and each method's page.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Any

_WINDOW = 60.0
_PER_MINUTE = {
    "chat.startStream": 20, "chat.stopStream": 20, "chat.appendStream": 100, "chat.update": 50, "chat.delete": 50,
    "chat.postEphemeral": 100, "chat.unfurl": 50, "views.open": 100, "views.push": 100, "views.update": 100,
    "views.publish": 100, "users.info": 100, "reactions.add": 50, "reactions.remove": 20, "conversations.open": 50,
    "conversations.history": 50, "conversations.replies": 50, "assistant.threads.setTitle": 100,
    "assistant.threads.setSuggestedPrompts": 100, "files.getUploadURLExternal": 100, "files.completeUploadExternal": 100,
}  # fmt: skip
_POSTS = 60
"""chat.postMessage: one a second in each channel, and short bursts."""


class Rates:
    """Calls within the last minute, by method (and channel, of posts)."""

    def __init__(self) -> None:
        self._calls: defaultdict[str, deque[float]] = defaultdict(deque)

    def wait(self, method: str, arguments: Mapping[str, Any]) -> int | None:
        """Count a call; the seconds to wait where it is one too many."""
        posts = method == "chat.postMessage"
        most = _POSTS if posts else _PER_MINUTE.get(method)
        if most is None:
            return None
        calls, now = self._calls[f"{method} {arguments.get('channel')}" if posts else method], time.monotonic()
        while calls and now - calls[0] > _WINDOW:
            calls.popleft()
        if len(calls) >= most:
            return max(1, math.ceil(_WINDOW - (now - calls[0])))
        calls.append(now)
        return None
