"""What people read: valid for Slack at the extremes, harmless whatever a model is called, equal in both languages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from bot.jobs import Answer
from bot.local_slack.render import as_page
from bot.local_slack.validate import problems_of_message
from bot.local_slack.workspace import Message
from bot.presentation import present, words
from bot.requests import Request
from bot.sizing import Sized
from bot.slack.blocks import blocks, fallback, mark
from bot.store.queries import HistoryRow, StoredVerdict
from bot.terminal import mark as terminal_mark
from bot.terminal import render
from engine.errors import TargetError
from engine.identification import Identification
from engine.sized import Workload

HOSTILE = (
    "<!channel> <@U1> *b* _i_ ~s~ `c` ```x``` <http://evil|ok> http://evil.example :bomb: &amp; \u202e\x1b[31m\n@here "
    + "🦊" * 40
)


def request(lang: str = "en", text: str = "identify x") -> Request:
    return Request(verb="identify", text=text, lang=lang, target="x")  # type: ignore[arg-type]


def hostile(found: Identification, text: str) -> Identification:
    """The identification of a target whose every foreign string is ``text``."""
    target = replace(found.target, spec=text, name=text)
    rows = tuple(
        replace(row, values={k: text if isinstance(v, str) and k != "form" else v for k, v in row.values.items()})
        for row in found.evidence
    )
    claim = replace(found.verdict.claim, text=text) if found.verdict.claim else None
    return replace(found, target=target, evidence=rows * 8, verdict=replace(found.verdict, title=text, claim=claim))


def answers(found: Identification) -> list[Answer]:
    import datetime

    now = datetime.datetime.now(datetime.UTC)
    row = HistoryRow("k3m9x7wq2a", now, found.target.spec, "full", found.verdict.title, 0.99, "misrepresented")
    return [
        Answer(identification=found, verdict_id="k3m9x7wq2a"),
        Answer(explanation=StoredVerdict("k3m9x7wq2a", now, found.target.spec, found)),
        Answer(history=(row,) * 50),
        Answer(history=()),
        Answer(recommendation=engine.recommend(scenario="edge legal contracts")),
        Answer(recommendation=engine.recommend()),
        Answer(recommendation=replace(engine.recommend({"hardware": "2x4090"}), unread=(found.target.spec,) * 9)),
        Answer(sizes=Sized(found.target.spec, found.target.spec, Workload(), engine.size("deepseek-r1:32b", "2x4090"))),
        Answer(sizes=Sized(found.target.spec, "", Workload(), engine.size("deepseek-r1:671b"))),
        Answer(error=TargetError("path_not_found", name=found.target.spec)),
        Answer(),
    ]


@pytest.fixture(scope="module")
def found(samples: Path) -> Identification:
    return engine.identify(str(samples / "DeepSeek-R1-Distill-Qwen-7B"), scenario="customer service")


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("text", ["plain", HOSTILE, "x" * 5000, HOSTILE * 60, "<" * 4000, "﷽" * 300, ""])
def test_every_reply_is_valid_for_slack(found: Identification, lang: str, text: str) -> None:
    for answer in answers(hostile(found, text)):
        view = present(answer, request(lang), mark, prefix="/r1 ")
        message = {"text": fallback(view), "blocks": blocks(view)}
        assert problems_of_message(message) == []


def test_nothing_foreign_pings_links_or_formats(found: Identification) -> None:
    for answer in answers(hostile(found, HOSTILE)):
        view = present(answer, request(), mark, prefix="/r1 ")
        sent = str(blocks(view)) + fallback(view)
        assert "<!channel>" not in sent and "<@U1>" not in sent and "<http" not in sent
        assert "\x1b" not in sent and "\u202e" not in sent
        for block in blocks(view):
            text = str(block.get("text", {}).get("text", "")) if block["type"] == "section" else ""
            outside_code = "".join(text.split("`")[::2])
            assert "http://evil" not in outside_code and ":bomb:" not in outside_code and "@here" not in outside_code


def test_a_page_of_hostile_messages_shows_no_ping(found: Identification) -> None:
    view = present(Answer(identification=hostile(found, HOSTILE)), request(), mark, prefix="/r1 ")
    page = as_page([Message("C", "1.0", "U0R1BOT", fallback(view), blocks(view))])
    assert 'class="ping"' not in page and "<script" not in page


@settings(max_examples=200)
@given(st.text(max_size=400))
def test_marked_text_is_harmless_whatever_it_is(text: str) -> None:
    marked = mark(text)
    assert "\n" not in marked and "\x1b" not in marked
    assert "<" not in marked and ">" not in marked
    if any(char in text for char in "*~<>@#:"):
        assert marked.count("`") == 2 or marked == "–"
    assert "\x1b" not in terminal_mark(text)


def test_the_terminal_gets_no_escape_sequences_from_a_model(found: Identification) -> None:
    for lang in ("en", "zh"):
        for answer in answers(hostile(found, HOSTILE)):
            assert "\x1b" not in render(present(answer, request(lang), terminal_mark, prefix="r1 "))


def test_both_languages_have_the_same_words() -> None:
    def keys(node: object, prefix: str = "") -> set[str]:
        if not isinstance(node, dict):
            return {prefix}
        return {key for name, child in node.items() for key in keys(child, f"{prefix}.{name}")}

    assert keys(words("en")) == keys(words("zh"))


def test_a_circulating_figure_is_answered_beside_the_verdict(found: Identification) -> None:
    asked = request(text="identify x, the guide says 80 layers is the full one")
    assert "Llama-70B" in str(blocks(present(Answer(identification=found), asked, mark, prefix="/r1 ")))
