"""Buttons in messages and in the Home tab, into jobs and forms. Pressing is asking: it is held to the same rules."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from slack_bolt import Ack, App
from slack_sdk.errors import SlackApiError
from sqlalchemy.orm import Session

from bot.access import check_admin, check_place
from bot.comparing.stopping import call_off
from bot.people import Person
from bot.presentation import words
from bot.requests import Action, Lang, Origin, Request, Verb
from bot.slack.accepting import Desk, pending_of, room_of, take_in, understood
from bot.slack.aside import tell
from bot.slack.forms.fields import Where, notice
from bot.slack.forms.preferences import defaults_view, edit_view
from bot.slack.forms.showing import show_form
from bot.slack.home import change_watch_at_home, publish_after
from bot.slack.installing import team_of
from bot.slack.modals import VIEWS, offered_to
from bot.slack.registration import form_view, open_form
from bot.store.feedback import judge
from bot.store.queries import StoredVerdict, load_request, load_verdict
from bot.understanding.line import line_of
from engine.errors import R1Error, UsageError

log = logging.getLogger("r1.slack")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_WATCHES: Mapping[str, Action] = {
    "watch_pause": "pause", "watch_resume": "resume", "watch_remove": "remove", "watch_run": "run",
    "watch_accept": "accept", "watch_mute": "mute", "watch_unmute": "unmute", "watch_mute_change": "mute_change",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Press:
    """A button that somebody pressed: which, about what (``value``), and where its answer goes. ``thread`` is that which
    the message is in already: where none has begun, nobody would see what is said in it to one person."""

    name: str
    value: str
    origin: Origin
    trigger: str
    lang: Lang
    person: Person
    home: bool
    private: bool | None
    thread: str | None = None

    @property
    def where(self) -> Where:
        """What a form takes along that the press opens."""
        origin = self.origin
        return Where(self.lang, origin.channel, origin.thread_ts, origin.response_url, self.private)


def add_actions(app: App, desk: Desk) -> None:
    """Register every button."""

    def pressed(ack: Ack, body: dict[str, Any]) -> None:
        press = read_press(desk, body)
        try:
            said = _act(desk, press)
        except R1Error as error:
            said = error.sentence(press.lang)
        ack()
        if said is not None:
            _say(desk, press, said)

    app.action(re.compile(r"^r1\.[a-z_]+(\.\d+)?$"))(pressed)


def read_press(desk: Desk, body: Mapping[str, Any]) -> Press:
    """What was pressed, as Slack delivers it. In a channel the answer goes below the message; what only one person
    sees has no thread, and is answered to them alone."""
    action, container = body["actions"][0], body.get("container") or {}
    message, team, user = body.get("message") or {}, team_of(body), str(body["user"]["id"])
    channel = str((body.get("channel") or {}).get("id") or container.get("channel_id") or "")
    hidden = bool(container.get("is_ephemeral"))
    begun = thread = message.get("thread_ts") or container.get("thread_ts")
    if thread is None and not hidden and not channel.startswith("D"):
        thread = message.get("ts") or container.get("message_ts")
    origin = Origin("button", team, channel, user, thread if channel else None, body.get("response_url"))
    person = desk.people.of(team, user)
    name = str(action["action_id"]).removeprefix("r1.").partition(".")[0]
    value = str(action.get("value") or (action.get("selected_option") or {}).get("value") or "")
    lang = _language(person, str(message.get("text") or ""), desk.settings.default_lang)
    return Press(name, value, origin, str(body.get("trigger_id") or ""), lang, person, channel == "",
                 True if hidden else None, begun)  # fmt: skip


def _act(desk: Desk, press: Press) -> str | None:
    """Do what was pressed; the sentence for the person alone, if there is one to say."""
    if press.name == "judge":
        return _judge(desk, press)
    if press.name == "stop":
        return _stop(desk, press)
    if press.name.startswith("home_") or press.name.startswith("form_") or press.name in ("watch", "compare", "edit"):
        _open(desk, press)
        return None
    if press.home and press.name in _WATCHES:
        change_watch_at_home(desk, press.origin, press.value, _WATCHES[press.name], press.lang)
        return None
    request = _ASKED[press.name](desk, press) if press.name in _ASKED else None
    if press.name in _WATCHES:
        request = _line(Request("watch", "", press.lang, action=_WATCHES[press.name], target=press.value))
    if request is None:
        log.warning("nothing is known of the button %s", press.name)
        return None
    if request.verb == "endpoint" and request.action == "add":
        open_form(request, press.origin, press.trigger, desk.settings, desk.clients)
        return None
    if press.private:
        request = replace(request, private=True)
    press = _with_room(desk, press)
    taken = take_in(desk, request, press.origin, press.person, f"press:{press.trigger}")
    if press.home and taken.job is not None:
        _show_sent(desk, press)
        publish_after(desk, press.origin.team, press.origin.user, taken.job)
    return taken.aside


def _explain(desk: Desk, press: Press) -> Request:
    return _past("explain", press)


def _report(desk: Desk, press: Press) -> Request:
    return _past("report", press)


def _past(verb: Verb, press: Press) -> Request:
    return _line(Request(verb, "", press.lang, verdict_id=press.value))


def _recheck(desk: Desk, press: Press) -> Request:
    """The same question again, looked at afresh; of one of two that were compared, or watched, that one."""
    stored = _verdict(desk, press)
    asked = stored.request if stored.request is not None and stored.request.verb == "identify" else None
    again = asked or Request("identify", "", press.lang, stored.identification.target.spec)
    again = replace(again, lang=press.lang, fresh=True, sure=True, free=False, confirms=None, private=None, usual="")
    return _line(again)


def _run(desk: Desk, press: Press) -> Request:
    with desk.store.read() as session:
        pending = pending_of(session, press.value, press.origin, desk.settings)
    return replace(pending, sure=True, confirms=press.value)


def _cancel(desk: Desk, press: Press) -> Request:
    return Request("cancel", "cancel", press.lang, confirms=press.value)


def _stop(desk: Desk, press: Press) -> str | None:
    """Have a comparison that is under way stopped, by whoever asked for it or an admin; said once."""
    with desk.store.read() as session:
        pending_of(session, press.value, press.origin, desk.settings)
    stopped = call_off(desk.store, _cancel(desk, press), press.origin)
    return str(words(press.lang)["tasks"]["going"]["stopping"]) if stopped else None


def _command(desk: Desk, press: Press) -> Request:
    return understood(desk, press.value, press.origin, replace(press.person, chosen=press.lang))


_ASKED: Mapping[str, Callable[[Desk, Press], Request]] = {
    "explain": _explain, "report": _report, "recheck": _recheck, "run": _run, "cancel": _cancel, "command": _command,
}  # fmt: skip


def _open(desk: Desk, press: Press) -> None:
    """Put the form before the person that the button stands for.

    Raises:
        R1Error: they may not ask here, what it is about is gone, or Slack did not open it.
    """
    if press.name == "home_endpoint":
        check_admin(press.origin, desk.settings)
        view = form_view(Request("endpoint", "", press.lang, action="add"), desk.settings)
    elif press.name == "home_defaults":
        view = defaults_view(press.person, press.where)
    else:
        check_place(press.origin, desk.settings)
        if press.name == "edit":
            line, confirms = _line_to_edit(desk, press)
            view = edit_view(line, replace(press.where, confirms=confirms))
        else:
            form, given = _given(desk, press)
            view = VIEWS[form](given, press.where, offered_to(desk, press.origin.team, press.person))
    show_form(desk.clients, press.origin.team, press.trigger, view)


def _given(desk: Desk, press: Press) -> tuple[str, Request]:
    """Which question's form, and what it is filled in with: a verdict's target, a line's parts, or nothing."""
    if press.name in ("watch", "compare"):
        stored = _verdict(desk, press)
        target, family = stored.identification.target.spec, stored.identification.family
        return press.name, Request("watch", "", press.lang, target=target, family=family)
    form = press.name.partition("_")[2]
    if form not in VIEWS:
        raise UsageError("form_failed", problem=press.name[:40])
    given = understood(desk, press.value, press.origin, press.person) if press.value.strip() else None
    if given is None or given.verb != form:
        given = Request("identify", "", press.lang)
    return form, given


