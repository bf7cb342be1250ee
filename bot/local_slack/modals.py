"""Views: modals opened by a trigger, filled in, submitted, and what the app's answer does to them; Home tabs.

Sources: docs.slack.dev/surfaces/modals, /surfaces/app-home, /reference/methods/views.{open,push,update,publish}.
"""

from __future__ import annotations

import itertools
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.local_slack.choosing import Typed, initial, inputs_of, refusals, states_of, with_ids
from bot.local_slack.errors import ApiError, Body
from bot.local_slack.validate_view import problems_of_view

__all__ = ["ApiError", "Body", "Home", "Modal", "Modals", "NotSubmitted"]
TRIGGER_SECONDS = 3.0
_STACK = 3
_TROUBLE = {"": "We had some trouble connecting. Try again?"}


class NotSubmitted(Exception):
    """The client keeps people from submitting what they typed; ``args[0]`` says why, by block id."""


@dataclass(slots=True)
class Modal:
    """A modal as its person sees it. ``errors`` are shown below the fields they name; ``previous`` is below it."""

    id: str
    user: str
    view: Body
    hash: str
    errors: dict[str, str] = field(default_factory=dict)
    typed: dict[str, Typed] = field(default_factory=dict)
    open: bool = True
    chosen: dict[str, Typed] = field(default_factory=dict)
    previous: str | None = None
    root: str = ""

    @property
    def blocks(self) -> list[Body]:
        """What it shows, every block under a name."""
        shown: list[Body] = self.view["blocks"]
        return shown


@dataclass(slots=True)
class Home:
    """The Home tab that one person sees."""

    id: str
    user: str
    view: Body
    hash: str
    chosen: dict[str, Typed] = field(default_factory=dict)
    published: int = 1

    @property
    def blocks(self) -> list[Body]:
        """What it shows, every block under a name."""
        shown: list[Body] = self.view["blocks"]
        return shown


