"""Interactive elements, rich text, tables, tasks and plans: each of Slack's limits has a case that breaks it."""

from __future__ import annotations

from typing import Any

import pytest
from local_app import actions, button, option, plain

from bot.local_slack.validate import problems_of_message
from bot.local_slack.validate_view import problems_of_view

Element = dict[str, Any]
CONFIRM = {"title": plain("t" * 100), "text": plain("x" * 300), "confirm": plain("c" * 30), "deny": plain("d" * 30)}
GROUP = {"label": plain("g" * 75), "options": [option("a")]}
THUMB = {"text": plain("t" * 75), "value": "v" * 2000, "accessibility_label": "a" * 75}
THUMBS = {"type": "feedback_buttons", "action_id": "j", "positive_button": THUMB, "negative_button": THUMB}
TRASH = {"type": "icon_button", "icon": "trash", "text": plain("Delete"), "value": "v" * 2000, "confirm": CONFIRM}
CELL = {"type": "raw_text", "text": "x"}


def rich(*inline: Element) -> Element:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(inline)}]}


def words(text: str = "x", **more: Any) -> Element:
    return {"type": "text", "text": text, **more}


def card(**more: Any) -> Element:
    return {"type": "task_card", "task_id": "1", "title": "T", "status": "complete", **more}


def menu(kind: str = "static_select", **more: Any) -> Element:
    return {"type": kind, "action_id": "m", "options": [option("a"), option("b")], **more}


def list_of(**more: Any) -> Element:
    section = {"type": "rich_text_section", "elements": [words()]}
    return {
        "type": "rich_text",
        "elements": [{"type": "rich_text_list", "style": "bullet", "elements": [section], **more}],
    }


GOOD: list[Element] = [
    actions(*[button(str(number), url="u" * 3000, style="danger", confirm=CONFIRM) for number in range(25)]),
    actions(button("a" * 255, "v" * 75) | {"value": "v" * 2000}),
    actions(menu(initial_option=option("b"), placeholder=plain("p" * 150), confirm=CONFIRM)),
    actions({"type": "static_select", "option_groups": [GROUP] * 100, "initial_option": option("a")}),
    actions({"type": "overflow", "options": [{**option(str(n)), "url": "https://x.example"} for n in range(5)]}),
    actions(menu("checkboxes", initial_options=[option("a")]), menu("radio_buttons") | {"action_id": "r"}),
    actions({"type": "datepicker", "initial_date": "2026-12-01"}, {"type": "timepicker", "initial_time": "23:59"}),
    actions({"type": "datetimepicker", "initial_date_time": 1800000000}),
    actions({"type": "conversations_select", "default_to_current_conversation": True}, {"type": "users_select"}),
    {"type": "section", "text": plain("x"), "accessory": menu("multi_static_select", max_selected_items=2)},
    {"type": "context_actions", "elements": [THUMBS, TRASH]},
    {"type": "table", "rows": [[CELL] * 20] * 100, "column_settings": [{"align": "right", "is_wrapped": True}, None]},
    {"type": "table", "rows": [[rich(words("b", style={"bold": True}))]]},
    {"type": "markdown", "text": "m" * 12_000},
    card(details=rich(words()), output=rich(words()), sources=[{"type": "url", "url": "https://x", "text": "x"}]),
    {"type": "plan", "title": "P", "tasks": [card(), card(task_id="2", status="pending")]},
    list_of(indent=8, border=1, offset=2),
    {"type": "image", "image_url": "https://x", "alt_text": "a" * 2000, "title": plain("t" * 2000)},
    {"type": "input", "label": plain("l" * 2000), "hint": plain("h" * 2000), "element": menu("checkboxes")},
]  # fmt: skip


@pytest.mark.parametrize("block", GOOD, ids=lambda block: block["type"])
def test_what_slack_allows_is_allowed(block: Element) -> None:
    assert problems_of_message({"text": "t", "blocks": [block]}) == []