def _line_to_edit(desk: Desk, press: Press) -> tuple[str, str | None]:
    """The line of a question, and its id where it waits to be settled."""
    with desk.store.read() as session:
        found = load_request(session, press.value)
        if found is None or found[1].team != press.origin.team:
            raise UsageError("question_gone")
        if found[0].sure:
            return line_of(found[0]), None
        return line_of(pending_of(session, press.value, press.origin, desk.settings)), press.value


def _judge(desk: Desk, press: Press) -> str | None:
    """Keep what somebody thinks of a verdict; they are thanked once, and told when they changed their mind."""
    opinion, _, verdict_id = press.value.partition(":")
    check_place(press.origin, desk.settings)
    with desk.store.begin() as session:
        done = judge(session, verdict_id, press.origin.team, press.origin.user, right=opinion == "right")
    if done == "gone":
        raise UsageError("verdict_unknown", id=verdict_id[:40])
    said = words(press.lang)["acting"]
    if done == "same":
        return None
    return str(said["thanks"][done].format(id=verdict_id, judged=said["judged"][opinion]))


def _verdict(desk: Desk, press: Press) -> StoredVerdict:
    with desk.store.read() as session:
        return _kept(session, press)


def _kept(session: Session, press: Press) -> StoredVerdict:
    stored = load_verdict(session, press.value, team=press.origin.team)
    if stored is None:
        raise UsageError("verdict_unknown", id=press.value[:40])
    return stored


def _line(request: Request) -> Request:
    """With the command line as its text: nobody wrote any other."""
    return replace(request, text=line_of(request))


def _with_room(desk: Desk, press: Press) -> Press:
    """What is pressed in the Home tab is answered in direct messages."""
    if not press.home:
        return press
    try:
        room = room_of(desk, press.origin.team, press.origin.user)
    except (SlackApiError, OSError) as error:
        raise UsageError("form_failed", problem=type(error).__name__) from error
    return replace(press, origin=replace(press.origin, channel=room))


def _show_sent(desk: Desk, press: Press) -> None:
    said = words(press.lang)["acting"]["forms"]["sent"]
    try:
        show_form(desk.clients, press.origin.team, press.trigger, notice(said, said["text"], press.lang))
    except R1Error:
        log.info("nobody was told where the answer goes", exc_info=True)


def _say(desk: Desk, press: Press, said: str) -> None:
    """To the person alone: beside the message; from the Home tab, where nothing can be said, on a page of its own."""
    if not press.home:
        tell(said, replace(press.origin, thread_ts=press.thread), desk.clients)
        return
    title = words(press.lang)["acting"]["forms"]["refused"]
    try:
        show_form(desk.clients, press.origin.team, press.trigger, notice(title, said, press.lang))
    except R1Error:
        log.warning("a sentence for one person was not shown", exc_info=True)


def _language(person: Person, shown: str, default: Lang) -> Lang:
    """What they chose; else that of the message that was pressed, or their own."""
    if person.chosen is not None:
        return person.chosen
    return "zh" if _CHINESE.search(shown) else person.language(default)
