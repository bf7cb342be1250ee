"""Real model servers on loopback, registered in a terminal and identified there and in Slack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import r1
from pressing import CHANNEL, answer_to, shown
from served import Served, llama_cpp, transformers_serve

from bot.demo import running_bot
from bot.local_slack import LocalSlack
from bot.local_slack.workspace import Message

CAPITALS = """
task: {kind: qa, language: en, max_tokens: 12, instruction: Answer with one word.}
cases:
  - {id: fr, question: What is the capital of France?, answers: [Paris]}
  - {id: it, question: What is the capital of Italy?, answers: [Rome]}
  - {id: jp, question: What is the capital of Japan?, answers: [Tokyo]}
  - {id: eg, question: What is the capital of Egypt?, answers: [Cairo]}
"""


@pytest.fixture(scope="module")
def gemma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with llama_cpp(tmp_path_factory.mktemp("llama_cpp")) as served:
        yield served


@pytest.fixture(scope="module")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with transformers_serve(tmp_path_factory.mktemp("transformers")) as served:
        yield served


@pytest.mark.parametrize(("server", "vocabulary"), [("gemma", "gemma-3"), ("qwen", "qwen2.5")])
def test_a_real_server_is_neither_in_the_terminal_and_in_slack(
    request: pytest.FixtureRequest, tmp_path: Path, server: str, vocabulary: str
) -> None:
    served: Served = request.getfixturevalue(server)

    def printed(*words: str) -> str:
        done = r1(*words, R1_DATABASE_URL=f"sqlite:///{tmp_path / 'r1.db'}")
        assert done.returncode == 0, done.stderr
        return done.stdout

    found = json.loads(printed("identify", served.spec, "--json"))
    assert found["verdict"]["outcome"] == "other"
    read = {row["values"].get("vocabulary") for row in found["evidence"] if row["probe"] == "token_ids"}
    assert read == {vocabulary}

    printed("endpoint", "add", "ours", served.url, "--model", served.model)
    with LocalSlack() as slack, running_bot(slack, tmp_path):

        def answered() -> Message | None:
            answers = slack.answers()
            return answers[0] if answers and any(block["type"] == "header" for block in answers[0].blocks) else None

        slack.mention("is the ours endpoint the full R1?")
        message: Message = slack.wait_for(answered, 60)
    text = str(message.blocks)
    assert "neither full R1 nor an R1 distill" in text and vocabulary in text


def test_two_real_models_are_compared_on_an_uploaded_task(gemma: Served, qwen: Served, tmp_path: Path) -> None:
    with LocalSlack() as slack, running_bot(slack, tmp_path):
        for name, served in (("gemma", gemma), ("tiny", qwen)):
            database = f"sqlite:///{tmp_path / 'r1.db'}"
            added = r1("endpoint", "add", name, served.url, "--model", served.model, R1_DATABASE_URL=database)
            assert added.returncode == 0, added.stderr
        slack.press(answer_to(slack, lambda: slack.slash("compare"), seconds=90), "r1.form_compare")
        file = slack.choose_file("capitals.yaml", CAPITALS.encode())
        done = answer_to(
            slack, lambda: slack.submit(target_known="gemma", other_known="tiny", file=file, gap="10"), seconds=120
        )
        said = shown(done)
        assert "4 of 4 cases answered by both" in said and "Exact match (EM)" in said and "More data are needed" in said
        assert "Tokens a second" in said and "First token after (s)" in said
        slack.press(done, "r1.report")
        report = slack.wait_for(
            lambda: next((one.data for message in slack.answers(CHANNEL) for one in message.files if one.data), None),
            60,
        )
    assert b"capital of France" in report and slack.workspace.violations == []
