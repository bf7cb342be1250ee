"""Answers that one person alone sees: whether an answer is one, and how it reaches them. Never through a channel."""

from __future__ import annotations

import logging

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.jobs import Job
from bot.requests import Origin, Request
from bot.settings import Settings
from bot.slack.blocks import Block
from bot.slack.messages import find, metadata_of, respond

log = logging.getLogger("r1.slack")


def answered_privately(request: Request, origin: Origin, settings: Settings) -> bool:
    """Whether only the person may see the answer: as they said, wherever it is, or as ``replies`` says. A direct message
    is between the two anyhow."""
    if origin.channel.startswith("D") or origin.surface == "cli":
        return False
    if origin.surface == "watch":
        return bool(request.private)
    return bool(request.private) or settings.replies == "private"


def give_privately(client: WebClient, job: Job, text: str, blocks: list[Block]) -> None:
    """Show an answer to the person alone where they asked; where Slack does not take that, in a direct message. Nothing
    that they alone see can be looked for: after a crash at the wrong moment it is shown twice rather than not at all."""
    if job.origin.surface == "watch":  # what one person alone sees in a channel is gone when they look later
        _write(client, job, text, blocks)
        return
    if job.origin.response_url is not None:
        try:
            respond(job.origin.response_url, text, blocks, shown="ephemeral")
            return
        except Exception as error:  # used up, past its half hour, or Slack is down: there are other ways
            log.info("the response_url of job %s does not answer: %s", job.id, error)
    origin = job.origin
    try:
        thread = origin.thread_ts if origin.thread_ts and _has_begun(client, origin.channel, origin.thread_ts) else None
        client.chat_postEphemeral(channel=origin.channel, user=origin.user, thread_ts=thread, text=text, blocks=blocks)
    except SlackApiError as error:
        log.info("job %s cannot be answered where it was asked: %s", job.id, error.response.get("error"))
        _write(client, job, text, blocks)


def direct_channel(client: WebClient, user: str) -> str:
    """The direct messages between the bot and somebody."""
    return str(client.conversations_open(users=user)["channel"]["id"])


def _has_begun(client: WebClient, channel: str, thread: str) -> bool:
    """Whether a thread is one already: what one person alone sees does not begin it, and would not be seen there."""
    return len(client.conversations_replies(channel=channel, ts=thread, limit=2)["messages"]) > 1


def _write(client: WebClient, job: Job, text: str, blocks: list[Block]) -> None:
    channel = direct_channel(client, job.origin.user)
    if job.attempt > 1 and find(client, job, channel=channel) is not None:
        return
    client.chat_postMessage(
        channel=channel,
        text=text,
        blocks=blocks,
        metadata=metadata_of(job),
        unfurl_links=False,
        unfurl_media=False,
    )
