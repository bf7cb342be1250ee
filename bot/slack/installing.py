"""Which client is good for which workspace: the one token that is set, or the token of each installation."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)
from slack_sdk.web import SlackResponse

from bot.sealing import seal
from bot.settings import Settings
from bot.store import Store
from bot.store.installations import Installed, NotInstalled, installation_of
from engine.errors import UsageError

__all__ = ["Clients", "NotInstalled", "check_oauth", "clients", "is_oauth", "team_of", "web_client"]

log = logging.getLogger("r1.slack")
Clients = Callable[[str], WebClient]
"""The client for a workspace's id."""
INSTALL_PATH, REDIRECT_PATH = "/slack/install", "/slack/oauth_redirect"
_DEAD = ("account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked", "team_access_not_granted")


def is_oauth(settings: Settings) -> bool:
    """Whether workspaces install the app by OAuth, instead of one whose token is set."""
    return bool(settings.slack_client_id or settings.slack_client_secret.get_secret_value())


def check_oauth(settings: Settings) -> None:
    """Refuse settings that OAuth cannot do with.

    Raises:
        UsageError: one is missing, or says less than it must where there are several workspaces.
    """
    needed = {
        "SLACK_CLIENT_ID": settings.slack_client_id,
        "SLACK_CLIENT_SECRET": settings.slack_client_secret.get_secret_value(),
        "R1_PUBLIC_URL": settings.public_url,
        "R1_SECRET_KEY": settings.secret_key.get_secret_value(),
    }
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise UsageError("oauth_unset", names=", ".join(missing))
    seal("-", settings)
    bare = [admin for admin in settings.admins if ":" not in admin]
    if bare:  # an id is one person's only within a workspace
        raise UsageError("admins_without_team", name=bare[0][:40])


def clients(settings: Settings, store: Store, *, seconds: int | None = None) -> Clients:
    """The right client for each workspace, remembered in this process.

    Args:
        seconds: how long an answer of Slack's is waited for, once; as usual, and with retries, where left out.

    Calling it, or a client of its, raises ``NotInstalled`` where the workspace has no token, or has one that Slack
    takes no longer; a token that was replaced meanwhile is found.
    """
    if not is_oauth(settings):
        only = web_client(settings, seconds=seconds)
        return lambda team: only
    known: dict[str, WebClient] = {}

    def token_of(team: str) -> str:
        return installed_in(team, store, settings).token

    def client_of(team: str) -> WebClient:
        if team not in known:
            known[team] = _TeamClient(settings, team, token_of, lambda: known.pop(team, None), seconds)
        return known[team]

    return client_of


def installed_in(team: str, store: Store, settings: Settings) -> Installed:
    """The installation that a workspace is answered through.

    Raises:
        NotInstalled: there is none, it is not among ``allowed_teams``, or its token cannot be opened.
    """
    with store.read() as session:
        found = installation_of(session, team, settings)
    if found is None or not is_allowed(found.team or team, found.enterprise, settings):
        raise _not_installed(team, settings)
    return found


def is_allowed(team: str, enterprise: str, settings: Settings) -> bool:
    """Whether a workspace may use the app: it, or its organisation, is among ``allowed_teams``, or that is empty."""
    return not settings.allowed_teams or bool({team, enterprise} & set(settings.allowed_teams))


def web_client(settings: Settings, token: str | None = None, *, seconds: int | None = None) -> WebClient:
    """A client that waits out rate limits, server errors and dropped connections; with ``seconds``, one that is quick
    or fails."""
    given = settings.slack_bot_token.get_secret_value() if token is None else token
    if seconds is not None:
        return WebClient(token=given, base_url=settings.slack_api_url, timeout=seconds)
    return WebClient(token=given, base_url=settings.slack_api_url, retry_handlers=_patience())


def team_of(body: Mapping[str, Any]) -> str:
    """The workspace whose installation a delivery is for. In channels shared between workspaces, ``team_id`` may be the
    other one, and in organisations it may be left out."""
    view, authorized = body.get("view") or {}, (body.get("authorizations") or [{}])[0]
    team, user = body.get("team"), body.get("user")
    candidates = (
        view.get("app_installed_team_id"),
        authorized.get("team_id"),
        team.get("id") if isinstance(team, Mapping) else team,
        body.get("team_id"),
        user.get("team_id") if isinstance(user, Mapping) else None,
        view.get("team_id"),
    )
    return str(next((candidate for candidate in candidates if candidate), ""))


class _TeamClient(WebClient):
    """A workspace's client. A token that Slack takes no longer is looked up again, once, and then a sentence."""

    def __init__(
        self,
        settings: Settings,
        team: str,
        token_of: Callable[[str], str],
        forget: Callable[[], object],
        seconds: int | None,
    ) -> None:
        how: dict[str, Any] = {"retry_handlers": _patience()} if seconds is None else {"timeout": seconds}
        super().__init__(token=token_of(team), base_url=settings.slack_api_url, **how)
        self._settings, self._team, self._token_of, self._forget = settings, team, token_of, forget

    def api_call(self, api_method: str, **given: Any) -> SlackResponse:
        used = self.token
        try:
            return super().api_call(api_method, **given)
        except SlackApiError as error:
            if error.response.get("error") not in _DEAD:
                raise
            self._forget()
            self.token = self._token_of(self._team)
            if self.token == used:
                log.warning("Slack takes the token of %s no longer (%s)", self._team, error.response.get("error"))
                raise _not_installed(self._team, self._settings) from error
        return super().api_call(api_method, **given)


def _patience() -> list[Any]:
    return [
        ConnectionErrorRetryHandler(max_retry_count=3),
        RateLimitErrorRetryHandler(max_retry_count=10),
        ServerErrorRetryHandler(max_retry_count=3),
    ]


def _not_installed(team: str, settings: Settings) -> NotInstalled:
    return NotInstalled("team_not_installed", team=team[:40] or "?", url=f"{settings.public_url}{INSTALL_PATH}")
