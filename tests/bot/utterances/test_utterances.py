"""The utterances are what they say: enough, of both languages, and of known names."""

from __future__ import annotations

from collections import Counter

import pytest
from pydantic import ValidationError

from bot.commands import undecorate
from tests.bot.utterances.loading import Utterance, utterances

ALL = tuple(utterances())
PLAIN = {"id": "a", "lang": "en", "text": "hi", "intent": "recommend"}


def test_there_are_enough_and_half_are_chinese() -> None:
    held_out = [said for theme, said in ALL if theme != "adversarial"]
    assert len(held_out) >= 420
    assert 0.45 <= sum(said.lang != "en" for said in held_out) / len(held_out) <= 0.55
    assert sum(said.lang == "mixed" for said in held_out) >= 10
    assert sum(bool(said.turns) for said in held_out) >= 40
    adversarial = [said for theme, said in ALL if theme == "adversarial"]
    assert len(adversarial) >= 40
    assert not any(said.expensive for said in adversarial)


def test_no_id_and_no_conversation_is_there_twice() -> None:
    assert [name for name, times in Counter(said.id for _, said in ALL).items() if times > 1] == []
    conversations = Counter((said.turns, said.text, said.endpoints) for _, said in ALL)
    assert [conversation for conversation, times in conversations.items() if times > 1] == []


def test_languages_are_what_they_are_said_to_be() -> None:
    for _, said in ALL:
        chinese = any("\u4e00" <= char <= "\u9fff" for char in "".join((*said.turns, said.text)))
        if said.id not in {"i20", "g30"}:  # a Chinese question mark is all their Chinese
            assert chinese == (said.lang != "en"), said.id


def test_targets_stand_in_what_was_said() -> None:
    """As they are written there; only a model named by its size is called by its name at Ollama."""
    for _, said in ALL:
        targets = said.target if isinstance(said.target, tuple) else (said.target,)
        words = undecorate("\n".join((*said.turns, said.text)))
        links = "\n".join((*said.turns, said.text))
        for target in filter(None, targets):
            sized = said.intent == "size" and target.startswith("deepseek-r1:")
            assert sized or target in words or target in links, said.id


@pytest.mark.parametrize(
    "wrong",
    [
        {"constraints": {"vram": 24}},
        {"constraints": {"memory": "24GB"}},
        {"constraints": {"task": "cooking"}},
        {"constraints": {"hardware": "2x4090"}},
        {"constraints": {"hardware": "2×rtx-4099"}},
        {"constraints": {"task": "code"}, "also": {"task": "code"}},
        {"target": ["a/b", "c/d"]},
        {"intent": "compare", "target": "a/b"},
        {"schedule": {"every": "6h"}},
        {"intent": "watch", "schedule": {"every": "six hours"}},
        {"intent": "watch", "schedule": {"at": ["25:00"]}},
        {"ask": "target", "target": "a/b"},
        {"intent": "dance"},
        {"extra": 1},
    ],
)
def test_a_wrong_entry_is_refused(wrong: dict[str, object]) -> None:
    Utterance.model_validate(PLAIN)
    with pytest.raises(ValidationError):
        Utterance.model_validate({**PLAIN, **wrong})
