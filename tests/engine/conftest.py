"""The arena's endpoints, served once for all of the engine's tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from arena import Arena
from people import HIDING, HONEST

import engine
from engine.targets.endpoint import parse_endpoint


@pytest.fixture(scope="session")
def arena() -> Iterator[Arena]:
    """Simulated models on real tokenizers, over real HTTP."""
    with Arena([*HONEST.values(), *HIDING.values()]) as serving:
        yield serving


@pytest.fixture(scope="session")
def references(arena: Arena, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """References of the full model and of one distill, recorded as a user would."""
    folder = tmp_path_factory.mktemp("references")
    for variant in ("DeepSeek-R1", "R1-Distill-Qwen-32B"):
        recorded = engine.record_reference(parse_endpoint(arena.spec(HONEST[variant])), variant)
        (folder / f"{variant}.json").write_text(json.dumps(recorded))
    return sorted(folder.iterdir())
