"""What one person alone was to see is never in a channel, whatever Slack refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient

import engine
from bot.jobs import Answer, Job, ReportFile
from bot.local_slack import LocalSlack
from bot.local_slack.messages import Message
from bot.local_slack.response_urls import response_url
from bot.requests import Origin, Request
from bot.settings import load_settings
from bot.slack.installing import web_client
from bot.slack.private import answered_privately
from bot.slack.replier import SlackReplier
from bot.store.models import now
from bot.store.queries import StoredVerdict
from engine.identification import Identification, Progress

CHANNEL, DM = "C0MODELS", "D0PERSON"


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack() as running:
        yield running
    assert running.workspace.violations == [] and running.workspace.unseen == []


@pytest.fixture(scope="module")
def found(samples: Path) -> Identification:
    return engine.identify(str(samples / "DeepSeek-R1-Distill-Qwen-7B"))


def job_of(slack: LocalSlack, surface: Any = "mention", *, url: bool = False, private: bool | None = True) -> Job:
    asked = slack.workspace.say(CHANNEL, slack.workspace.user, "identify vendor-a, for my eyes only")
    request = Request(verb="identify", text="identify vendor-a", lang="en", target="vendor-a", private=private)
    origin = Origin(
        surface, slack.workspace.team, CHANNEL, slack.workspace.user, asked.ts if surface == "mention" else None,
        response_url(slack.workspace, CHANNEL, slack.workspace.user) if url else None,
    )  # fmt: skip
    return Job(
        id="k3m9x7wq2a", request=request, origin=origin, state="queued", attempt=1, owner="w", message_ref=None,
        verdict_id=None, recommendation_id=None, request_id="r", other_verdict_id=None, error=None, created=now(),
    )  # fmt: skip


def replier(slack: LocalSlack, **more: Any) -> SlackReplier:
    made = load_settings(SLACK_BOT_TOKEN=slack.workspace.bot_token, slack_api_url=slack.api_url, **more)
    client: WebClient = web_client(made)
    return SlackReplier(lambda team: client, made)


def give(by: SlackReplier, job: Job, answer: Answer) -> None:
    assert by.open(job) is None
    by.progress(job, Progress("tensors", 1, 9))
    by.answer(job, answer)


def public(slack: LocalSlack) -> list[Message]:
    """What everybody in the channel sees of the bot."""
    return [message for message in slack.answers(CHANNEL) if message.ephemeral_to is None]


def alone(slack: LocalSlack) -> list[Message]:
    return [message for message in slack.answers(CHANNEL) if message.ephemeral_to == slack.workspace.user]


def answer_of(found: Identification) -> Answer:
    return Answer(identification=found, verdict_id="v3m9x7wq2a")


@pytest.mark.parametrize("url", [True, False], ids=["response_url", "no_url"])
@pytest.mark.parametrize("surface", ["slash", "mention", "button", "modal", "shortcut"])
@pytest.mark.parametrize("refused", ["nothing", "ephemerals", "everything_there"])
def test_a_private_answer_is_never_in_the_channel(
    slack: LocalSlack, found: Identification, surface: str, url: bool, refused: str
) -> None:
    job = job_of(slack, surface, url=url)
    if refused != "nothing":
        slack.workspace.lacks.add("chat.postEphemeral:user_not_in_channel")
    if refused == "everything_there" and url:
        slack.workspace.response_urls.clear()
    give(replier(slack), job, answer_of(found))
    assert public(slack) == []
    shown = [*alone(slack), *slack.answers(DM)]
    (told,) = [message for message in shown if not message.files]
    assert told.blocks[0]["type"] == "header" and "R1-Distill-Qwen-7B" in told.text


def test_in_a_thread_that_has_begun_it_is_shown_there(slack: LocalSlack, found: Identification) -> None:
    job = job_of(slack)
    slack.workspace.say(CHANNEL, slack.workspace.user, "anyone?", job.origin.thread_ts)
    give(replier(slack), job, answer_of(found))
    assert [message.thread_ts for message in alone(slack)] == [job.origin.thread_ts]


def test_pictures_of_private_answers_go_to_the_person(slack: LocalSlack) -> None:
    advice = engine.recommend(scenario="customer service", constraints={"hardware": "2x4090"})
    give(replier(slack), job_of(slack, url=True), Answer(recommendation=advice))
    assert public(slack) == [] and [bool(message.files) for message in slack.answers(DM)] == [True]


@pytest.mark.parametrize("taken", [True, False], ids=["taken", "refused"])
def test_private_reports_go_to_the_person_or_nowhere(slack: LocalSlack, found: Identification, taken: bool) -> None:
    if not taken:
        slack.workspace.lacks.add("files.getUploadURLExternal:not_allowed")
    stored = StoredVerdict("v3m9x7wq2a", now(), found.target.spec, found)
    answer = Answer(explanation=stored, report=ReportFile("r1-v3m9x7wq2a.html", b"<html></html>"))
    give(replier(slack), job_of(slack, url=True), answer)
    (told,) = alone(slack)
    assert public(slack) == [] and [bool(message.files) for message in slack.answers(DM)] == [True] * taken
    assert ("Your report is in your direct messages" in str(told.blocks)) is taken


def test_a_direct_message_that_was_written_before_a_crash_is_not_written_again(
    slack: LocalSlack, found: Identification
) -> None:
    from dataclasses import replace

    slack.workspace.lacks.add("chat.postEphemeral:user_not_in_channel")
    job = job_of(slack)
    for attempt in (1, 2):
        replier(slack).answer(replace(job, state="computed", attempt=attempt), answer_of(found))
    assert len(slack.answers(DM)) == 1


def test_a_status_is_taken_away_after_what_is_no_message(slack: LocalSlack, found: Identification) -> None:
    job = job_of(slack)
    WebClient(token=slack.workspace.bot_token, base_url=slack.api_url).assistant_threads_setStatus(
        channel_id=CHANNEL, thread_ts=job.origin.thread_ts or "", status="is looking …"
    )
    give(replier(slack), job, answer_of(found))
    slack.wait_for(lambda: slack.workspace.threads[CHANNEL, job.origin.thread_ts].statuses[-1] == "", 5)


@pytest.mark.parametrize(
    ("policy", "asked", "is_private"),
    [
        ("choose", None, False), ("choose", True, True), ("choose", False, False),
        ("private", None, True), ("private", False, True), ("private", True, True),
        ("channel", None, False), ("channel", False, False), ("channel", True, True),
    ],
)  # fmt: skip
def test_who_sees_an_answer(policy: str, asked: bool | None, is_private: bool) -> None:
    request = Request(verb="identify", text="", lang="en", private=asked)
    made = load_settings(replies=policy)
    assert answered_privately(request, Origin("slash", "T", "C1", "U1"), made) is is_private
    assert not answered_privately(request, Origin("dm", "T", "D1", "U1"), made)


def test_by_policy_all_are_answered_alone(slack: LocalSlack, found: Identification) -> None:
    give(replier(slack, replies="private"), job_of(slack, private=None), answer_of(found))
    assert public(slack) == [] and len(alone(slack)) == 1
