"""What an endpoint says reaches people harmless: nothing pings, links, formats or repaints, whatever it sends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from arena import Arena, trusted
from hostile_replies import EVIL
from hostile_server import ATTACKS, HostileServer

import engine
from bot.jobs import Answer
from bot.local_slack.validate import problems_of_message
from bot.presentation import present, stage_text, words
from bot.requests import Request
from bot.slack.blocks import blocks, fallback, mark
from bot.store.queries import StoredVerdict, storable
from bot.terminal import mark as terminal_mark
from bot.terminal import render
from engine.codec import from_json, to_json
from engine.errors import R1Error
from engine.identification import Identification
from engine.targets.endpoint import Budget, Endpoint
from engine.verdict import Claim

ASKED = Request(verb="identify", text="identify vendor-a", lang="en", target="vendor-a")
STAGES = (
    "listing", "forced", "opening", "repeat", "completion", "tokenize", "logprobs", "metadata", "routing", "facts",
    "problems", "needle", "speed", "self_report", "verdict",
)  # fmt: skip


@pytest.fixture(scope="module")
def hostile() -> Iterator[HostileServer]:
    with HostileServer() as server:
        yield server


@pytest.fixture(scope="module")
def found() -> Iterator[Identification]:
    served = trusted("DeepSeek-R1")
    with Arena([served]) as arena:
        endpoint = Endpoint(arena.url(served), served.name, name="vendor-a")
        yield engine.identify("vendor-a", endpoint=endpoint, budget=Budget(thorough=True))


def assert_harmless(answer: Answer, lang: str = "en") -> None:
    """For Slack and for a terminal, in what is said of it now and in its explanation."""
    asked = replace(ASKED, lang=lang)  # type: ignore[arg-type]
    view = present(answer, asked, mark, prefix="/r1 ")
    message = {"text": fallback(view), "blocks": blocks(view)}
    assert problems_of_message(message) == []
    for block in message["blocks"]:  # type: ignore[union-attr]
        if block["type"] == "header":  # plain text: nothing in it is more than its characters
            continue
        texts = (
            [block["text"]["text"]]
            if "text" in block
            else [part["text"] for part in block.get("elements", []) if isinstance(part.get("text"), str)]
        )
        for text in texts:
            outside_code = "".join(text.split("`")[::2])
            assert not re.search(r"<[!@#h]|https?://evil|@here|\x1b|\u202e", outside_code), text
            assert "<!" not in text and "\x1b" not in text and "*bold*" not in outside_code
    assert "<!channel>" not in str(message["text"])
    shown = render(present(answer, asked, terminal_mark, prefix="r1 "))
    assert "\x1b" not in shown and "\u202e" not in shown and "\x00" not in shown


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_whatever_it_sends_is_shown_harmless(hostile: HostileServer, name: str) -> None:
    endpoint = Endpoint(hostile.url(name), "m", name="vendor-a", key="sk-abcdefghijklmnop1234")
    try:
        found = engine.identify("vendor-a", endpoint=endpoint, budget=Budget(seconds=0.5, requests=6))
    except R1Error as error:
        assert "sk-abcdefghijklmnop1234" not in error.sentence("en")
        assert_harmless(Answer(error=error))
        return
    kept = from_json(storable(to_json(found)))
    assert "sk-abcdefghijklmnop1234" not in str(to_json(found))
    assert_harmless(Answer(identification=kept, verdict_id="k3m9x7wq2a"))


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("text", [EVIL, EVIL * 40, "`" * 50, "x" * 5000, ""])
def test_every_word_of_a_models_is_marked(found: Identification, lang: str, text: str) -> None:
    import datetime

    def hostile(value: object) -> object:
        if isinstance(value, str):
            return text
        return [hostile(part) for part in value] if isinstance(value, list | tuple) else value

    kept = ("form", "group")
    rows = [
        replace(row, values={name: value if name in kept else hostile(value) for name, value in row.values.items()})
        for row in found.evidence
    ]
    claim = Claim(text, "registered", ("DeepSeek-R1",))
    verdict = replace(found.verdict, title=text, claim=claim, outcome="mixed")
    spoilt = replace(found, evidence=tuple(rows), verdict=verdict, target=replace(found.target, spec=text))
    assert_harmless(Answer(identification=spoilt, verdict_id="k3m9x7wq2a"), lang)
    stored = StoredVerdict("k3m9x7wq2a", datetime.datetime.now(datetime.UTC), text, spoilt)
    assert_harmless(Answer(explanation=stored, today=found.verdict), lang)


def test_more_than_one_model_is_said_in_both_languages(found: Identification) -> None:
    mixed = replace(found, verdict=replace(found.verdict, outcome="mixed", title="R1-Distill-Qwen-7B + DeepSeek-R1"))
    for lang, said in (("en", "answers come from more than one model"), ("zh", "回答来自不止一个模型")):
        view = present(Answer(identification=mixed), replace(ASKED, lang=lang), mark, prefix="/r1 ")  # type: ignore[arg-type]
        assert said in view.headline and "R1-Distill-Qwen-7B + DeepSeek-R1" in view.summary


def test_the_last_line_says_what_asking_took(found: Identification) -> None:
    shown = render(present(Answer(identification=found), ASKED, terminal_mark, prefix="r1 "))
    cost = found.target.cost
    assert f"requests: {cost.requests}" in shown and f"{cost.prompt_tokens:,} + {cost.completion_tokens:,}" in shown
    assert "tensors" not in shown.splitlines()[-1]


@pytest.mark.parametrize("where", ["name", "base_model", "title", "config", "registered", "model"])
def test_every_place_a_claim_is_read_from_has_a_word(found: Identification, where: str) -> None:
    claimed = replace(found, verdict=replace(found.verdict, claim=Claim("DeepSeek-R1", where, ("DeepSeek-R1",))))
    for lang in ("en", "zh"):
        assert present(Answer(identification=claimed), replace(ASKED, lang=lang), mark, prefix="").fields  # type: ignore[arg-type]


def test_every_stage_has_its_words() -> None:
    for lang in ("en", "zh"):
        stages = words(lang)["working"]["stages"]
        assert all(stage in stages for stage in STAGES)
        assert stage_text(lang, "routing", 3, 9).count("routing") == 0  # type: ignore[arg-type]
