"""Reports by link: over the bot's own HTTP server, on SQLite and PostgreSQL."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import engine
from bot.forgetting import Scope, forget
from bot.report.links import link_of, opens, read_link
from bot.requests import Origin, Request
from bot.sealing import new_master_key
from bot.settings import Settings
from bot.slack.app import build_app
from bot.slack.web import web_app
from bot.store import Store, open_store
from bot.store.queries import add_request, save_identification

MASTER = new_master_key()


def settings_of(**more: object) -> Settings:
    given = {"slack_bot_token": "xoxb-1", "secret_key": MASTER, "public_url": "https://r1.example.com/bot", **more}
    return Settings(**given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def found(samples: Path) -> engine.Identification:
    return engine.identify(str(samples / "DeepSeek-R1-Distill-Qwen-7B"))


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


def keep(store: Store, found: engine.Identification, team: str) -> str:
    with store.begin() as session:
        request = Request(verb="identify", text="identify vendor/DeepSeek-R1", lang="en", target="vendor/DeepSeek-R1")
        asked = add_request(session, request, Origin("slash", team=team, user="U1"), None)
        return save_identification(session, found, request_id=asked, team=team)


def path_of(link: str | None) -> str:
    assert link is not None and link.startswith("https://r1.example.com/bot/reports/")
    return link.removeprefix("https://r1.example.com")


def test_a_link_gives_the_report_and_keeps_it_from_caches_robots_and_referrers(
    store: Store, found: engine.Identification
) -> None:
    settings = settings_of()
    verdict = keep(store, found, "T1")
    path = path_of(link_of(verdict, "T1", settings))
    with TestClient(web_app(build_app(settings, store), store, settings, events=True)) as browser:
        for at in (path, path.removeprefix("/bot")):  # a proxy may take the path off, or not
            answer = browser.get(at)
            assert answer.status_code == 200 and verdict in answer.text and '<html lang="en"' in answer.text
        assert answer.headers["cache-control"] == "no-store" and "noindex" in answer.headers["x-robots-tag"]
        assert answer.headers["referrer-policy"] == "no-referrer"
        policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', answer.text)
        assert policy is not None and answer.headers["content-security-policy"].startswith(policy[1])
        chinese = browser.get(path_of(link_of(verdict, "T1", settings, "zh")))
        assert chinese.status_code == 200 and "鉴定报告" in chinese.text


def test_a_link_that_is_wrong_late_or_of_something_forgotten_is_not_told_apart(
    store: Store, found: engine.Identification, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of()
    verdict, other = keep(store, found, "T1"), keep(store, found, "T2")
    path = path_of(link_of(verdict, "T1", settings))
    day = int(path.partition("key=")[2].partition("-")[0])
    wrong = [
        f"/reports/{verdict}",
        path.replace(verdict, other),
        path.replace(verdict, "nothingatall"),
        path[:-1] + ("0" if path[-1] != "0" else "1"),
        path.replace(f"={day}-", f"={day + 300}-"),
        path_of(link_of(verdict, "T2", settings)),
        path_of(link_of(verdict, "T1", settings_of(secret_key=new_master_key()))),
        f"/reports/{verdict}?key=9999999999999999-x",
        f"/reports/{verdict}?key=%00%ff",
        "/reports/..%2f..%2fetc",
    ]
    with TestClient(web_app(build_app(settings, store), store, settings, events=True)) as browser:
        assert browser.get(path).status_code == 200
        pages = {
            (answer.status_code, answer.text) for answer in map(browser.get, wrong) if "etc" not in str(answer.url)
        }
        assert len(pages) == 1 and pages.pop()[0] == 404
        assert browser.get(wrong[-1]).status_code == 404
        assert "链接有误" in browser.get(wrong[0], headers={"accept-language": "zh-CN,en;q=0.8"}).text
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 29 * 86_400)
        assert browser.get(path).status_code == 200
        monkeypatch.setattr(time, "time", lambda: now + 31 * 86_400)
        assert browser.get(path).status_code == 404
        monkeypatch.setattr(time, "time", lambda: now)
        assert browser.get(path).status_code == 200
        assert forget(store, Scope(team="T1", user="U1"), dry=False).verdicts == 1
        forgotten = browser.get(path)
        assert forgotten.status_code == 404 and forgotten.text == browser.get(wrong[0]).text


def test_a_link_lasts_as_long_as_verdicts_are_kept_and_needs_an_address_and_a_key(
    store: Store, found: engine.Identification, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert link_of("abc", "T1", settings_of(public_url="")) is None
    assert link_of("abc", "T1", settings_of(secret_key="")) is None
    settings = settings_of(retention_days=2)
    verdict = keep(store, found, "T1")
    link = link_of(verdict, "T1", settings)
    read = read_link(link or "", settings)
    assert read is not None and read[0] == verdict and link == link_of(verdict, "T1", settings)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 4 * 86_400)
    with store.begin() as session:
        assert not opens(session, *read, settings)


@pytest.mark.parametrize(
    "url",
    [
        "https://r1.example.com.evil.example/bot/reports/abc?key=1-2",
        "https://r1.example.com/bot/reports/abc/more?key=1-2",
        "https://r1.example.com/bot/reports/?key=1-2",
        "https://r1.example.com/reports/abc?key=1-2",
        "http://r1.example.com/bot/reports/abc?key=1-2",
        "https://r1.example.com/bot/reports/%61bc?key=1-2",
    ],
)
def test_other_links_are_none_of_ours(url: str) -> None:
    assert read_link(url, settings_of()) is None
