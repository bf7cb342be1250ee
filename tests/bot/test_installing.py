"""The app in several workspaces: what is kept of installations, and who is answered with which token."""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from slack_sdk.oauth.installation_store import Installation
from slack_sdk.oauth.installation_store.sqlalchemy import SQLAlchemyInstallationStore
from slack_sdk.oauth.state_store.sqlalchemy import SQLAlchemyOAuthStateStore
from sqlalchemy import MetaData, select, text

from bot.access import check_place, is_admin
from bot.local_slack import LocalSlack
from bot.requests import Origin
from bot.sealing import new_master_key
from bot.settings import Settings
from bot.slack.app import build_app
from bot.slack.installing import NotInstalled, check_oauth, clients, installed_in, team_of, web_client
from bot.slack.oauth import SealedInstallations, States
from bot.store import Store, open_store
from bot.store.installations import installations, remember_organisation, uninstall
from bot.store.installed import BotRow, InstallationRow, OAuthStateRow
from bot.store.models import WatchRow
from engine.errors import UsageError

MASTER = new_master_key()
LONG = "xoxe.xoxb-1-" + "A" * 300


def settings_of(**more: object) -> Settings:
    given = {
        "slack_client_id": "1.2",
        "slack_client_secret": "s",
        "secret_key": MASTER,
        "public_url": "https://r1.example.com",
        "slack_signing_secret": "x",
        **more,
    }
    return Settings(**given)  # type: ignore[arg-type]


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


def install(store: Store, team: str | None, token: str, *, at: float | None = None, enterprise: str | None = None,
            settings: Settings | None = None) -> Installation:  # fmt: skip
    made = Installation(
        app_id="A1", team_id=team, team_name=team and f"Team {team}", enterprise_id=enterprise, user_id="U0ADMIN",
        bot_token=token, bot_id="B1", bot_user_id="U0BOT", bot_scopes=["chat:write"],
        is_enterprise_install=team is None, installed_at=at or time.time(),
    )  # fmt: skip
    before = copy.copy(made.__dict__)
    SealedInstallations(store, settings or settings_of()).save(made)
    assert made.__dict__ == before
    return made


def test_the_tables_are_laid_out_as_slack_sdks() -> None:
    theirs = SQLAlchemyInstallationStore
    for ours, its in (
        (BotRow, theirs.build_bots_table(MetaData(), "slack_bots")),
        (InstallationRow, theirs.build_installations_table(MetaData(), "slack_installations")),
        (OAuthStateRow, SQLAlchemyOAuthStateStore.build_oauth_states_table(MetaData(), "slack_oauth_states")),
    ):
        table = ours.__table__
        assert {column.name: column.nullable for column in table.c} == {
            column.name: column.nullable for column in its.c
        }
        assert {index.name for index in its.indexes} == {index.name for index in table.indexes}  # type: ignore[attr-defined]


def test_tokens_of_any_length_are_kept_sealed_and_come_back(store: Store) -> None:
    settings = settings_of()
    install(store, "T1", LONG)
    kept = SealedInstallations(store, settings)
    for found in (
        kept.find_bot(enterprise_id=None, team_id="T1"),
        kept.find_installation(enterprise_id=None, team_id="T1", user_id="U0ADMIN"),
    ):
        assert found is not None and found.bot_token == LONG
    with store.begin() as session:
        for table in ("slack_bots", "slack_installations"):
            assert "xox" not in str(session.execute(text(f"SELECT * FROM {table}")).all())
    assert installed_in("T1", store, settings).token == LONG and LONG not in repr(installed_in("T1", store, settings))
    other = settings_of(secret_key=new_master_key())
    with pytest.raises(NotInstalled, match="Team T1 was encrypted with another R1_SECRET_KEY"):
        installed_in("T1", store, other)


