"""Slack: the tokens' form, and what Slack itself says of them. Of a token, nothing is ever shown."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.doctor.apart import apart
from bot.doctor.finding import Finding
from bot.doctor.storage import clock_finding
from bot.settings import Settings
from bot.slack.installing import is_oauth
from bot.slack.manifest import manifest_scopes

_SECONDS = 2
_FORMS = {
    "SLACK_BOT_TOKEN": re.compile(r"xox(?:b|e\.xoxb)-[\w-]+"),
    "SLACK_APP_TOKEN": re.compile(r"xapp-[\w-]+"),
    "SLACK_SIGNING_SECRET": re.compile(r"[0-9a-f]{32}"),
}


def slack_findings(settings: Settings) -> list[Finding]:
    """Everything about Slack; at most some two seconds where it does not answer."""
    given = {
        "SLACK_BOT_TOKEN": settings.slack_bot_token.get_secret_value(),
        "SLACK_APP_TOKEN": settings.slack_app_token.get_secret_value(),
        "SLACK_SIGNING_SECRET": settings.slack_signing_secret.get_secret_value(),
    }
    if not any(given.values()) and not is_oauth(settings):
        return [Finding("tokens", "idle", "slack_unset")]
    several = is_oauth(settings)
    wrong = list(_of_form(given, needs_bot=not several))
    bad = {finding.values["name"] for finding in wrong}
    found = wrong or [
        Finding("tokens", "ok", "tokens", {"mode": "Socket Mode" if given["SLACK_APP_TOKEN"] else "HTTP"})
    ]
    client = WebClient(given["SLACK_BOT_TOKEN"], settings.slack_api_url, timeout=_SECONDS)
    host = urlsplit(settings.slack_api_url).netloc.rpartition("@")[2] or settings.slack_api_url
    socket: Future[list[Finding]] | None = None
    if given["SLACK_APP_TOKEN"] and "SLACK_APP_TOKEN" not in bad:
        socket = apart(lambda: list(_socket(client, given["SLACK_APP_TOKEN"], host)))
    if "SLACK_BOT_TOKEN" not in bad and not several:
        found += _login(client, host)
    return [*found, *(socket.result() if socket is not None else ())]


def _of_form(given: Mapping[str, str], *, needs_bot: bool) -> Iterator[Finding]:
    for name, value in given.items():
        if value and not _FORMS[name].fullmatch(value):
            meant = next((other for other, form in _FORMS.items() if form.fullmatch(value)), None)
            code = "token_swapped" if meant is not None else f"form_{name.lower()}"
            yield Finding("tokens", "wrong", code, {"name": name, "other": meant})
    if needs_bot and not given["SLACK_BOT_TOKEN"]:
        yield Finding("tokens", "wrong", "bot_token_unset", {"name": "SLACK_BOT_TOKEN"})
    if not given["SLACK_APP_TOKEN"] and not given["SLACK_SIGNING_SECRET"]:
        yield Finding("tokens", "wrong", "secret_unset", {"name": "SLACK_SIGNING_SECRET"})


def _login(client: WebClient, host: str) -> Iterator[Finding]:
    asked, features = time.time(), apart(lambda: _features(client))
    try:
        answer = client.auth_test()
    except SlackApiError as error:
        yield _refused("login", error)
        yield from _clock(error.response.headers, asked)
        return
    except (SlackClientError, OSError) as error:
        yield _unreached("login", host, error)
        return
    yield Finding("login", "ok", "login", {"team": answer.get("team"), "user": answer.get("user")})
    yield _scopes(_header(answer.headers, "x-oauth-scopes"))
    yield from _clock(answer.headers, asked)
    yield features.result()


def _socket(client: WebClient, token: str, host: str) -> Iterator[Finding]:
    try:
        client.apps_connections_open(app_token=token)
    except SlackApiError as error:
        yield _refused("socket", error)
    except (SlackClientError, OSError) as error:
        yield _unreached("socket", host, error)
    else:
        yield Finding("socket", "ok", "socket")


def _scopes(header: str | None) -> Finding:
    if header is None:
        return Finding("scopes", "idle", "scopes_untold")
    granted, wanted = {scope.strip() for scope in header.split(",")}, manifest_scopes()
    missing = [scope for scope in wanted if scope not in granted]
    if missing:
        return Finding("scopes", "wrong", "scopes_missing", {"missing": ", ".join(missing)})
    return Finding("scopes", "ok", "scopes", {"count": len(wanted)})


def _features(client: WebClient) -> Finding:
    """Whether the Home tab is on. It is published for nobody: what Slack answers first is whether there is one."""
    try:
        client.views_publish(user_id="U00000000", view={"type": "home", "blocks": []})
    except SlackApiError as error:
        problem = re.sub(r"[^\w]", "", str(error.response.get("error")))[:60]
        if problem == "not_enabled":
            return Finding("features", "wrong", "home_off")
        if problem not in ("user_not_found", "invalid_arguments", "invalid_user_id"):
            return Finding("features", "idle", "features_untold", {"problem": problem or "?"})
    except (SlackClientError, OSError) as error:
        return Finding("features", "idle", "features_untold", {"problem": type(error).__name__})
    return Finding("features", "ok", "features_on")


def _clock(headers: Mapping[str, Any], asked: float) -> Iterator[Finding]:
    told = _header(headers, "date")
    try:
        there = parsedate_to_datetime(told or "").timestamp()
    except ValueError:  # no date, or none that can be read: nothing to compare with
        return
    yield clock_finding("slack", there - (asked + time.time()) / 2)


def _header(headers: Mapping[str, Any], name: str) -> str | None:
    value = next((value for key, value in headers.items() if key.lower() == name), None)
    return (
        ",".join(value)
        if isinstance(value, list) and name != "date"
        else value[0]
        if isinstance(value, list)
        else value
    )


def _refused(check: str, error: SlackApiError) -> Finding:
    problem = re.sub(r"[^\w]", "", str(error.response.get("error")))[:60]
    return Finding(check, "wrong", f"{check}_refused", {"problem": problem or "?"})


def _unreached(check: str, host: str, error: Exception) -> Finding:
    problem = str(getattr(error, "reason", None) or error).splitlines()[0][:120]
    return Finding(check, "wrong", "slack_unreached", {"host": host, "problem": problem})
