"""What people do with elements: type, choose, press – and how Slack tells it. Pure."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from bot.local_slack.errors import Body

Typed = str | list[str]
"""What somebody typed, or the value (or values) of what they chose."""

_ONE = {
    "users_select": "user", "channels_select": "channel", "conversations_select": "conversation",
    "datepicker": "date", "timepicker": "time", "datetimepicker": "date_time",
}  # fmt: skip
_SEVERAL = {"multi_users_select": "users", "multi_channels_select": "channels",
            "multi_conversations_select": "conversations"}  # fmt: skip
_OPTION = ("static_select", "external_select", "radio_buttons", "overflow")
_OPTIONS = ("checkboxes", "multi_static_select", "multi_external_select")
_PRESSED = ("button", "icon_button", "feedback_buttons", "overflow", "workflow_button")
_SHAPES = {"datepicker": r"\d{4}-\d\d-\d\d", "timepicker": r"([01]\d|2[0-3]):[0-5]\d", "datetimepicker": r"\d{10}",
           "url_text_input": r"https?://\S+", "email_text_input": r"[^@\s]+@[^@\s]+\.[^@\s]+"}  # fmt: skip
_LONGEST = 3000


def with_ids(blocks: list[Body], *, salt: str = "") -> list[Body]:
    """Blocks and elements under the names that Slack gives where the app gave none, the same ones each time."""
    return [_with_id(block, f"{salt}{number}") for number, block in enumerate(blocks)]


def elements_of(blocks: list[Body]) -> Iterator[tuple[Body, Body]]:
    """Interactive elements, each with its block."""
    for block in blocks:
        for element in _elements(block):
            if "action_id" in element:
                yield block, element


def inputs_of(blocks: list[Body]) -> dict[str, Body]:
    """Input blocks by their ids."""
    return {block["block_id"]: block for block in blocks if block["type"] == "input"}


def initial(element: Mapping[str, Any]) -> Typed:
    """What an element holds before anybody touches it."""
    kind = str(element["type"])
    if kind in _OPTIONS:
        return [option["value"] for option in element.get("initial_options", [])]
    if kind == "file_input":
        return []
    if kind in _SEVERAL:
        return list(element.get(f"initial_{_SEVERAL[kind]}", []))
    if kind in _ONE:
        return str(element.get(f"initial_{_ONE[kind]}") or "")
    chosen = element.get("initial_option") or {}
    return str(element.get("initial_value") or chosen.get("value") or "")


def options_of(element: Mapping[str, Any]) -> list[Body]:
    """An element's options, those of its groups too."""
    groups = element.get("option_groups") or [{"options": element.get("options", [])}]
    return [option for group in groups for option in group["options"]]


def refusals(view: Mapping[str, Any], typed: Mapping[str, Typed]) -> dict[str, str]:
    """Why the client would not submit what was typed, by block id: it holds people to lengths, ranges and
    required fields itself."""
    inputs = {block["block_id"]: block for block in view["blocks"] if block["type"] == "input"}
    if unknown := set(typed) - set(inputs):
        raise KeyError(f"the modal has no fields {sorted(unknown)}")
    found = {name: _refusal(block, typed.get(name, "")) for name, block in inputs.items()}
    return {name: why for name, why in found.items() if why}


def state_of(element: Mapping[str, Any], typed: Typed | None) -> Body:
    """An element's value as ``state.values`` holds it."""
    kind, empty = str(element["type"]), typed is None or typed == "" or typed == []
    if kind in _OPTIONS:
        return {"type": kind, "selected_options": [_option(element, value) for value in typed or []]}
    if kind in _SEVERAL:
        return {"type": kind, f"selected_{_SEVERAL[kind]}": list(typed or [])}
    if kind in _OPTION:
        return {"type": kind, "selected_option": None if empty else _option(element, str(typed))}
    if kind in _ONE:
        value: Any = int(str(typed)) if kind == "datetimepicker" and not empty else typed
        return {"type": kind, f"selected_{_ONE[kind]}": None if empty else value}
    if kind == "file_input":
        return {"type": kind, "files": [{"id": file} for file in typed or []]}
    return {"type": kind, "value": None if empty else typed}


def states_of(blocks: list[Body], typed: Mapping[str, Typed], chosen: Mapping[str, Typed]) -> Body:
    """``state.values``: by block, then by action. ``typed`` is by block id, ``chosen`` by action id."""
    values: Body = {}
    for block, element in elements_of(blocks):
        if element["type"] in _PRESSED:
            continue
        held = typed if block["type"] == "input" else chosen
        name = block["block_id"] if block["type"] == "input" else element["action_id"]
        values.setdefault(block["block_id"], {})[element["action_id"]] = state_of(
            element, held.get(name, initial(element))
        )
    return values


