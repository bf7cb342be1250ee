"""Links to reports, as Slack shows them: in the workspace whose verdict it is, with what it says and what to do next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from served import free_port

import engine
from bot.demo import running_bot
from bot.local_slack import LocalSlack
from bot.local_slack.workspace import Message
from bot.report.links import link_of
from bot.requests import Origin, Request
from bot.sealing import new_master_key
from bot.settings import load_settings
from bot.store import Store, open_store
from bot.store.queries import add_request, save_identification

HOST = "https://r1.example.com"


@pytest.fixture(scope="module")
def found(samples: Path) -> engine.Identification:
    return engine.identify(str(samples / "DeepSeek-R1-Distill-Qwen-7B"))


@pytest.fixture(params=[False, True], ids=["HTTP", "Socket Mode"])
def slack(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalSlack]:
    monkeypatch.setenv("R1_SECRET_KEY", new_master_key())
    monkeypatch.setenv("R1_PUBLIC_URL", HOST)
    more = {"port": free_port()} if request.param else {}
    with LocalSlack() as running:
        running.workspace.unfurl_domains = {"r1.example.com"}
        with running_bot(running, tmp_path, socket_mode=request.param, workers=0, **more):
            yield running


def keep(store: Store, found: engine.Identification, team: str) -> str:
    with store.begin() as session:
        request = Request(verb="identify", text="identify x", lang="en", target="x")
        asked = add_request(session, request, Origin("slash", team=team), None)
        return save_identification(session, found, request_id=asked, team=team)


def shared(slack: LocalSlack, url: str, channel: str = "C0MODELS") -> Message:
    assert slack.share_link(url, channel=channel) is not None
    message: Message = slack.workspace.visible(channel)[-1]
    return message


def test_a_link_shows_what_the_verdict_says_and_what_to_do_next(
    slack: LocalSlack, found: engine.Identification, tmp_path: Path
) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'r1.db'}")
    link = link_of(keep(store, found, "T0LOCAL"), "T0LOCAL", load_settings()) or ""
    message = shared(slack, link)
    (unfurl,) = message.unfurls.values()
    shown = json.dumps(unfurl["blocks"], ensure_ascii=False)
    assert "R1-Distill-Qwen-7B" in shown and "sure" in shown and "Target" in shown
    assert [element["text"]["text"] for block in unfurl["blocks"] if block["type"] == "actions" for element in block["elements"]] == [
        "Explain", "Report"
    ]  # fmt: skip
    chinese = shared(slack, f"{link}&lang=zh")
    assert "把握" in json.dumps(list(chinese.unfurls.values()), ensure_ascii=False)
    assert slack.workspace.violations == [] and {call.error for call in slack.workspace.calls} <= {None}


def test_other_links_and_other_teams_verdicts_stay_bare(
    slack: LocalSlack, found: engine.Identification, tmp_path: Path
) -> None:
    store, settings = open_store(f"sqlite:///{tmp_path / 'r1.db'}"), load_settings()
    theirs, ours = keep(store, found, "T0OTHER"), keep(store, found, "T0LOCAL")
    good = link_of(ours, "T0LOCAL", settings) or ""
    for url in (
        link_of(theirs, "T0OTHER", settings) or "",
        good.replace(ours, theirs),
        good[:-2],
        f"{HOST}/reports/{ours}",
        f"{HOST}/pricing",
    ):
        assert shared(slack, url).unfurls == {}
    assert shared(slack, good).unfurls != {}
    assert slack.workspace.violations == []


def test_a_link_stays_bare_where_the_bot_does_not_answer(
    found: engine.Identification, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("R1_SECRET_KEY", new_master_key())
    monkeypatch.setenv("R1_PUBLIC_URL", HOST)
    with LocalSlack() as slack, running_bot(slack, tmp_path, workers=0, allowed_channels='["C0MODELS"]'):
        slack.workspace.unfurl_domains = {"r1.example.com"}
        store = open_store(f"sqlite:///{tmp_path / 'r1.db'}")
        link = link_of(keep(store, found, "T0LOCAL"), "T0LOCAL", load_settings()) or ""
        assert shared(slack, link, "C0GENERAL").unfurls == {} and shared(slack, link).unfurls != {}
