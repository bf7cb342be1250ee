"""The Bolt app, from settings and an open store."""

from __future__ import annotations

import logging
from typing import Any

from slack_bolt import App

from bot.presentation import words
from bot.settings import Settings
from bot.slack.installing import is_oauth, web_client
from bot.slack.listeners import add_listeners
from bot.slack.unfurl import add_unfurl
from bot.store import Store
from engine.errors import UsageError

log = logging.getLogger("r1.slack")


def build_app(settings: Settings, store: Store) -> App:
    """The app for both transports, for one workspace or several.

    Raises:
        UsageError: the bot token is not set, or OAuth lacks something.
    """
    app = App(
        signing_secret=settings.slack_signing_secret.get_secret_value(),
        # Listeners finish before anything is acknowledged: accepted means committed. They take milliseconds.
        process_before_response=True,
        token_verification_enabled=False,
        user_facing_authorize_error_message=words(settings.default_lang)["pages"]["installing"]["unknown"],
        **(_of_several(settings, store) if is_oauth(settings) else _of_one(settings)),
    )
    add_listeners(app, store, settings)
    add_unfurl(app, store, settings)
    if is_oauth(settings):
        from bot.slack.oauth import add_uninstalling

        add_uninstalling(app, store, settings)
    else:
        app.event("app_uninstalled")(_tell_uninstalled)
        app.event("tokens_revoked")(_tell_uninstalled)
    return app


def _tell_uninstalled(event: dict[str, Any]) -> None:
    log.error("Slack tells: %s; install the app again, and set SLACK_BOT_TOKEN to its new token", event["type"])


def _of_one(settings: Settings) -> dict[str, Any]:
    if not settings.slack_bot_token.get_secret_value():
        raise UsageError("slack_unset", name="SLACK_BOT_TOKEN")
    return {"client": web_client(settings)}


def _of_several(settings: Settings, store: Store) -> dict[str, Any]:
    from bot.slack.installing import check_oauth
    from bot.slack.oauth import ByInstallation, name_team, oauth_flow

    check_oauth(settings)
    return {
        "client": web_client(settings, ""),
        "before_authorize": name_team,
        "authorize": ByInstallation(settings, store),
        "oauth_flow": oauth_flow(settings, store),
    }
