"""Completion as a real bash does it: nothing wrong is proposed, and nothing is ever printed over the line."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bot.store import open_store
from bot.store.models import EndpointRow, VerdictRow

ASK = """
eval "$(r1 completion bash)"
compopt() { :; }
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 ))
_r1_completion r1
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where `r1` is a command, as an installation makes it."""
    command = tmp_path / "bin" / "r1"
    command.parent.mkdir()
    command.write_text(f"#!{sys.executable}\nfrom bot.cli import main\nmain()\n")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return f"{command.parent}:{os.environ['PATH']}"


def proposed(path: str, *words: str, **environment: str) -> set[str]:
    surroundings = {**os.environ, "PATH": path, "PYTHONPATH": str(Path.cwd()), **environment}
    done = subprocess.run(
        ["bash", "-c", ASK, "bash", "r1", *words], env=surroundings, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return set(done.stdout.split())


def test_verbs_options_and_what_is_known_are_completed(path: str) -> None:
    with open_store(os.environ["R1_DATABASE_URL"]).begin() as session:
        session.add(EndpointRow(name="vendor-a", url="https://a.example/v1"))
        session.add(
            VerdictRow(
                id="k3m9x7wq2a", target="x", family="f", outcome="full", grade="likely", title="t", confidence=0.9,
                claim_check="holds", engine_version="0", payload={},
            )
        )  # fmt: skip
    assert {"identify", "recommend", "chat", "endpoint"} <= proposed(path, "")
    assert proposed(path, "reco") == {"recommend", "recompute"}
    assert proposed(path, "identify", "ven") == {"vendor-a"}
    assert proposed(path, "identify", "x", "--fam") == {"--family", "--family-file"}
    assert proposed(path, "identify", "x", "--family", "") == {"deepseek-r1", "article"}
    assert proposed(path, "explain", "") == {"k3m9x7wq2a"}
    assert proposed(path, "endpoint", "remove", "v") == {"vendor-a"}
    assert proposed(path, "size", "x", "--gpu", "8xh200") == {"8xh200", "8xh200-nvl"}
    assert proposed(path, "size", "x", "--quantization", "awq") == {"awq-int4"}
    assert "DeepSeek-R1-0528" in proposed(path, "reference", "record", "x", "--variant", "DeepSeek")


def test_without_a_database_nothing_is_proposed_and_nothing_said(path: str, tmp_path: Path) -> None:
    assert proposed(path, "explain", "") == set()
    assert not (tmp_path / "r1.db").exists()
    for url in ("nonsense", "sqlite:////proc/none", "postgresql+psycopg://127.0.0.1:1/x"):
        assert proposed(path, "explain", "", R1_DATABASE_URL=url) == set()
    (tmp_path / "bad.toml").write_text("database_url = = 3")
    assert proposed(path, "explain", "", R1_CONFIG=str(tmp_path / "bad.toml"), R1_DATABASE_URL="") == set()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(shell: str) -> None:
    done = subprocess.run([sys.executable, "-m", "bot.cli", "completion", shell], capture_output=True, text=True)
    assert done.returncode == 0 and f"_R1_COMPLETE={shell}_complete" in done.stdout
