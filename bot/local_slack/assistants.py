"""The assistant's surface: threads with a status, a title and prompts to begin with.

Sources: docs.slack.dev/reference/methods/assistant.threads.{setStatus,setTitle,setSuggestedPrompts}.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot.local_slack.errors import ApiError, Body, decoded, invalid

if TYPE_CHECKING:
    from bot.local_slack.workspace import Workspace

LOADING_MESSAGES, PROMPTS, STATUS_SECONDS = 10, 4, 120.0


@dataclass(slots=True)
class Thread:
    """What a thread shows beside its messages. ``history`` holds each status with the moment it was set."""

    status: str = ""
    loading_messages: list[str] = field(default_factory=list)
    title: str = ""
    prompts: list[dict[str, str]] = field(default_factory=list)
    prompts_title: str = ""
    history: list[tuple[float, str]] = field(default_factory=list)

    @property
    def statuses(self) -> list[str]:
        """Each status that was set, cleared ones too."""
        return [status for _, status in self.history]

    def shown(self) -> str:
        """The status now; it goes by itself after two minutes."""
        late = not self.history or time.monotonic() - self.history[-1][0] > STATUS_SECONDS
        return "" if late else self.status


def _set_status(workspace: Workspace, given: Body) -> Body:
    channel, ts, thread = _thread(workspace, given)
    status, loading = given.get("status"), _listed(given.get("loading_messages"))
    if not isinstance(status, str):
        raise invalid("status")
    if len(loading) > LOADING_MESSAGES or not all(isinstance(line, str) and line for line in loading):
        workspace.violations.append(f"loading_messages: at most {LOADING_MESSAGES} strings")
        raise invalid("loading_messages")
    thread.status, thread.loading_messages = status, loading
    thread.history.append((time.monotonic(), status))
    if status:
        workspace.heard.see("status", loading[0] if loading else status, channel=channel, thread=ts)
    return {}


def _set_title(workspace: Workspace, given: Body) -> Body:
    _, _, thread = _thread(workspace, given)
    if not isinstance(given.get("title"), str) or not given["title"]:
        raise invalid("title")
    thread.title = given["title"]
    return {}


def _set_prompts(workspace: Workspace, given: Body) -> Body:
    channel, _, thread = _thread(workspace, given)
    prompts = _listed(given.get("prompts"))
    if not channel.startswith("D"):
        raise ApiError("channel_not_found")
    if not 1 <= len(prompts) <= PROMPTS or not all(_is_prompt(prompt) for prompt in prompts):
        workspace.violations.append(f"prompts: 1 to {PROMPTS}, each with title and message")
        raise invalid("prompts")
    thread.prompts, thread.prompts_title = prompts, str(given.get("title") or "")
    return {}


def _thread(workspace: Workspace, given: Body) -> tuple[str, str, Thread]:
    channel, ts = workspace.channel({"channel": given.get("channel_id")}), str(given.get("thread_ts") or "")
    if not any(ts in (message.ts, message.thread_ts) for message in workspace.messages if message.channel == channel):
        raise ApiError("invalid_thread_ts")
    return channel, ts, workspace.threads.setdefault((channel, ts), Thread())


def _listed(value: Any) -> list[Any]:
    found = decoded(value) if value is not None else []
    if not isinstance(found, list):
        raise invalid("list")
    return found


def _is_prompt(prompt: Any) -> bool:
    return (
        isinstance(prompt, dict)
        and set(prompt) == {"title", "message"}
        and all(isinstance(text, str) and text for text in prompt.values())
    )


METHODS: dict[str, Callable[[Workspace, Body], Body]] = {
    "assistant.threads.setStatus": _set_status,
    "assistant.threads.setTitle": _set_title,
    "assistant.threads.setSuggestedPrompts": _set_prompts,
}
