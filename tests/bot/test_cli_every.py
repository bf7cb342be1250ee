"""What every command has: JSON of a known shape, help in two languages, the same exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from arena import Arena, Served, trusted
from command_line import SIGNING_KEY, r1

from bot.cli import group
from bot.spoken import commands, speak
from bot.typed import Printed
from engine.samples import forgeries
from engine.signing import read_key, sign

RUN_ON = {"serve", "worker"}
"""They run until they are stopped, and have nothing to print."""
ELSEWHERE = {"watch accept", "demo", "reference record"}
"""Run with --json by ``test_cli``, ``test_cli_endpoints`` and ``test_watches_checks``, where what they take is there."""
EVERY = {" ".join(path): command for path, command in commands(group)}
FULL, DISTILL = trusted("DeepSeek-R1"), trusted("R1-Distill-Qwen-32B", 1)
FAKE = Served(2, 0, "R1-Distill-Qwen-32B", "distilled", DISTILL.stack, "deepseek-r1", ())


def shape_of(command: click.Command) -> Printed:
    return next(parameter for parameter in command.params if isinstance(parameter, Printed))


def printed(*words: str) -> Any:
    """What a command prints with ``--json``."""
    done = r1(*words, "--json")
    assert "Traceback" not in done.stderr, done.stderr
    return json.loads(done.stdout)


def test_every_command_prints_json() -> None:
    without = {
        name
        for name, command in EVERY.items()
        if not any(isinstance(parameter, Printed) and parameter.keys for parameter in command.params)
    }
    assert without == RUN_ON


@pytest.fixture
def scripted(tmp_path: Path, samples: Path) -> Iterator[dict[str, tuple[str, ...]]]:
    """Words for each command, run one after another over the same database."""
    with Arena([FAKE]) as arena:
        distill = str(samples / "DeepSeek-R1-Distill-Qwen-7B")
        r1("identify", distill)
        verdict = printed("history")[0]["id"]
        r1("endpoint", "add", "gone", "https://api.vendor.example/v1")
        yield {
            "identify": ("identify", distill),
            "recommend": ("recommend", "legal contracts", "--gpu", "2x4090"),
            "size": ("size", "deepseek-r1:32b", "--gpu", "2x4090"),
            "compare identity": ("compare", distill, str(samples / "DeepSeek-R1")),
            "compare answers": ("compare", *_recorded(tmp_path)),
            "compare tasks": ("compare", "tasks"),
            "compare article": ("compare", "article"),
            "watch add": ("watch", "add", distill, "every", "6h"),
            "watch list": ("watch", "list"),
            "watch pause": ("watch", "pause", distill),
            "watch resume": ("watch", "resume", distill),
            "watch mute": ("watch", "mute", distill, "--until", "2030-01-31"),
            "watch unmute": ("watch", "unmute", distill),
            "watch run": ("watch", "run", distill),
            "watch remove": ("watch", "remove", distill),
            "history": ("history",),
            "explain": ("explain", verdict),
            "recompute": ("recompute", verdict),
            "report": ("report", verdict, "-o", str(tmp_path / "report.html")),
            "ask": ("ask", "size", "deepseek-r1:32b"),
            "endpoint add": ("endpoint", "add", "vendor-a", arena.spec(FAKE)),
            "endpoint list": ("endpoint", "list"),
            "endpoint remove": ("endpoint", "remove", "gone"),
            "endpoint secret": ("endpoint", "secret"),
            "reference import": ("reference", "import", _vouched(tmp_path)),
            "reference list": ("reference", "list"),
            "reference show": ("reference", "show", "DeepSeek-R1"),
            "reference export": ("reference", "export", "DeepSeek-R1"),
            "reference verify": ("reference", "verify"),
            "key show": ("key", "show"),
            "rules lint": ("rules", "lint", _faulty(tmp_path)),
            "rules test": ("rules", "test"),
            "rules list": ("rules", "list"),
            "catalog list": ("catalog", "list"),
            "catalog show": ("catalog", "show", "article", "article-full"),
            "catalog sign": ("catalog", "sign", _later(tmp_path), "-o", str(tmp_path / "update.json")),
            "catalog update": ("catalog", "update", "--from", str(tmp_path / "update.json")),
            "catalog history": ("catalog", "history"),
            "catalog rollback": ("catalog", "rollback", "article"),
            "devices": ("devices",),
            "doctor": ("doctor",),
            "forget": ("forget", "me"),
            "db upgrade": ("db", "upgrade"),
            "db path": ("db", "path"),
            "completion": ("completion", "fish"),
            "help": ("help",),
            "manifest": ("manifest",),
        }


def _recorded(folder: Path) -> tuple[str, ...]:
    """Answers of one, twice, to a task of three cases, and the task."""
    (folder / "three.jsonl").write_text(
        "".join(f'{{"id": "{n}", "question": "{n}?", "answers": ["{n}"]}}\n' for n in "123")
    )
    (folder / "said.jsonl").write_text("".join(f'{{"id": "{n}", "answer": "{n}"}}\n' for n in "123"))
    return str(folder / "said.jsonl"), str(folder / "said.jsonl"), "--task", str(folder / "three.jsonl"), "--kind", "qa"


def _vouched(folder: Path) -> str:
    (folder / "vouched.json").write_bytes(sign({"variant": "DeepSeek-R1"}, read_key(SIGNING_KEY), "reference"))
    return str(folder / "vouched.json")


def _later(folder: Path) -> str:
    """A later version of a family."""
    text = Path("engine/catalog/article.yaml").read_text(encoding="utf-8")
    (folder / "article.yaml").write_text(text.replace("2025-09-17", "2025-09-18", 2), encoding="utf-8")
    return str(folder / "article.yaml")


def _faulty(folder: Path) -> str:
    (folder / "rules.yaml").write_text("rules: [{id: x}]")
    return str(folder / "rules.yaml")


def test_json_has_the_keys_that_help_promises(scripted: dict[str, tuple[str, ...]], tmp_path: Path) -> None:
    (tmp_path / "references").mkdir()
    (tmp_path / "references" / "r.json").write_text("{}")
    assert set(scripted) == set(EVERY) - RUN_ON - ELSEWHERE - {"chat"}
    for name, words in scripted.items():
        shape, found = shape_of(EVERY[name]), printed(*words)
        rows = found if shape.many else [found]
        assert rows, name
        for row in rows:
            assert set(row) == set(shape.keys), name


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("identify", "/no/such/path"), "path_not_found"),
        (("identify",), "cli_missing"),
        (("identify", "x", "--nonsense"), "cli_option"),
        (("history", "--limit", "none"), "cli_value"),
        (("explain", "none"), "verdict_none_of"),
        (("explain", "k3m9x7wq2a"), "verdict_unknown"),
        (("endpoint", "nonsense"), "cli_usage"),
        (("endpoint", "remove", "none"), "endpoint_unknown"),
        (("identfy", "x"), "verb_unknown"),
    ],
)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_refusal_is_json_too_with_the_same_exit_code(words: tuple[str, ...], code: str, lang: str) -> None:
    bare, done = r1(*words, "--lang", lang), r1(*words, "--json", "--lang", lang)
    (error,) = json.loads(done.stdout).values()
    assert (done.returncode, bare.returncode) == (2, 2)
    assert error["code"] == code and bare.stderr == f"r1: {error['sentence']}\n"
    assert any("\u4e00" <= char <= "\u9fff" for char in error["sentence"]) == (lang == "zh")


def test_exit_codes_are_the_same_for_every_way_to_ask(tmp_path: Path, samples: Path) -> None:
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "config.json").write_text("{}")
    fake, distill = str(forgeries.distill_renamed_full(tmp_path)), str(samples / "DeepSeek-R1-Distill-Qwen-7B")
    for target, code in ((distill, 0), ("/no/such/path", 2), (str(tmp_path / "bare"), 3), (fake, 4)):
        assert r1("identify", target).returncode == code
        assert r1("ask", f"identify {target}").returncode == code
    assert r1("compare", distill, fake).returncode == 4
    told = json.loads(r1("help", "--json").stdout)["exit_codes"]
    assert set(told) == {"0", "1", "2", "3", "4", "130"}
    shown = " ".join(r1("--help").stdout.split())
    assert all(f" {code} " in shown for code in told)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_command_and_option_is_explained(lang: str) -> None:
    speak(group, "zh" if lang == "zh" else "en")
    for name, command in EVERY.items():
        assert command.help, name
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert parameter.help, (name, parameter.name)
                assert _chinese(parameter.help) == (lang == "zh"), (name, parameter.name)
        assert _chinese(command.help) == (lang == "zh"), name


def test_texts_are_of_commands_and_options_that_there_are() -> None:
    said = yaml.safe_load(Path("bot/templates/en/cli.yaml").read_text(encoding="utf-8"))["cli"]
    every = {**EVERY, "r1": group} | dict(group.commands)
    for verb, texts in said["verbs"].items():
        known = {parameter.name for parameter in every[verb].params} | {"about", "brief", "epilog"}
        assert set(texts) <= known, verb


def test_help_follows_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Commands:" in r1("--help").stdout
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    told = r1("--help").stdout
    assert "命令" in told and "退出码" in told and "Commands" not in told
    assert "用法：r1 identify" in r1("identify", "--help").stdout


def _chinese(text: str) -> bool:
    return any("\u4e00" <= char <= "\u9fff" for char in text)
