"""What Slack sends the app when people do something: commands, presses, shortcuts, events.

Sources: docs.slack.dev/reference/interaction-payloads, /apis/events-api, /interactivity/implementing-slash-commands.
"""

from __future__ import annotations

import secrets
import time
from typing import Any

from bot.local_slack.choosing import Typed, elements_of, pressed, states_of, with_ids
from bot.local_slack.errors import Body
from bot.local_slack.messages import Message, as_json
from bot.local_slack.modals import Home, Modal
from bot.local_slack.response_urls import response_url
from bot.local_slack.workspace import Workspace

APP = "A0R1"
Place = Message | Modal | Home
"""Where people press something."""


def command_form(workspace: Workspace, text: str, channel: str, user: str) -> Body:
    """The form of a slash command."""
    form = {
        "command": "/r1", "text": text, "team_id": workspace.team, "channel_id": channel, "user_id": user,
        "team_domain": "local", "user_name": workspace.person(user).name,
        "channel_name": "directmessage" if channel.startswith("D") else workspace.channels.get(channel, "?"),
        "trigger_id": workspace.modals.trigger(user), "response_url": response_url(workspace, channel, user),
        "api_app_id": APP, "token": "-", "is_enterprise_install": str(workspace.org_wide).lower(),
    }  # fmt: skip
    if workspace.enterprise:
        form |= {"enterprise_id": workspace.enterprise, "enterprise_name": f"{workspace.enterprise} Inc."}
    return form


def press_payload(workspace: Workspace, place: Place, action_id: str, value: Typed | None, user: str) -> Body:
    """block_actions: somebody presses or chooses something in a message, what is unfurled below it, a modal or a
    Home tab.

    Raises:
        LookupError: there is nothing of that name to press.
    """
    if not isinstance(place, Message):
        return _press_in_view(workspace, place, action_id, value, user)
    blocks, below = with_ids(place.blocks, salt=f"{place.ts[-3:]}."), ""
    if place.unfurls and not any(element["action_id"] == action_id for _, element in elements_of(blocks)):
        below, blocks = _unfurled(place, action_id)
    block, element, told = pressed(blocks, action_id, value, user)
    if value is not None and block["type"] != "context_actions" and element["type"] != "button":
        place.chosen[action_id] = value
    channel = {"id": place.channel, "name": workspace.channels[place.channel]}
    payload = {
        **frame(workspace, user, "block_actions"),
        "container": _container(place, below),
        "channel": channel,
        "trigger_id": workspace.modals.trigger(user),
        "response_url": response_url(workspace, place.channel, user, place.ts),
        "state": {"values": states_of(blocks, place.chosen, place.chosen)},
        "actions": [told],
    }
    if below:
        return {**payload, "app_unfurl": {"id": 1, "from_url": below, "is_app_unfurl": True, "blocks": blocks}}
    return payload if place.ephemeral_to else {**payload, "message": as_json(place)}


def suggestion_payload(workspace: Workspace, place: Modal | Home, action_id: str, typed: str, user: str) -> Body:
    """block_suggestion: what somebody types into a menu whose options the app knows."""
    block, _, _ = pressed([{**block, "dispatch_action": True} for block in place.blocks], action_id, None, user)
    return {
        **frame(workspace, user, "block_suggestion"), "action_id": action_id, "block_id": block["block_id"],
        "value": typed, "container": {"type": "view", "view_id": place.id}, "view": workspace.modals.shown(place),
    }  # fmt: skip


def shortcut_payload(workspace: Workspace, callback_id: str, message: Message, user: str) -> Body:
    """message_action: somebody chooses the app in a message's menu."""
    return {
        **frame(workspace, user, "message_action"), "callback_id": callback_id,
        "trigger_id": workspace.modals.trigger(user), "action_ts": f"{time.time():.6f}", "message_ts": message.ts,
        "channel": {"id": message.channel, "name": workspace.channels[message.channel]},
        "response_url": response_url(workspace, message.channel, user),
        "message": {**as_json(message), "team": workspace.team},
    }  # fmt: skip


def closed_payload(workspace: Workspace, modal: Modal, *, cleared: bool) -> Body:
    """view_closed, for modals that ask for it."""
    return {**frame(workspace, modal.user, "view_closed"), "view": workspace.modals.shown(modal), "is_cleared": cleared}


