"""Forms that were filled in, into jobs. What is wrong is said beside its field, and nothing that was typed is lost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from slack_bolt import Ack, App
from slack_sdk.errors import SlackApiError

from bot.access import check_model, check_place, check_target
from bot.endpoints import resolve
from bot.pasted import holds_secret
from bot.people import Person, choose
from bot.presentation import words
from bot.requests import Origin, Request
from bot.settings import Settings
from bot.slack.accepting import Desk, endpoints_of, room_of, take_in, understood
from bot.slack.forms.fields import Block, Typed, Where, Wrong, notice, typed_in, unpacked
from bot.slack.forms.preferences import read_defaults
from bot.slack.forms.questions import (
    compare_view,
    identify_view,
    read_compare,
    read_identify,
    read_recommend,
    read_size,
    recommend_view,
    size_view,
)
from bot.slack.forms.targets import Offered
from bot.slack.forms.watching import read_watch, watch_view
from bot.slack.home import publish, publish_after
from bot.slack.installing import team_of
from bot.slack.registration import CALLBACK, form_view, submit
from bot.understanding.line import line_of
from engine.errors import R1Error, UsageError

log = logging.getLogger("r1.slack")
Answered = dict[str, Any]
"""What Slack is told about a submission; nothing: the form closes."""
VIEWS: Mapping[str, Callable[[Request, Where, Offered], Block]] = {
    "identify": identify_view, "recommend": recommend_view, "size": size_view, "compare": compare_view,
    "watch": watch_view,
}  # fmt: skip
"""The form of each question, filled in with what is known of it."""
_READ: Mapping[str, Callable[[Typed, Where, Settings], Request]] = {
    "identify": read_identify, "recommend": read_recommend, "size": read_size, "compare": read_compare,
    "watch": read_watch,
}  # fmt: skip
_FIRST = {"identify": "target", "recommend": "task", "size": "target", "compare": "target", "watch": "target",
          "edit": "line", "defaults": "language"}  # fmt: skip
"""Where what is wrong with no field in particular is said."""


def add_modals(app: App, desk: Desk) -> None:
    """Register what becomes of each form."""

    def question(ack: Ack, body: dict[str, Any], view: dict[str, Any]) -> None:
        ack(**_asked(desk, body, view))

    def defaults(ack: Ack, body: dict[str, Any], view: dict[str, Any]) -> None:
        ack(**_kept(desk, body, view))

    def endpoint(ack: Ack, body: dict[str, Any], view: dict[str, Any]) -> None:
        origin = Origin("modal", team=team_of(body), user=body["user"]["id"])
        ack(**submit(view, origin, desk.store, desk.settings))

    for callback in (*_READ, "edit"):
        app.view(callback)(question)
    app.view("defaults")(defaults)
    app.view(CALLBACK)(endpoint)


def offered_to(desk: Desk, team: str, person: Person, *, found: tuple[str, ...] = (), note: str = "") -> Offered:
    """What a form offers somebody to choose from."""
    names = tuple(sorted(endpoints_of(desk, team)))
    return Offered(names, found, person.timezone or "UTC", note)


def _asked(desk: Desk, body: Mapping[str, Any], view: Mapping[str, Any]) -> Answered:
    """Make a job of a question's form."""
    callback, where = str(view["callback_id"]), unpacked(str(view.get("private_metadata") or ""))
    team, user = team_of(body), str(body["user"]["id"])
    person, typed, told = desk.people.of(team, user), typed_in(view["state"]["values"]), where.channel == ""
    try:
        origin = _placed(desk, where.origin(team, user), where)
        if callback == "edit":
            request = _edited(desk, typed, origin, person, where)
            if request.verb == "endpoint" and request.action == "add":
                return {"response_action": "update", "view": form_view(request, desk.settings)}
        else:
            request = _READ[callback](typed, where, desk.settings)
            _check_named(desk, request, origin)
    except Wrong as wrong:
        return _errors(view, wrong.errors, where)
    request = replace(request, confirms=where.confirms or request.confirms)
    request = replace(request, text=request.text or line_of(request), private=_private(request, where))
    taken = take_in(desk, request, origin, person, f"modal:{view['id']}")
    said = words(where.lang)["acting"]["forms"]
    if taken.job is None and taken.aside is not None:
        if request.verb == "forget":
            return {"response_action": "update", "view": notice(said["refused"], taken.aside, where.lang)}
        return {"response_action": "errors", "errors": {_field(view, _FIRST[callback]): taken.aside}}
    if told:
        if taken.job is not None:
            publish_after(desk, team, user, taken.job)
        return {"response_action": "update", "view": notice(said["sent"], said["sent"]["text"], where.lang)}
    return {}


