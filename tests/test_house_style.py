"""The house rules that a machine can hold us to."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*ROOT.glob("engine/**/*.py"), *ROOT.glob("bot/**/*.py")])


@pytest.mark.parametrize("command", [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]])
def test_the_tools_find_nothing(command: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_engine_knows_no_bot() -> None:
    for path in ROOT.glob("engine/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any(name == "bot" or name.startswith("bot.") for name in names), path


def test_the_bot_talks_to_the_engine_without_reaching_into_its_probes() -> None:
    for path in ROOT.glob("bot/**/*.py"):
        assert "engine.probes" not in path.read_text(encoding="utf-8"), path


def test_files_stay_readable_at_one_sitting() -> None:
    long = {str(path.relative_to(ROOT)): n for path in SOURCES if (n := len(path.read_text().splitlines())) > 330}
    assert not long


def _keys(node: object, prefix: str = "") -> set[str]:
    if not isinstance(node, dict):
        return {prefix}
    return {key for name, child in node.items() for key in _keys(child, f"{prefix}.{name}")}


def test_english_and_chinese_say_the_same_things() -> None:
    english, chinese = (
        yaml.safe_load((ROOT / f"engine/text/{lang}.yaml").read_text(encoding="utf-8")) for lang in ("en", "zh")
    )
    assert _keys(english) == _keys(chinese)


def test_every_error_raised_has_its_sentence() -> None:
    sentences = yaml.safe_load((ROOT / "engine/text/en.yaml").read_text(encoding="utf-8"))["errors"]
    kinds = {"R1Error", "UsageError", "TargetError", "CorruptTarget", "CatalogError"}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds:
                code = node.args[0] if node.args else None
                if isinstance(code, ast.Constant):
                    assert code.value in sentences, f"{path}: {code.value}"


def test_ci_runs_the_readmes_test_command() -> None:
    command = (ROOT / ".ci/run").read_text().splitlines()[-1]
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")
