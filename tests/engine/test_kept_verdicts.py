"""Verdicts on endpoints are kept as JSON, read back, and made again from what was seen – years and references later."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from arena import Arena
from people import HIDING, HONEST

import engine
from engine.codec import from_json, to_json
from engine.identification import Identification
from engine.targets.endpoint import THOROUGH

ADDED = ("prompt_tokens", "completion_tokens")
"""Fields that records of earlier versions lack."""


def kept(found: Identification) -> Identification:
    """Through JSON and back, as the store and ``--json`` do."""
    return from_json(json.loads(json.dumps(to_json(found), allow_nan=False)))


@pytest.mark.parametrize("name", ["recounted distill", "mixture", "withheld", "ollama"])
@pytest.mark.parametrize("thorough", [False, True], ids=["quick", "thorough"])
def test_a_kept_verdict_is_made_again_from_what_was_seen(arena: Arena, name: str, thorough: bool) -> None:
    found = engine.identify(arena.spec(HIDING[name]), budget=THOROUGH if thorough else None)
    back = kept(found)
    assert back == found
    again = engine.recompute(back)
    assert again.verdict == found.verdict and again.evidence == found.evidence
    assert again.target == found.target


def test_with_references_it_is_the_same_only_by_the_same_references(arena: Arena, references: list[Path]) -> None:
    found = engine.identify(arena.spec(HIDING["proxy"]), reference_files=references)
    assert any(row.probe == "knowledge" and row.votes for row in found.evidence)
    assert engine.recompute(kept(found), reference_files=references).verdict == found.verdict
    without = engine.recompute(kept(found))
    assert not any(row.probe == "knowledge" and row.votes for row in without.evidence)
    assert without.verdict.posterior["DeepSeek-R1"] > found.verdict.posterior["DeepSeek-R1"]


def test_references_recorded_later_make_what_was_seen_say_more(arena: Arena, references: list[Path]) -> None:
    found = engine.identify(arena.spec(HONEST["DeepSeek-R1"]), budget=THOROUGH, reference_files=references)
    alone = engine.recompute(kept(found))
    assert engine.recompute(kept(alone), reference_files=references).verdict == found.verdict


def test_the_same_observations_are_never_asked_for_again(arena: Arena) -> None:
    served = HONEST["R1-Distill-Qwen-7B"]
    found = engine.identify(arena.spec(served))
    before = arena.tally(served)
    engine.recompute(kept(found))
    assert arena.tally(served) == before


def stripped(value: Any) -> Any:
    """The payload as a version wrote it that did not know endpoints."""
    if isinstance(value, dict):
        return {name: stripped(part) for name, part in value.items() if name not in ADDED}
    return [stripped(part) for part in value] if isinstance(value, list) else value


def test_what_earlier_versions_kept_is_still_read(samples: Path) -> None:
    found = engine.identify(str(samples / "DeepSeek-R1-Distill-Qwen-7B"))
    payload = stripped(json.loads(json.dumps(to_json(found))))
    assert ADDED[0] not in json.dumps(payload)
    back = from_json(payload)
    assert back.target.cost.prompt_tokens == back.target.cost.completion_tokens == 0
    assert engine.recompute(back).verdict == found.verdict


def test_rows_of_probes_that_are_no_more_are_left_out(arena: Arena) -> None:
    found = engine.identify(arena.spec(HONEST["R1-Distill-Llama-8B"]))
    payload = json.loads(json.dumps(to_json(found)))
    payload["evidence"].append({**payload["evidence"][0], "probe": "phrenology"})
    assert engine.recompute(from_json(payload)).verdict == found.verdict
