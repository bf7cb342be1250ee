"""`r1 devices`, in a terminal and in Slack."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import r1

from bot.commands import parse
from bot.jobs import Job, accept
from bot.requests import Origin
from bot.settings import load_settings
from bot.store import open_store
from bot.worker import Worker


def test_a_terminal_lists_devices_and_what_may_be_used_of_them() -> None:
    done = r1("devices")
    assert done.returncode == 0 and "cpu" in done.stdout and "free" in done.stdout, done.stderr
    assert "空闲" in r1("devices", "--lang", "zh", R1_MEMORY_BUDGET="2GB").stdout
    listed = json.loads(r1("devices", "--json", R1_DEVICES="cpu,cpu", R1_MEMORY_BUDGET="2GiB").stdout)
    assert [(device["id"], device["budget"]) for device in listed] == [("cpu", 2 << 30)] * 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"R1_DEVICES": "cuda:77"}, "no device “cuda:77”"),
        ({"R1_BACKEND": "ray", "R1_RAY_ADDRESS": "127.0.0.1:1"}, "No Ray cluster answers"),
        ({"R1_BACKEND": "slurm"}, "backend"),
        ({"R1_MEMORY_BUDGET": "plenty"}, "20gb"),
    ],
)
def test_a_setting_that_cannot_be_is_one_sentence(settings: dict[str, str], words: str) -> None:
    done = r1("devices", **settings)
    assert done.returncode == 2 and done.stdout == ""
    assert words in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize(("text", "verb"), [
    ("devices", "devices"), ("设备", "devices"), ("devices --lang zh", "devices"),
    ("devices at the edge: which should we run?", "recommend"), ("设备 很小，推荐哪个？", "recommend"),
])  # fmt: skip
def test_the_word_alone_is_the_verb(text: str, verb: str) -> None:
    assert parse(text).verb == verb


@pytest.mark.parametrize(("devices", "shown"), [("cpu", "free"), ("cuda:77", "no device")])
def test_a_worker_answers_with_the_devices_it_sees(tmp_path: Path, devices: str, shown: str) -> None:
    from bot.jobs import Answer
    from bot.presentation import present

    settings = load_settings(devices=devices)
    answers = []

    class Kept:
        def open(self, job: Job) -> str | None:
            return None

        def progress(self, job: Job, progress: object) -> None:
            pass

        def answer(self, job: Job, answer: Answer) -> None:
            answers.append(present(answer, job.request, str, prefix="/r1 "))

    store = open_store(settings.store_url)
    accept(store, parse("devices"), Origin("dm"), dedup_key="1")
    assert Worker(store, settings, Kept()).run_one()
    assert shown in str(answers[0])
