"""The app's manifest: names and limits that Slack publishes, and no more rights than the code uses."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from command_line import r1
from slack_sdk import WebClient

from bot.slack.manifest import manifest_for, written_manifest
from engine.errors import UsageError

ROOT = Path(__file__).parents[2]
MANIFEST = written_manifest()
SCOPES, EVENTS = (
    set(MANIFEST["oauth_config"]["scopes"]["bot"]),
    set(MANIFEST["settings"]["event_subscriptions"]["bot_events"]),
)
HISTORY = {"channels:history", "groups:history", "im:history", "mpim:history"}
METHODS = {
    "api_test": set(), "auth_test": set(), "auth_revoke": set(), "oauth_v2_access": set(),
    "apps_connections_open": set(),  # by the app-level token
    "assistant_threads_setStatus": {"assistant:write"}, "assistant_threads_setSuggestedPrompts": {"assistant:write"},
    "assistant_threads_setTitle": {"assistant:write"},
    "chat_postMessage": {"chat:write", "chat:write.public"}, "chat_update": {"chat:write"}, "chat_delete": {"chat:write"},
    "chat_postEphemeral": {"chat:write"}, "chat_stream": {"chat:write"}, "chat_startStream": {"chat:write"},
    "chat_appendStream": {"chat:write"}, "chat_stopStream": {"chat:write"}, "chat_unfurl": {"links:write"},
    "conversations_history": HISTORY, "conversations_replies": HISTORY, "conversations_open": {"im:write"},
    "files_upload_v2": {"files:write"}, "files_info": {"files:read"}, "reactions_add": {"reactions:write"}, "reactions_remove": {"reactions:write"},
    "users_info": {"users:read"}, "views_open": set(), "views_update": set(), "views_push": set(), "views_publish": set(),
}  # fmt: skip
"""What https://docs.slack.dev/reference/methods asks of a bot token."""
RECEIVED = {
    "app_home_opened": set(), "app_mention": {"app_mentions:read"}, "app_uninstalled": set(), "tokens_revoked": set(),
    "assistant_thread_started": {"assistant:write"}, "assistant_thread_context_changed": {"assistant:write"},
    "link_shared": {"links:read"}, "message.im": {"im:history"},
}  # fmt: skip
"""What https://docs.slack.dev/reference/events asks."""


def calls() -> Iterator[tuple[str, Path]]:
    """Every method of Slack's that the bot's code names, as the client's or as Slack does (`reactions.add`)."""
    theirs = {name for name in dir(WebClient) if "_" in name.strip("_") and not name.startswith("_")}
    theirs -= {"api_call", "base_url", "retry_handlers"}
    dotted = {name.replace("_", "."): name for name in theirs}
    for path in ROOT.glob("bot/**/*.py"):
        if path.parent.name == "local_slack":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in theirs:
                yield node.attr, path
            elif isinstance(node, ast.Constant) and node.value in dotted:
                yield dotted[node.value], path


def test_the_scopes_are_those_that_the_code_needs_and_no_more() -> None:
    used = dict(calls())
    assert {"chat_postMessage", "files_upload_v2", "chat_unfurl"} <= set(used)
    unknown = {name: str(path) for name, path in used.items() if name not in METHODS}
    assert not unknown, "say what scopes these need"
    needed = {"commands"}.union(*(METHODS[name] for name in used), *(RECEIVED[event] for event in EVENTS))
    assert needed == SCOPES


def test_every_event_command_and_shortcut_is_listened_to_and_none_besides() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("bot/slack/**/*.py"))
    assert set(re.findall(r'app\.event\("([^"]+)"\)', code)) == {event.partition(".")[0] for event in EVENTS}
    features = MANIFEST["features"]
    assert set(re.findall(r'app\.command\("([^"]+)"\)', code)) == {
        entry["command"] for entry in features["slash_commands"]
    }
    for shortcut in features["shortcuts"]:
        assert shortcut["callback_id"] in code
    assert MANIFEST["settings"]["interactivity"]["is_enabled"] and features["app_home"]["home_tab_enabled"]


def test_names_and_lengths_are_those_that_slack_publishes() -> None:
    known = yaml.safe_load((Path(__file__).parent / "slack_names.yaml").read_text(encoding="utf-8"))
    assert set(known["scopes"]) >= SCOPES and set(known["events"]) >= EVENTS
    for made in (MANIFEST, manifest_for("", http=False), manifest_for("https://r1.example.com", http=True)):
        assert list(_beyond(made, known["manifest"])) == []


def _beyond(made: Any, published: Any, at: str = "") -> Iterator[str]:
    """Where a manifest has something that Slack does not know, or more of it than Slack takes."""
    if isinstance(published, dict):
        yield from (f"{at}.{name} is unknown" for name in set(made) - set(published))
        for name in set(made) & set(published):
            yield from _beyond(made[name], published[name], f"{at}.{name}")
    elif isinstance(published, list):
        most, one = published
        if len(made) > most:
            yield f"{at} has {len(made)}"
        for entry in made:
            yield from _beyond(entry, one, at)
    elif published == "bool":
        if not isinstance(made, bool):
            yield f"{at} is {made}"
    else:
        least, most = map(int, str(published).split("-"))
        if not isinstance(made, str) or not least <= len(made) <= most:
            yield f"{at} has {len(str(made))} characters"


def test_for_socket_mode_it_names_no_host_and_for_http_only_yours() -> None:
    socket, http = manifest_for("", http=False), manifest_for("https://r1.example.com/bot", http=True)
    assert "your-host" not in json.dumps([socket, http]) and "://" not in json.dumps(socket)
    assert socket["settings"]["socket_mode_enabled"] and not http["settings"]["socket_mode_enabled"]
    assert http["features"]["unfurl_domains"] == ["r1.example.com"]
    assert http["oauth_config"]["redirect_urls"] == ["https://r1.example.com/bot/slack/oauth_redirect"]
    urls = {
        part["request_url"] for part in (http["settings"]["interactivity"], http["settings"]["event_subscriptions"])
    }
    assert urls == {"https://r1.example.com/bot/slack/events"} == {http["features"]["slash_commands"][0]["url"]}
    both = manifest_for("https://r1.example.com", http=False, organisation=True)
    assert both["features"]["unfurl_domains"] and both["settings"]["org_deploy_enabled"]


@pytest.mark.parametrize("url", ["", "r1.example.com", "http://r1.example.com", "https://"])
def test_an_address_that_slack_does_not_take_gets_a_sentence(url: str) -> None:
    with pytest.raises(UsageError, match="https://"):
        manifest_for(url, http=True)


def test_r1_manifest_prints_what_is_pasted() -> None:
    expected = manifest_for("https://r1.example.com", http=True)
    given = ("--url", "https://r1.example.com/", "--http")
    assert (
        yaml.safe_load(r1("manifest", *given).stdout) == expected == json.loads(r1("manifest", *given, "--json").stdout)
    )
    link = urlsplit(r1("manifest", *given, "--link").stdout.strip())
    assert link.hostname == "api.slack.com" and json.loads(parse_qs(link.query)["manifest_json"][0]) == expected
    refused = r1("manifest", "--http")
    assert refused.returncode == 2 and "https://" in refused.stderr and "Traceback" not in refused.stderr
