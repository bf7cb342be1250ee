"""One app in several workspaces of the loopback Slack: allowed, installed, told apart and removed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from local_app import Told, actions, button, client, recording, running
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.local_slack import LocalSlack

BACK = "https://r1.example/slack/oauth_redirect"


@pytest.fixture(scope="module")
def slack() -> Iterator[LocalSlack]:
    with LocalSlack() as running_slack:
        running_slack.add_team("T0SECOND", "Second")
        running_slack.add_team("T0EAST", "East", enterprise="E0ORG")
        running_slack.add_team("T0WEST", "West", enterprise="E0ORG")
        yield running_slack


def allow(slack: LocalSlack, **query: str) -> dict[str, str]:
    """What somebody's browser brings back."""
    given = {"client_id": slack.client_id, "scope": "chat:write,commands", "redirect_uri": BACK, "state": "s", **query}
    sent = httpx.get(f"{slack.url}oauth/v2/authorize", params=given, trust_env=False)
    assert sent.status_code == 302 and sent.headers["location"].startswith(BACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(sent.headers["location"]).query).items()}


def fetch(slack: LocalSlack, **given: str) -> Any:
    calls = WebClient(base_url=slack.api_url)
    return calls.oauth_v2_access(
        **{"client_id": slack.client_id, "client_secret": slack.client_secret, "redirect_uri": BACK, **given}
    )


def install(slack: LocalSlack, place: str) -> Any:
    return fetch(slack, code=allow(slack, team=place)["code"])


def error(call: Any, *args: Any, **given: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        call(*args, **given)
    return str(caught.value.response["error"])


def test_a_workspace_is_installed_by_a_code_that_is_good_once(slack: LocalSlack) -> None:
    back = allow(slack, team="T0SECOND")
    assert back["state"] == "s"
    for wrong, why in (
        ({"client_id": "1.2"}, "invalid_client_id"),
        ({"client_secret": "no"}, "bad_client_secret"),
        ({"code": "no"}, "invalid_code"),
    ):
        assert error(fetch, slack, **{"code": "no", **wrong}) == why
    assert error(fetch, slack, code=back["code"], redirect_uri="https://other.example") == "bad_redirect_uri"
    back = allow(slack, team="T0SECOND")
    made = fetch(slack, code=back["code"])
    assert error(fetch, slack, code=back["code"]) == "invalid_code"
    assert (made["team"], made["enterprise"], made["is_enterprise_install"]) == (
        {"id": "T0SECOND", "name": "Second"}, None, False)  # fmt: skip
    second = slack.teams["T0SECOND"]
    tested = client(slack, made["access_token"]).auth_test()
    assert (tested["team_id"], tested["user_id"], tested["bot_id"]) == ("T0SECOND", second.bot_user, second.bot_id)
    assert tested.headers["x-oauth-scopes"] == "chat:write,commands" and made["bot_user_id"] == second.bot_user
    assert install(slack, "T0SECOND")["access_token"] == made["access_token"]


def test_what_cannot_be_allowed_is_not(slack: LocalSlack) -> None:
    assert allow(slack, deny="1") == {"state": "s", "error": "access_denied"}
    for wrong in ({"client_id": "1.2"}, {"scope": ""}, {"redirect_uri": "ftp://x"}, {"team": "T0NOWHERE"}):
        given = {"client_id": slack.client_id, "scope": "commands", "redirect_uri": BACK, **wrong}
        assert httpx.get(f"{slack.url}oauth/v2/authorize", params=given, trust_env=False).status_code == 400


def test_workspaces_do_not_see_each_other(slack: LocalSlack) -> None:
    token, second = install(slack, "T0SECOND")["access_token"], slack.teams["T0SECOND"]
    calls = client(slack, token)
    calls.chat_postMessage(channel=second.main, text="here")
    assert [message.text for message in slack.answers(team="T0SECOND")] == ["here"] and not slack.answers()
    assert error(calls.chat_postMessage, channel="C0MODELS", text="x") == "channel_not_found"
    calls.chat_postMessage(channel=second.main, text="x", blocks=[actions(button("go"))])
    told: Told = []
    app = recording(slack, told)
    app.command("/r1")(lambda ack: ack())
    app.action("go")(lambda ack: ack())
    app.event("message")(lambda event: None)
    with running(slack, app, socket_mode=False):
        slack.slash("help", team="T0SECOND")
        assert (told[-1]["team_id"], told[-1]["channel_id"], told[-1]["user_id"]) == (
            "T0SECOND", second.main, second.user)  # fmt: skip
        httpx.post(told[-1]["response_url"], json={"text": "for them"}, trust_env=False)
        assert second.messages[-1].text == "for them"
        slack.dm("hello", team="T0SECOND")
        assert told[-1]["authorizations"][0]["team_id"] == "T0SECOND"
        slack.press(slack.answers(team="T0SECOND")[1], "go")
        assert told[-1]["team"]["id"] == "T0SECOND"
    slack.app_url = None


def test_an_organisations_token_is_good_in_each_of_its_workspaces(slack: LocalSlack) -> None:
    made = install(slack, "E0ORG")
    assert made["team"] is None and made["is_enterprise_install"] and made["enterprise"]["id"] == "E0ORG"
    calls = client(slack, made["access_token"])
    assert calls.auth_test()["is_enterprise_install"] and calls.auth_test()["team_id"] == "E0ORG"
    for name in ("T0EAST", "T0WEST"):
        calls.chat_postMessage(channel=slack.teams[name].main, text=name)
        assert [message.text for message in slack.answers(team=name)] == [name]
    form = slack.slash_payload("x", team="T0EAST")
    assert (form["enterprise_id"], form["is_enterprise_install"], form["team_id"]) == ("E0ORG", "true", "T0EAST")
    told: Told = []
    app = recording(slack, told)
    app.event("app_mention")(lambda event: None)
    app.action("go")(lambda ack: ack())
    with running(slack, app, socket_mode=False):
        slack.mention("hello", team="T0WEST")
        (authorization,) = told[-1]["authorizations"]
        assert authorization["is_enterprise_install"] and authorization["enterprise_id"] == "E0ORG"
        calls.chat_postMessage(channel=slack.teams["T0WEST"].main, text="x", blocks=[actions(button("go"))])
        slack.press(slack.answers(team="T0WEST")[-1], "go")
        assert told[-1]["team"] is None and told[-1]["user"]["team_id"] == "T0WEST"
        assert told[-1]["enterprise"]["id"] == "E0ORG"
    slack.app_url = None


def test_tokens_die_with_the_installation(slack: LocalSlack) -> None:
    token = install(slack, "T0SECOND")["access_token"]
    told: Told = []
    app = recording(slack, told)
    for event in ("app_uninstalled", "tokens_revoked"):
        app.event(event)(lambda event: None)
    with running(slack, app, socket_mode=False):
        assert [delivery.status for delivery in slack.uninstall("T0SECOND")] == [200, 200]
    slack.app_url = None
    assert [body["event"]["type"] for body in told] == ["tokens_revoked", "app_uninstalled"]
    assert told[0]["event"]["tokens"]["bot"] == [slack.teams["T0SECOND"].bot_user]
    assert error(client(slack, token).auth_test) == "account_inactive"
    fresh = install(slack, "T0SECOND")["access_token"]
    assert fresh != token and client(slack, fresh).auth_test()["ok"]
    assert client(slack, fresh).auth_revoke()["revoked"]
    assert error(client(slack, fresh).auth_test) == "token_revoked"
    assert error(client(slack, "xoxb-no").auth_test) == "invalid_auth"
