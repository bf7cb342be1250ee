"""Installing the app in several workspaces: OAuth by slack_bolt, what it brings kept sealed in our database, and what
is deleted when a workspace takes the app away."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from slack_bolt import App, BoltRequest, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.authorize import Authorize
from slack_bolt.context import BoltContext
from slack_bolt.oauth import OAuthFlow
from slack_bolt.oauth.callback_options import CallbackOptions, FailureArgs, SuccessArgs
from slack_bolt.oauth.oauth_settings import OAuthSettings
from slack_sdk.oauth.installation_store import Bot, Installation
from slack_sdk.oauth.installation_store.sqlalchemy import SQLAlchemyInstallationStore
from slack_sdk.oauth.state_store.sqlalchemy import SQLAlchemyOAuthStateStore
from slack_sdk.oauth.state_utils import OAuthStateUtils
from sqlalchemy import delete
from sqlalchemy.orm import Session

from bot.sealing import seal, unseal
from bot.settings import Settings
from bot.slack.installing import INSTALL_PATH, REDIRECT_PATH, installed_in, is_allowed, team_of, web_client
from bot.slack.manifest import manifest_scopes
from bot.slack.pages import HEADERS, page, spoken_by
from bot.store import Store
from bot.store.installations import NotInstalled, remember_organisation, uninstall
from bot.store.installed import BotRow, InstallationRow, OAuthStateRow

log = logging.getLogger("r1.slack")
_STATE_SECONDS = 600
_TOKENS = ("bot_token", "bot_refresh_token", "user_token", "user_refresh_token")
_TEAM = "r1_team"
_Kept = TypeVar("_Kept", Installation, Bot)
_SEALED = "gAAAA"
"""What every Fernet token begins with, and no token of Slack's."""


class SealedInstallations(SQLAlchemyInstallationStore):
    """slack_sdk's store on our tables; tokens are sealed on their way in and opened on their way out."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.bots, self.installations = BotRow.__table__, InstallationRow.__table__  # type: ignore[assignment]
        self.metadata = BotRow.metadata
        self.client_id, self.engine, self._logger = settings.slack_client_id, store.engine, log
        self._settings = settings

    def save(self, installation: Installation) -> None:
        # The base class makes the bot of what it is given, tokens sealed already, and hands that to save_bot.
        super().save(_with_tokens(installation, self._sealed))
        self._drop_earlier(installation)

    def save_bot(self, bot: Bot) -> None:
        super().save_bot(_with_tokens(bot, self._sealed))

    def build_installation_entity(self, row: Any) -> Installation:  # type: ignore[override]
        return _with_tokens(super().build_installation_entity(row), self._opened)

    def build_bot_entity(self, row: Any) -> Bot:  # type: ignore[override]
        return _with_tokens(super().build_bot_entity(row), self._opened)

    def _drop_earlier(self, kept: Installation) -> None:
        """What an installation replaced is good for nothing; slack_sdk would keep it."""
        until = datetime.fromtimestamp(kept.installed_at, UTC).replace(tzinfo=None)
        with Session(self.engine) as session, session.begin():
            for table in (BotRow, InstallationRow):
                place = (table.enterprise_id == kept.enterprise_id) & (table.team_id == kept.team_id)
                earlier = (table.client_id == self.client_id) & (table.installed_at < until)
                session.execute(delete(table).where(place, earlier))

    def _sealed(self, token: str) -> str:
        return token if token.startswith(_SEALED) else seal(token, self._settings)

    def _opened(self, token: str) -> str:
        return unseal(token, self._settings, "Slack")


class States(SQLAlchemyOAuthStateStore):
    """slack_sdk's store on our table. Those that nobody came back with go when the next one is made."""

    def __init__(self, store: Store) -> None:
        super().__init__(_STATE_SECONDS, store.engine, log)
        self.oauth_states = OAuthStateRow.__table__  # type: ignore[assignment]
        self._store = store

    def issue(self, *args: Any, **given: Any) -> str:
        with self._store.begin() as session:
            late = datetime.now(UTC).replace(tzinfo=None)
            session.execute(delete(OAuthStateRow).where(OAuthStateRow.expire_at < late))
        return super().issue(*args, **given)


def oauth_flow(settings: Settings, store: Store) -> OAuthFlow:
    """`/slack/install` and `/slack/oauth_redirect`."""
    site = settings.slack_api_url.removesuffix("/").removesuffix("/api")
    flow = OAuthSettings(
        client_id=settings.slack_client_id,
        client_secret=settings.slack_client_secret.get_secret_value(),
        scopes=list(manifest_scopes()),
        user_scopes=[],
        redirect_uri=f"{settings.public_url}{REDIRECT_PATH}",
        install_path=INSTALL_PATH,
        install_page_rendering_enabled=False,
        redirect_uri_path=REDIRECT_PATH,
        callback_options=CallbackOptions(success=_success, failure=_failure),
        authorization_url=f"{site}/oauth/v2/authorize",
        installation_store=SealedInstallations(store, settings),
        installation_store_bot_only=True,
        state_store=States(store),
        state_expiration_seconds=_STATE_SECONDS,
    )
    return _Flow(client=web_client(settings, ""), logger=log, settings=flow, allowed=settings)


