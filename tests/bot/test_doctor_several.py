"""`r1 doctor` on installations in several workspaces, the public address, a language model, and watches."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from slack_sdk.oauth.installation_store import Installation

from bot.demo import running_bot
from bot.doctor import examine
from bot.local_slack import LocalSlack
from bot.sealing import new_master_key
from bot.settings import load_settings
from bot.slack.oauth import SealedInstallations
from bot.store import Store, open_store
from bot.store.models import WatchRow, now


@pytest.fixture(scope="module")
def slack() -> Iterator[LocalSlack]:
    with LocalSlack() as running:
        yield running


@pytest.fixture
def store(slack: LocalSlack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The database of a bot that several workspaces may install."""
    given = {
        "SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "client-secret", "SLACK_SIGNING_SECRET": "0" * 32,
        "R1_SECRET_KEY": new_master_key(), "R1_SLACK_API_URL": slack.api_url, "R1_PUBLIC_URL": "http://127.0.0.1:1",
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("R1_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    opened = open_store(f"sqlite:///{tmp_path / 'r1.db'}")
    yield opened
    opened.close()


def told(check: str) -> str:
    """The check's signs, findings and remedies, in both languages."""
    return "\n".join(
        f"{finding.state} {finding.found(lang)} {finding.remedy(lang)}"
        for finding in examine()
        for lang in ("en", "zh")
        if finding.check == check
    )


def install(store: Store, team: str, token: str, **more: object) -> None:
    made = {"app_id": "A1", "team_id": team, "team_name": team.title(), "user_id": "U1", "bot_token": token, **more}
    SealedInstallations(store, load_settings()).save(Installation(**made))  # type: ignore[arg-type]


def test_each_installation_is_asked_with_its_own_token(
    store: Store, slack: LocalSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "idle nobody has installed the app yet Open http://127.0.0.1:1/slack/install" in told("installations")
    install(store, "T0LOCAL", slack.workspace.bot_token)
    install(store, "T0GONE", "xoxb-revoked")
    install(store, "T0LATE", slack.workspace.bot_token, bot_token_expires_at=int(time.time()) + 3_600)
    said = told("installations")
    assert "ok T0Local: its token is valid" in said
    assert "wrong T0Gone: Slack refuses its token (invalid_auth) Have an admin of that workspace install" in said
    assert "wrong T0Late: its token expires" in said and "xoxb" not in said
    monkeypatch.setattr(slack.workspace, "scopes", ("chat:write",))
    assert "wrong T0Local: not granted: app_mentions:read, assistant:write" in told("installations")
    monkeypatch.setenv("R1_ALLOWED_TEAMS", '["T0LOCAL"]')
    assert "wrong T0Gone: installed, and not among R1_ALLOWED_TEAMS" in told("installations")
    monkeypatch.setenv("R1_SECRET_KEY", new_master_key())
    assert "wrong The Slack token of T0Local was encrypted with another R1_SECRET_KEY" in told("installations")
    assert told("tokens").startswith("ok") and not told("login")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SLACK_CLIENT_ID", None, "wrong SLACK_CLIENT_ID is not set"),
        ("SLACK_CLIENT_SECRET", None, "wrong SLACK_CLIENT_SECRET is not set"),
        ("R1_PUBLIC_URL", None, "wrong R1_PUBLIC_URL is not set"),
        ("R1_SECRET_KEY", None, "wrong R1_SECRET_KEY is not set"),
        ("R1_ADMINS", '["U1"]', "write T…:U1"),
        ("SLACK_BOT_TOKEN", "xoxb-1", "idle SLACK_BOT_TOKEN is set too, and not used"),
        ("R1_PORT", "3000", "ok installed by OAuth at http://127.0.0.1:1/slack/install; redirect URL"),
    ],
)
def test_what_oauth_lacks_is_named_with_where_to_find_it(
    store: Store, name: str, value: str | None, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value) if value is not None else monkeypatch.delenv(name)
    assert sentence in told("oauth") and "client-secret" not in told("oauth")


def test_one_workspace_by_its_token_has_nothing_of_it_to_put_right(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLACK_CLIENT_ID")
    monkeypatch.delenv("SLACK_CLIENT_SECRET")
    assert told("oauth").startswith("idle one workspace") and not told("installations")


def test_a_home_tab_that_is_off_is_noticed(store: Store, slack: LocalSlack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLACK_CLIENT_ID")
    monkeypatch.delenv("SLACK_CLIENT_SECRET")
    monkeypatch.setenv("SLACK_BOT_TOKEN", slack.workspace.bot_token)
    monkeypatch.setenv("SLACK_SIGNING_SECRET", slack.workspace.signing_secret)
    assert told("features").startswith("ok the Home tab is on")
    monkeypatch.setattr(slack.workspace, "lacks", {"views.publish:not_enabled"})
    assert told("features").startswith("wrong the Home tab is off Switch it on at api.slack.com/apps")


@contextmanager
def answering(status: int, body: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_the_public_address_leads_to_this_bot_or_it_is_said_what_does_not(
    store: Store, slack: LocalSlack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "wrong nothing answers at http://127.0.0.1:1" in told("public_url")
    with answering(502, "bad gateway") as proxy:
        monkeypatch.setenv("R1_PUBLIC_URL", proxy)
        assert "answered by something else (/healthz: 502) Have the proxy hand all of" in told("public_url")
    monkeypatch.setenv("R1_PUBLIC_URL", "http://r1.example.com")
    assert "wrong http://r1.example.com is not https" in told("public_url")
    monkeypatch.delenv("R1_PUBLIC_URL")
    assert told("public_url").startswith("idle not set")
    for name in ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"):
        monkeypatch.delenv(name)
    (tmp_path / "bot").mkdir()
    with running_bot(slack, tmp_path / "bot", workers=0):
        monkeypatch.setenv("R1_PUBLIC_URL", (slack.app_url or "").removesuffix("/slack/events"))
        assert told("public_url").startswith("ok http://127.0.0.1") and "reaches this bot" in told("public_url")


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (200, json.dumps({"data": [{"id": "small"}]}), "ok http"),
        (404, "not found", "ok http"),
        (200, json.dumps({"data": [{"id": "other"}]}), "wrong {url}/v1 answers, and does not list small Set R1_LLM_MODEL to one of: other"),
        (401, "no", "wrong {url}/v1 refuses the key (401)"),
        (503, "no", "wrong {url}/v1 does not answer (503)"),
    ],
    ids=["lists it", "lists nothing", "lists others", "refuses", "is down"],
)  # fmt: skip
def test_a_language_model_that_is_set_is_there(
    status: int, body: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told("llm").startswith("idle not set")
    with answering(status, body) as url:
        monkeypatch.setenv("R1_LLM_URL", f"{url}/v1")
        monkeypatch.setenv("R1_LLM_MODEL", "small")
        monkeypatch.setenv("R1_LLM_KEY", "sk-secret-value")
        assert sentence.format(url=url) in told("llm") and "sk-secret-value" not in told("llm")


def test_watches_that_nobody_looks_at_are_overdue(store: Store) -> None:
    assert told("watches").startswith("idle none is set") and told("timezones").startswith("ok known here")
    with store.begin() as session:
        for hours, state in ((1, "active"), (-1, "active"), (-9, "paused")):
            due = now() + timedelta(hours=hours)
            session.add(WatchRow(team="T1", target="a/b", request={}, schedule={}, state=state, next_at=due))
    assert "wrong overdue: 1 of 2, the longest since 20" in told("watches") and "r1 worker" in told("watches")
