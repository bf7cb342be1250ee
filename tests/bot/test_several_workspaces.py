"""One bot, several workspaces: each installs it by OAuth in a browser, is answered with its own token, and takes it
away again – over signed HTTP and Socket Mode, behind a proxy that knows the bot by another name."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import pytest
from served import free_port
from sqlalchemy import select
from starlette.testclient import TestClient

from bot.demo import running_bot
from bot.jobs import accept
from bot.local_slack import LocalSlack
from bot.report.links import link_of
from bot.requests import Origin, Request
from bot.sealing import new_master_key
from bot.settings import Settings
from bot.slack.app import build_app
from bot.slack.web import web_app
from bot.store import Store, open_store
from bot.store.installed import BotRow, OrganisationRow
from bot.store.models import JobRow, VerdictRow, WatchRow, now

HOST = "https://r1.example.com"


@dataclass
class Browser:
    """Somebody's browser. What it asks of the bot's public name, the proxy hands to the bot."""

    port: int
    language: str = "en"
    cookie: str = ""

    def get(self, url: str) -> httpx.Response:
        local = f"http://127.0.0.1:{self.port}{url.removeprefix(HOST)}" if url.startswith(HOST) else url
        given = {"accept-language": self.language, "x-forwarded-proto": "https", "x-forwarded-host": "r1.example.com"}
        if local != url and self.cookie:
            given["cookie"] = self.cookie
        answer = httpx.get(local, headers=given, trust_env=False, timeout=20)
        if local != url and "set-cookie" in answer.headers:
            held = SimpleCookie(answer.headers["set-cookie"])
            self.cookie = "; ".join(f"{name}={kept.value}" for name, kept in held.items() if kept.value)
        return answer

    def install(self, more: str) -> httpx.Response:
        """From the install link through Slack's page, where the person chooses, and back."""
        begun = self.get(f"{HOST}/slack/install")
        assert (
            begun.status_code == 302
            and "HttpOnly" in begun.headers["set-cookie"]
            and "Secure" in begun.headers["set-cookie"]
        )
        chosen = self.get(f"{begun.headers['location']}&{more}")
        assert chosen.status_code == 302 and chosen.headers["location"].startswith(f"{HOST}/slack/oauth_redirect?")
        return self.get(chosen.headers["location"])


@dataclass
class Running:
    slack: LocalSlack
    browser: Browser
    store: Store
    settings: Settings


@pytest.fixture(scope="module", params=[False, True], ids=["HTTP", "Socket Mode"])
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, samples: Path
) -> Iterator[Running]:
    root = tmp_path_factory.mktemp("bot")
    with LocalSlack() as slack, pytest.MonkeyPatch.context() as environment:
        slack.add_team("T0SECOND", name="Second")
        environment.setenv("SLACK_CLIENT_ID", slack.client_id)
        environment.setenv("SLACK_CLIENT_SECRET", slack.client_secret)
        given = {"secret_key": new_master_key(), "public_url": HOST, "checkpoint_roots": f'["{samples}"]'}
        port = free_port()
        more = {"port": port} if request.param else {}
        with running_bot(slack, root, socket_mode=request.param, **given, **more):
            if not request.param:
                port = int((slack.app_url or "").split(":")[2].partition("/")[0])
            slack.wait_for(lambda: _answers(port))
            settings = Settings(secret_key=given["secret_key"], public_url=HOST)  # type: ignore[arg-type]
            yield Running(slack, Browser(port), open_store(f"sqlite:///{root / 'r1.db'}"), settings)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).text == "ok"
    except httpx.TransportError:
        return False


def said(slack: LocalSlack, team: str) -> list[str]:
    """What everybody in a workspace's channel sees of the bot's."""
    seen = [message for message in slack.answers(team=team) if not message.ephemeral_to and not message.files]
    return [message.text + json.dumps(message.blocks, ensure_ascii=False) for message in seen]


def test_an_installation_that_is_refused_late_or_somebody_elses_leaves_nothing(running: Running) -> None:
    browser, store = running.browser, running.store
    assert _installed(store) == []
    assert "Nothing was installed, as you chose" in browser.install("team=T0LOCAL&deny=1").text
    begun = browser.get(f"{HOST}/slack/install")
    chosen = browser.get(f"{begun.headers['location']}&team=T0LOCAL").headers["location"]
    stranger = Browser(browser.port, language="zh-CN")
    assert stranger.get(chosen).status_code == 400 and "另一个浏览器" in stranger.get(chosen).text
    assert _installed(store) == []
    held = browser.cookie
    assert browser.get(chosen).status_code == 200 and _installed(store) == ["T0LOCAL"]
    browser.cookie = held
    assert browser.get(chosen).status_code == 401  # a state is good once
    assert browser.get(f"{HOST}/slack/oauth_redirect?code=guessed").status_code == 400