def test_an_installation_replaces_the_one_before_and_a_late_event_does_not_take_it_away(store: Store) -> None:
    settings, now = settings_of(), time.time()
    install(store, "T1", "xoxb-first", at=now - 100)
    install(store, "T2", "xoxb-other", at=now - 100)
    install(store, "T1", "xoxb-second", at=now)
    with store.begin() as session:
        assert uninstall(session, team="T1", enterprise=None, at=now - 50, settings=settings) == 0
        for table in (BotRow, InstallationRow):
            assert sorted(session.scalars(select(table.team_id)), key=str) == ["T1", "T2"]
    assert installed_in("T1", store, settings).token == "xoxb-second"
    with store.begin() as session:
        assert uninstall(session, team="T1", enterprise=None, at=now, settings=settings) == 1
        assert uninstall(session, team="T1", enterprise=None, at=now, settings=settings) == 0
        assert session.scalars(select(InstallationRow.team_id)).all() == ["T2"]
    with pytest.raises(NotInstalled, match=r"https://r1\.example\.com/slack/install"):
        installed_in("T1", store, settings)
    assert installed_in("T2", store, settings).token == "xoxb-other"


def test_a_workspace_is_answered_through_its_organisation_unless_it_has_its_own(store: Store) -> None:
    settings = settings_of()
    install(store, None, "xoxb-org", enterprise="E1")
    with store.begin() as session:
        remember_organisation(session, "T1", "E1")
        remember_organisation(session, "T2", "E1")
    install(store, "T2", "xoxb-own", enterprise="E1")
    assert [installed_in(team, store, settings).token for team in ("T1", "T2", "E1")] == [
        "xoxb-org", "xoxb-own", "xoxb-org"
    ]  # fmt: skip
    for stranger in ("T3", "E2", ""):
        with pytest.raises(NotInstalled):
            installed_in(stranger, store, settings)


def test_watches_stop_where_nobody_can_be_told_any_more(store: Store) -> None:
    settings, now = settings_of(), time.time()
    install(store, None, "xoxb-org", enterprise="E1", at=now - 10)
    install(store, "T2", "xoxb-own", enterprise="E1", at=now - 10)
    with store.begin() as session:
        for team in ("T1", "T2", "T9"):
            remember_organisation(session, team, "E1" if team != "T9" else "E9")
            due = datetime.now().astimezone() + timedelta(days=1)
            session.add(WatchRow(team=team, target="a/b", request={}, schedule={}, next_at=due))
    with store.begin() as session:
        uninstall(session, team=None, enterprise="E1", at=now, settings=settings)
    with store.begin() as session:
        states = {row.team: (row.state, row.next_at is None) for row in session.scalars(select(WatchRow))}
    assert states == {"T1": ("paused", True), "T2": ("active", False), "T9": ("active", False)}


def test_a_state_is_good_once_and_old_ones_do_not_pile_up(store: Store) -> None:
    states = States(store)
    first, second = states.issue(), states.issue()
    assert states.consume(first) and not states.consume(first) and not states.consume("guessed")
    with store.begin() as session:
        session.execute(text("UPDATE slack_oauth_states SET expire_at = '2020-01-01 00:00:00'"))
    assert not states.consume(second)
    states.issue()
    with store.begin() as session:
        assert len(session.scalars(select(OAuthStateRow)).all()) == 1


def test_a_client_finds_the_token_that_replaced_its_own_and_says_so_where_none_did(store: Store) -> None:
    with LocalSlack() as slack:
        settings = settings_of(
            slack_api_url=slack.api_url, slack_client_id=slack.client_id, slack_client_secret=slack.client_secret
        )

        def come_back() -> None:
            """The workspace installs the app anew, and its token is another."""
            asked = {"client_id": slack.client_id, "scope": "chat:write", "redirect_uri": "https://r1.example.com/x"}
            chosen = httpx.get(slack.api_url.replace("/api/", "/oauth/v2/authorize"), params=asked, trust_env=False)
            code = parse_qs(urlsplit(chosen.headers["location"]).query)["code"][0]
            told = web_client(settings, "").oauth_v2_access(
                client_id=slack.client_id, client_secret=slack.client_secret, code=code
            )
            install(store, "T0LOCAL", told["access_token"], settings=settings)

        come_back()
        client = clients(settings, store)("T0LOCAL")
        assert client.auth_test()["team_id"] == "T0LOCAL"
        slack.installs.kill("T0LOCAL")
        with pytest.raises(NotInstalled, match="T0LOCAL"):
            client.chat_postMessage(channel="C0MODELS", text="late")
        come_back()
        client.chat_postMessage(channel="C0MODELS", text="back")
        assert [message.text for message in slack.answers()] == ["back"]


