"""Answers as long and as strange as can be, through the real views and layout: Slack takes every one, nobody is pinged,
and what can be done about them stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import engine
from bot.jobs import Answer, Comparison, WatchLine
from bot.local_slack.render import as_text
from bot.local_slack.validate import problems_of_message
from bot.local_slack.validate_view import problems_of_view
from bot.local_slack.workspace import Message
from bot.people import Person
from bot.presentation import present
from bot.presentation.home import MOST_WATCHES, Home
from bot.requests import Lang, Request, Schedule
from bot.slack.blocks import blocks, fallback, mark
from bot.slack.home import home_view
from bot.slack.unfolding import Unfolding
from bot.store.models import now
from bot.store.queries import HistoryRow, StoredVerdict
from engine.identification import Identification, Progress

LONG = {
    "3000 letters": "x" * 3000,
    "emoji": "🦊👩‍👩‍👧‍👦" * 250,
    "right to left": "שלום עולם مرحبا بالعالم \u202e" * 60,
    "mark-up": "<!channel> <@U1> *b* _i_ `c` ```x``` <http://evil|ok> &amp; @here " * 40,
    "a path": "/models/" + "/".join(["DeepSeek-R1-671B-final-v2"] * 100),
}
ID = "k3m9x7wq2a"


@pytest.fixture(scope="module")
def found(samples: Path) -> Identification:
    return engine.identify(str(samples / "DeepSeek-R1-Distill-Qwen-7B"))


def strange(found: Identification, text: str) -> Identification:
    """Fifty rows of evidence about a target whose every foreign string is ``text``."""
    rows = [
        replace(
            row,
            observation={**row.observation, "n": number},
            values={k: text if isinstance(v, str) and k != "form" else v for k, v in row.values.items()},
        )
        for number, row in enumerate((*found.evidence,) * 50)
    ]
    target = replace(found.target, spec=text, name=text)
    return replace(found, target=target, evidence=tuple(rows[:50]), verdict=replace(found.verdict, title=text))


def texts(shown: Any) -> list[str]:
    """Every text that Slack reads mark-up in."""
    if isinstance(shown, list):
        return [text for part in shown for text in texts(part)]
    if not isinstance(shown, dict):
        return []
    own = [shown["text"]] if shown.get("type") == "mrkdwn" else []
    return [*own, *(text for part in shown.values() for text in texts(part))]


def watches(text: str) -> tuple[WatchLine, ...]:
    schedule = Schedule(
        every="6h", at=("09:00",) * 9, until=date(2030, 1, 1), channel=f"#{text[:80]}", quiet="22:00-08:00"
    )
    states = ("active", "paused", "done")
    return tuple(
        WatchLine(f"watch{at:05d}", text, schedule, "Asia/Shanghai", states[at % 3], "C0MODELS", "U0PERSON", now(), now(),
                  ID, at % 4, "distilled", text, now())
        for at in range(200)
    )  # fmt: skip


def asked(verb: Any, lang: Lang, text: str, **more: Any) -> Request:
    other = text if verb == "compare" else ""
    return Request(verb, text, lang, text, other=other or None, scenario=text, free=True, **more)


def answers(found: Identification, lang: Lang, text: str) -> dict[str, tuple[Answer, Request]]:
    """Every view that a conversation may show."""
    stored, lines = StoredVerdict(ID, now(), text, strange(found, text)), watches(text)
    other = replace(stored, id="z" * 10, identification=replace(stored.identification, evidence=found.evidence))
    return {
        "verdict": (Answer(identification=stored.identification, verdict_id=ID, asked=ID, as_of=now()), asked("identify", lang, text)),
        "explanation": (Answer(explanation=stored, asked=ID), asked("explain", lang, text)),
        "comparison": (Answer(comparison=Comparison(stored, other), asked=ID), asked("compare", lang, text)),
        "watch": (Answer(watch=lines[0], asked=ID), asked("watch", lang, text, action="add")),
        "watches": (Answer(watches=lines, asked=ID), asked("watch", lang, text, action="list")),
        "pending": (Answer(pending=ID), asked("watch", lang, text, action="add", sure=False)),
        "question": (Answer(), asked("compare", lang, text, ask="target")),
        "history": (Answer(history=(HistoryRow(ID, now(), text, "full", text, 0.99, "misrepresented"),) * 50, asked=ID), asked("history", lang, text)),
    }  # fmt: skip


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_slack_takes_every_view_and_nobody_is_pinged(found: Identification, lang: Lang, text: str) -> None:
    for name, (answer, request) in answers(found, lang, text).items():
        view = present(answer, request, mark, prefix="/r1 ")
        sent = blocks(view, lang)
        assert problems_of_message({"text": fallback(view), "blocks": sent}) == [], name
        for ping in ("<!channel>", "<@U1>", "<http://evil"):
            assert ping not in fallback(view) and not any(ping in text for text in texts(sent)), name
        assert (sent[-1]["type"] in ("actions", "context_actions")) is bool(view.buttons or view.judged), name


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_what_waits_for_a_yes_can_be_answered_however_long_it_is(found: Identification, text: str) -> None:
    answer, request = answers(found, "en", text)["pending"]
    (row,) = (block for block in blocks(present(answer, request, mark, prefix="/r1 ")) if block["type"] == "actions")
    assert [button["value"] for button in row["elements"]] == [ID] * 3


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_home_shows_the_first_of_two_hundred_watches_and_says_so(lang: Lang, text: str) -> None:
    rows = (HistoryRow(ID, now(), text, "distilled", text, 0.99, "misrepresented"),) * 60
    view = home_view(Home(Person(lang, lang, "Asia/Shanghai", False, text), rows, watches(text), True), lang)
    assert problems_of_view(view, "home") == []
    shown = as_text([Message("D0", "1.0", "U0R1BOT", "", view["blocks"])])
    assert str(MOST_WATCHES) in shown and shown.count("Asia/Shanghai") >= 1


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_progress_of_fifty_rows_stays_within_cards_and_lines(found: Identification, text: str) -> None:
    unfolding = Unfolding("j" * 10, asked("compare", "en", text))
    for row in strange(found, text).evidence:
        unfolding.take(Progress(row.probe, 1, 1, evidence=row))
    said, lines = unfolding.blocks()
    assert problems_of_message({"text": said[:3000], "blocks": lines}) == []
    unfolding.close()
    for chunk in (unfolding.title(over=True), *unfolding.chunks()):
        assert all(len(chunk.get(name, "")) <= 256 for name in ("title", "output", "details"))
