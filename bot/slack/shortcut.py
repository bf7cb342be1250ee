"""The message shortcut "Identify this model": what a message names is looked at, and answered below that message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slack_bolt import Ack, App

from bot.access import check_place
from bot.commands import undecorate
from bot.presentation import words
from bot.requests import Origin, Request
from bot.slack.accepting import Desk, endpoints_of, take_in
from bot.slack.aside import tell
from bot.slack.forms.fields import Where
from bot.slack.forms.questions import identify_view
from bot.slack.forms.showing import show_form
from bot.slack.installing import team_of
from bot.slack.modals import offered_to
from bot.understanding.line import line_of
from bot.understanding.targets import find_mentions
from engine.errors import R1Error

CALLBACK = "r1.identify_message"
_SEARCHED = 12_000
_MOST = 20


def add_shortcut(app: App, desk: Desk) -> None:
    """Register the shortcut."""

    def chosen(ack: Ack, body: dict[str, Any]) -> None:
        message, team, user = body.get("message") or {}, team_of(body), str(body["user"]["id"])
        ts = message.get("thread_ts") or message.get("ts") or body.get("message_ts")
        channel = str((body.get("channel") or {}).get("id") or "")
        origin = Origin("shortcut", team, channel, user, ts, body.get("response_url"))
        person, aside = desk.people.of(team, user), None
        lang = person.language(desk.settings.default_lang)
        found = named_in(message, tuple(endpoints_of(desk, team)))
        try:
            if len(found) == 1:
                request = Request("identify", "", lang, target=found[0])
                request = replace(request, text=line_of(request))
                aside = take_in(desk, request, origin, person, f"press:{body['trigger_id']}").aside
            else:
                check_place(origin, desk.settings)
                note = words(lang)["acting"]["found"]["several" if found else "none"]
                offered = offered_to(desk, team, person, found=found, note=note)
                where = Where(lang, channel, ts, origin.response_url)
                view = identify_view(Request("identify", "", lang), where, offered)
                show_form(desk.clients, team, str(body["trigger_id"]), view)
        except R1Error as error:
            aside = error.sentence(lang)
        ack()
        if aside is not None:
            tell(aside, replace(origin, thread_ts=message.get("thread_ts")), desk.clients)

    app.shortcut({"type": "message_action", "callback_id": CALLBACK})(chosen)


def named_in(message: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, ...]:
    """The models that a message names, in order and once each: those that are surely named; else those that may be."""
    text = undecorate(str(message.get("text") or "")[:_SEARCHED])
    mentions = [one for one in find_mentions(text, names) if one.kind != "verdict"]
    sure = [one.spec for one in mentions if not one.weak]
    return tuple(dict.fromkeys(sure or [one.spec for one in mentions]))[:_MOST]
