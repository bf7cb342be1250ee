"""A message on the way to its answer: a stream of task cards where the workspace has streams, else edited."""

from __future__ import annotations

import copy
import logging
import threading
import time
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.jobs import Job
from bot.slack.blocks import Block
from bot.slack.underway import EVERY, Underway
from bot.slack.unfolding import Unfolding

log = logging.getLogger("r1.slack")
_UPDATE_EVERY = 1.0
_OVER = ("message_not_in_streaming_state", "stopped_by_user")
"""Slack ends a stream itself after some minutes, or a person does: its message stays, and can be edited."""
_OF_THE_CHANNEL = (
    "channel_not_found", "not_in_channel", "is_archived", "restricted_action", "thread_not_found", "message_not_found",
)  # fmt: skip
_ASK_AGAIN = 3600.0


class Streams:
    """Begins streams, which Slack has in threads only, and remembers which workspaces have none."""

    def __init__(self) -> None:
        self._lacking: dict[str, float] = {}

    def start(self, client: WebClient, job: Job, unfolding: Unfolding) -> str | None:
        """The new stream's message; ``None`` where there can be none. Raises what leaves it open whether there is."""
        origin = job.origin
        if origin.thread_ts is None or self._lacking.get(origin.team, 0.0) > time.monotonic():
            return None
        try:
            started = hasty(client).chat_startStream(
                channel=origin.channel,
                thread_ts=origin.thread_ts,
                recipient_team_id=origin.team or None,
                recipient_user_id=origin.user or None,
                task_display_mode="plan",
                chunks=[unfolding.title(), *unfolding.chunks()],
            )
        except SlackApiError as error:
            unfolding.again()
            problem = str(error.response.get("error"))
            if problem not in _OF_THE_CHANNEL:
                wait = float(error.response.headers.get("Retry-After", 30)) if problem == "ratelimited" else _ASK_AGAIN
                self._lacking[origin.team] = time.monotonic() + wait
                log.info("no streams in %s for %.0f s: %s", origin.team, wait, problem)
            return None
        return str(started["ts"])


class LiveMessage:
    """One message while its job is done. It is changed about once a second at most, from a thread of its own; the
    answer ends it."""

    def __init__(
        self, client: WebClient, channel: str, ts: str, unfolding: Unfolding | Underway, *, streaming: bool
    ) -> None:
        self._every = EVERY if isinstance(unfolding, Underway) else _UPDATE_EVERY
        self.client, self.channel, self.ts = client, channel, ts
        self.unfolding, self.streaming = unfolding, streaming
        self._state, self._sending = threading.Lock(), threading.Lock()
        self._timer: threading.Timer | None = None
        self._sent, self._closed = time.monotonic(), False

    def show(self, progress: Any) -> None:
        """Note a step, and show it soon."""
        with self._state:
            self.unfolding.take(progress)
            if self._timer is None and not self._closed:
                wait = self._sent + self._every - time.monotonic()
                self._timer = threading.Timer(max(wait, 0.0), self._send)
                self._timer.daemon = True
                self._timer.start()

    def finish(self, text: str, blocks: list[Block], metadata: dict[str, Any], *, failed: bool) -> bool:
        """Make it the answer; ``False`` where somebody deleted it. May be called again after it raised."""
        with self._state:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()
            self.unfolding.close(failed=failed)
        with self._sending:
            try:
                if not (self.streaming and self._stop(blocks, metadata)):
                    become(self.client, self.channel, self.ts, text, blocks, metadata)
            except SlackApiError as error:
                if error.response.get("error") == "message_not_found":
                    return False
                raise
        return True

    def _stop(self, blocks: list[Block], metadata: dict[str, Any]) -> bool:
        """End the stream with the answer below its cards; ``False`` where it has to be edited instead."""
        with self._state:
            chunks = [self.unfolding.title(over=True), *self.unfolding.chunks()]
        try:
            self.client.chat_stopStream(
                channel=self.channel, ts=self.ts, chunks=chunks, blocks=blocks, metadata=metadata
            )
        except SlackApiError as error:
            self.streaming = False
            if error.response.get("error") not in _OVER:
                log.warning("a stream was not ended with its answer, which is set in its place", exc_info=True)
            return False
        return True

    def _send(self) -> None:
        with self._sending:
            with self._state:
                self._timer, self._sent = None, time.monotonic()
                if self._closed:
                    return
                chunks, (text, blocks) = self.unfolding.chunks(), self.unfolding.blocks()
            try:
                if self.streaming and chunks:
                    hasty(self.client).chat_appendStream(channel=self.channel, ts=self.ts, chunks=chunks)
                elif not self.streaming:
                    hasty(self.client).chat_update(channel=self.channel, ts=self.ts, text=text, blocks=blocks)
            except Exception as error:  # progress is a courtesy; the answer is not
                if isinstance(error, SlackApiError) and error.response.get("error") in _OVER:
                    self.streaming = False
                with self._state:
                    self.unfolding.again()
                log.info("progress was not shown in %s", self.channel, exc_info=True)


def become(client: WebClient, channel: str, ts: str, text: str, blocks: list[Block], metadata: dict[str, Any]) -> None:
    """Make a message of ours the answer, whether or not it is a stream that somebody left open."""
    try:
        client.chat_update(channel=channel, ts=ts, text=text, blocks=blocks, metadata=metadata)
    except SlackApiError as error:
        if error.response.get("error") != "streaming_state_conflict":
            raise
        client.chat_stopStream(channel=channel, ts=ts)
        client.chat_update(channel=channel, ts=ts, text=text, blocks=blocks, metadata=metadata)


def hasty(client: WebClient) -> WebClient:
    """The client without patience, for what is worth nothing later, or must not be done twice."""
    quick = copy.copy(client)
    quick.retry_handlers = []
    return quick