def pressed(blocks: list[Body], action_id: str, value: Typed | None, user: str) -> tuple[Body, Body, Body]:
    """The block and element that somebody uses, and the action that Slack tells of it.

    Raises:
        LookupError: there is no such element, it does not offer that, or they do not see it.
    """
    known = [(block, element) for block, element in elements_of(blocks) if element["action_id"] == action_id]
    offered = [(block, element) for block, element in known if _offers(element, value)]
    if not offered:
        there = sorted({element["action_id"] for _, element in elements_of(blocks)})
        raise LookupError(f"no {action_id} with {value!r} here; there are {there}")
    block, element = offered[0]
    if user not in element.get("visible_to_user_ids", [user]):
        raise LookupError(f"{user} does not see {action_id}")
    if block["type"] == "input" and not block.get("dispatch_action"):
        raise LookupError(f"Slack tells nothing of {action_id} before it is submitted")
    told = {"action_id": action_id, "block_id": block["block_id"], "action_ts": f"{time.time():.6f}"}
    return block, element, {**told, **_told(element, value)}


def _told(element: Body, value: Typed | None) -> Body:
    kind = element["type"]
    if kind == "feedback_buttons":
        return {"type": kind, **{name: _thumb(element, value)[name] for name in ("text", "value")}}
    if kind in ("button", "icon_button"):
        return {"type": kind, **{name: element[name] for name in ("text", "value", "style", "icon") if name in element}}
    return state_of(element, value)


def _offers(element: Body, value: Typed | None) -> bool:
    kind = element["type"]
    if kind in ("button", "icon_button"):
        return value is None or element.get("value") == value
    if kind == "feedback_buttons":
        return value is not None and bool(_thumb(element, value))
    if kind in ("static_select", "radio_buttons", "overflow", "checkboxes", "multi_static_select"):
        values = [option["value"] for option in options_of(element)]
        return all(one in values for one in (value if isinstance(value, list) else [value]) if one)
    return True


def _thumb(element: Body, value: Typed | None) -> Body:
    for name, short in (("positive_button", "positive"), ("negative_button", "negative")):
        if value in (short, element[name]["value"]):
            thumb: Body = element[name]
            return thumb
    return {}


def _option(element: Mapping[str, Any], value: str) -> Body:
    found = (option for option in options_of(element) if option.get("value") == value)
    return next(found, {"text": {"type": "plain_text", "text": value}, "value": value})


def _refusal(block: Mapping[str, Any], typed: Typed) -> str:
    element = block["element"]
    kind = element["type"]
    if not typed:
        return "" if block.get("optional") else "required"
    if isinstance(typed, list):
        if kind not in _OPTIONS and kind not in _SEVERAL and kind != "file_input":
            return "takes one value"
        if len(typed) > element.get(
            "max_selected_items", element.get("max_files", 10 if kind == "file_input" else 100)
        ):
            return "too many"
    if "options" in element or "option_groups" in element:
        values = [option["value"] for option in options_of(element)]
        chosen = typed if isinstance(typed, list) else [typed]
        return "" if all(value in values for value in chosen) else "no such option"
    if isinstance(typed, list):
        return ""
    if kind == "number_input":
        if not re.fullmatch(r"-?\d{1,16}(\.\d+)?" if element["is_decimal_allowed"] else r"-?\d{1,16}", typed):
            return "no number"
        low, high = float(element.get("min_value", "-inf")), float(element.get("max_value", "inf"))
        return "" if low <= float(typed) <= high else "out of range"
    if kind in _SHAPES and not re.fullmatch(_SHAPES[kind], typed):
        return "not of that kind"
    short = len(typed) < element.get("min_length", 0)
    return "length" if short or len(typed) > element.get("max_length", _LONGEST) else ""


def _elements(block: Body) -> list[Body]:
    if block["type"] == "input":
        return [block["element"]]
    if block["type"] in ("actions", "context_actions"):
        return list(block["elements"])
    return [block["accessory"]] if "accessory" in block else []


def _with_id(block: Body, salt: str) -> Body:
    named = {**block, "block_id": block.get("block_id") or f"b{salt}"}
    for place in ("element", "accessory"):
        if place in block:
            named[place] = _with_action(block[place], f"{salt}.0")
    if block["type"] in ("actions", "context_actions"):
        named["elements"] = [
            _with_action(element, f"{salt}.{place}") for place, element in enumerate(block["elements"])
        ]
    return named


def _with_action(element: Body, salt: str) -> Body:
    return element if element["type"] == "image" else {"action_id": f"a{salt}", **element}
