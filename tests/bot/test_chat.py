"""The conversation of Slack in a terminal: piped, as JSON, and typed at a real pseudo-terminal."""

from __future__ import annotations

import codecs
import io
import json
import os
import pty
import re
import select
import signal
import stat
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from bot.chat import talk
from bot.chat.conversation import Conversation
from bot.chat.record import said_json
from bot.chat.screen import Screen
from bot.chat.wrapping import breaks
from bot.cli_chat import SAID
from bot.requests import Request
from bot.settings import load_settings
from bot.store.models import EndpointRow

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def conversation(tmp_path: Path) -> Iterator[Conversation]:
    held = Conversation(load_settings(), "en", tmp_path / "saved")
    yield held
    held.close()


@pytest.fixture
def distill(samples: Path) -> str:
    return str(samples / "DeepSeek-R1-Distill-Qwen-7B")


def say(conversation: Conversation, line: str) -> dict[str, Any]:
    """What comes of a line, as JSON has it."""
    heard = conversation.hear(line)
    assert isinstance(heard, Request), heard
    return said_json(line, conversation.answer(heard))


def piped(lines: str, monkeypatch: pytest.MonkeyPatch, *, as_json: bool) -> str:
    """What a conversation prints whose lines come from a pipe."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
    monkeypatch.setattr(sys, "stdout", out)
    assert talk(load_settings(), "en", None, colour=True, as_json=as_json) == 0
    out.flush()
    return out.buffer.getvalue().decode()  # type: ignore[attr-defined]


def test_numbers_choose_what_is_offered(conversation: Conversation, distill: str) -> None:
    first = say(conversation, f"identify {distill}")
    assert first["headline"] == "✓ As claimed: distilled, R1-Distill-Qwen-7B" and "Explain" in first["choices"]
    number = first["choices"].index("Report") + 1
    report = say(conversation, str(number))
    assert report["verb"] == "report" and Path(report["files"][0]).read_text("utf-8").startswith("<!doctype html>")
    assert report["files"][0].startswith(str(conversation.folder))


def test_what_is_expensive_waits_until_it_is_confirmed(conversation: Conversation, distill: str) -> None:
    asked = Request("compare", "same?", "en", target=distill, other=distill, free=True, sure=False)
    turn = conversation.answer(asked)
    assert turn.answer.pending is not None and turn.answer.comparison is None
    run, change, leave = (choice.label for choice in turn.choices)
    assert (run, leave) == ("Run it", "Leave it") and change
    assert conversation.hear("2") == f"compare {distill} {distill}"  # a line to be changed by hand
    confirmed = conversation.hear("1")
    assert isinstance(confirmed, Request) and confirmed.sure and confirmed.confirms == turn.answer.pending
    assert conversation.answer(confirmed).answer.comparison is not None


def test_what_is_missing_is_asked_for_with_what_it_may_be(conversation: Conversation, distill: str) -> None:
    with conversation.store.begin() as session:
        session.add(EndpointRow(name="vendor-a", url="https://a.example/v1"))
    say(conversation, f"identify {distill}")
    turn = conversation.answer(Request("identify", "is it full?", "en", free=True, ask="target"))
    assert [choice.label for choice in turn.choices][:2] == ["vendor-a", distill]
    assert say(conversation, "2")["headline"] == "✓ As claimed: distilled, R1-Distill-Qwen-7B"
    turn = conversation.answer(Request("recommend", "which?", "zh", free=True, ask="constraints"))
    chosen = conversation.hear("2")
    assert isinstance(chosen, Request) and dict(chosen.constraints) == {"hardware": "2x4090"}
    assert "两张" in turn.choices[1].label


class Model(BaseHTTPRequestHandler):
    """A language model that takes everything for a question about the past."""

    def do_POST(self) -> None:
        found = {"intent": "history", "target": None, "other": None, "constraints": []}
        content = json.dumps({"choices": [{"message": {"role": "assistant", "content": json.dumps(found)}}]}).encode()
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_language_model_may_help_where_nothing_was_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Model) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("R1_LLM_URL", f"http://127.0.0.1:{server.server_address[1]}/v1")
        monkeypatch.setenv("R1_LLM_MODEL", "small-instruct")
        lines = "lovely weather for llamas\nyes\n"
        told = [json.loads(line) for line in piped(lines, monkeypatch, as_json=True).splitlines()]
        server.shutdown()
    assert told[0]["verb"] == "history" and told[0]["pending"] is not None and told[0]["answer"] is None
    assert (told[1]["verb"], told[1]["answer"], told[1]["pending"]) == ("history", [], None)


def test_questions_and_verdicts_are_kept_and_deleted_as_always(conversation: Conversation, distill: str) -> None:
    verdict = say(conversation, f"identify {distill}")["answer"]["id"]
    assert say(conversation, "history")["answer"][0]["id"] == verdict
    assert say(conversation, "forget me")["headline"].startswith("Kept of yours: questions: 2, verdicts: 1")
    assert say(conversation, "forget me yes")["headline"].startswith("Deleted for good")
    assert say(conversation, "history")["answer"] == []


def test_each_line_of_json_has_the_same_keys(distill: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = f"identify {distill}\n\nexplain none\n99\nsize deepseek-r1:32b\nhelp\nidentify\n"
    told = [json.loads(line) for line in piped(lines, monkeypatch, as_json=True).splitlines()]
    assert [turn["text"] for turn in told] == [line for line in lines.splitlines() if line]
    assert all(set(turn) == set(SAID) for turn in told)
    codes = [turn["error"] and turn["error"]["code"] for turn in told]
    assert codes == [None, "verdict_none_of", "cli_chat_number", None, None, None]
    assert told[-1]["asks"] == "target" and told[-1]["choices"]
    assert told[0]["answer"]["verdict"]["outcome"] == "distilled" and told[0]["understood"] == f"identify {distill}"


def test_in_a_pipe_lines_are_whole_and_without_colours(distill: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = piped(f"identify {distill}\nexplain none\n", monkeypatch, as_json=False)
    assert "\x1b" not in told and not any(line != line.rstrip() for line in told.splitlines())
    assert f"› identify {distill}\n✓ As claimed" in told and "1 Explain   2 Report" in told
    assert any(len(line) > 100 for line in told.splitlines())


def test_without_a_database_it_talks_all_the_same(distill: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("R1_DATABASE_URL", "sqlite:////proc/none/r1.db")
    told = [
        json.loads(line) for line in piped(f"identify {distill}\nhistory\n", monkeypatch, as_json=True).splitlines()
    ]
    assert told[1]["answer"][0]["id"] == told[0]["answer"]["id"]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_nothing_is_cut_at_eighty_columns(lang: Any, conversation: Conversation, distill: str) -> None:
    screen, out = Screen(lang, colour=True), io.StringIO()
    screen.console = Console(file=out, width=80, force_terminal=True, color_system=None, highlight=False, emoji=False)
    words = "用 2×4090 做客服" if lang == "zh" else "legal contracts on 2x4090"
    for line in (f"identify {distill} --lang {lang}", f'recommend "{words}" --lang {lang}', f"help --lang {lang}"):
        heard = conversation.hear(line)
        assert isinstance(heard, Request)
        screen.show(conversation.answer(heard))
    for line in ESCAPE.sub("", out.getvalue()).splitlines():
        whole = len(line.split()) == 1 or line.startswith("    ")  # a path or a command is not cut, to be copied
        assert cell_len(line) <= 80 or whole, line


@given(st.text(alphabet="ab c模型，。（） .-/", max_size=120), st.integers(4, 40))
def test_lines_are_no_wider_than_there_is_room(text: str, room: int) -> None:
    offsets = [0, *breaks(text, room, room), len(text)]
    lines = [text[start:end] for start, end in pairwise(offsets)]
    assert "".join(lines) == text
    for line in lines:
        stays = re.split(r"(?<=[模型])(?![，。）.])|(?<=[，。）])(?![，。）.])| ", line.strip())
        assert cell_len(line.rstrip()) <= room or len(stays) <= 1 or max(map(cell_len, stays)) > room - 2, lines


class Terminal:
    """`r1 chat` at a pseudo-terminal, and what it has shown so far."""

    def __init__(self, home: Path, *words: str, **environment: str) -> None:
        self.screen, ours = (
            "",
            {"HOME": str(home), "XDG_DATA_HOME": str(home), "TERM": "xterm-256color", "COLUMNS": "80"},
        )
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (40, 80))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot.cli", "chat", *words],
            env={**os.environ, **ours, **environment}, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=_controlling,
        )  # fmt: skip
        os.close(slave)

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def interrupt(self, text: str) -> str:
        """Press Ctrl-C until a text appears: one that comes before the line is waited for is noticed at the next key."""
        for _ in range(10):
            self.type("\x03")
            with suppress(AssertionError):
                return self.shows(text, seconds=3)
        return self.shows(text)

    def shows(self, text: str, seconds: float = 60) -> str:
        """Wait until a text appears; everything since the last one that was waited for."""
        until = time.monotonic() + seconds
        while text not in self.screen:
            assert time.monotonic() < until, f"{text!r} not in {self.screen!r}"
            if select.select([self.master], [], [], 0.1)[0]:
                self.screen += self.decoder.decode(os.read(self.master, 65536))
        before, _, self.screen = self.screen.partition(text)
        return before + text


def _controlling() -> None:
    import fcntl

    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextmanager
def typing(home: Path, *words: str, **environment: str) -> Iterator[Terminal]:
    terminal = Terminal(home, *words, **environment)
    try:
        yield terminal
    finally:
        if terminal.process.poll() is None:
            terminal.process.kill()
            terminal.process.wait()
        os.close(terminal.master)


def test_ctrl_c_leaves_the_answer_but_not_the_chat_and_ctrl_d_ends_it(samples: Path, tmp_path: Path) -> None:
    with typing(tmp_path) as terminal:
        terminal.shows("› ")
        terminal.type(f"identify {samples / 'DeepSeek-R1'}\r")
        terminal.shows("Looking at")
        terminal.interrupt("Go on with the next one")
        terminal.type("half a thought")
        terminal.interrupt("Go on with the next one")
        terminal.type(f"identify {samples / 'DeepSeek-R1-Distill-Qwen-7B'}\r")
        told = terminal.shows("5 Compare")
        assert "\x1b[1;32m✓ As claimed" in told and "⠋" in told  # in green, after progress
        terminal.type("4\r")
        terminal.shows(" every 1d")  # what the choice begins stands there to be completed
        terminal.interrupt("› ")
        terminal.type("\x04")
        terminal.shows("Goodbye")
        assert terminal.process.wait(20) == 0


def test_lines_come_back_but_not_those_with_a_secret(tmp_path: Path) -> None:
    with typing(tmp_path, "--lang", "zh", TERM="dumb") as terminal:
        greeting = terminal.shows("› ")
        assert "侦探" in greeting
        for line in ("history", "sk-0123456789abcdef0123456789abcdef"):
            terminal.type(f"{line}\r")
            terminal.shows("› ")
        terminal.type("\x04")
        terminal.shows("再见")
    (kept,) = tmp_path.rglob("chat_history")
    assert kept.read_text("utf-8") == "history\n" and stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.parametrize("plain", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["no-color", "dumb"])
def test_colours_are_left_out_where_they_are_not_wanted(plain: dict[str, str], tmp_path: Path) -> None:
    with typing(tmp_path, **plain) as terminal:
        terminal.shows("› ")
        terminal.type("explain none\r")
        assert not re.search(r"\x1b\[[0-9;]*3\dm", terminal.shows("\r\n› "))