def frame(workspace: Workspace, user: str, kind: str) -> Body:
    """What every payload of somebody's doing says. Where an organisation has the app, it names no workspace but the
    person's."""
    enterprise = {"id": workspace.enterprise, "name": f"{workspace.enterprise} Inc."} if workspace.enterprise else None
    name = workspace.person(user).name
    return {
        "type": kind,
        "team": None if workspace.org_wide else {"id": workspace.team, "domain": "local"},
        "enterprise": enterprise,
        "is_enterprise_install": workspace.org_wide,
        "user": {"id": user, "username": name, "name": name, "team_id": workspace.team},
        "api_app_id": APP,
        "token": "-",
    }


def event_callback(workspace: Workspace, event: Body) -> Body:
    """An event in its envelope."""
    authorization = {
        "enterprise_id": workspace.enterprise, "team_id": None if workspace.org_wide else workspace.team,
        "user_id": workspace.bot_user, "is_bot": True, "is_enterprise_install": workspace.org_wide,
    }  # fmt: skip
    envelope: Body = {
        "type": "event_callback", "token": "-", "team_id": workspace.team, "api_app_id": APP, "event": event,
        "event_id": f"Ev{secrets.token_hex(6)}", "event_time": int(time.time()), "is_ext_shared_channel": False,
        "authorizations": [authorization],
    }  # fmt: skip
    return {**envelope, "enterprise_id": workspace.enterprise} if workspace.enterprise else envelope


def message_event(workspace: Workspace, kind: str, message: Message, **more: Any) -> Body:
    """A message as an event."""
    event = {
        "type": kind, "user": message.user, "text": message.text, "ts": message.ts, "event_ts": message.ts,
        "channel": message.channel, "team": workspace.team, **more,
    }  # fmt: skip
    return {**event, "thread_ts": message.thread_ts} if message.thread_ts else event


def assistant_event(workspace: Workspace, kind: str, channel: str, thread_ts: str, user: str, looking_at: str) -> Body:
    """assistant_thread_started and assistant_thread_context_changed."""
    context = {"channel_id": looking_at, "team_id": workspace.team, "enterprise_id": workspace.enterprise}
    thread = {"user_id": user, "context": context, "channel_id": channel, "thread_ts": thread_ts}
    return {"type": kind, "assistant_thread": thread, "event_ts": workspace.next_ts()}


def home_event(workspace: Workspace, user: str, tab: str) -> Body:
    """app_home_opened; with the view that is there already, if one is."""
    home = workspace.homes.get(user)
    event = {"type": "app_home_opened", "user": user, "channel": workspace.dm_of(user), "tab": tab,
             "event_ts": workspace.next_ts()}  # fmt: skip
    return {**event, "view": workspace.modals.shown(home)} if home is not None and tab == "home" else event


def _press_in_view(workspace: Workspace, place: Modal | Home, action_id: str, value: Typed | None, user: str) -> Body:
    if place.user != user:
        raise LookupError(f"{user} does not see what {place.user} sees")
    block, element, told = pressed(place.blocks, action_id, value, user)
    if value is not None and element["type"] not in ("button", "icon_button", "feedback_buttons"):
        if block["type"] == "input" and isinstance(place, Modal):
            place.typed[block["block_id"]] = value
        else:
            place.chosen[action_id] = value
    shown = workspace.modals.shown(place)
    return {
        **frame(workspace, user, "block_actions"), "container": {"type": "view", "view_id": place.id},
        "trigger_id": workspace.modals.trigger(user), "view": shown, "state": shown["state"], "actions": [told],
    }  # fmt: skip


def _container(message: Message, below: str) -> Body:
    container: Body = {
        "type": "message_attachment" if below else "message", "message_ts": message.ts,
        "channel_id": message.channel, "is_ephemeral": message.ephemeral_to is not None,
    }  # fmt: skip
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    return {**container, "attachment_id": 1, "is_app_unfurl": True, "app_unfurl_url": below} if below else container


def _unfurled(message: Message, action_id: str) -> tuple[str, list[Body]]:
    """The link whose unfurl holds an element, and its blocks."""
    for number, (url, attachment) in enumerate(message.unfurls.items()):
        blocks = with_ids(attachment.get("blocks", []), salt=f"u{number}.")
        if any(element["action_id"] == action_id for _, element in elements_of(blocks)):
            return url, blocks
    return "", with_ids(message.blocks, salt=f"{message.ts[-3:]}.")
