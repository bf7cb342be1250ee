"""Real servers of real models are told for what they are, through the terminal, by nothing but their URL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from served import Served, llama_cpp, transformers_serve

SERVERS = {"llama.cpp": (llama_cpp, "gemma-3"), "transformers serve": (transformers_serve, "qwen2.5")}


@pytest.fixture(scope="module", params=sorted(SERVERS))
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, str]]:
    start, vocabulary = SERVERS[request.param]
    with start(tmp_path_factory.mktemp("served")) as server:
        yield server, vocabulary


def identified(*words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bot.cli", "identify", *words, "--json", "--no-store"]
    done = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_it_is_neither_r1_nor_a_distill_and_its_tokenizer_is_named(served: tuple[Served, str]) -> None:
    server, vocabulary = served
    found = identified(server.spec)
    assert found["verdict"]["outcome"] == "other"
    named = {row["values"].get("vocabulary") for row in found["evidence"] if row["group"] == "tokens"}
    assert vocabulary in named
    assert found["target"]["kind"] == "endpoint"
    assert 0 < found["target"]["cost"]["requests"] <= 12
    assert found["target"]["cost"]["completion_tokens"] > 0


def test_where_one_model_is_served_it_need_not_be_named(served: tuple[Served, str]) -> None:
    server, _ = served
    assert identified(server.url)["verdict"]["outcome"] == "other"
