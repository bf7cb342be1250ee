"""Two endpoints on a task through Slack: by command and by form with a file, how far it is, called off, taken up again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import r1
from pressing import CHANNEL, answer_to, answers, asides, shown
from summing import Summing, summing

from bot.demo import running_bot
from bot.local_slack import LocalSlack, NotSubmitted
from bot.local_slack.messages import Message
from bot.store import open_store
from bot.store.models import EndpointRow

STRANGER = "U0OTHER"


def cases(count: int, first: int = 0) -> bytes:
    rows = (
        {"id": f"c{n}", "question": f"What is {n} plus {n}?", "answers": [str(2 * n)]}
        for n in range(first, first + count)
    )
    return "\n".join(map(json.dumps, rows)).encode()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalSlack, Summing]]:
    """A bot whose workspace has two registered endpoints."""
    root, right, poor = tmp_path_factory.mktemp("comparing"), Summing(seconds=0.02), Summing(wrong=3, seconds=0.02)
    with summing(right, poor), LocalSlack() as slack, running_bot(slack, root, lease_seconds=5):
        store = open_store(f"sqlite:///{root / 'r1.db'}")
        with store.begin() as session:
            for name, model in (("vendor-a", right), ("vendor-b", poor)):
                session.add(EndpointRow(name=name, url=model.url, model=model.model, concurrency=4))
        yield slack, poor
        store.close()


def form(slack: LocalSlack) -> None:
    """Open the form that compares."""
    slack.press(answer_to(slack, lambda: slack.slash("compare"), seconds=90), "r1.form_compare")


def upload(slack: LocalSlack, count: int, first: int = 0, **typed: Any) -> None:
    """Fill it in, with a file of so many cases."""
    file = slack.choose_file("sums.jsonl", cases(count, first))
    slack.submit(target_known="vendor-a", other_known="vendor-b", file=file, kind="qa", **typed)


def under_way(slack: LocalSlack) -> Message | None:
    """The message that says how far a comparison is."""
    with_buttons = [one for one in slack.answers(CHANNEL) if "r1.stop" in str(one.blocks)]
    return with_buttons[-1] if with_buttons else None


def test_a_file_is_uploaded_in_the_form_and_its_answer_is_the_table_with_a_report(
    running: tuple[LocalSlack, Summing],
) -> None:
    slack, _ = running
    form(slack)
    done = answer_to(slack, lambda: upload(slack, 60, gap="20"), seconds=90)
    said = shown(done)
    assert "vendor-a does better than vendor-b on sums" in done.text and "r1.stop" not in said
    assert "Exact match (EM)" in said and "B against A" in said and "Take *vendor-a*" in said
    slack.press(done, "r1.report")
    report = slack.wait_for(lambda: next(iter(reports(slack)), None))
    assert b"the article prints 209" in report and b"<bdi>c3</bdi>" in report
    assert slack.workspace.violations == []


def reports(slack: LocalSlack) -> list[bytes]:
    files = [file for message in slack.answers(CHANNEL) for file in message.files]
    return [file.data for file in files if file.name.startswith("r1-comparison") and file.data]


def test_a_form_that_cannot_be_meant_says_why_beside_its_field(running: tuple[LocalSlack, Summing]) -> None:
    slack, _ = running
    form(slack)
    with pytest.raises(NotSubmitted):
        slack.submit(target_known="vendor-a", other_known="vendor-b", file=slack.choose_file("a.exe", b"MZ"))
    typed: dict[str, Any] = {"target_known": "vendor-a", "other_known": "vendor-b"}
    slack.submit(**typed, file=slack.choose_file("a.csv", b"x"), task="qa-en", gap="x")
    modal = slack.modal()
    assert modal is not None and set(modal.errors) == {"file", "gap"}
    slack.close()
    refused = answer_to(slack, lambda: slack.slash("compare vendor-a vendor-b --task /etc/passwd"))
    assert "is no task that ships" in shown(refused) and "root:" not in shown(refused)
    gone = answer_to(slack, lambda: slack.slash("compare vendor-a nobody --task qa-en"))
    assert "nobody" in shown(gone)


def test_it_is_called_off_by_whoever_asked_and_nobody_else(running: tuple[LocalSlack, Summing]) -> None:
    slack, poor = running
    form(slack)
    before, poor.wrong, poor.seconds = poor.asked, 0, 0.1  # as good as the other: hundreds of cases are needed
    upload(slack, 900, gap="2")
    message: Message = slack.wait_for(lambda: under_way(slack), 60)
    slack.wait_for(lambda: poor.asked > before + 12, 60)
    slack.press(message, "r1.stop", user=STRANGER)
    slack.wait_for(lambda: any("whoever asked" in said for said in asides(slack)), 10)
    done = answer_to(slack, lambda: slack.press(message, "r1.stop"), seconds=90)
    assert done.ts == message.ts and "Called off" in shown(done) and "More data are needed" in shown(done)
    assert any("Stopping" in said for said in asides(slack)) and poor.asked - before < 600


def test_a_worker_that_dies_is_followed_by_one_that_asks_nothing_twice(running: tuple[LocalSlack, Summing]) -> None:
    slack, poor = running
    form(slack)
    began, poor.wrong, poor.seconds = poor.asked, 2, 0.2
    upload(slack, 46, 5_000, gap="3")
    slack.wait_for(lambda: poor.asked > began + 16, 60)
    message: Message = slack.wait_for(lambda: under_way(slack), 60)
    for pid in workers():
        os.kill(pid, signal.SIGKILL)
    poor.seconds = 0.02
    done: Message = slack.wait_for(lambda: next((one for one in answers(slack) if one.ts == message.ts), None), 120)
    assert poor.asked - began <= 46 + 8  # and those on their way when it died
    assert "were known already" in shown(done) and "vendor-a does better" in done.text


def workers() -> list[int]:
    """Worker processes of this test's bot, whose parent is a child of this process."""
    listed = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()[1:]]
    parents = {int(pid): int(ppid) for pid, ppid, _ in rows}
    found = [int(pid) for pid, _, args in rows if "bot.cli worker" in args]
    return [pid for pid in found if parents.get(parents.get(pid, 0)) == os.getpid()]


def test_ctrl_c_tells_what_is_known_and_the_same_command_goes_on(
    running: tuple[LocalSlack, Summing], tmp_path: Path
) -> None:
    _, poor = running
    task, began, poor.wrong, poor.seconds = tmp_path / "sums.jsonl", poor.asked, 0, 0.1
    task.write_bytes(cases(900))
    same = f"{poor.url}#sums"
    words = ["compare", same, same, "--task", str(task), "--kind", "qa", "--gap", ".02"]
    command = [sys.executable, "-m", "bot.cli", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while poor.asked < began + 20 and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said, told = process.communicate(timeout=60)
    assert "Called off" in said and "To go on where this stopped" in told, (said, told)
    asked, poor.seconds = poor.asked, 0.0
    found = json.loads((done := r1(*words, "--json")).stdout)
    assert "cost" in found, done
    assert found["cost"]["a"]["cached"] >= 4 and found["decision"] in ("alike", "more_data")
    again = found["cost"]["a"]["requests"] + found["cost"]["b"]["requests"]
    assert abs(poor.asked - asked - again) <= 8  # those on their way when it was broken off
