"""Identifying an endpoint that attacks: soon a sentence, or an honest "inconclusive"; never a verdict, never a crash."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from asking import assert_a_sentence
from hostile_server import ATTACKS, HostileServer

import engine
from engine.codec import from_json, to_json
from engine.errors import R1Error
from engine.targets.endpoint import Budget

SECONDS = 1.0


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    with HostileServer() as shared:
        yield shared


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_an_attack_is_survived_and_proves_nothing(server: HostileServer, name: str) -> None:
    started = time.monotonic()
    try:
        found = engine.identify(server.url(name) + "#m", budget=Budget(seconds=SECONDS))
    except R1Error as error:
        assert_a_sentence(error)
    else:
        assert found.verdict.outcome == "inconclusive"
        kept = json.dumps(to_json(found), allow_nan=False, ensure_ascii=False)
        kept.encode()
        assert "\\u0000" not in kept and len(kept) < 200_000
        assert from_json(json.loads(kept)) == found
    assert time.monotonic() - started < SECONDS + 9  # the first question loads vocabularies


@pytest.mark.parametrize("name", ["silence", "slow_body", "endless_comments", "one_byte_chunks"])
def test_time_is_the_users_to_set(server: HostileServer, name: str) -> None:
    started = time.monotonic()
    with pytest.raises(R1Error, match="given up"):
        engine.identify(server.url(name) + "#m", budget=Budget(seconds=0.5))
    assert time.monotonic() - started < 2.5


def test_a_list_of_models_is_asked_for_where_none_is_named(server: HostileServer) -> None:
    with pytest.raises(R1Error) as refusal:
        engine.identify(server.url("honest"), budget=Budget(seconds=SECONDS))
    assert_a_sentence(refusal.value)
