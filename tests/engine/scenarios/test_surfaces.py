"""One answer, three ways to ask: what `engine.recommend` says, the terminal prints and Slack shows."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import written
from command_line import r1
from written import Case

from bot.demo import running_bot
from bot.local_slack import LocalSlack
from bot.local_slack.workspace import Message
from engine.codec import recommendation_to_json
from engine.errors import UsageError

SAMPLE = (
    "two-4090-chinese-customer-service-en", "two-4090-chinese-customer-service-zh", "eight-h200-zh", "forty-eight-gigabytes",
    "phone-app-zh", "contract-review-en", "critical-launch-zh", "long-contracts-on-the-edge-en", "real-time-legal-zh",
    "mac-studio-512-en", "sixteen-910b-zh", "task-customer-service-zh", "research-on-eight-h200", "budget-in-yuan-an-hour",
    "context-150k-zh", "which-is-better-en", "five-milliseconds-after-128k", "a-cent-in-words-zh", "not-real-time-legal-zh",
    "no-llama-on-two-a100-en", "latency-in-gigabytes", "hardware-and-memory-disagree-zh", "negative-vram-in-words-en",
)  # fmt: skip
"""Of every theme and in both languages, some refused."""
CASES = {case.id: case for case in written.cases()}


def words_of(case: Case) -> list[str]:
    constraints = [f"--constraint={name}={value}" for name, value in case.constraints.items()]
    return ["recommend", *constraints, *([case.text] if case.text else [])]


def plain(case: Case) -> Any:
    """What the engine says, as JSON; a sentence where it refuses."""
    found = written.answer(case)
    if isinstance(found, UsageError):
        return found.sentence(case.lang)
    return json.loads(json.dumps(recommendation_to_json(found)))


@pytest.mark.parametrize("case", [CASES[name] for name in SAMPLE], ids=SAMPLE)
def test_the_terminal_gives_the_answer_of_the_engine(case: Case) -> None:
    done = r1(*words_of(case), "--lang", case.lang, "--json")
    expected = plain(case)
    if isinstance(expected, str):
        assert done.returncode == 2 and json.loads(done.stdout)["error"]["sentence"] == expected
        return
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == expected


@pytest.fixture(scope="module")
def slack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSlack]:
    root = tmp_path_factory.mktemp("bot")
    with LocalSlack() as running, running_bot(running, root):
        yield running


def ask(slack: LocalSlack, text: str) -> str:
    """Everything that the answer shows."""
    known = len(answers(slack))
    assert slack.slash(text).status == 200

    def ready() -> Message | None:
        new = answers(slack)[known:]
        return new[0] if new and new[0].blocks and new[0].blocks[0]["type"] == "header" else None

    message: Message = slack.wait_for(ready)
    return "\n".join([message.text, *(json.dumps(block, ensure_ascii=False) for block in message.blocks)])


def answers(slack: LocalSlack) -> list[Message]:
    return [said for said in slack.answers() if not said.files and said.ephemeral_to is None]


@pytest.mark.parametrize("case", [CASES[name] for name in SAMPLE], ids=SAMPLE)
def test_slack_gives_the_answer_of_the_engine(slack: LocalSlack, case: Case) -> None:
    shown = ask(slack, shlex.join([*words_of(case), "--lang", case.lang]))
    found = written.answer(case)
    if isinstance(found, UsageError):
        assert found.sentence(case.lang)[:60] in shown, shown
        return
    assert all(hit.id in shown for hit in (*found.hits, *found.cautions)), shown
    told = [option for option in (found.option, found.runner_up, *found.excluded[:3]) if option is not None]
    assert all(option.title[case.lang] in shown for option in told), shown
    assert found.command is None or found.command.text.split()[0] in shown, shown
    assert slack.workspace.violations == []
