"""What Slack refuses in a modal, and what its client refuses to submit. Pure.

Sources: docs.slack.dev/reference/views/modal-views, /reference/block-kit/blocks/input-block,
/reference/block-kit/block-elements (plain-text, number, URL input; select menu; radio buttons).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.local_slack.validate import problems_of_blocks, text_problems

VIEW_BLOCKS, VIEW_BYTES = 100, 250_000
_TITLE, _LABEL, _PLACEHOLDER, _METADATA, _ID, _TYPED = 24, 2000, 150, 3000, 255, 3000
_OPTIONS, _OPTION_TEXT, _OPTION_VALUE = {"static_select": 100, "radio_buttons": 10}, 75, 150
_PLAIN = ("plain_text",)
_VIEW_KEYS = {
    "type", "title", "blocks", "close", "submit", "private_metadata", "callback_id", "clear_on_close",
    "notify_on_close", "external_id", "submit_disabled",
}  # fmt: skip
_ELEMENT_KEYS = {
    "plain_text_input": {"placeholder", "initial_value", "multiline", "min_length", "max_length"},
    "url_text_input": {"placeholder", "initial_value"},
    "number_input": {"placeholder", "initial_value", "is_decimal_allowed", "min_value", "max_value"},
    "static_select": {"placeholder", "options", "initial_option"},
    "radio_buttons": {"options", "initial_option"},
}
_EVERY_ELEMENT = {"type", "action_id", "focus_on_load", "dispatch_action_config"}


def problems_of_view(view: Any) -> list[str]:
    """Everything that views.open would refuse in a modal, each with a JSON pointer."""
    if not isinstance(view, Mapping):
        return ["must be an object [json-pointer:/view]"]
    if len(json.dumps(view, ensure_ascii=False).encode()) > VIEW_BYTES:
        return ["view_too_large"]
    return [*_frame(view), *problems_of_blocks(view.get("blocks"), limit=VIEW_BLOCKS, inputs=_input)]


def refusals(view: Mapping[str, Any], typed: Mapping[str, str]) -> dict[str, str]:
    """Why the client would not submit what was typed, by block id: it holds people to lengths, ranges and
    required fields itself."""
    inputs = {block["block_id"]: block for block in view["blocks"] if block["type"] == "input"}
    if unknown := set(typed) - set(inputs):
        raise KeyError(f"the modal has no fields {sorted(unknown)}")
    found = {name: _refusal(block, typed.get(name, "")) for name, block in inputs.items()}
    return {name: why for name, why in found.items() if why}


def _refusal(block: Mapping[str, Any], text: str) -> str:
    element = block["element"]
    if not text:
        return "" if block.get("optional") else "required"
    if "options" in element:
        return "" if text in [option["value"] for option in element["options"]] else "no such option"
    if element["type"] == "number_input":
        if not re.fullmatch(r"-?\d{1,16}(\.\d+)?" if element["is_decimal_allowed"] else r"-?\d{1,16}", text):
            return "no number"
        low, high = float(element.get("min_value", "-inf")), float(element.get("max_value", "inf"))
        return "" if low <= float(text) <= high else "out of range"
    short = len(text) < element.get("min_length", 0)
    return "length" if short or len(text) > element.get("max_length", _TYPED) else ""


def _frame(view: Mapping[str, Any]) -> Iterator[str]:
    if view.get("type") != "modal":
        yield "type must be modal [json-pointer:/view/type]"
    for name in sorted(set(view) - _VIEW_KEYS):
        yield f"invalid additional property: {name} [json-pointer:/view]"
    if not isinstance(view.get("blocks"), list):
        yield "missing required field: blocks [json-pointer:/view]"
    yield from text_problems(view.get("title"), "/view/title", _TITLE, _PLAIN)
    for name in ("submit", "close"):
        if name in view:
            yield from text_problems(view[name], f"/view/{name}", _TITLE, _PLAIN)
    asks = any(isinstance(block, Mapping) and block.get("type") == "input" for block in view.get("blocks") or ())
    if asks and "submit" not in view:
        yield "submit is required where there are inputs [json-pointer:/view/submit]"
    for name, limit in (("private_metadata", _METADATA), ("callback_id", _ID), ("external_id", _ID)):
        yield from _string(view, name, limit, "/view")


def _input(block: Mapping[str, Any], at: str) -> Iterator[str]:
    allowed = {"type", "block_id", "label", "element", "hint", "optional", "dispatch_action"}
    for name in sorted(set(block) - allowed):
        yield f"invalid additional property: {name} [json-pointer:{at}]"
    yield from text_problems(block.get("label"), f"{at}/label", _LABEL, _PLAIN)
    if "hint" in block:
        yield from text_problems(block["hint"], f"{at}/hint", _LABEL, _PLAIN)
    for name in ("optional", "dispatch_action"):
        if not isinstance(block.get(name, False), bool):
            yield f"must be a boolean [json-pointer:{at}/{name}]"
    yield from _element(block.get("element"), f"{at}/element")


def _element(element: Any, at: str) -> Iterator[str]:
    kind = element.get("type") if isinstance(element, Mapping) else None
    if kind not in _ELEMENT_KEYS:
        yield f"unsupported element: {kind} [json-pointer:{at}/type]"
        return
    for name in sorted(set(element) - _ELEMENT_KEYS[kind] - _EVERY_ELEMENT):
        yield f"invalid additional property: {name} [json-pointer:{at}]"
    yield from _string(element, "action_id", _ID, at)
    if "placeholder" in element:
        yield from text_problems(element["placeholder"], f"{at}/placeholder", _PLACEHOLDER, _PLAIN)
    if kind in _OPTIONS:
        yield from _options(element, at)
        return
    yield from _string(element, "initial_value", _TYPED, at)
    for name, least in (("min_length", 0), ("max_length", 1)):
        value = element.get(name, least)
        if type(value) is not int or not least <= value <= _TYPED:
            yield f"must be from {least} to {_TYPED} [json-pointer:{at}/{name}]"
    if kind == "number_input":
        if not isinstance(element.get("is_decimal_allowed"), bool):
            yield f"missing required field: is_decimal_allowed [json-pointer:{at}]"
        for name in ("min_value", "max_value", "initial_value"):
            if name in element and not re.fullmatch(r"-?\d+(\.\d+)?", str(element[name])):
                yield f"must be a number in a string [json-pointer:{at}/{name}]"


def _options(element: Mapping[str, Any], at: str) -> Iterator[str]:
    options, most = element.get("options"), _OPTIONS[str(element["type"])]
    if not isinstance(options, list) or not 1 <= len(options) <= most:
        yield f"between 1 and {most} options allowed [json-pointer:{at}/options]"
        return
    for number, option in enumerate(options):
        where = f"{at}/options/{number}"
        if not isinstance(option, Mapping) or set(option) - {"text", "value", "description"}:
            yield f"must be an option [json-pointer:{where}]"
            continue
        yield from text_problems(option.get("text"), f"{where}/text", _OPTION_TEXT, _PLAIN)
        yield from _string(option, "value", _OPTION_VALUE, where, required=True)
    if "initial_option" in element and element["initial_option"] not in options:
        yield f"must be one of the options [json-pointer:{at}/initial_option]"


def _string(holder: Mapping[str, Any], name: str, limit: int, at: str, *, required: bool = False) -> Iterator[str]:
    value = holder.get(name)
    if value is None and not required:
        return
    if not isinstance(value, str) or len(value) > limit or (required and not value):
        yield f"must be a string of at most {limit} characters [json-pointer:{at}/{name}]"
