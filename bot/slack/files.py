"""Reports and pictures: uploaded once below their answer, or to the person where the answer was theirs alone."""

from __future__ import annotations

from dataclasses import dataclass

from slack_sdk import WebClient

from bot.jobs import Answer, Job, ReportFile
from bot.presentation.pictures import picture_of
from bot.presentation.view import words
from bot.slack.blocks import cut

_TITLE, _ALT = 200, 1000


@dataclass(frozen=True, slots=True)
class Place:
    """A channel, and the thread in it, where there is one."""

    channel: str
    thread: str | None = None


def upload_report(client: WebClient, job: Job, report: ReportFile, place: Place) -> None:
    """Upload a report, or a table. Raises what Slack says against it."""
    stem, _, kind = report.name.rpartition(".")
    name = f"{stem}-{job.id}.{kind}"
    if job.attempt > 1 and _is_there(client, place, name):
        return
    client.files_upload_v2(
        channel=place.channel,
        thread_ts=place.thread,
        filename=name,
        content=report.html,
        title=words(job.request.lang)["looks" if kind == "csv" else "report"]["title"],
    )


def upload_picture(client: WebClient, job: Job, answer: Answer, place: Place) -> None:
    """Upload an answer's picture, where it has one. Raises what Slack says against it."""
    picture, name = picture_of(answer, job.request.lang), f"r1-{job.id}.png"
    if picture is None or (job.attempt > 1 and _is_there(client, place, name)):
        return
    client.files_upload_v2(
        channel=place.channel,
        thread_ts=place.thread,
        filename=name,
        content=picture.png,
        title=cut(picture.alt, _TITLE),
        alt_txt=cut(picture.alt, _ALT),
    )


def _is_there(client: WebClient, place: Place, name: str) -> bool:
    """Whether a worker before this one got as far as the file."""
    if place.thread is not None:
        page = client.conversations_replies(channel=place.channel, ts=place.thread, limit=200)
    else:
        page = client.conversations_history(channel=place.channel, limit=200)
    return any(file.get("name") == name for message in page["messages"] for file in message.get("files") or ())
