"""Answers into Slack: one message a job, begun once and changed until it is the answer."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from bot.comparing.uploads import download
from bot.jobs import Answer, Job, ReportFile
from bot.presentation import present, working_text
from bot.presentation.going import Going
from bot.presentation.view import Part, View, words
from bot.settings import Settings
from bot.slack.assistant import clear_status
from bot.slack.blocks import Block, blocks, fallback, mark
from bot.slack.files import Place, upload_picture, upload_report
from bot.slack.installing import Clients
from bot.slack.messages import find, metadata_of, post, respond
from bot.slack.private import answered_privately, direct_channel, give_privately
from bot.slack.streaming import LiveMessage, Streams, become
from bot.slack.underway import Underway
from bot.slack.unfolding import Unfolding
from engine.errors import R1Error, UsageError
from engine.identification import Progress

log = logging.getLogger("r1.slack")


class SlackReplier:
    """See ``bot.worker.Replier``. Exactly one message a job: it carries the job's id in its metadata or, while it is a
    stream, in its cards, so a worker that takes over finds what the dead one began."""

    def __init__(self, clients: Clients, settings: Settings) -> None:
        self.clients, self.settings = clients, settings
        self._streams = Streams()
        self._begun: dict[str, LiveMessage | None] = {}
        self._afterwards = ThreadPoolExecutor(1, thread_name_prefix="afterwards")

    def open(self, job: Job) -> str | None:
        if answered_privately(job.request, job.origin, self.settings):
            return None  # that it was heard was shown already, and nothing half done can be shown to one person
        client, unfolding = self.clients(job.origin.team), _unfolding(job)
        self._begun[job.id] = None
        ref, streaming = find(client, job) if job.attempt > 1 else None, True
        if ref is None:
            ref, streaming = self._begin(client, job, unfolding)
        if ref is not None:
            streaming = streaming and isinstance(unfolding, Unfolding)
            self._begun[job.id] = LiveMessage(client, job.origin.channel, ref, unfolding, streaming=streaming)
        return ref

    def progress(self, job: Job, progress: Progress | Going) -> None:
        if job.message_ref is None:
            return
        try:
            live = self._begun.get(job.id)
            if live is None:  # begun by a worker before this one; whether as a stream shows when it is added to
                client, unfolding = self.clients(job.origin.team), _unfolding(job)
                streaming = isinstance(unfolding, Unfolding)
                live = LiveMessage(client, job.origin.channel, job.message_ref, unfolding, streaming=streaming)
                self._begun[job.id] = live
            live.show(progress)
        except Exception:  # progress is a courtesy; the answer is not
            log.info("progress of job %s was not shown", job.id, exc_info=True)

    def file(self, job: Job, file_id: str, name: str) -> bytes:
        return download(self.clients(job.origin.team), file_id, name, self.settings.slack_api_url)

    def answer(self, job: Job, answer: Answer) -> None:
        client = self.clients(job.origin.team)
        view = present(answer, job.request, mark, prefix="/r1 ")
        if answered_privately(job.request, job.origin, self.settings):
            self._answer_privately(client, job, answer, view)
            posted = False
        else:
            posted = self._answer_openly(client, job, answer, view)
        self._begun.pop(job.id, None)
        if not posted and job.origin.thread_ts is not None and job.origin.surface in ("mention", "dm"):
            self._afterwards.submit(clear_status, client, job.origin)

    def _begin(self, client: WebClient, job: Job, unfolding: Unfolding | Underway) -> tuple[str | None, bool]:
        """The message that says that work has begun, and whether it is a stream."""
        if isinstance(unfolding, Underway):
            text, laid_out = unfolding.blocks()
            return post(client, job, text, laid_out, keep_url=True), False
        try:
            streamed = self._streams.start(client, job, unfolding)
        except R1Error:
            raise
        except Exception:  # Slack's reply was lost, perhaps after the stream was begun
            log.warning("whether the stream of job %s was begun is looked up", job.id, exc_info=True)
            streamed = find(client, job)
        if streamed is not None:
            return streamed, True
        return post(client, job, working_text(job.request, mark), []), False

    def _answer_openly(self, client: WebClient, job: Job, answer: Answer, view: View) -> bool:
        """Whether a new message was posted for it."""
        text, laid_out = fallback(view), blocks(view, job.request.lang)
        ref = changed = self._changed(client, job, text, laid_out, failed=answer.error is not None)
        if ref is None:
            ref = post(client, job, text, laid_out)
        if (file := answer.report or answer.export) is not None:
            self._show_report(client, job, file, ref)
        elif ref is not None:
            self._show_picture(client, job, answer, Place(job.origin.channel, job.origin.thread_ts or ref))
        return changed is None

    def _changed(self, client: WebClient, job: Job, text: str, laid_out: list[Block], *, failed: bool) -> str | None:
        """The job's message, made the answer; ``None`` where there is none (any more)."""
        live = self._begun.get(job.id)
        if live is not None:
            done = live.finish(text, laid_out, metadata_of(job), failed=failed)
            return live.ts if done else None
        # A job that was begun and has no message either lost Slack's reply to it, or never could post.
        begun = job.attempt > 1 or job.id in self._begun
        ref = job.message_ref or (find(client, job) if begun else None)
        if ref is None:
            return None
        try:
            become(client, job.origin.channel, ref, text, laid_out, metadata_of(job))
        except SlackApiError as error:
            if error.response.get("error") != "message_not_found":
                raise
            return None
        return ref

    def _show_report(self, client: WebClient, job: Job, report: ReportFile, ref: str | None) -> None:
        """Upload a report into its message's thread. It is the answer: where it cannot be put, the message says so."""
        try:
            if ref is None:
                raise ConnectionError("not_in_channel")
            upload_report(client, job, report, Place(job.origin.channel, job.origin.thread_ts or ref))
        except Exception as error:
            told = _not_shown(job, error)
            text, laid_out = fallback(told), blocks(told, job.request.lang)
            if ref is not None:
                become(client, job.origin.channel, ref, text, laid_out, metadata_of(job))
            elif job.origin.response_url is not None:
                respond(job.origin.response_url, text, laid_out, shown="in_channel")

    def _show_picture(self, client: WebClient, job: Job, answer: Answer, place: Place) -> None:
        """The answer is there already: nothing here may fail it."""
        try:
            upload_picture(client, job, answer, place)
        except Exception:
            log.warning("the picture of job %s was not shown", job.id, exc_info=True)

    def _answer_privately(self, client: WebClient, job: Job, answer: Answer, view: View) -> None:
        """Files cannot be shown to one person in a channel: they go to their direct messages."""
        if (file := answer.report or answer.export) is not None:
            try:
                upload_report(client, job, file, Place(direct_channel(client, job.origin.user)))
                where = words(job.request.lang)["answering"]["report_elsewhere"]
                view = replace(view, parts=(*view.parts, Part((where,), quiet=True)))
            except Exception as error:
                view = _not_shown(job, error)
        laid_out = blocks(view, job.request.lang)
        give_privately(client, job, fallback(view), laid_out)
        if file is None:
            try:
                self._show_picture(client, job, answer, Place(direct_channel(client, job.origin.user)))
            except Exception:
                log.warning("the picture of job %s was not shown", job.id, exc_info=True)


def _unfolding(job: Job) -> Unfolding | Underway:
    if job.request.on_task is not None:
        return Underway(job.request_id, job.request)
    return Unfolding(job.id, job.request)


def _not_shown(job: Job, error: Exception) -> View:
    """What is said instead of a report that Slack does not take."""
    log.warning("the report of job %s was not shown", job.id, exc_info=error)
    response = getattr(error, "response", None)
    problem = response.get("error") if isinstance(response, SlackResponse) else str(error)
    told = UsageError("report_not_shown", problem=mark(problem), id=job.request.verdict_id)
    return present(Answer(error=told), job.request, mark, prefix="/r1 ")