class _Flow(OAuthFlow):
    """Keeps only installations of workspaces that may have the app."""

    def __init__(self, *, allowed: Settings, **given: Any) -> None:
        super().__init__(**given)
        self._allowed = allowed

    def handle_callback(self, request: BoltRequest) -> BoltResponse:
        try:
            return super().handle_callback(request)
        except _NotAllowed:
            return _answer(request, 403, "not_allowed", "")

    def store_installation(self, request: BoltRequest, installation: Installation) -> None:
        if not is_allowed(installation.team_id or "", installation.enterprise_id or "", self._allowed):
            # The token is good, and nobody is to have it: it is given back before it is forgotten.
            web_client(self._allowed, installation.bot_token or "").auth_revoke()
            log.warning("%s is not among the workspaces that may install the app", installation.team_id)
            raise _NotAllowed
        super().store_installation(request, installation)
        log.info("installed in %s", installation.team_id or installation.enterprise_id)


class _NotAllowed(Exception):
    pass


class ByInstallation(Authorize):
    """The token and bot of the workspace that a delivery is for. Slack is not asked: it has just signed the delivery."""

    def __init__(self, settings: Settings, store: Store) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # slack_bolt leaves it untyped
        self._settings, self._store = settings, store

    def __call__(
        self,
        *,
        context: BoltContext,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None,
        **actor: str | None,
    ) -> AuthorizeResult | None:
        team = context.get(_TEAM) or team_id or enterprise_id or ""
        if context.is_enterprise_install and enterprise_id and team:
            with self._store.begin() as session:
                remember_organisation(session, team, enterprise_id)
        try:
            found = installed_in(team, self._store, self._settings)
        except NotInstalled as error:
            log.warning("%s", error.sentence())
            return None
        return AuthorizeResult(
            enterprise_id=found.enterprise or None,
            team_id=team,
            bot_id=found.bot_id,
            bot_user_id=found.bot_user,
            bot_token=found.token,
            user_id=user_id,
        )


def name_team(body: dict[str, Any], context: BoltContext, next: Callable[[], None]) -> None:
    """Middleware: which workspace a delivery is for, before a token is looked for."""
    context[_TEAM] = team_of(body)
    next()


def add_uninstalling(app: App, store: Store, settings: Settings) -> None:
    """Delete installations when Slack tells that they are gone. Both events come, in any order, and may be repeated."""

    def gone(body: dict[str, Any], context: BoltContext, event: dict[str, Any]) -> None:
        if event["type"] == "tokens_revoked" and not (event.get("tokens") or {}).get("bot"):
            return  # somebody's own token, of which there are none here
        named = team_of(body)
        team = None if context.is_enterprise_install or named.startswith("E") else named
        with store.begin() as session:
            at = float(body.get("event_time") or 0)
            count = uninstall(session, team=team, enterprise=context.enterprise_id, at=at, settings=settings)
        if count:
            log.info("uninstalled from %s", team or context.enterprise_id)

    app.event("app_uninstalled")(gone)
    app.event("tokens_revoked")(gone)


def _success(args: SuccessArgs) -> BoltResponse:
    installed = args.installation
    where = installed.team_name or installed.enterprise_name or ""
    return _answer(args.request, 200, "done", where)


def _failure(args: FailureArgs) -> BoltResponse:
    known = {"access_denied": "denied", "invalid_browser": "expired", "invalid_state": "expired"}
    log.warning("an installation ended with %s", args.reason[:60])
    return _answer(args.request, args.suggested_status_code, known.get(args.reason, "failed"), "")


def _answer(request: BoltRequest, status: int, what: str, name: str) -> BoltResponse:
    lang = spoken_by((request.headers.get("accept-language") or [""])[0])
    headers: dict[str, str | Sequence[str]] = {
        **HEADERS,
        "Content-Type": "text/html; charset=utf-8",
        "Set-Cookie": [OAuthStateUtils().build_set_cookie_for_deletion()],
    }
    return BoltResponse(status=status, body=page("installing", what, lang, name=name), headers=headers)


def _with_tokens(given: _Kept, change: Callable[[str], str]) -> _Kept:
    kept = copy.copy(given)
    for name in _TOKENS:
        token = getattr(kept, name, None)
        if token:
            setattr(kept, name, change(token))
    return kept
