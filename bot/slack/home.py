"""The Home tab: published when somebody opens it, and when what it shows changed."""

from __future__ import annotations

import logging
import threading
from typing import Any

from slack_bolt import App

from bot.access import is_admin
from bot.people import person_in
from bot.presentation.home import MOST_VERDICTS, MOST_WATCHES, Group, Home, home_groups
from bot.presentation.view import Button, words
from bot.requests import Action, Lang, Origin
from bot.slack.accepting import Desk
from bot.slack.blocks import Block, cut, mark, plain, rows
from bot.slack.installing import team_of
from bot.store.mine import verdicts_of
from bot.store.models import JobRow

log = logging.getLogger("r1.slack")
_PATIENCE = 2.0  # nobody waits for the tab but who opened it
BLOCKS, _HEADER, _SECTION = 100, 150, 3000
_LOOKS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between looks whether a job that was asked for in the tab is done."""


def add_home(app: App, desk: Desk) -> None:
    """Register the tab's opening."""

    def opened(body: dict[str, Any], event: dict[str, Any]) -> None:
        if event.get("tab", "home") == "home":
            publish(desk, team_of(body), str(event["user"]))

    app.event("app_home_opened")(opened)


def publish(desk: Desk, team: str, user: str) -> None:
    """Show somebody's tab as things are now; by a thread of its own, and one after the other for each person, so that
    no older state comes last. It is a courtesy: what fails is logged, and the next opening shows it."""
    desk.line_of(team, user).submit(_publish, desk, team, user)


def publish_after(desk: Desk, team: str, user: str, job: str, looks: tuple[float, ...] = _LOOKS) -> None:
    """Show the tab again once a job is done that may have changed it."""
    if not looks:
        return

    def look() -> None:
        with desk.store.read() as session:
            row = session.get(JobRow, job)
            done = row is None or row.state == "answered"
        if done:
            publish(desk, team, user)
        else:
            publish_after(desk, team, user, job, looks[1:])

    timer = threading.Timer(looks[0], look)
    timer.daemon = True
    timer.start()


def change_watch_at_home(desk: Desk, origin: Origin, watch_id: str, action: Action, lang: Lang) -> None:
    """Pause, resume or stop a watch, and show that.

    Raises:
        R1Error: there is none such, or it is not theirs.
    """
    from bot.watches import change_watch

    with desk.store.begin() as session:
        change_watch(session, watch_id, action, origin, desk.settings)
    publish(desk, origin.team, origin.user)


def home_view(home: Home, lang: Lang) -> Block:
    """The tab, within Slack's limits: what does not fit is left out from the end."""
    made: list[Block] = []
    for group in home_groups(home, lang, mark):
        laid_out = _laid_out(group, lang)
        if len(made) + len(laid_out) > BLOCKS:
            break
        made += laid_out
    return {"type": "home", "blocks": made}


def _publish(desk: Desk, team: str, user: str) -> None:
    from bot.watches import list_watches

    who = Origin("modal", team, user=user)
    try:
        desk.people.of(team, user, patience=_PATIENCE)
        with desk.store.read() as session:
            person = person_in(session, team, user)
            home = Home(
                person,
                verdicts_of(session, team, user, limit=MOST_VERDICTS),
                list_watches(session, who, limit=MOST_WATCHES + 1),
                is_admin(who, desk.settings),
            )
        view = home_view(home, person.language(desk.settings.default_lang))
        desk.clients(team).views_publish(user_id=user, view=view)
    except Exception:
        log.warning("the Home tab of %s was not shown", user, exc_info=True)


def _laid_out(group: Group, lang: Lang) -> list[Block]:
    made: list[Block] = []
    if group.title:
        made.append({"type": "header", "text": _plain(cut(plain(group.title), _HEADER))})
    text = {"type": "mrkdwn", "text": cut("\n".join(group.lines), _SECTION), "verbatim": True}
    made.append({"type": "context", "elements": [text]} if group.quiet else {"type": "section", "text": text})
    for row in rows(group.buttons):
        made.append({"type": "actions", "elements": [_button(action_id, button, lang) for action_id, button in row]})
    return made


def _button(action_id: str, button: Button, lang: Lang) -> Block:
    made: Block = {"type": "button", "action_id": action_id, "text": _plain(button.label), "value": button.value}
    if button.style is not None:
        made["style"] = button.style
    if button.sure:
        asked = words(lang)["answering"]["confirm"]
        made["confirm"] = {
            "title": _plain(asked["title"]),
            "text": _plain(button.sure),
            "confirm": _plain(asked["yes"]),
            "deny": _plain(asked["no"]),
        }
    return made


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}
