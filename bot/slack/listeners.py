"""What people say in Slack, into jobs. Each listener commits the job before it acknowledges."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import Any

from slack_bolt import Ack, App
from sqlalchemy.orm import Session

from bot.access import check_place, check_quota
from bot.commands import Names, language_of, parse
from bot.jobs import accept
from bot.requests import Lang, Origin, Request
from bot.settings import Settings
from bot.slack.aside import forget_me, tell
from bot.slack.registration import CALLBACK, open_form, refused, submit
from bot.store import Store
from bot.store.endpoints import endpoint_names
from engine.errors import UsageError

log = logging.getLogger("r1.slack")


def add_listeners(app: App, store: Store, settings: Settings) -> None:
    """Register the slash command, mentions, direct messages, and the form for endpoints."""

    def command(ack: Ack, body: dict[str, Any]) -> None:
        dedup_key = f"slash:{body['trigger_id']}"
        origin = Origin(
            surface="slash",
            team=body.get("team_id", ""),
            channel=body.get("channel_id", ""),
            user=body.get("user_id", ""),
            response_url=body.get("response_url"),
        )
        request, aside = _read(body.get("text", ""), origin), None
        if request.action == "add":
            try:
                open_form(request, origin, body["trigger_id"], settings)
            except UsageError as error:
                aside = _accept(refused(request, error), origin, dedup_key)
        else:
            aside = _accept(request, origin, dedup_key)
        if aside is not None:
            ack(text=aside, response_type="ephemeral")
        else:
            ack()

    def submission(ack: Ack, body: dict[str, Any], view: dict[str, Any]) -> None:
        team = (body.get("team") or {}).get("id") or view.get("team_id", "")
        ack(**submit(view, Origin("slash", team=team, user=body["user"]["id"]), store, settings))

    def mention(body: dict[str, Any], event: dict[str, Any]) -> None:
        if _from_people(event):
            _accept_event(body, event, "mention", thread_ts=event.get("thread_ts") or event["ts"])

    def message(body: dict[str, Any], event: dict[str, Any]) -> None:
        if event.get("channel_type") == "im" and _from_people(event):
            _accept_event(body, event, "dm", thread_ts=event.get("thread_ts"))

    def _accept_event(body: dict[str, Any], event: dict[str, Any], surface: Any, *, thread_ts: str | None) -> None:
        origin = Origin(
            surface=surface,
            team=body.get("team_id", ""),
            channel=event["channel"],
            user=event.get("user", ""),
            thread_ts=thread_ts,
        )
        aside = _accept(_read(event.get("text", ""), origin), origin, f"event:{body['event_id']}")
        if aside is not None:
            tell(aside, origin, settings)

    def _read(text: str, origin: Origin) -> Request:
        def names() -> Collection[str]:
            with store.begin() as session:
                return endpoint_names(session, origin.team)

        return read(text, settings.default_lang, names)

    def _accept(request: Request, origin: Origin, dedup_key: str) -> str | None:
        """Commit the job; or what the person alone is told instead."""
        if request.verb == "forget":  # wherever it is said, and kept nowhere
            return forget_me(request, origin, store)

        def check(session: Session) -> None:
            check_quota(session, request, origin, settings, dedup_key)

        try:
            check_place(origin, settings)
            # Retried deliveries repeat the trigger or event id, so they find their job there already.
            if accept(store, request, origin, dedup_key=dedup_key, check=check) is None:
                log.info("%s was delivered again; its job is known", dedup_key)
        except UsageError as error:
            return error.sentence(request.lang)
        return None

    app.command("/r1")(command)
    app.view(CALLBACK)(submission)
    app.event("app_mention")(mention)
    app.event("message")(message)


def read(text: str, lang: Lang, names: Names = tuple) -> Request:
    """The request a message makes; what cannot be understood is a request too, to be refused with a sentence."""
    try:
        return parse(text, lang=lang, names=names)
    except UsageError as error:
        kept = "(removed: it seemed to hold a secret)" if error.code == "secret_pasted" else text[:4_000]
        return Request(verb="refused", text=kept, lang=language_of(text, lang), refusal=(error.code, error.values))


def _from_people(event: Mapping[str, Any]) -> bool:
    """Neither a bot's message (our own above all) nor an edit, join or deletion."""
    return not event.get("bot_id") and event.get("subtype") in (None, "thread_broadcast", "file_share")
