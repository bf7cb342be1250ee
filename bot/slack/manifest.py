"""The app's manifest: what it asks of a workspace, and where Slack finds it."""

from __future__ import annotations

from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from bot.slack.installing import REDIRECT_PATH
from engine.errors import UsageError

EVENTS_PATH = "/slack/events"
CREATE_URL = "https://api.slack.com/apps?new_app=1"


def manifest_scopes() -> tuple[str, ...]:
    """The bot token's scopes."""
    return tuple(written_manifest()["oauth_config"]["scopes"]["bot"])


def written_manifest() -> dict[str, Any]:
    """The manifest as it is kept, with a host of no one's in its addresses."""
    import yaml

    written: dict[str, Any] = yaml.safe_load(files("bot").joinpath("manifest.yaml").read_text(encoding="utf-8"))
    return written


def manifest_for(url: str, *, http: bool, organisation: bool = False) -> dict[str, Any]:
    """The manifest for a deployment.

    Args:
        url: where it is reached from outside, as ``public_url``; empty where it is not.
        http: Slack delivers there; else through Socket Mode.
        organisation: it may be installed for a whole organisation.

    Raises:
        UsageError: the address is none that Slack takes, or none is given for deliveries over HTTP.
    """
    host = urlsplit(url).hostname or ""
    if (http or url) and (not url.startswith("https://") or not host):
        raise UsageError("manifest_url", url=url[:120] or "–")
    made = written_manifest()
    features, settings, events = made["features"], made["settings"], f"{url}{EVENTS_PATH}"
    settings["socket_mode_enabled"], settings["org_deploy_enabled"] = not http, organisation
    for part in (features["slash_commands"][0], settings["event_subscriptions"], settings["interactivity"]):
        key = "url" if "url" in part else "request_url"
        part.pop(key)
        if http:
            part[key] = events
    features.pop("unfurl_domains")
    made["oauth_config"].pop("redirect_urls")
    if url:
        features["unfurl_domains"] = [host]
        made["oauth_config"]["redirect_urls"] = [f"{url}{REDIRECT_PATH}"]
    return made
