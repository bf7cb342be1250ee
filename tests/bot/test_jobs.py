"""Accepted means durable; answered means once."""

from __future__ import annotations

import random
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sigkill

from bot.jobs import Job, accept, advance, finish, renew, take
from bot.local_slack import LocalSlack
from bot.local_slack.workspace import ApiError, Body
from bot.requests import Origin, Request
from bot.settings import load_settings
from bot.slack.installing import web_client
from bot.slack.replier import SlackReplier
from bot.store import Store, open_store
from bot.worker import Worker
from engine.identification import Progress
from engine.samples import published, write_checkpoint

ORIGIN = Origin("slash", "T0LOCAL", "C0MODELS", "U0PERSON")


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with LocalSlack() as running:
        yield running


def worker(store: Store, slack: LocalSlack, *roots: Path, **settings: object) -> Worker:
    made = load_settings(
        SLACK_BOT_TOKEN=slack.workspace.bot_token, slack_api_url=slack.api_url, checkpoint_roots=roots, **settings
    )
    return Worker(store, made, SlackReplier(lambda team: web_client(made), made))


def identify(target: Path) -> Request:
    return Request(verb="identify", text=f"identify {target}", lang="en", target=str(target))


def test_a_delivery_is_accepted_once(store: Store) -> None:
    request = Request(verb="help", text="help", lang="en")
    assert accept(store, request, ORIGIN, dedup_key="a") is not None
    assert accept(store, request, ORIGIN, dedup_key="a") is None


def test_two_workers_never_hold_one_job(store: Store) -> None:
    for number in range(20):
        accept(store, Request(verb="help", text="help", lang="en"), ORIGIN, dedup_key=f"k{number}")
    taken: list[str] = []

    def work(owner: str) -> None:
        while (job := take(store, owner, 30)) is not None:
            taken.append(job.id)

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 20


def test_people_are_answered_before_watches_look(store: Store) -> None:
    asked = Request(verb="help", text="help", lang="en")
    for number in range(3):
        accept(store, asked, replace(ORIGIN, surface="watch"), dedup_key=f"watch:w:{number}")
    mine = accept(store, asked, ORIGIN, dedup_key="mine")
    first, second = take(store, "a", 30), take(store, "a", 30)
    assert first is not None and first.id == mine
    assert second is not None and second.origin.surface == "watch"


def test_a_worker_that_lost_its_lease_changes_nothing(store: Store) -> None:
    from bot.jobs import LeaseLost

    accept(store, Request(verb="help", text="help", lang="en"), ORIGIN, dedup_key="k")
    late = take(store, "late", 0.3)
    assert late is not None and take(store, "other", 30) is None
    time.sleep(0.4)
    second = take(store, "other", 30)
    assert second is not None and second.attempt == 2
    assert not renew(store, late, 30)
    with pytest.raises(LeaseLost), store.begin() as session:
        advance(session, late, state="answered")
    finish(store, second)
    assert take(store, "third", 30) is None


def test_one_message_becomes_the_answer(store: Store, slack: LocalSlack, samples: Path) -> None:
    accept(store, identify(samples / "DeepSeek-R1-Distill-Qwen-7B"), ORIGIN, dedup_key="k")
    assert worker(store, slack, samples).run_one()
    (message,) = slack.answers()
    assert message.edits >= 1 and "R1-Distill-Qwen-7B" in message.text
    assert slack.workspace.violations == []


def test_a_path_outside_the_roots_is_refused_whether_it_exists_or_not(
    store: Store, slack: LocalSlack, samples: Path
) -> None:
    for number, path in enumerate(
        (samples / "DeepSeek-R1", Path("/etc/passwd"), Path("/etc/none-such"), samples / "x" / ".." / ".." / "etc")
    ):
        accept(store, identify(path), ORIGIN, dedup_key=f"k{number}")
    bot = worker(store, slack, samples / "DeepSeek-R1-Distill-Qwen-7B")
    while bot.run_one():
        pass
    assert all("checkpoint_roots" in message.text for message in slack.answers())
    assert len(slack.answers()) == 4


def test_a_bad_target_is_answered_in_the_message_that_was_opened(
    store: Store, slack: LocalSlack, tmp_path: Path
) -> None:
    accept(store, identify(tmp_path), ORIGIN, dedup_key="k")
    worker(store, slack, tmp_path).run_one()
    (message,) = slack.answers()
    assert "holds no safetensors" in message.text