def test_only_workspaces_that_are_allowed_are_answered(store: Store) -> None:
    install(store, "T1", "xoxb-1")
    install(store, None, "xoxb-org", enterprise="E1")
    with store.begin() as session:
        remember_organisation(session, "T7", "E1")
        assert len(installations(session, settings_of())) == 2
    settings = settings_of(allowed_teams=("E1",))
    assert installed_in("T7", store, settings).token == "xoxb-org"
    with pytest.raises(NotInstalled):
        installed_in("T1", store, settings)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"slack_client_secret": ""}, "SLACK_CLIENT_SECRET must be set"),
        ({"slack_client_id": "", "public_url": ""}, "SLACK_CLIENT_ID, R1_PUBLIC_URL must be set"),
        ({"secret_key": ""}, "R1_SECRET_KEY must be set"),
        ({"secret_key": "short"}, "no master key"),
        ({"admins": ("U0ADMIN",)}, "write T…:U0ADMIN"),
    ],
)
def test_oauth_does_not_start_with_less_than_it_needs(
    tmp_path: object, changed: dict[str, object], sentence: str
) -> None:
    store = open_store(f"sqlite:///{tmp_path}/r1.db")
    with pytest.raises(UsageError, match=sentence):
        build_app(settings_of(**changed), store)
    with pytest.raises(UsageError):
        check_oauth(settings_of(**changed))


def test_one_workspace_by_its_token_needs_none_of_it(tmp_path: object) -> None:
    store = open_store(f"sqlite:///{tmp_path}/r1.db")
    client_of = clients(Settings(slack_bot_token="xoxb-1"), store)  # type: ignore[arg-type]
    assert client_of("") is client_of("T1") and client_of("T1").token == "xoxb-1"


def test_an_admin_of_one_workspace_is_none_of_another() -> None:
    settings = settings_of(admins=("T1:U1",), allowed_channels=("C1",))
    assert is_admin(Origin("slash", team="T1", user="U1"), settings)
    assert not is_admin(Origin("slash", team="T2", user="U1"), settings)
    check_place(Origin("slash", team="T1", channel="C2", user="U1"), settings)
    with pytest.raises(UsageError):
        check_place(Origin("slash", team="T2", channel="C2", user="U1"), settings)


@pytest.mark.parametrize(
    ("body", "team"),
    [
        ({"team_id": "T1"}, "T1"),
        ({"team_id": "TOTHER", "authorizations": [{"team_id": "T1", "enterprise_id": None}]}, "T1"),
        ({"team_id": "T1", "authorizations": [{"team_id": None, "enterprise_id": "E1"}]}, "T1"),
        ({"team": {"id": "T1", "domain": "x"}, "user": {"id": "U1", "team_id": "T2"}}, "T1"),
        ({"team": None, "user": {"id": "U1", "team_id": "T1"}, "view": {"team_id": "T1"}}, "T1"),
        ({"team": {"id": "T2"}, "view": {"app_installed_team_id": "T1"}}, "T1"),
        ({}, ""),
    ],
    ids=["command", "shared channel", "organisation", "button", "organisation's modal", "modal elsewhere", "nothing"],
)
def test_a_delivery_is_for_the_workspace_that_installed_the_app(body: dict[str, object], team: str) -> None:
    assert team_of(body) == team


def test_slack_sdk_logs_no_token(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        install(store, "T1", "xoxb-secret-token")
        installed_in("T1", store, settings_of())
    assert "xoxb-secret-token" not in caplog.text
