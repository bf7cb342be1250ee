"""Answers into Slack: one message a job, posted once and updated until it is the answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookClient

from bot.jobs import Answer, Job, ReportFile
from bot.presentation import present, stage_text, words, working_text
from bot.presentation.pictures import picture_of
from bot.settings import Settings
from bot.slack.blocks import Block, blocks, cut, fallback, mark
from engine.errors import UsageError
from engine.identification import Progress

log = logging.getLogger("r1.slack")
_EVENT = "r1_job"
_OUTSIDE = ("not_in_channel", "channel_not_found", "is_archived", "restricted_action", "missing_scope")
_UPDATE_EVERY = 1.0
_TITLE, _ALT = 200, 1000


def web_client(settings: Settings) -> WebClient:
    """A client that waits out rate limits, server errors and dropped connections."""
    handlers = [
        ConnectionErrorRetryHandler(max_retry_count=3),
        RateLimitErrorRetryHandler(max_retry_count=10),
        ServerErrorRetryHandler(max_retry_count=3),
    ]
    return WebClient(
        token=settings.slack_bot_token.get_secret_value(),
        base_url=settings.slack_api_url,
        retry_handlers=handlers,
    )


class SlackReplier:
    """See ``bot.worker.Replier``. Exactly one message a job: it carries the job's id in its metadata, so a
    worker that takes over finds what the dead one posted."""

    def __init__(self, client: WebClient) -> None:
        self.client = client
        self._updated: dict[str, float] = {}

    def open(self, job: Job) -> str | None:
        posted = self._find(job) if job.attempt > 1 else None
        return posted or self._post(job, working_text(job.request, mark), [])

    def progress(self, job: Job, progress: Progress) -> None:
        if job.message_ref is None or time.monotonic() - self._updated.get(job.id, 0.0) < _UPDATE_EVERY:
            return
        first = job.id not in self._updated
        self._updated = {job.id: time.monotonic()}
        if first:  # the message that was just posted says as much
            return
        text = f"{working_text(job.request, mark)} {stage_text(job.request.lang, progress.stage, progress.done, progress.total)}"
        try:
            self.client.chat_update(channel=job.origin.channel, ts=job.message_ref, text=text, blocks=[_section(text)])
        except Exception:  # progress is a courtesy; the answer is not
            log.info("progress of job %s was not shown", job.id, exc_info=True)

    def answer(self, job: Job, answer: Answer) -> None:
        view = present(answer, job.request, mark, prefix="/r1 ")
        text, laid_out = fallback(view), blocks(view)
        # An opened job without its message either lost Slack's reply to the post, or never could post.
        posted = job.attempt > 1 or job.request.verb == "identify"
        ref = job.message_ref or (self._find(job) if posted else None)
        if ref is None:
            ref = self._post(job, text, laid_out)
        else:
            channel = job.origin.channel
            self.client.chat_update(channel=channel, ts=ref, text=text, blocks=laid_out, metadata=_metadata(job))
        if answer.report is not None:
            self._show_report(job, answer.report, ref)
        elif ref is not None:
            self._show_picture(job, answer, thread=job.origin.thread_ts or ref)

    def _show_report(self, job: Job, report: ReportFile, ref: str | None) -> None:
        """Upload a report into its message's thread, once. It is the answer: where it cannot be put, the message
        says so instead."""
        channel, lang = job.origin.channel, job.request.lang
        try:
            if ref is None:
                raise ConnectionError("not_in_channel")
            thread, name = job.origin.thread_ts or ref, report.name.replace(".html", f"-{job.id}.html")
            if job.attempt > 1 and self._has_file(channel, thread, name):
                return
            self.client.files_upload_v2(
                channel=channel,
                thread_ts=thread,
                filename=name,
                content=report.html,
                title=words(lang)["report"]["title"],
            )
        except Exception as error:
            log.warning("the report of job %s was not shown", job.id, exc_info=True)
            response = getattr(error, "response", None)
            problem = response.get("error") if isinstance(response, SlackResponse) else str(error)
            told = UsageError("report_not_shown", problem=mark(problem), id=job.request.verdict_id)
            view = present(Answer(error=told), job.request, mark, prefix="/r1 ")
            if ref is not None:
                self.client.chat_update(
                    channel=channel, ts=ref, text=fallback(view), blocks=blocks(view), metadata=_metadata(job)
                )
            elif job.origin.response_url is not None:
                self._respond(job.origin.response_url, fallback(view), blocks(view))

    def _show_picture(self, job: Job, answer: Answer, *, thread: str) -> None:
        """Upload the answer's picture into its thread, once. The answer is there already: nothing here may fail it."""
        try:
            picture, name = picture_of(answer, job.request.lang), f"r1-{job.id}.png"
            if picture is None or (job.attempt > 1 and self._has_file(job.origin.channel, thread, name)):
                return
            self.client.files_upload_v2(
                channel=job.origin.channel,
                thread_ts=thread,
                filename=name,
                content=picture.png,
                title=cut(picture.alt, _TITLE),
                alt_txt=cut(picture.alt, _ALT),
            )
        except Exception:
            log.warning("the picture of job %s was not shown", job.id, exc_info=True)

    def _has_file(self, channel: str, thread: str, name: str) -> bool:
        """Whether a worker before this one got as far as the picture."""
        page = self.client.conversations_replies(channel=channel, ts=thread, limit=200)
        return any(file.get("name") == name for message in page["messages"] for file in message.get("files") or ())

    def _post(self, job: Job, text: str, laid_out: list[Block]) -> str | None:
        """Post a new message; where the bot is not a member, through the command's response_url."""
        try:
            done = self.client.chat_postMessage(
                channel=job.origin.channel,
                thread_ts=job.origin.thread_ts,
                text=text,
                blocks=laid_out or [_section(text)],
                metadata=_metadata(job),
                unfurl_links=False,
                unfurl_media=False,
            )
        except SlackApiError as error:
            if job.origin.response_url is None or error.response.get("error") not in _OUTSIDE:
                raise
            if laid_out:  # a response_url takes five messages in all: it is kept for the answer
                self._respond(job.origin.response_url, text, laid_out)
            return None
        return str(done["ts"])

    def _respond(self, url: str, text: str, laid_out: list[Block]) -> None:
        done = WebhookClient(url).send(text=text, blocks=laid_out, response_type="in_channel")
        if done.status_code != 200:
            raise ConnectionError(f"response_url answered {done.status_code}: {done.body[:200]}")

    def _find(self, job: Job) -> str | None:
        """The message that a worker before this one posted for the job, if it got so far."""
        origin, oldest = job.origin, str(time.time() - 86_400)
        read: Callable[..., Any] = self.client.conversations_history
        about: dict[str, Any] = {"channel": origin.channel}
        if origin.thread_ts is not None:
            read, about = self.client.conversations_replies, {**about, "ts": origin.thread_ts}
        try:
            cursor = None
            for _ in range(20):
                page = read(**about, include_all_metadata=True, oldest=oldest, limit=200, cursor=cursor)
                for message in page["messages"]:
                    metadata = message.get("metadata") or {}
                    if metadata.get("event_payload", {}).get("job_id") == job.id:
                        return str(message["ts"])
                cursor = (page.get("response_metadata") or {}).get("next_cursor")
                if not cursor:
                    return None
        except SlackApiError as error:
            if error.response.get("error") not in _OUTSIDE:
                raise
        return None


def _metadata(job: Job) -> dict[str, Any]:
    return {"event_type": _EVENT, "event_payload": {"job_id": job.id}}


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}
