"""The Bolt app, from settings and an open store."""

from __future__ import annotations

from slack_bolt import App

from bot.settings import Settings
from bot.slack.listeners import add_listeners
from bot.slack.replier import web_client
from bot.store import Store
from engine.errors import UsageError


def build_app(settings: Settings, store: Store) -> App:
    """The app for both transports.

    Raises:
        UsageError: the bot token is not set.
    """
    if not settings.slack_bot_token.get_secret_value():
        raise UsageError("slack_unset", name="SLACK_BOT_TOKEN")
    app = App(
        client=web_client(settings),
        signing_secret=settings.slack_signing_secret.get_secret_value(),
        # Listeners finish before anything is acknowledged: accepted means committed. They take milliseconds.
        process_before_response=True,
        token_verification_enabled=False,
    )
    add_listeners(app, store, settings)
    return app
