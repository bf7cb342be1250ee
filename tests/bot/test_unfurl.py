"""Links to reports, as Slack shows them: in the workspace whose verdict it is, with what it says and what to do next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from served import free_port
from sqlalchemy import select

import engine
from bot.demo import running_bot
from bot.local_slack import LocalSlack
from bot.local_slack.workspace import Message
from bot.report.links import link_of
from bot.requests import Origin, Request
from bot.sealing import new_master_key
from bot.settings import Settings
from bot.store import Store, open_store
from bot.store.models import RequestRow
from bot.store.queries import add_request, save_identification

HOST = "https://r1.example.com"


@pytest.fixture(scope="module")
def found(samples: Path) -> engine.Identification:
    return engine.identify(str(samples / "DeepSeek-R1-Distill-Qwen-7B"))


@dataclass
class Running:
    slack: LocalSlack
    store: Store
    settings: Settings

    def link(self, found: engine.Identification, team: str = "T0LOCAL") -> str:
        """The link to a verdict that a team was given."""
        return link_of(keep(self.store, found, team), team, self.settings) or ""


@pytest.fixture(scope="module", params=[False, True], ids=["HTTP", "Socket Mode"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    root, key = tmp_path_factory.mktemp("bot"), new_master_key()
    more = {"port": free_port()} if request.param else {}
    given = {"workers": 0, "allowed_channels": '["C0MODELS"]', "secret_key": key, "public_url": HOST, **more}
    with LocalSlack() as slack:
        slack.workspace.unfurl_domains = {"r1.example.com"}
        with running_bot(slack, root, socket_mode=request.param, **given):
            settings = Settings(secret_key=key, public_url=HOST)  # type: ignore[arg-type]
            yield Running(slack, open_store(f"sqlite:///{root / 'r1.db'}"), settings)


def keep(store: Store, found: engine.Identification, team: str) -> str:
    with store.begin() as session:
        request = Request(verb="identify", text="identify x", lang="en", target="x")
        asked = add_request(session, request, Origin("slash", team=team), None)
        return save_identification(session, found, request_id=asked, team=team)


def shared(slack: LocalSlack, url: str, channel: str = "C0MODELS") -> Message:
    assert slack.share_link(url, channel=channel) is not None
    message: Message = slack.workspace.visible(channel)[-1]
    return message


def test_a_link_shows_what_the_verdict_says_and_what_to_do_next(running: Running, found: engine.Identification) -> None:
    link = running.link(found)
    (unfurl,) = shared(running.slack, link).unfurls.values()
    shown = json.dumps(unfurl["blocks"], ensure_ascii=False)
    assert "R1-Distill-Qwen-7B" in shown and " sure (" in shown and "Target" in shown
    buttons = [part for block in unfurl["blocks"] if block["type"] == "actions" for part in block["elements"]]
    assert [(part["text"]["text"], part["action_id"]) for part in buttons] == [
        ("Explain", "r1.explain"), ("Report", "r1.report")
    ]  # fmt: skip
    chinese = shared(running.slack, f"{link}&lang=zh")
    assert "把握" in json.dumps(list(chinese.unfurls.values()), ensure_ascii=False)


def test_what_is_pressed_below_a_link_is_asked_where_the_link_is(
    running: Running, found: engine.Identification
) -> None:
    verdict = keep(running.store, found, "T0LOCAL")
    message = shared(running.slack, link_of(verdict, "T0LOCAL", running.settings) or "")
    for action in ("r1.explain", "r1.report"):
        assert running.slack.press(message, action).status == 200
    with running.store.begin() as session:
        asked = session.scalars(select(RequestRow).where(RequestRow.surface == "button").order_by(RequestRow.created))
        requests = [(row.verb, row.payload["verdict_id"], row.team, row.channel) for row in asked]
    assert requests == [(verb, verdict, "T0LOCAL", "C0MODELS") for verb in ("explain", "report")]


def test_other_links_and_other_teams_verdicts_stay_bare(running: Running, found: engine.Identification) -> None:
    theirs, ours = keep(running.store, found, "T0OTHER"), keep(running.store, found, "T0LOCAL")
    good = link_of(ours, "T0LOCAL", running.settings) or ""
    for url in (
        link_of(theirs, "T0OTHER", running.settings) or "",
        good.replace(ours, theirs),
        good[:-2],
        f"{HOST}/reports/{ours}",
        f"{HOST}/pricing",
    ):
        assert shared(running.slack, url).unfurls == {}
    assert shared(running.slack, good, "C0GENERAL").unfurls == {}  # the bot does not answer there
    assert shared(running.slack, good).unfurls != {}


def test_nothing_that_was_shown_broke_a_rule_of_slacks(running: Running) -> None:
    assert running.slack.workspace.violations == []
    assert {call.error for call in running.slack.workspace.calls} <= {None}
