"""Messages of ours: posting them, and finding those that a worker before this one posted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from bot.jobs import Job
from bot.slack.blocks import Block

OUTSIDE = ("not_in_channel", "channel_not_found", "is_archived", "restricted_action", "missing_scope")
"""Slack's words for a channel that the bot cannot post to."""
_EVENT, _PAGES, _DAY = "r1_job", 20, 86_400


def metadata_of(job: Job) -> dict[str, Any]:
    """What marks a message as a job's."""
    return {"event_type": _EVENT, "event_payload": {"job_id": job.id}}


def section(text: str) -> Block:
    """A message that is one line of text."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def post(client: WebClient, job: Job, text: str, blocks: list[Block], *, keep_url: bool = False) -> str | None:
    """Post a job's message; where the bot is not a member, an answer goes through the command's response_url, and the
    message is ``None``.

    Args:
        keep_url: this is no answer yet, for which the response_url is kept.
    """
    try:
        done = client.chat_postMessage(
            channel=job.origin.channel,
            thread_ts=job.origin.thread_ts,
            text=text,
            blocks=blocks or [section(text)],
            metadata=metadata_of(job),
            unfurl_links=False,
            unfurl_media=False,
        )
    except SlackApiError as error:
        if job.origin.response_url is None or error.response.get("error") not in OUTSIDE:
            raise
        if blocks and not keep_url:  # a response_url takes five messages in all: it is kept for the answer
            respond(job.origin.response_url, text, blocks, shown="in_channel")
        return None
    return str(done["ts"])


def respond(url: str, text: str, blocks: list[Block], *, shown: str) -> None:
    """Answer through a response_url: ``in_channel``, or ``ephemeral`` for the person alone.

    Raises:
        ConnectionError: Slack does not take it; it was used five times, or half an hour passed.
    """
    done = WebhookClient(url).send(text=text, blocks=blocks, response_type=shown)
    if done.status_code != 200:
        raise ConnectionError(f"response_url answered {done.status_code}: {done.body[:200]}")


def find(client: WebClient, job: Job, *, channel: str = "") -> str | None:
    """The message that was posted for the job before, if one was: it carries the job's id, a stream in its cards."""
    about: dict[str, Any] = {"channel": channel or job.origin.channel}
    read: Callable[..., Any] = client.conversations_history
    if job.origin.thread_ts is not None and not channel:
        read, about = client.conversations_replies, {**about, "ts": job.origin.thread_ts}
    oldest, cursor = str(time.time() - _DAY), None
    try:
        for _ in range(_PAGES):
            page = read(**about, include_all_metadata=True, oldest=oldest, limit=200, cursor=cursor)
            for message in page["messages"]:
                if _is_of(job, message):
                    return str(message["ts"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None
    except SlackApiError as error:
        if error.response.get("error") not in OUTSIDE:
            raise
    return None


def _is_of(job: Job, message: dict[str, Any]) -> bool:
    metadata = message.get("metadata") or {}
    if metadata.get("event_payload", {}).get("job_id") == job.id:
        return True
    return f'"{job.id}.' in json.dumps(message.get("blocks") or [])  # a stream has no metadata before it ends
