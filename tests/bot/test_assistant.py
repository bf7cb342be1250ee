"""People see at once that they were heard, and an assistant thread begins with questions worth pressing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from bot.commands import parse
from bot.local_slack import LocalSlack
from bot.local_slack.messages import Message
from bot.local_slack.validate import problems_of_message
from bot.requests import Origin, Request
from bot.settings import load_settings
from bot.slack.assistant import Signs, prompts, title_of
from bot.slack.installing import web_client

CHANNEL, DM = "C0MODELS", "D0PERSON"


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack() as running:
        yield running
    assert running.workspace.violations == [] and running.workspace.unseen == []


@pytest.fixture
def signs(slack: LocalSlack) -> Signs:
    client = web_client(load_settings(SLACK_BOT_TOKEN=slack.workspace.bot_token, slack_api_url=slack.api_url))
    return Signs(lambda team: client)


def said(slack: LocalSlack, channel: str, thread: str | None = None) -> tuple[Origin, Message]:
    message = slack.workspace.say(channel, slack.workspace.user, "is vendor-a the full one?", thread)
    place = thread if channel == DM else thread or message.ts
    surface: Any = "dm" if channel == DM else "mention"
    return Origin(surface, slack.workspace.team, channel, slack.workspace.user, place), message


def identify(lang: Any = "en") -> Request:
    return Request(verb="identify", text="is vendor-a the full one?", lang=lang, target="vendor-a")


def methods(slack: LocalSlack) -> list[tuple[str, str | None]]:
    return [(call.method, call.error) for call in slack.workspace.calls]


def test_a_mention_is_heard_by_the_status_of_its_thread(slack: LocalSlack, signs: Signs) -> None:
    origin, message = said(slack, CHANNEL)
    signs.first(identify("zh"), origin, message_ts=message.ts)
    slack.wait_for(lambda: slack.workspace.threads, 5)
    thread = slack.workspace.threads[CHANNEL, message.ts]
    assert thread.status == "正在查看……" and thread.loading_messages[0] == "读取文件头……"
    assert slack.answers(CHANNEL) == []


@pytest.mark.parametrize("answered", [True, False])
def test_a_status_that_came_after_the_answer_is_taken_back(
    slack: LocalSlack, signs: Signs, monkeypatch: pytest.MonkeyPatch, answered: bool
) -> None:
    monkeypatch.setattr("bot.slack.assistant._LATE", 0.05)
    origin, message = said(slack, CHANNEL)
    signs.first(identify(), origin, message_ts=message.ts, answered=lambda: answered)
    slack.wait_for(lambda: slack.workspace.threads, 5)
    time.sleep(0.4)
    assert (slack.workspace.status(CHANNEL, message.ts) == "") is answered


def test_an_assistant_thread_is_titled_by_what_is_asked(slack: LocalSlack, signs: Signs) -> None:
    _, first = said(slack, DM)
    origin, message = said(slack, DM, first.ts)
    signs.first(identify(), origin, message_ts=message.ts)
    slack.wait_for(lambda: (DM, first.ts) in slack.workspace.threads and slack.workspace.threads[DM, first.ts].title, 5)
    thread = slack.workspace.threads[DM, first.ts]
    assert thread.title == "Full or distilled? vendor-a" and thread.status


def test_a_workspace_without_statuses_shows_eyes_and_is_asked_once(slack: LocalSlack, signs: Signs) -> None:
    slack.workspace.lacks.add("assistant.threads.setStatus")
    for _ in range(2):
        origin, message = said(slack, CHANNEL)
        signs.first(identify(), origin, message_ts=message.ts)
        slack.wait_for(lambda message=message: message.reactions, 5)
        assert message.reactions == [("eyes", slack.workspace.bot_user)]
    assert [method for method, _ in methods(slack)].count("assistant.threads.setStatus") == 1


def test_eyes_twice_are_no_failure(slack: LocalSlack, signs: Signs) -> None:
    origin, message = said(slack, DM)
    for number in (1, 2):
        signs.first(identify(), origin, message_ts=message.ts)
        slack.wait_for(lambda number=number: len(methods(slack)) == number, 5)
    assert methods(slack) == [("reactions.add", None), ("reactions.add", "already_reacted")]


def test_where_neither_is_allowed_a_line_says_so_to_the_person_alone(slack: LocalSlack, signs: Signs) -> None:
    slack.workspace.scopes = [scope for scope in slack.workspace.scopes if scope not in ("reactions:write", "assistant:write")]  # fmt: skip
    slack.workspace.lacks.add("assistant.threads.setStatus")
    origin, message = said(slack, CHANNEL)
    signs.first(identify(), origin, message_ts=message.ts)
    slack.wait_for(lambda: slack.answers(CHANNEL), 5)
    (line,) = slack.answers(CHANNEL)
    assert line.ephemeral_to == slack.workspace.user and line.text == "On it …"


def test_an_assistant_thread_is_greeted_once_with_questions_that_are_understood(
    slack: LocalSlack, signs: Signs
) -> None:
    _, opened = said(slack, DM)
    event = {"assistant_thread": {"user_id": slack.workspace.user, "channel_id": DM, "thread_ts": opened.ts}}
    for _ in range(2):
        signs.greet(event, team=slack.workspace.team, lang="zh", names=("vendor-a",))
    slack.wait_for(lambda: (DM, opened.ts) in slack.workspace.threads and slack.workspace.threads[DM, opened.ts].prompts, 5)  # fmt: skip
    (greeting,) = slack.answers(DM)
    assert greeting.thread_ts == opened.ts and "满血版" in greeting.text
    shown = slack.workspace.threads[DM, opened.ts].prompts
    assert len(shown) == 4 and shown[0]["title"] == "vendor-a 是满血版吗？"


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("names", [(), ("vendor-a", "vendor-b")], ids=["no_endpoint", "endpoints"])
def test_every_prompt_asks_what_its_title_says(lang: Any, names: tuple[str, ...]) -> None:
    asked = [parse(prompt["message"], names=lambda: names) for prompt in prompts(lang, names)]
    verbs = [request.verb for request in asked]
    assert verbs == (["identify", "recommend", "size", "identify"] if names else ["identify", "recommend", "size", "history"])  # fmt: skip
    assert asked[0].target == ("vendor-a" if names else "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B")
    assert {request.lang for request in asked} == {lang}


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("target", ["vendor-a", "<!channel>", "/models/" + "x" * 3000, "", "﷽" * 300])
def test_titles_and_acknowledgements_hold_whatever_is_asked(signs: Signs, lang: Any, target: str) -> None:
    for verb in ("identify", "recommend", "size", "compare", "watch", "history", "endpoint", "other", "refused"):
        request = Request(verb=verb, text=target, lang=lang, target=target, other=target)  # type: ignore[arg-type]
        line, title = signs.acknowledgement(request, Origin("slash", "T", CHANNEL, "U")), title_of(request)
        assert line and problems_of_message({"text": line}) == []
        assert 0 < len(title) <= 120 and "<" not in title and "<!" not in line