def test_a_rate_limited_slack_is_waited_for(store: Store, slack: LocalSlack, samples: Path) -> None:
    refusals = iter([1, 1])
    slack.workspace.refuse = lambda method, arguments: next(refusals, None) if method.startswith("chat.") else None
    accept(store, identify(samples / "DeepSeek-R1-Distill-Qwen-7B"), ORIGIN, dedup_key="k")
    worker(store, slack, samples).run_one()
    (message,) = slack.answers()
    assert message.blocks[0]["type"] == "header"


def test_a_slack_that_fails_at_the_start_still_gets_the_one_answer(
    store: Store, slack: LocalSlack, samples: Path
) -> None:
    failures = iter(["fatal_error"])

    def fail_once(method: str, arguments: Body) -> None:
        if method == "chat.postMessage" and (error := next(failures, None)):
            raise ApiError(error)

    slack.workspace.refuse = fail_once
    accept(store, identify(samples / "DeepSeek-R1-Distill-Qwen-7B"), ORIGIN, dedup_key="k")
    worker(store, slack, samples).run_one()
    (message,) = slack.answers()
    assert "distilled, R1-Distill-Qwen-7B" in message.text


def test_a_post_whose_reply_was_lost_is_found_again_not_repeated(
    store: Store, slack: LocalSlack, samples: Path
) -> None:
    accept(store, identify(samples / "DeepSeek-R1-Distill-Qwen-7B"), ORIGIN, dedup_key="k")
    bot = worker(store, slack, samples)
    posting, lost = bot.replier.open, iter([True])

    def open_and_lose_the_reply(job: Job) -> str | None:
        ref = posting(job)
        if next(lost, False):
            raise TimeoutError("the reply did not arrive")
        return ref

    bot.replier.open = open_and_lose_the_reply  # type: ignore[method-assign]
    bot.run_one()
    (message,) = slack.answers()
    assert "distilled, R1-Distill-Qwen-7B" in message.text


def test_where_the_bot_is_no_member_the_commands_own_url_answers(
    store: Store, slack: LocalSlack, samples: Path
) -> None:
    slack.workspace.outside.add("C0GENERAL")
    payload = slack.slash_payload("", channel="C0GENERAL")
    origin = Origin("slash", "T0LOCAL", "C0GENERAL", "U0PERSON", response_url=payload["response_url"])
    accept(store, identify(samples / "DeepSeek-R1-Distill-Qwen-7B"), origin, dedup_key="k")
    worker(store, slack, samples).run_one()
    (message,) = slack.answers("C0GENERAL")
    assert message.blocks[0]["type"] == "header"


def test_a_job_that_keeps_killing_its_worker_ends_with_a_sentence(
    store: Store, slack: LocalSlack, samples: Path
) -> None:
    accept(store, identify(samples / "DeepSeek-R1"), ORIGIN, dedup_key="k")
    for _ in range(3):
        assert take(store, "dying", 0.21) is not None
        time.sleep(0.25)
    worker(store, slack, samples, max_attempts=3).run_one()
    (message,) = slack.answers()
    assert "after 3 tries" in message.text


def test_a_killed_workers_job_is_answered_once_by_the_next(
    slack: LocalSlack, store: Store, database_url: str, tmp_path: Path
) -> None:
    write_checkpoint(published("R1-Distill-Llama-8B"), tmp_path / "m")
    text = f"identify {tmp_path / 'm'}"
    for number in range(2):
        sigkill.one_kill(slack, store, database_url, tmp_path, text, number, random.Random(number))
    jobs = [(message.metadata or {})["event_payload"]["job_id"] for message in slack.answers()]
    assert len(jobs) == len(set(jobs)) == 2


def test_a_worker_told_to_stop_finishes_first(
    slack: LocalSlack, store: Store, database_url: str, samples: Path, tmp_path: Path
) -> None:
    process: subprocess.Popen[bytes] = sigkill.start(slack, database_url, tmp_path)
    slack.wait_for(lambda: (tmp_path / f"ready-{process.pid}").exists())
    process.terminate()
    assert process.wait(20) == 0


def test_progress_is_shown_in_the_one_message_but_not_too_often(store: Store, slack: LocalSlack, samples: Path) -> None:
    accept(store, identify(samples / "DeepSeek-R1"), ORIGIN, dedup_key="k")
    replier = worker(store, slack, samples).replier
    job = take(store, "w", 30)
    assert job is not None
    job = replace(job, message_ref=replier.open(job))
    for done in range(4):
        replier.progress(job, Progress("tensors", done, 7))
    assert slack.answers()[0].edits == 0
    time.sleep(1.05)
    replier.progress(job, Progress("tokenizer", 4, 7))
    slack.wait_for(lambda: "4 of 7: tokenizer" in slack.answers()[0].text)
    (message,) = slack.answers()
    assert message.edits <= 2, "one that was held back, and this one"
