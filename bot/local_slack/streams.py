"""Streamed messages: begun below what somebody said, appended to, and stopped.

Sources: docs.slack.dev/reference/methods/chat.{startStream,appendStream,stopStream,update}. Not published, but met by
everybody who streams: a stream ends by itself after five minutes; what it holds in all is limited; a task that is
under way when it is stopped has failed; details and outputs of a task add up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bot.local_slack.errors import ApiError, Body, decoded, invalid
from bot.local_slack.messages import Message, Stream
from bot.local_slack.validate import MESSAGE_BLOCKS, problems_of_blocks
from bot.local_slack.validate_rich import MARKDOWN_TEXT, chunk_problems

if TYPE_CHECKING:
    from bot.local_slack.workspace import Workspace

SECONDS, LONGEST = 300.0, 10_600
DISPLAYS = ("timeline", "plan", "dense")
_FAILED = "Something went wrong"


def check_update(message: Message, content: Mapping[str, Any]) -> None:
    """Refuse what chat.update refuses in a streamed message.

    Raises:
        ApiError: it is still streaming, or would lose its blocks.
    """
    if message.stream is None:
        return
    if not message.stream.done:
        raise ApiError("streaming_state_conflict")
    if "text" in content and "blocks" not in content:
        raise ApiError("block_mismatch")


def _start(workspace: Workspace, given: Body) -> Body:
    channel, thread_ts = workspace.channel(given), str(given.get("thread_ts") or "")
    if channel in workspace.outside:
        raise ApiError("not_in_channel")
    known = [message for message in workspace.messages if message.channel == channel]
    if not any(thread_ts in (message.ts, message.thread_ts) for message in known):
        raise invalid("thread_ts")
    display = given.get("task_display_mode") or DISPLAYS[0]
    if display not in DISPLAYS:
        raise invalid("task_display_mode")
    if not channel.startswith("D"):
        _check_recipient(workspace, given)
    stream = Stream(display, given.get("recipient_user_id"))
    chunks = _content(workspace, given)
    message = Message(channel, workspace.next_ts(), workspace.bot_user, "", thread_ts=thread_ts, stream=stream)
    _take(message, stream, chunks, given)
    workspace.show(message)
    return {"channel": channel, "ts": message.ts}


def _append(workspace: Workspace, given: Body) -> Body:
    message, stream = _streaming(workspace, given)
    chunks = _content(workspace, given)
    if not chunks:
        raise ApiError("no_text")
    _take(message, stream, chunks, given)
    return {"channel": message.channel, "ts": message.ts}


def _stop(workspace: Workspace, given: Body) -> Body:
    message, stream = _streaming(workspace, given)
    chunks = _content(workspace, given)
    if given.get("session_status", "active") not in ("active", "processing", "suspended", "closed"):
        raise invalid("session_status")
    rest = {name: given[name] for name in ("blocks", "metadata") if given.get(name) is not None}
    content = workspace.check({"text": "-", **rest})  # a stream may stop without another word
    _take(message, stream, chunks, given)
    _end(message, stream)
    message.blocks = [*message.blocks, *content.get("blocks", [])]
    message.metadata = content.get("metadata")
    return {"channel": message.channel, "ts": message.ts, "message": {"text": message.text, "ts": message.ts}}


def _streaming(workspace: Workspace, given: Body) -> tuple[Message, Stream]:
    message = workspace.find(workspace.channel(given), given.get("ts"))
    if message.user != workspace.bot_user:
        raise ApiError("message_not_owned_by_app")
    stream = message.stream
    if stream is not None and not stream.done and time.monotonic() - stream.since > workspace.stream_seconds:
        _end(message, stream)
    if stream is None or stream.done:
        raise ApiError("message_not_in_streaming_state")
    return message, stream


def _check_recipient(workspace: Workspace, given: Body) -> None:
    for name in ("recipient_user_id", "recipient_team_id"):
        if not given.get(name):
            raise ApiError(f"missing_{name}")
    if given["recipient_user_id"] not in workspace.people:
        raise ApiError("user_not_found")
    if given["recipient_team_id"] != workspace.team:
        raise ApiError("team_not_found")


def _content(workspace: Workspace, given: Body) -> list[Body]:
    """What a call brings, as chunks."""
    text, chunks = given.get("markdown_text"), decoded(given.get("chunks"))
    if text is not None and chunks is not None:
        raise ApiError("cannot_provide_both_markdown_text_and_chunks")
    if text is not None:
        if not isinstance(text, str) or len(text) > MARKDOWN_TEXT:
            workspace.violations.append("markdown_text is too long")
            raise ApiError("msg_too_long")
        return [{"type": "markdown_text", "text": text}] if text else []
    if chunks is None:
        return []
    if found := chunk_problems(chunks, problems_of_blocks):
        workspace.violations += found
        raise ApiError("invalid_chunks", response_metadata={"messages": found})
    return list(chunks)


def _take(message: Message, stream: Stream, chunks: list[Body], given: Body) -> None:
    """Add chunks to a message: all of them or, where Slack refuses, none."""
    if not chunks:
        return
    chunked = given.get("chunks") is not None
    if stream.chunked not in (None, chunked):
        raise ApiError("streaming_mode_mismatch")
    new = sum(len(chunk["blocks"]) for chunk in chunks if chunk["type"] == "blocks")
    if stream.appended + new > MESSAGE_BLOCKS:
        raise ApiError("msg_blocks_too_many")
    if _size(stream, chunks) > LONGEST:
        raise ApiError("msg_too_long")
    stream.chunked, stream.appended = chunked, stream.appended + new
    for chunk in chunks:
        _ADD[chunk["type"]](stream, chunk)
    message.blocks = _blocks(stream)
    texts = [part["text"] for part in stream.parts if part["type"] == "markdown"]
    message.text = "\n".join(texts) or stream.plan


def _size(stream: Stream, chunks: list[Body]) -> int:
    """What a message that says something holds; tasks alone may be as many as they like."""
    text = [part["text"] for part in stream.parts if part["type"] == "markdown"]
    text += [chunk["text"] for chunk in chunks if chunk["type"] == "markdown_text"]
    if not text:
        return 0
    tasks = [*stream.tasks.values(), *(chunk for chunk in chunks if chunk["type"] == "task_update")]
    titles = {task["id"]: task["title"] for task in tasks}
    once = [*text, *titles.values(), stream.plan]
    twice = [task.get(name, "") for task in tasks for name in ("details", "output")]
    return sum(len(part.encode()) for part in once) + 2 * sum(len(part.encode()) for part in twice)


def _add_text(stream: Stream, chunk: Body) -> None:
    if stream.parts and stream.parts[-1]["type"] == "markdown":
        stream.parts[-1]["text"] += chunk["text"]
    else:
        stream.parts.append({"type": "markdown", "text": chunk["text"]})


def _add_task(stream: Stream, chunk: Body) -> None:
    known = stream.tasks.get(chunk["id"])
    if known is None:
        stream.tasks[chunk["id"]] = dict(chunk)
        if stream.display == "timeline":
            stream.parts.append({"type": "task", "id": chunk["id"]})
        elif all(part["type"] != "plan" for part in stream.parts):
            stream.parts.append({"type": "plan"})
        return
    joined = {name: known.get(name, "") + chunk[name] for name in ("details", "output") if chunk.get(name)}
    known.update({**chunk, **joined, "sources": [*known.get("sources", []), *chunk.get("sources", [])]})


def _add_plan(stream: Stream, chunk: Body) -> None:
    stream.plan = chunk["title"]
    if stream.display != "timeline" and all(part["type"] != "plan" for part in stream.parts):
        stream.parts.append({"type": "plan"})


def _add_blocks(stream: Stream, chunk: Body) -> None:
    stream.parts.append({"type": "blocks", "blocks": chunk["blocks"]})


def _end(message: Message, stream: Stream) -> None:
    stream.done = True
    running = [task for task in stream.tasks.values() if task["status"] == "in_progress"]
    for task in running:
        task["status"] = "error"
    if running:
        stream.plan = _FAILED
    message.blocks = _blocks(stream)


def _blocks(stream: Stream) -> list[Body]:
    blocks: list[Body] = []
    for part in stream.parts:
        if part["type"] == "markdown":
            blocks.append(dict(part))
        elif part["type"] == "blocks":
            blocks += part["blocks"]
        elif part["type"] == "task":
            blocks.append(_card(stream.tasks[part["id"]]))
        else:
            tasks = [_card(task) for task in stream.tasks.values()]
            blocks.append({"type": "plan", "title": stream.plan or _title(tasks), "tasks": tasks})
    return blocks


def _title(tasks: list[Body]) -> str:
    running = [task["title"] for task in tasks if task["status"] == "in_progress"]
    return str(running[0] if running else "Thinking completed")


def _card(task: Body) -> Body:
    card = {"type": "task_card", "task_id": task["id"], "title": task["title"], "status": task["status"]}
    for name in ("details", "output"):
        if task.get(name):
            section = {"type": "rich_text_section", "elements": _words(task[name])}
            card[name] = {"type": "rich_text", "elements": [section]}
    return {**card, "sources": task["sources"]} if task.get("sources") else card


def _words(text: str) -> list[Body]:
    """A task's Markdown, of which code alone is told from words."""
    shown = [{"type": "text", "text": part, **({"style": {"code": True}} if at % 2 else {})}
             for at, part in enumerate(text.split("`"))]  # fmt: skip
    return [element for element in shown if element["text"]]


_ADD: dict[str, Callable[[Stream, Body], None]] = {
    "markdown_text": _add_text, "task_update": _add_task, "plan_update": _add_plan, "blocks": _add_blocks,
}  # fmt: skip
METHODS: dict[str, Callable[[Workspace, Body], Body]] = {
    "chat.startStream": _start,
    "chat.appendStream": _append,
    "chat.stopStream": _stop,
}