class Modals:
    """The views of a workspace, and the triggers that may open a modal, once and soon."""

    def __init__(self, team: str = "T0LOCAL", bot_id: str = "B0R1BOT") -> None:
        self.opened: list[Modal] = []
        self.homes: dict[str, Home] = {}
        self.violations: list[str] = []
        self.team, self.bot_id = team, bot_id
        self.file: Callable[[str], Body] = lambda file_id: {"id": file_id}
        self._triggers: dict[str, tuple[str, float]] = {}
        self._exchanged: set[str] = set()
        self._numbers = itertools.count(1)

    def trigger(self, user: str) -> str:
        """A trigger id for something that a person just did."""
        made = f"{next(self._numbers)}.{time.time_ns()}.{secrets.token_hex(16)}"
        self._triggers[made] = (user, time.monotonic())
        return made

    def shown_to(self, user: str) -> list[Modal]:
        """The modals before a person, the one on top last."""
        return [modal for modal in self.opened if modal.open and modal.user == user]

    def knows(self, arguments: Mapping[str, Any]) -> bool:
        """Whether a call is about a view, or a trigger, of this workspace."""
        views = {modal.id for modal in self.opened}
        return arguments.get("trigger_id") in self._triggers or arguments.get("view_id") in views

    def open(self, arguments: Mapping[str, Any]) -> Body:
        """views.open.

        Raises:
            ApiError: the trigger is unknown, spent or late, or Slack would not show the view.
        """
        user, view = self._exchange(arguments)
        return {"view": self.shown(self._add(user, view))}

    def push(self, arguments: Mapping[str, Any]) -> Body:
        """views.push: onto what the person sees, three high at most.

        Raises:
            ApiError: as for ``open``, or there is nothing below, or too much.
        """
        stack = self.shown_to(self._user_of(str(arguments.get("trigger_id"))))
        if not stack:
            raise ApiError("not_found")
        if len(stack) >= _STACK:
            raise ApiError("push_limit_reached")
        user, view = self._exchange(arguments)
        return {"view": self.shown(self._add(user, view, stack[-1]))}

    def update(self, arguments: Mapping[str, Any]) -> Body:
        """views.update, by id or external id; with ``hash``, only what it was made for.

        Raises:
            ApiError: it is not there any more, was changed meanwhile, or Slack would not show the view.
        """
        wanted, outside = arguments.get("view_id"), arguments.get("external_id")
        known = [modal for modal in self.opened if modal.open]
        found = [m for m in known if m.id == wanted or (outside and m.view.get("external_id") == outside)]
        if not found:
            raise ApiError("not_found")
        if arguments.get("hash") not in (None, found[0].hash):
            raise ApiError("hash_conflict")
        self._replace(found[0], self._checked(arguments.get("view"), "modal", besides=found[0].id))
        return {"view": self.shown(found[0])}

    def publish(self, arguments: Mapping[str, Any]) -> Body:
        """views.publish.

        Raises:
            ApiError: the tab was changed meanwhile, or Slack would not show the view.
        """
        user = str(arguments.get("user_id") or "")
        if not user.startswith(("U", "W")):
            raise ApiError("invalid_arguments", response_metadata={"messages": ["invalid `user_id`"]})
        view, known = self._checked(arguments.get("view"), "home"), self.homes.get(user)
        if arguments.get("hash") not in (None, known.hash if known else None):
            raise ApiError("hash_conflict")
        if known is None:
            known = self.homes[user] = Home(f"V{secrets.token_hex(5).upper()}", user, view, _hash())
        else:
            known.view, known.hash, known.published, known.chosen = view, _hash(), known.published + 1, {}
        return {"view": self.shown(known)}

    def submission(self, modal: Modal, typed: Mapping[str, Typed], team: str) -> Body:
        """What Slack posts when a person fills in fields (by block id) and submits.

        Raises:
            NotSubmitted: the client would not let them.
        """
        start = {name: initial(block["element"]) for name, block in inputs_of(modal.blocks).items()}
        modal.typed = {**start, **modal.typed, **typed}
        if why := refusals(modal.view, modal.typed) or self._wrong_files(modal):
            raise NotSubmitted(why)
        return {
            "type": "view_submission",
            "team": {"id": team, "domain": "local"},
            "user": {"id": modal.user, "username": "person", "name": "person", "team_id": team},
            "api_app_id": "A0R1",
            "token": "-",
            "trigger_id": self.trigger(modal.user),
            "view": self.shown(modal),
            "response_urls": [],
            "is_enterprise_install": False,
        }

    def answered(self, modal: Modal, status: int, body: str, seconds: float) -> None:
        """Do what the app's answer to a submission asks for."""
        answer = json.loads(body) if status == 200 and body.startswith("{") else {}
        action = answer.get("response_action") if isinstance(answer, dict) else None
        modal.errors = {}
        if status != 200 or seconds > TRIGGER_SECONDS:
            modal.errors = dict(_TROUBLE)
        elif action == "errors":
            self._errors(modal, answer.get("errors"))
        elif action in ("update", "push"):
            self._answered_with(modal, action, answer.get("view"))
        elif action == "clear":
            for below in self.shown_to(modal.user):
                below.open = False
        elif action is None:
            modal.open = False
        else:
            self.violations.append(f"unsupported response_action: {action}")

    def shown(self, view: Modal | Home) -> Body:
        """A view as the app gets it."""
        typed = view.typed if isinstance(view, Modal) else {}
        previous, root = (view.previous, view.root) if isinstance(view, Modal) else (None, view.id)
        defaults = {"private_metadata": "", "callback_id": "", "external_id": "", "clear_on_close": False,
                    "notify_on_close": False, "title": None, "close": None, "submit": None}  # fmt: skip
        own: Body = {
            "id": view.id, "team_id": self.team, "app_installed_team_id": self.team, "hash": view.hash,
            "root_view_id": root or view.id, "previous_view_id": previous, "app_id": "A0R1", "bot_id": self.bot_id,
            "state": {"values": self._with_files(states_of(view.blocks, typed, view.chosen))},
        }  # fmt: skip
        return {**defaults, **view.view, **own}

    def _with_files(self, values: Body) -> Body:
        """What was chosen, each file as Slack tells of it."""
        for actions in values.values():
            for state in actions.values():
                if state["type"] == "file_input":
                    state["files"] = [self.file(file["id"]) for file in state["files"]]
        return values

    def _wrong_files(self, modal: Modal) -> dict[str, str]:
        """Files of another kind than their field takes, which the client does not let people choose."""
        found = {}
        for name, block in inputs_of(modal.blocks).items():
            allowed, chosen = block["element"].get("filetypes"), modal.typed.get(name)
            if block["element"]["type"] == "file_input" and allowed and isinstance(chosen, list):
                kinds = {self.file(file_id)["filetype"] for file_id in chosen}
                if others := kinds - set(allowed):
                    found[name] = f"takes no {', '.join(sorted(others))}"
        return found

    def _answered_with(self, modal: Modal, action: str, view: Any) -> None:
        try:
            checked = self._checked(view, "modal", besides=modal.id if action == "update" else "")
        except ApiError:
            modal.errors = dict(_TROUBLE)
            return
        if action == "update":
            self._replace(modal, checked)
        elif len(self.shown_to(modal.user)) >= _STACK:
            self.violations.append("push_limit_reached")
            modal.errors = dict(_TROUBLE)
        else:
            self._add(modal.user, checked, modal)

    def _errors(self, modal: Modal, errors: Any) -> None:
        known = set(inputs_of(modal.blocks))
        if not isinstance(errors, dict) or not errors or not set(errors) <= known:
            self.violations.append(f"errors must name input blocks, not {errors}")
            modal.errors = dict(_TROUBLE)
            return
        modal.errors = {name: str(text) for name, text in errors.items()}

    def _user_of(self, trigger: str) -> str:
        if trigger not in self._triggers:
            raise ApiError("invalid_arguments", response_metadata={"messages": ["invalid `trigger_id`"]})
        if trigger in self._exchanged:
            raise ApiError("exchanged_trigger_id")
        user, since = self._triggers[trigger]
        if time.monotonic() - since > TRIGGER_SECONDS:
            raise ApiError("expired_trigger_id")
        return user

    def _exchange(self, arguments: Mapping[str, Any]) -> tuple[str, Body]:
        trigger = str(arguments.get("trigger_id"))
        user = self._user_of(trigger)
        view = self._checked(arguments.get("view"), "modal")
        self._exchanged.add(trigger)
        return user, view

    def _add(self, user: str, view: Body, below: Modal | None = None) -> Modal:
        modal = Modal(f"V{secrets.token_hex(5).upper()}", user, view, _hash())
        modal.previous, modal.root = (below.id, below.root) if below else (None, modal.id)
        self.opened.append(modal)
        return modal

    def _replace(self, modal: Modal, view: Body) -> None:
        """What was typed stays in the fields that are still there: same block, same action."""
        before, after = inputs_of(modal.blocks), inputs_of(view["blocks"])
        kept = {
            name: text
            for name, text in modal.typed.items()
            if name in before and name in after and _action(before[name]) == _action(after[name])
        }
        modal.view, modal.hash, modal.typed, modal.errors = view, _hash(), kept, {}

    def _checked(self, given: Any, kind: Literal["modal", "home"], *, besides: str = "") -> Body:
        view = json.loads(given) if isinstance(given, str) else given
        if found := problems_of_view(view, kind):
            self.violations += found
            plain = [problem for problem in found if "json-pointer" not in problem]
            raise ApiError(plain[0] if plain else "invalid_arguments", response_metadata={"messages": found})
        outside = view.get("external_id")
        if outside and any(m.open and m.id != besides and m.view.get("external_id") == outside for m in self.opened):
            raise ApiError("duplicate_external_id")
        return {**view, "blocks": with_ids(view["blocks"], salt=secrets.token_hex(2))}


def _action(block: Body) -> tuple[str, str]:
    return block["element"]["type"], block["element"]["action_id"]


def _hash() -> str:
    return f"{int(time.time())}.{secrets.token_hex(4)}"