def _placed(desk: Desk, origin: Origin, where: Where) -> Origin:
    """Where the answer goes: where the form was opened; from the Home tab, into the person's direct messages."""
    if origin.channel:
        return origin
    try:
        return replace(origin, channel=room_of(desk, origin.team, origin.user))
    except (SlackApiError, OSError, R1Error) as error:
        log.warning("no direct messages with %s", origin.user, exc_info=True)
        raise Wrong({"": UsageError("form_failed", problem=type(error).__name__)}) from error


def _edited(desk: Desk, typed: Typed, origin: Origin, person: Person, where: Where) -> Request:
    """The request that a changed line makes."""
    line = typed.get("line", "")
    if holds_secret(line):
        raise Wrong({"line": UsageError("secret_in_form")})
    request = understood(desk, line, origin, replace(person, chosen=where.lang))
    if request.verb == "refused" and request.refusal is not None:
        raise Wrong({"line": UsageError(request.refusal[0], **request.refusal[1])})
    if request.verb == "other":
        raise Wrong({"line": UsageError("form_line")})
    return request


def _check_named(desk: Desk, request: Request, origin: Origin) -> None:
    """Refuse what may not be named from Slack, or told to where it may not, while it can still be corrected."""
    errors: dict[str, R1Error] = {}
    for name, target in (("target", request.target), ("other", request.other)):
        if target is None:
            continue
        side = replace(request, target=target, other=None)
        try:
            if request.verb == "size":
                check_model(side, origin, desk.settings)
                continue
            with desk.store.read() as session:
                asked = resolve(session, side, origin, desk.settings)
            check_target(side, origin, desk.settings, registered=asked is not None)
        except R1Error as error:
            errors[name] = error
    channel = request.schedule.channel if request.schedule is not None else None
    try:
        if channel is not None:
            check_place(replace(origin, channel=channel), desk.settings)
    except UsageError as error:
        errors["channel"] = error
    if errors:
        raise Wrong(errors)


def _kept(desk: Desk, body: Mapping[str, Any], view: Mapping[str, Any]) -> Answered:
    """Keep somebody's defaults, and show them in the Home tab."""
    where, team, user = unpacked(str(view.get("private_metadata") or "")), team_of(body), str(body["user"]["id"])
    try:
        chosen = read_defaults(typed_in(view["state"]["values"]))
    except Wrong as wrong:
        return _errors(view, wrong.errors, where)
    with desk.store.begin() as session:
        choose(session, team, user, lang=chosen.lang, private=chosen.private, defaults=chosen.defaults)
    publish(desk, team, user)
    return {}


def _private(request: Request, where: Where) -> bool | None:
    """What was pressed where one person alone sees it is answered there."""
    return where.private if where.private is not None else request.private


def _errors(view: Mapping[str, Any], errors: Mapping[str, R1Error], where: Where) -> Answered:
    said: dict[str, str] = {}
    for name, error in errors.items():
        said.setdefault(_field(view, name or _FIRST[str(view["callback_id"])]), error.sentence(where.lang))
    return {"response_action": "errors", "errors": said}


def _field(view: Mapping[str, Any], name: str) -> str:
    """The field to say it beside: the one named, where the form has it; else the first there is."""
    fields = [str(block["block_id"]) for block in view["blocks"] if block["type"] == "input"]
    known = f"{name}_known"
    return name if name in fields else known if known in fields else fields[0]
