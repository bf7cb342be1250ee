"""What people say in Slack, into jobs. Each listener commits the job before it acknowledges."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from slack_bolt import Ack, App

from bot.jobs import is_answered
from bot.people import People, asking_slack
from bot.requests import Origin
from bot.settings import Settings
from bot.slack.accepting import Desk, endpoints_of, take_in, understood
from bot.slack.actions import add_actions
from bot.slack.aside import tell
from bot.slack.assistant import Signs
from bot.slack.home import add_home
from bot.slack.installing import clients, team_of
from bot.slack.modals import add_modals
from bot.slack.registration import open_form, refused
from bot.slack.shortcut import add_shortcut
from bot.store import Store
from engine.errors import UsageError

log = logging.getLogger("r1.slack")
_SECONDS = 2
"""How long Slack may take to answer what is asked before an acknowledgement, which it gives three seconds."""


def add_listeners(app: App, store: Store, settings: Settings) -> None:
    """Register everything that people do: commands, messages, buttons, forms, the shortcut, the Home tab."""
    quick = clients(settings, store, seconds=_SECONDS)
    desk = Desk(store, settings, quick, People(store, asking_slack(quick)), Signs(quick))
    _add_messages(app, desk)
    add_actions(app, desk)
    add_modals(app, desk)
    add_shortcut(app, desk)
    add_home(app, desk)


def _add_messages(app: App, desk: Desk) -> None:
    """The slash command, mentions, direct messages, and threads of the assistant."""

    def command(ack: Ack, body: dict[str, Any]) -> None:
        dedup_key = f"slash:{body['trigger_id']}"
        origin = Origin(
            surface="slash",
            team=team_of(body),
            channel=body.get("channel_id", ""),
            user=body.get("user_id", ""),
            response_url=body.get("response_url"),
        )
        person = desk.people.of(origin.team, origin.user)
        request = understood(desk, body.get("text", ""), origin, person)
        if request.verb == "endpoint" and request.action == "add":
            try:
                open_form(request, origin, body["trigger_id"], desk.settings, desk.clients)
                ack()
                return
            except UsageError as error:
                request = refused(request, error)
        taken = take_in(desk, request, origin, person, dedup_key)
        said = taken.aside or (desk.signs.acknowledgement(request, origin) if taken.job else None)
        if said:
            ack(text=said, response_type="ephemeral")
        else:
            ack()

    def mention(body: dict[str, Any], event: dict[str, Any]) -> None:
        if _from_people(event):
            _accept_event(body, event, "mention", thread_ts=event.get("thread_ts") or event["ts"])

    def message(body: dict[str, Any], event: dict[str, Any]) -> None:
        if event.get("channel_type") == "im" and _from_people(event):
            _accept_event(body, event, "dm", thread_ts=event.get("thread_ts"))

    def _accept_event(body: dict[str, Any], event: dict[str, Any], surface: Any, *, thread_ts: str | None) -> None:
        origin = Origin(
            surface=surface,
            team=team_of(body),
            channel=event["channel"],
            user=event.get("user", ""),
            thread_ts=thread_ts,
        )
        person = desk.people.of(origin.team, origin.user)
        request = understood(desk, event.get("text", ""), origin, person)
        taken = take_in(desk, request, origin, person, f"event:{body['event_id']}")
        if (job := taken.job) is not None:
            answered = partial(is_answered, desk.store, job)
            desk.signs.first(request, origin, message_ts=event["ts"], answered=answered)
        if taken.aside is not None:
            # Where a thread has not begun, nobody would see what is said in it to one person.
            tell(taken.aside, replace(origin, thread_ts=event.get("thread_ts")), desk.clients)

    def thread_started(body: dict[str, Any], event: dict[str, Any]) -> None:
        team, user = team_of(body), str((event.get("assistant_thread") or {}).get("user_id") or "")
        lang = desk.people.of(team, user).language(desk.settings.default_lang)
        desk.signs.greet(event, team=team, lang=lang, names=endpoints_of(desk, team))

    def nothing(ack: Ack) -> None:
        ack()  # what somebody looks at beside an assistant thread changes no answer

    app.command("/r1")(command)
    app.event("app_mention")(mention)
    app.event("message")(message)
    app.event("assistant_thread_started")(thread_started)
    app.event("assistant_thread_context_changed")(nothing)


def _from_people(event: Mapping[str, Any]) -> bool:
    """Neither a bot's message (our own above all) nor an edit, join or deletion."""
    return not event.get("bot_id") and event.get("subtype") in (None, "thread_broadcast", "file_share")
