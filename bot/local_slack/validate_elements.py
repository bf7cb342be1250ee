"""What Slack refuses in interactive elements and the objects they are made of, by its published limits. Pure.

Sources: docs.slack.dev/reference/block-kit/block-elements and /reference/block-kit/composition-objects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ID, URL = 255, 3000
PLAIN = ("plain_text",)
_BUTTON_TEXT, _BUTTON_VALUE, _ICON_TEXT = 75, 2000, 2000
_PLACEHOLDER, _OPTION_TEXT, _OPTION_VALUE, _TYPED, _ALT, _MOST_FILES = 150, 75, 150, 3000, 2000, 10
_MOST_OPTIONS = {"overflow": 5, "checkboxes": 10, "radio_buttons": 10}
_MENU_OPTIONS = 100

Check = Callable[[Mapping[str, Any], str], Iterator[str]]


@dataclass(frozen=True, slots=True)
class _Kind:
    """Where an element may stand, and what it may hold beside ``type`` and ``action_id``."""

    where: frozenset[str]
    keys: frozenset[str]


def _kind(where: str, keys: str) -> _Kind:
    return _Kind(frozenset(where.split()), frozenset(keys.split()))


_EVERYWHERE = "section actions input"
_MENU = "placeholder confirm focus_on_load"
_MULTI = f"{_MENU} max_selected_items"
_CONVERSATIONS = "default_to_current_conversation filter"
_KINDS = {
    "button": _kind("section actions", "text url value style confirm accessibility_label"),
    "image": _kind("section context", "image_url slack_file alt_text"),
    "overflow": _kind("section actions", "options confirm"),
    "checkboxes": _kind(_EVERYWHERE, "options initial_options confirm focus_on_load"),
    "radio_buttons": _kind(_EVERYWHERE, "options initial_option confirm focus_on_load"),
    "static_select": _kind(_EVERYWHERE, f"{_MENU} options option_groups initial_option"),
    "external_select": _kind(_EVERYWHERE, f"{_MENU} initial_option min_query_length"),
    "users_select": _kind(_EVERYWHERE, f"{_MENU} initial_user"),
    "channels_select": _kind(_EVERYWHERE, f"{_MENU} initial_channel response_url_enabled"),
    "conversations_select": _kind(_EVERYWHERE, f"{_MENU} {_CONVERSATIONS} initial_conversation response_url_enabled"),
    "multi_static_select": _kind("section input", f"{_MULTI} options option_groups initial_options"),
    "multi_external_select": _kind("section input", f"{_MULTI} initial_options min_query_length"),
    "multi_users_select": _kind("section input", f"{_MULTI} initial_users"),
    "multi_channels_select": _kind("section input", f"{_MULTI} initial_channels"),
    "multi_conversations_select": _kind("section input", f"{_MULTI} {_CONVERSATIONS} initial_conversations"),
    "datepicker": _kind(_EVERYWHERE, f"{_MENU} initial_date"),
    "timepicker": _kind(_EVERYWHERE, f"{_MENU} initial_time timezone"),
    "datetimepicker": _kind("actions input", "initial_date_time confirm focus_on_load"),
    "plain_text_input": _kind(
        "input", "placeholder initial_value multiline min_length max_length dispatch_action_config focus_on_load"
    ),
    "url_text_input": _kind("input", "placeholder initial_value dispatch_action_config focus_on_load"),
    "email_text_input": _kind("input", "placeholder initial_value dispatch_action_config focus_on_load"),
    "number_input": _kind(
        "input",
        "placeholder initial_value is_decimal_allowed min_value max_value dispatch_action_config focus_on_load",
    ),
    "file_input": _kind("input", "filetypes max_files"),
    "feedback_buttons": _kind("context_actions", "positive_button negative_button"),
    "icon_button": _kind("context_actions", "icon text value confirm accessibility_label visible_to_user_ids"),
}


def element_problems(element: Any, at: str, where: str) -> Iterator[str]:
    """What is wrong with an element in a block of kind ``where``."""
    if not isinstance(element, Mapping):
        yield f"must be an object [json-pointer:{at}]"
        return
    kind = str(element.get("type"))
    known = _KINDS.get(kind)
    if known is None or where not in known.where:
        yield f"unsupported type: {kind} [json-pointer:{at}/type]"
        return
    for name in sorted(set(element) - known.keys - {"type", "action_id"}):
        yield f"invalid additional property: {name} [json-pointer:{at}]"
    yield from string_problems(element, "action_id", ID, at)
    if "placeholder" in element:
        yield from text_problems(element["placeholder"], f"{at}/placeholder", _PLACEHOLDER, PLAIN)
    if "confirm" in element:
        yield from _confirm(element["confirm"], f"{at}/confirm")
    yield from string_problems(element, "accessibility_label", _BUTTON_TEXT, at)
    for name, least, most in (("max_selected_items", 1, None), ("min_query_length", 0, None)):
        yield from _whole(element, name, least, most, at)
    check = _CHECKS.get(kind)
    if check is not None:
        yield from check(element, at)


def duplicated_actions(elements: list[Any], at: str) -> Iterator[str]:
    """An ``action_id`` names one element of a block."""
    seen: set[str] = set()
    for element in elements:
        name = element.get("action_id") if isinstance(element, Mapping) else None
        if isinstance(name, str) and name in seen:
            yield f"action_id `{name}` already exists [json-pointer:{at}]"
        seen.add(str(name)) if name is not None else None


def text_problems(value: Any, at: str, limit: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> Iterator[str]:
    """What is wrong with a text object of at most ``limit`` characters."""
    if not isinstance(value, Mapping) or value.get("type") not in kinds:
        yield f"must be a text object of type {' or '.join(kinds)} [json-pointer:{at}]"
        return
    allowed = {"type", "text", "emoji"} if value["type"] == "plain_text" else {"type", "text", "verbatim"}
    for name in sorted(set(value) - allowed):
        yield f"invalid additional property: {name} [json-pointer:{at}]"
    text = value.get("text")
    if not isinstance(text, str) or not text:
        yield f"must be more than 0 characters [json-pointer:{at}/text]"
    elif len(text) > limit:
        yield f"must be less than {limit + 1} characters [json-pointer:{at}/text]"


def string_problems(
    holder: Mapping[str, Any], name: str, limit: int, at: str, *, required: bool = False
) -> Iterator[str]:
    """What is wrong with a string of at most ``limit`` characters."""
    value = holder.get(name)
    if value is None and not required:
        return
    if not isinstance(value, str) or len(value) > limit or (required and not value):
        yield f"must be a string of at most {limit} characters [json-pointer:{at}/{name}]"


def image_problems(image: Mapping[str, Any], at: str) -> Iterator[str]:
    """What is wrong with an image, block or element."""
    if not ("image_url" in image) ^ ("slack_file" in image):
        yield f"exactly one of image_url and slack_file is needed [json-pointer:{at}]"
    yield from string_problems(image, "image_url", URL, at)
    yield from string_problems(image, "alt_text", _ALT, at, required=True)


def _button(element: Mapping[str, Any], at: str) -> Iterator[str]:
    yield from text_problems(element.get("text"), f"{at}/text", _BUTTON_TEXT, PLAIN)
    yield from string_problems(element, "value", _BUTTON_VALUE, at)
    yield from string_problems(element, "url", URL, at)
    if element.get("style") not in (None, "primary", "danger"):
        yield f"style must be primary or danger [json-pointer:{at}/style]"


def _feedback(element: Mapping[str, Any], at: str) -> Iterator[str]:
    for name in ("positive_button", "negative_button"):
        button, where = element.get(name), f"{at}/{name}"
        if not isinstance(button, Mapping) or set(button) - {"text", "value", "accessibility_label"}:
            yield f"must be a feedback button [json-pointer:{where}]"
            continue
        yield from text_problems(button.get("text"), f"{where}/text", _BUTTON_TEXT, PLAIN)
        yield from string_problems(button, "value", _BUTTON_VALUE, where, required=True)
        yield from string_problems(button, "accessibility_label", _BUTTON_TEXT, where)


def _icon(element: Mapping[str, Any], at: str) -> Iterator[str]:
    if element.get("icon") != "trash":
        yield f"icon must be trash [json-pointer:{at}/icon]"
    yield from text_problems(element.get("text"), f"{at}/text", _ICON_TEXT, PLAIN)
    yield from string_problems(element, "value", _BUTTON_VALUE, at)
    if not _are_strings(element.get("visible_to_user_ids", [])):
        yield f"must be an array of user ids [json-pointer:{at}/visible_to_user_ids]"


def _confirm(value: Any, at: str) -> Iterator[str]:
    if not isinstance(value, Mapping) or set(value) - {"title", "text", "confirm", "deny", "style"}:
        yield f"must be a confirmation dialog [json-pointer:{at}]"
        return
    for name, limit in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
        yield from text_problems(value.get(name), f"{at}/{name}", limit, PLAIN)
    if value.get("style") not in (None, "primary", "danger"):
        yield f"style must be primary or danger [json-pointer:{at}/style]"


def _choices(element: Mapping[str, Any], at: str) -> Iterator[str]:
    """Options, or groups of them, and those chosen from the start."""
    kind, groups = str(element["type"]), element.get("option_groups")
    if groups is not None:
        if "options" in element or not isinstance(groups, list) or not 1 <= len(groups) <= _MENU_OPTIONS:
            yield f"between 1 and {_MENU_OPTIONS} groups allowed, and no options [json-pointer:{at}/option_groups]"
            return
        known: list[Any] = []
        for number, group in enumerate(groups):
            where = f"{at}/option_groups/{number}"
            if not isinstance(group, Mapping) or set(group) != {"label", "options"}:
                yield f"must be an option group [json-pointer:{where}]"
                continue
            yield from text_problems(group["label"], f"{where}/label", _OPTION_TEXT, PLAIN)
            yield from _options(group["options"], where, kind)
            known += group["options"] if isinstance(group["options"], list) else []
    else:
        known = element["options"] if isinstance(element.get("options"), list) else []
        yield from _options(element.get("options"), at, kind)
    chosen = [element["initial_option"]] if "initial_option" in element else element.get("initial_options", [])
    if not isinstance(chosen, list) or any(option not in known for option in chosen):
        yield f"must be one of the options [json-pointer:{at}/initial_option]"
    elif "initial_options" in element and not chosen:
        yield f"must not be empty [json-pointer:{at}/initial_options]"


def _options(options: Any, at: str, kind: str) -> Iterator[str]:
    most = _MOST_OPTIONS.get(kind, _MENU_OPTIONS)
    if not isinstance(options, list) or not 1 <= len(options) <= most:
        yield f"between 1 and {most} options allowed [json-pointer:{at}/options]"
        return
    allowed = {"text", "value", "description"} | ({"url"} if kind == "overflow" else set())
    kinds = ("plain_text", "mrkdwn") if kind in ("checkboxes", "radio_buttons") else PLAIN
    for number, option in enumerate(options):
        where = f"{at}/options/{number}"
        if not isinstance(option, Mapping) or set(option) - allowed:
            yield f"must be an option [json-pointer:{where}]"
            continue
        yield from text_problems(option.get("text"), f"{where}/text", _OPTION_TEXT, kinds)
        yield from string_problems(option, "value", _OPTION_VALUE, where, required=True)
        yield from string_problems(option, "url", URL, where)
        if "description" in option:
            yield from text_problems(option["description"], f"{where}/description", _OPTION_TEXT, kinds)


def _typed(element: Mapping[str, Any], at: str) -> Iterator[str]:
    yield from string_problems(element, "initial_value", _TYPED, at)
    yield from _whole(element, "min_length", 0, _TYPED, at)
    yield from _whole(element, "max_length", 1, _TYPED, at)
    if not isinstance(element.get("multiline", False), bool):
        yield f"must be a boolean [json-pointer:{at}/multiline]"


def _number(element: Mapping[str, Any], at: str) -> Iterator[str]:
    if not isinstance(element.get("is_decimal_allowed"), bool):
        yield f"missing required field: is_decimal_allowed [json-pointer:{at}]"
    for name in ("min_value", "max_value", "initial_value"):
        if name in element and not re.fullmatch(r"-?\d+(\.\d+)?", str(element[name])):
            yield f"must be a number in a string [json-pointer:{at}/{name}]"


def _moment(element: Mapping[str, Any], at: str) -> Iterator[str]:
    for name, shape in (("initial_date", r"\d{4}-\d\d-\d\d"), ("initial_time", r"([01]\d|2[0-3]):[0-5]\d")):
        if name in element and not re.fullmatch(shape, str(element[name])):
            yield f"must look like {shape} [json-pointer:{at}/{name}]"
    moment = element.get("initial_date_time")
    if moment is not None and (type(moment) is not int or len(str(moment)) != 10):
        yield f"must be a moment of 10 digits [json-pointer:{at}/initial_date_time]"


def _files(element: Mapping[str, Any], at: str) -> Iterator[str]:
    yield from _whole(element, "max_files", 1, _MOST_FILES, at)
    if not _are_strings(element.get("filetypes", [])):
        yield f"must be an array of extensions [json-pointer:{at}/filetypes]"


def _whole(holder: Mapping[str, Any], name: str, least: int, most: int | None, at: str) -> Iterator[str]:
    value = holder.get(name, least)
    if type(value) is not int or value < least or (most is not None and value > most):
        yield f"must be from {least} to {most if most is not None else '…'} [json-pointer:{at}/{name}]"


def _are_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


_CHECKS: Mapping[str, Check] = {
    "button": _button, "image": image_problems, "feedback_buttons": _feedback, "icon_button": _icon,
    "overflow": _choices, "checkboxes": _choices, "radio_buttons": _choices, "static_select": _choices,
    "multi_static_select": _choices, "plain_text_input": _typed, "url_text_input": _typed,
    "email_text_input": _typed, "number_input": _number, "datepicker": _moment, "timepicker": _moment,
    "datetimepicker": _moment, "file_input": _files,
}  # fmt: skip