def test_two_workspaces_install_are_answered_each_by_its_own_token_and_one_leaves(
    running: Running, samples: Path
) -> None:
    slack, browser, store = running.slack, running.browser, running.store
    done = Browser(browser.port).install("team=T0LOCAL")
    assert done.status_code == 200 and "Installed in" in done.text and done.headers["referrer-policy"] == "no-referrer"
    slack.slash("help", team="T0SECOND")  # not installed there yet: told so, and nobody is answered
    assert browser.install("team=T0SECOND").status_code == 200
    with store.begin() as session:
        kept = session.scalars(select(BotRow)).all()
        assert {row.team_id for row in kept} == {"T0LOCAL", "T0SECOND"} and "xox" not in str(
            [row.bot_token for row in kept]
        )
        assert session.scalars(select(JobRow)).all() == []

    for team in ("T0LOCAL", "T0SECOND"):
        slack.slash(f"identify {samples / 'DeepSeek-R1-Distill-Qwen-7B'}", team=team)
        slack.wait_for(lambda team=team: any(" sure (" in text for text in said(slack, team)))  # type: ignore[misc]
    with store.begin() as session:
        verdicts = {row.team: row.id for row in session.scalars(select(VerdictRow))}
        session.add(WatchRow(team="T0SECOND", target="a/b", request={}, schedule={}))
    assert set(verdicts) == {"T0LOCAL", "T0SECOND"}

    link = link_of(verdicts["T0LOCAL"], "T0LOCAL", running.settings) or ""
    report = browser.get(link)
    assert report.status_code == 200 and verdicts["T0LOCAL"] in report.text
    assert browser.get(link.replace(verdicts["T0LOCAL"], verdicts["T0SECOND"])).status_code == 404

    slack.uninstall("T0SECOND")
    slack.wait_for(lambda: _installed(store) == ["T0LOCAL"])
    with store.begin() as session:
        (watch,) = session.scalars(select(WatchRow))
        assert (watch.state, watch.next_at) == ("paused", None)
    late = Request(verb="help", text="help", lang="en")
    job = accept(
        store,
        late,
        Origin("mention", team="T0SECOND", channel=slack.teams["T0SECOND"].main, user="U0PERSON"),
        dedup_key="late",
    )
    slack.slash("history")  # is taken after it, and answered all the same
    slack.wait_for(lambda: any("Past verdicts" in text for text in said(slack, "T0LOCAL")))
    with store.begin() as session:
        waiting = session.get_one(JobRow, job)
        assert (
            waiting.state == "computed" and (waiting.lease_until or 0) > time.time() + 60
        )  # kept, for when it is back
        assert waiting.created <= now()
    assert [slack.teams[team].violations for team in slack.teams] == [[], []]


def test_an_organisation_installs_once_for_all_its_workspaces(running: Running) -> None:
    slack, browser, store = running.slack, running.browser, running.store
    for team in ("T0EAST", "T0WEST"):
        slack.add_team(team, name=team, enterprise="E0ORG")
    assert "E0ORG Inc." in browser.install("team=E0ORG").text
    for team in ("T0EAST", "T0WEST"):
        slack.mention("help", team=team)
        slack.wait_for(lambda team=team: said(slack, team))  # type: ignore[misc]
    with store.begin() as session:
        assert {(row.team, row.enterprise) for row in session.scalars(select(OrganisationRow))} == {
            ("T0EAST", "E0ORG"), ("T0WEST", "E0ORG")
        }  # fmt: skip
    slack.uninstall("E0ORG")
    slack.wait_for(lambda: None not in _installed(store))
    assert all(slack.teams[team].violations == [] for team in ("T0EAST", "T0WEST"))


def _installed(store: Store) -> list[str | None]:
    with store.begin() as session:
        return list(session.scalars(select(BotRow.team_id)))


def test_a_workspace_that_is_not_let_in_has_its_token_given_back(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'r1.db'}")
    with LocalSlack() as slack:
        slack.add_team("T0SECOND", name="Second")
        settings = Settings(
            slack_client_id=slack.client_id, slack_client_secret=slack.client_secret, slack_api_url=slack.api_url,
            secret_key=new_master_key(), public_url=HOST, allowed_teams=("T0LOCAL",),
        )  # type: ignore[arg-type]  # fmt: skip
        with TestClient(web_app(build_app(settings, store), store, settings, events=True), base_url=HOST) as browser:
            for team, status in (("T0SECOND", 403), ("T0LOCAL", 200)):
                begun = browser.get("/slack/install", follow_redirects=False)
                chosen = httpx.get(f"{begun.headers['location']}&team={team}", trust_env=False)
                done = browser.get(chosen.headers["location"])
                assert done.status_code == status and ("has not let this workspace" in done.text) == (status == 403)
        assert _installed(store) == ["T0LOCAL"]
        assert sorted(token.dead for token in slack.installs.tokens.values()) == ["", "token_revoked"]