BAD: dict[str, Element] = {
    "26-actions": actions(*[button(str(number)) for number in range(26)]),
    "same-action-twice": actions(button("a"), button("a")),
    "button-without-text": actions({"type": "button", "action_id": "a"}),
    "button-text-76": actions(button("a", "x" * 76)),
    "button-text-mrkdwn": actions(button("a", text={"type": "mrkdwn", "text": "x"})),
    "button-value-2001": actions(button("a") | {"value": "v" * 2001}),
    "button-url-3001": actions(button("a", url="u" * 3001)),
    "button-action-id-256": actions(button("a" * 256)),
    "button-style": actions(button("a", style="warning")),
    "button-label-76": actions(button("a", accessibility_label="a" * 76)),
    "button-surprise": actions(button("a", surprise=1)),
    "confirm-title-101": actions(button("a", confirm={**CONFIRM, "title": plain("t" * 101)})),
    "confirm-text-301": actions(button("a", confirm={**CONFIRM, "text": plain("t" * 301)})),
    "confirm-yes-31": actions(button("a", confirm={**CONFIRM, "confirm": plain("t" * 31)})),
    "confirm-no-31": actions(button("a", confirm={**CONFIRM, "deny": plain("t" * 31)})),
    "confirm-style": actions(button("a", confirm={**CONFIRM, "style": "loud"})),
    "confirm-without-text": actions(button("a", confirm={"title": plain("t")})),
    "no-options": actions(menu(options=[])),
    "101-options": actions(menu(options=[option("a")] * 101)),
    "option-text-76": actions(menu(options=[{"text": plain("t" * 76), "value": "v"}])),
    "option-text-mrkdwn": actions(menu(options=[{"text": {"type": "mrkdwn", "text": "x"}, "value": "v"}])),
    "option-value-151": actions(menu(options=[{"text": plain("t"), "value": "v" * 151}])),
    "option-without-value": actions(menu(options=[{"text": plain("t")}])),
    "option-description-76": actions(menu(options=[{**option("a"), "description": plain("d" * 76)}])),
    "option-url-in-select": actions(menu(options=[{**option("a"), "url": "https://x"}])),
    "overflow-6": actions(menu("overflow", options=[option(str(n)) for n in range(6)])),
    "radio-11": actions(menu("radio_buttons", options=[option(str(n)) for n in range(11)])),
    "checkboxes-11": actions(menu("checkboxes", options=[option(str(n)) for n in range(11)])),
    "initial-option-unknown": actions(menu(initial_option=option("z"))),
    "initial-options-unknown": actions(menu("checkboxes", initial_options=[option("z")])),
    "initial-options-empty": actions(menu("checkboxes", initial_options=[])),
    "groups-and-options": actions(menu(option_groups=[GROUP])),
    "101-groups": actions({"type": "static_select", "option_groups": [GROUP] * 101}),
    "group-label-76": actions({"type": "static_select", "option_groups": [{**GROUP, "label": plain("g" * 76)}]}),
    "placeholder-151": actions(menu(placeholder=plain("p" * 151))),
    "multi-select-in-actions": actions(menu("multi_static_select")),
    "max-selected-0": {"type": "section", "text": plain("x"),
                       "accessory": menu("multi_static_select", max_selected_items=0)},
    "text-input-in-actions": actions({"type": "plain_text_input", "action_id": "a"}),
    "date": actions({"type": "datepicker", "initial_date": "1 December"}),
    "time": actions({"type": "timepicker", "initial_time": "24:00"}),
    "moment": actions({"type": "datetimepicker", "initial_date_time": 18}),
    "feedback-in-actions": actions(THUMBS),
    "button-in-context-actions": {"type": "context_actions", "elements": [button("a")]},
    "no-context-actions": {"type": "context_actions", "elements": []},
    "6-context-actions": {"type": "context_actions", "elements": [{**THUMBS, "action_id": str(n)} for n in range(6)]},
    "thumb-missing": {"type": "context_actions", "elements": [{"type": "feedback_buttons", "positive_button": THUMB}]},
    "thumb-text-76": {"type": "context_actions",
                      "elements": [{**THUMBS, "negative_button": {**THUMB, "text": plain("t" * 76)}}]},
    "thumb-value-2001": {"type": "context_actions",
                         "elements": [{**THUMBS, "negative_button": {**THUMB, "value": "v" * 2001}}]},
    "thumb-without-value": {"type": "context_actions", "elements": [{**THUMBS, "positive_button": {"text": plain("t")}}]},
    "icon-unknown": {"type": "context_actions", "elements": [{**TRASH, "icon": "star"}]},
    "icon-without-text": {"type": "context_actions", "elements": [{"type": "icon_button", "icon": "trash"}]},
    "table-0-rows": {"type": "table", "rows": []},
    "table-101-rows": {"type": "table", "rows": [[CELL]] * 101},
    "table-21-cells": {"type": "table", "rows": [[CELL] * 21]},
    "table-0-cells": {"type": "table", "rows": [[]]},
    "table-empty-cell": {"type": "table", "rows": [[{"type": "raw_text", "text": ""}]]},
    "table-mrkdwn-cell": {"type": "table", "rows": [[{"type": "mrkdwn", "text": "x"}]]},
    "table-cell-surprise": {"type": "table", "rows": [[{**CELL, "bold": True}]]},
    "table-21-settings": {"type": "table", "rows": [[CELL]], "column_settings": [{}] * 21},
    "table-alignment": {"type": "table", "rows": [[CELL]], "column_settings": [{"align": "middle"}]},
    "rich-text-unknown-part": {"type": "rich_text", "elements": [words()]},
    "rich-text-unknown-inline": rich({"type": "unheard_of"}),
    "rich-text-empty": rich(words("")),
    "rich-text-style": rich(words(style={"loud": True})),
    "rich-text-list-style": list_of(style="dash"),
    "rich-text-list-indent": list_of(indent=9),
    "rich-text-list-of-words": list_of(elements=[words()]),
    "task-without-id": {"type": "task_card", "title": "T"},
    "task-without-title": {"type": "task_card", "task_id": "1"},
    "task-status": card(status="done"),
    "task-output-text": card(output="x"),
    "task-source": card(sources=["https://x"]),
    "task-surprise": card(icon="x"),
    "plan-without-title": {"type": "plan", "tasks": [card()]},
    "plan-of-sections": {"type": "plan", "title": "P", "tasks": [{"type": "section"}]},
    "image-twice": {"type": "image", "image_url": "https://x", "slack_file": {"id": "F1"}, "alt_text": "a"},
    "image-url-3001": {"type": "image", "image_url": "u" * 3001, "alt_text": "a"},
    "image-alt-2001": {"type": "image", "image_url": "https://x", "alt_text": "a" * 2001},
    "image-without-alt": {"type": "image", "image_url": "https://x"},
    "image-title-2001": {"type": "image", "image_url": "https://x", "alt_text": "a", "title": plain("t" * 2001)},
    "input-without-label": {"type": "input", "element": menu()},
    "input-of-a-button": {"type": "input", "label": plain("l"), "element": button("a")},
    "markdown-12001": {"type": "markdown", "text": "m" * 12_001},
}  # fmt: skip


@pytest.mark.parametrize("block", BAD.values(), ids=BAD)
def test_each_limit_is_kept(block: Element) -> None:
    assert problems_of_message({"text": "t", "blocks": [block]})


def test_some_limits_are_of_the_whole_message() -> None:
    half, table = {"type": "markdown", "text": "m" * 6001}, {"type": "table", "rows": [[CELL]]}
    for blocks in ([half, half], [table, table], [actions(button("a"))] * 51):
        assert problems_of_message({"text": "t", "blocks": blocks})
    assert problems_of_message({"text": "t", "blocks": [actions(button("a")), actions(button("a"))]}) == []


@pytest.mark.parametrize("kind", ["markdown", "table", "context_actions", "task_card", "plan"])
def test_what_only_messages_hold_is_in_no_view(kind: str) -> None:
    block = next(block for block in GOOD if block["type"] == kind)
    assert problems_of_view({"type": "home", "blocks": [block]}, "home")
    assert problems_of_view({"type": "modal", "title": plain("t"), "blocks": [block]})
