"""What the app's manifest declares: Slack tells an app of nothing else. Source: docs.slack.dev/reference/app-manifest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.local_slack.errors import Body


@dataclass(frozen=True, slots=True)
class Declared:
    """The parts of a manifest that decide what reaches the app."""

    events: frozenset[str]
    shortcuts: frozenset[str]
    unfurl_domains: frozenset[str]
    home: bool
    assistant: bool

    def is_told(self, event: Body) -> bool:
        """Whether the app subscribes to an event."""
        kind = str(event["type"])
        return (f"message.{event.get('channel_type')}" if kind == "message" else kind) in self.events


def declared(manifest: dict[str, Any]) -> Declared:
    """What a manifest declares."""
    features = manifest.get("features", {})
    return Declared(
        events=frozenset(manifest.get("settings", {}).get("event_subscriptions", {}).get("bot_events", ())),
        shortcuts=frozenset(shortcut["callback_id"] for shortcut in features.get("shortcuts", ())),
        unfurl_domains=frozenset(features.get("unfurl_domains", ())),
        home=bool(features.get("app_home", {}).get("home_tab_enabled")),
        assistant="assistant_view" in features,
    )
