"""Several workspaces: what OAuth needs, and each installation's token and scopes. Of a token, nothing is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from slack_sdk.errors import SlackApiError, SlackClientError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import sessionmaker

from bot.doctor.finding import Finding, failed
from bot.settings import Settings
from bot.slack.installing import INSTALL_PATH, REDIRECT_PATH, check_oauth, is_allowed, is_oauth, web_client
from bot.slack.manifest import manifest_scopes
from bot.store.connection import HEAD, look_at, schema_version
from bot.store.installations import Installed, NotInstalled, installations
from engine.errors import R1Error

_SECONDS, _AT_ONCE = 2, 16


def several_findings(settings: Settings) -> list[Finding]:
    """Whether the app can be installed in several workspaces, and is good in those where it is."""
    if not is_oauth(settings):
        return [Finding("oauth", "idle", "oauth_one")]
    found = [Finding("oauth", "wrong", f"oauth_unset_{name}", {"port": settings.port}) for name in _unset(settings)]
    if not found:
        try:
            check_oauth(settings)
        except R1Error as error:
            found = [failed("oauth", error)]
    if found:
        return found
    url, redirect = f"{settings.public_url}{INSTALL_PATH}", f"{settings.public_url}{REDIRECT_PATH}"
    found = [Finding("oauth", "ok", "oauth_ready", {"url": url, "redirect": redirect})]
    if settings.slack_bot_token.get_secret_value():
        found.append(Finding("oauth", "idle", "oauth_token_unused"))
    return [*found, *_of_installations(settings, url)]


def _unset(settings: Settings) -> list[str]:
    given = {
        "client_id": settings.slack_client_id,
        "client_secret": settings.slack_client_secret.get_secret_value(),
        "public_url": settings.public_url,
        "secret_key": settings.secret_key.get_secret_value(),
    }
    return [name for name, value in given.items() if not value]


def _of_installations(settings: Settings, url: str) -> list[Finding]:
    try:
        kept = _kept(settings)
    except (SQLAlchemyError, R1Error, OSError):  # the database's own check says it
        return []
    if not kept:
        return [Finding("installations", "idle", "installations_none", {"url": url})]
    with ThreadPoolExecutor(_AT_ONCE) as asking:
        return [finding for told in asking.map(lambda one: list(_of_one(one, settings, url)), kept) for finding in told]


def _kept(settings: Settings) -> list[Installed | NotInstalled]:
    engine = look_at(settings.store_url, seconds=_SECONDS)
    if engine is None:
        return []
    try:
        if schema_version(engine) != HEAD:
            return []
        with sessionmaker(engine)() as session:
            return installations(session, settings)
    finally:
        engine.dispose()


def _of_one(one: Installed | NotInstalled, settings: Settings, url: str) -> Iterator[Finding]:
    if isinstance(one, NotInstalled):
        yield failed("installations", one)
        return
    about = {"name": one.name[:80], "url": url, "team": one.team or one.enterprise}
    if not is_allowed(one.team, one.enterprise, settings):
        yield Finding("installations", "wrong", "installation_outside", about)
        return
    if one.expires is not None:
        yield Finding(
            "installations", "wrong", "installation_expires", {**about, "at": f"{one.expires:%Y-%m-%d %H:%M}"}
        )
    try:
        answer = web_client(settings, one.token, seconds=_SECONDS).auth_test()
    except SlackApiError as error:
        problem = re.sub(r"[^\w]", "", str(error.response.get("error")))[:60]
        yield Finding("installations", "wrong", "installation_refused", {**about, "problem": problem or "?"})
        return
    except (SlackClientError, OSError) as error:
        problem = str(getattr(error, "reason", None) or error).splitlines()[0][:120]
        yield Finding("installations", "wrong", "slack_unreached", {"host": settings.slack_api_url, "problem": problem})
        return
    told = answer.headers.get("x-oauth-scopes") or answer.headers.get("X-OAuth-Scopes")
    granted = {scope.strip() for scope in told.split(",")} if isinstance(told, str) else set(one.scopes)
    missing = [scope for scope in manifest_scopes() if scope not in granted]
    if missing:
        yield Finding("installations", "wrong", "installation_scopes", {**about, "missing": ", ".join(missing)})
    else:
        yield Finding(
            "installations", "ok", "installation_good", {**about, "count": len(granted & set(manifest_scopes()))}
        )
