"""Modals: opened by a trigger, filled in by a person, submitted to the app, and what its answer does to them."""

from __future__ import annotations

import itertools
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.local_slack.validate_view import problems_of_view, refusals

Body = dict[str, Any]
TRIGGER_SECONDS = 3.0


class ApiError(Exception):
    """An ``ok: false`` answer."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.answer = {"ok": False, "error": error, **more}


class NotSubmitted(Exception):
    """The client keeps people from submitting what they typed; ``args[0]`` says why, by block id."""


@dataclass(slots=True)
class Modal:
    """A modal as its person sees it. ``errors`` are shown below the fields they name."""

    id: str
    user: str
    view: Body
    hash: str
    errors: dict[str, str] = field(default_factory=dict)
    typed: dict[str, str] = field(default_factory=dict)
    open: bool = True


class Modals:
    """The modals of a workspace, and the triggers that may open one, once and soon."""

    def __init__(self) -> None:
        self.opened: list[Modal] = []
        self.violations: list[str] = []
        self._triggers: dict[str, tuple[str, float]] = {}
        self._exchanged: set[str] = set()
        self._numbers = itertools.count(1)

    def trigger(self, user: str) -> str:
        """A trigger id for something that a person just did."""
        made = f"{next(self._numbers)}.{time.time_ns()}.{secrets.token_hex(16)}"
        self._triggers[made] = (user, time.monotonic())
        return made

    def open(self, arguments: Mapping[str, Any]) -> Body:
        """views.open.

        Raises:
            ApiError: the trigger is unknown, spent or late, or Slack would not show the view.
        """
        trigger = str(arguments.get("trigger_id"))
        if trigger not in self._triggers:
            raise ApiError("invalid_arguments", response_metadata={"messages": ["invalid `trigger_id`"]})
        if trigger in self._exchanged:
            raise ApiError("exchanged_trigger_id")
        user, since = self._triggers[trigger]
        if time.monotonic() - since > TRIGGER_SECONDS:
            raise ApiError("expired_trigger_id")
        view = self._checked(arguments.get("view"))
        self._exchanged.add(trigger)
        modal = Modal(f"V{secrets.token_hex(5).upper()}", user, view, secrets.token_hex(8))
        self.opened.append(modal)
        return {"view": _shown(modal)}

    def submission(self, modal: Modal, typed: Mapping[str, str], team: str) -> Body:
        """What Slack posts when a person fills in fields (by block id) and submits.

        Raises:
            NotSubmitted: the client would not let them.
        """
        start = {name: _initial(block["element"]) for name, block in _inputs(modal).items()}
        modal.typed = {**start, **modal.typed, **typed}
        if why := refusals(modal.view, modal.typed):
            raise NotSubmitted(why)
        return {
            "type": "view_submission",
            "team": {"id": team, "domain": "local"},
            "user": {"id": modal.user, "username": "person", "name": "person", "team_id": team},
            "api_app_id": "A0R1",
            "token": "-",
            "trigger_id": self.trigger(modal.user),
            "view": {**_shown(modal), "state": {"values": _state(modal)}},
            "response_urls": [],
            "is_enterprise_install": False,
        }

    def answered(self, modal: Modal, status: int, body: str, seconds: float) -> None:
        """Do what the app's answer to a submission asks for."""
        answer = json.loads(body) if status == 200 and body.startswith("{") else {}
        action = answer.get("response_action") if isinstance(answer, dict) else None
        modal.errors = {}
        if status != 200 or seconds > TRIGGER_SECONDS:
            modal.errors = {"": "We had some trouble connecting. Try again?"}
        elif action == "errors":
            self._errors(modal, answer.get("errors"))
        elif action == "update":
            modal.view, modal.typed = self._checked(answer.get("view")), {}
        elif action in (None, "clear"):
            modal.open = False
        else:
            self.violations.append(f"unsupported response_action: {action}")

    def _errors(self, modal: Modal, errors: Any) -> None:
        known = set(_inputs(modal))
        if not isinstance(errors, dict) or not errors or not set(errors) <= known:
            self.violations.append(f"errors must name input blocks, not {errors}")
            modal.errors = {"": "We had some trouble connecting. Try again?"}
            return
        modal.errors = {name: str(text) for name, text in errors.items()}

    def _checked(self, given: Any) -> Body:
        view = json.loads(given) if isinstance(given, str) else given
        if found := problems_of_view(view):
            self.violations += found
            plain = [problem for problem in found if "json-pointer" not in problem]
            raise ApiError(plain[0] if plain else "invalid_arguments", response_metadata={"messages": found})
        blocks = [{**block, "block_id": block.get("block_id") or secrets.token_hex(3)} for block in view["blocks"]]
        for block in blocks:
            if block["type"] == "input":
                block["element"] = {"action_id": secrets.token_hex(3), **block["element"]}
        return {**view, "blocks": blocks}


def _inputs(modal: Modal) -> dict[str, Body]:
    return {block["block_id"]: block for block in modal.view["blocks"] if block["type"] == "input"}


def _initial(element: Body) -> str:
    chosen = element.get("initial_option") or {}
    return str(element.get("initial_value") or chosen.get("value") or "")


def _state(modal: Modal) -> Body:
    """The values as Slack sends them: by block, then by action."""
    values: Body = {}
    for name, block in _inputs(modal).items():
        element, text = block["element"], modal.typed.get(name) or None
        if "options" in element:
            chosen = next((option for option in element["options"] if option["value"] == text), None)
            value = {"type": element["type"], "selected_option": chosen}
        else:
            value = {"type": element["type"], "value": text}
        values[name] = {element["action_id"]: value}
    return values


def _shown(modal: Modal) -> Body:
    defaults = {"private_metadata": "", "callback_id": "", "clear_on_close": False, "notify_on_close": False}
    own: Body = {
        "id": modal.id, "team_id": "T0LOCAL", "hash": modal.hash, "root_view_id": modal.id, "previous_view_id": None,
        "app_id": "A0R1", "bot_id": "B0R1BOT", "state": {"values": {}},
    }  # fmt: skip
    return {**defaults, **modal.view, **own}
