"""The terminal: the same verbs, honest exit codes, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import r1

from engine.samples import forgeries


def test_identify_answers_and_is_kept(samples: Path) -> None:
    done = r1("identify", str(samples / "DeepSeek-R1-Distill-Qwen-7B"))
    assert done.returncode == 0, done.stderr
    assert "As claimed: distilled, R1-Distill-Qwen-7B" in done.stdout
    verdict_id = json.loads(r1("history", "--json").stdout)[0]["id"]
    assert "How it could be fooled" in r1("explain", verdict_id).stdout
    assert "如何被骗" in r1("explain", verdict_id, "--lang", "zh").stdout
    assert json.loads(r1("recompute", verdict_id, "--json").stdout)["verdict"]["outcome"] == "distilled"


def test_json_is_the_whole_record(samples: Path) -> None:
    found = json.loads(r1("identify", str(samples / "DeepSeek-R1"), "--json", "--no-store").stdout)
    assert found["id"] is None and found["verdict"]["outcome"] == "full"
    assert {row["probe"] for row in found["evidence"]} == {
        "tensors",
        "parameters",
        "config",
        "tokenizer",
        "quantization",
        "card",
        "sanity",
    }


def test_exit_codes_tell_what_happened(tmp_path: Path, samples: Path) -> None:
    assert r1("identify", str(forgeries.distill_renamed_full(tmp_path))).returncode == 4
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "config.json").write_text("{}")
    assert r1("identify", str(tmp_path / "bare")).returncode == 3
    assert r1("identify", "/no/such/path").returncode == 2
    assert r1("identify").returncode == 2
    assert r1("--help").returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        ("identify", "/no/such/path"),
        ("identify", "x", "--family", "none"),
        ("identify", "org/x", "--constraint", "latency=soon"),
        ("explain", "none"),
        ("recommend", "--constraint", "x"),
        ("recommend", "--constraint", "vram=-48GB"),
        ("recommend", "--gpu", "3 potatoes"),
        ("recommend", "--ttft", "10 GB"),
        ("recommend", "x " * 50_000),
        ("size", "deepseek-r1:32b", "--gpu", "3 potatoes"),
        ("size", "nonesuch"),
        ("serve",),
        ("identify", "https://host/v1#m"),
    ],
)
@pytest.mark.parametrize("lang", ["en_US.UTF-8", "zh_CN.UTF-8"])
def test_bad_input_is_one_sentence_on_stderr(words: tuple[str, ...], lang: str) -> None:
    done = r1(*words, LC_ALL=lang)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("r1: ") and done.stderr.count("\n") == 1
    assert ("，" in done.stderr or "：" in done.stderr) == lang.startswith("zh")


def test_an_unwritable_database_does_not_hide_the_answer(samples: Path) -> None:
    done = r1("identify", str(samples / "DeepSeek-R1-Distill-Qwen-7B"), R1_DATABASE_URL="sqlite:////proc/none/r1.db")
    assert done.returncode == 0 and "R1-Distill-Qwen-7B" in done.stdout and "cannot be used" in done.stderr


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    done = r1("history", R1_WORKERS="many")
    assert done.returncode == 2 and "workers" in done.stderr
    (tmp_path / "bad.toml").write_text("workers = = 3")
    assert "bad.toml" in r1("history", R1_CONFIG=str(tmp_path / "bad.toml")).stderr
    (tmp_path / "ok.toml").write_text('default_lang = "zh"\nunheard_of = 1')
    assert "unheard_of" in r1("history", R1_CONFIG=str(tmp_path / "ok.toml")).stderr


def test_recommend_and_db_speak_too() -> None:
    assert "(distilled)" in r1("recommend", "手机端", "--lang", "en").stdout.splitlines()[0]
    assert json.loads(r1("recommend", "legal", "contracts", "--json").stdout)["choice"] == "full"
    done = r1("recommend", "客服", "--gpu", "2x4090", "--ttft", "1s")
    assert done.stdout.startswith("建议用 ") and "启动命令" in done.stdout and done.stderr == ""
    assert r1("db", "upgrade").stdout.startswith("sqlite:///")


def test_a_path_that_is_no_utf8_is_no_trouble(samples: Path, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/R1-\xff\x1b[31m"
    Path(os.fsdecode(path)).symlink_to(samples / "DeepSeek-R1-Distill-Qwen-7B")
    command = [sys.executable, "-m", "bot.cli", "identify"]
    for words in ([], ["--json"]):
        done = subprocess.run([*command, path, *words], capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert b"\x1b" not in done.stdout
    assert b"nothing at" in subprocess.run([*command, path + b"x"], capture_output=True).stderr


def test_a_closed_pipe_is_no_error(samples: Path) -> None:
    command = f"{sys.executable} -m bot.cli identify {samples / 'DeepSeek-R1-Distill-Qwen-7B'} | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr


def test_the_demo_holds_its_conversation(tmp_path: Path) -> None:
    page = tmp_path / "demo.html"
    command = [sys.executable, "-m", "bot.cli", "demo", "--json", "--html", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    messages = json.loads(done.stdout)
    assert all(set(message) == {"ts", "thread_ts", "user", "text"} for message in messages)
    told = "\n".join(message["text"] for message in messages)
    for words in (
        "As claimed: full model, DeepSeek-R1",
        "Not what it says: distilled, R1-Distill-Qwen-32B",
        "名副其实：蒸馏版",
        "is truncated",
        "gemma-3-270m",
        "Run R1-Distill-Qwen-32B",
        "建议用 DeepSeek-R1",
        "DeepSeek-R1 on 8×NVIDIA H200",
    ):
        assert words in told
    assert page.read_text("utf-8").startswith("<!doctype html>")
