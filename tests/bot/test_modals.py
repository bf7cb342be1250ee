"""Modals on the loopback Slack: refused, opened, filled in and answered as by Slack."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.local_slack import LocalSlack, NotSubmitted
from bot.local_slack.modals import Modals
from bot.local_slack.validate_view import problems_of_view
from bot.requests import Request
from bot.settings import load_settings
from bot.slack.registration import form_view, read_form


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def field(name: str = "a", **element: Any) -> dict[str, Any]:
    shown = {"type": "plain_text_input", "action_id": "x", **element}
    return {"type": "input", "block_id": name, "label": plain("L"), "element": shown}


def view(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    frame = {"type": "modal", "title": plain("T"), "submit": plain("Go")}
    return {**frame, "blocks": list(blocks or [field()]), **more}


OPTION = {"text": plain("One"), "value": "1"}


def test_valid_modals_pass() -> None:
    number = field("n", type="number_input", is_decimal_allowed=False, min_value="1", max_value="9", initial_value="2")
    select = field("s", type="static_select", options=[OPTION] * 100, placeholder=plain("p" * 150))
    text = field("t", placeholder=plain("p"), max_length=3000, min_length=0, multiline=True, initial_value="x" * 3000)
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "*hello*"}}
    made = view(
        number, select, text, section, close=plain("c" * 24), private_metadata="m" * 3000, callback_id="i" * 255
    )
    assert problems_of_view(made) == []
    no_input = {"type": "modal", "title": plain("t" * 24), "blocks": [section] * 100}
    assert problems_of_view(no_input) == []


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {},
        view(type="home"),
        view(title=plain("t" * 25)),
        view(title={"type": "mrkdwn", "text": "x"}),
        view(submit=plain("s" * 25)),
        view(close=plain("c" * 25)),
        view(close=plain("")),
        view(private_metadata="m" * 3001),
        view(callback_id="i" * 256),
        view(surprise=1),
        view(*[field(str(number)) for number in range(101)]),
        view(field("b" * 256)),
        view(field("same"), field("same")),
        view(field(action_id="a" * 256)),
        view({**field(), "label": plain("l" * 2001)}),
        view({**field(), "hint": plain("h" * 2001)}),
        view({**field(), "label": {"type": "mrkdwn", "text": "x"}}),
        view({**field(), "optional": "yes"}),
        view({**field(), "surprise": 1}),
        view({"type": "input", "label": plain("L")}),
        view(field(type="unheard_of")),
        view(field(placeholder=plain("p" * 151))),
        view(field(initial_value="x" * 3001)),
        view(field(max_length=3001)),
        view(field(max_length=0)),
        view(field(surprise=1)),
        view(field(type="number_input")),
        view(field(type="number_input", is_decimal_allowed=True, min_value="low")),
        view(field(type="static_select")),
        view(field(type="static_select", options=[OPTION] * 101)),
        view(field(type="static_select", options=[{"text": plain("t" * 76), "value": "1"}])),
        view(field(type="static_select", options=[{"text": plain("t"), "value": "v" * 151}])),
        view(field(type="static_select", options=[OPTION], initial_option={**OPTION, "value": "2"})),
        view({"type": "markdown", "text": "x"}),
        {name: part for name, part in view().items() if name != "submit"},
        {name: part for name, part in view().items() if name != "blocks"},
        view(*[field(str(number), initial_value="語" * 3000) for number in range(30)]),
    ],
)
def test_each_limit_of_slacks_is_kept(wrong: Any) -> None:
    assert problems_of_view(wrong)


def test_a_trigger_opens_one_modal_and_soon() -> None:
    with LocalSlack() as slack:
        client = WebClient(token=slack.workspace.bot_token, base_url=slack.api_url)
        trigger = slack.slash_payload("x")["trigger_id"]
        late = slack.slash_payload("x")["trigger_id"]

        def error(trigger_id: str, shown: dict[str, Any]) -> str:
            with pytest.raises(SlackApiError) as caught:
                client.views_open(trigger_id=trigger_id, view=shown)
            return str(caught.value.response["error"])

        assert error("12345.98765.abcd2358fdea", view()) == "invalid_arguments"
        assert error(trigger, view(title=plain("t" * 25))) == "invalid_arguments"
        assert client.views_open(trigger_id=trigger, view=view(field("a")))["view"]["id"].startswith("V")
        assert error(trigger, view()) == "exchanged_trigger_id"
        time.sleep(3.05)
        assert error(late, view()) == "expired_trigger_id"
        assert len(slack.workspace.modals.opened) == 1 and slack.workspace.violations


def opened(*blocks: dict[str, Any]) -> tuple[Modals, Any]:
    modals = Modals()
    modals.open({"trigger_id": modals.trigger("U1"), "view": view(*blocks)})
    return modals, modals.opened[0]


def test_a_submission_carries_its_values_as_slack_sends_them() -> None:
    select = {**field("s", type="static_select", options=[OPTION]), "optional": True}
    number = field("n", type="number_input", is_decimal_allowed=False, initial_value="4")
    modals, modal = opened(field("a", max_length=3), select, number)
    for typed, why in (
        ({}, {"a": "required"}),
        ({"a": "four"}, {"a": "length"}),
        ({"a": "x", "s": "9"}, {"s": "no such option"}),
        ({"a": "x", "s": "", "n": "many"}, {"n": "no number"}),
    ):
        with pytest.raises(NotSubmitted) as caught:
            modals.submission(modal, typed, "T1")
        assert caught.value.args[0] == why
    payload = modals.submission(modal, {"a": "x", "s": "1", "n": "5"}, "T1")
    assert payload["view"]["state"]["values"] == {
        "a": {"x": {"type": "plain_text_input", "value": "x"}},
        "s": {"x": {"type": "static_select", "selected_option": OPTION}},
        "n": {"x": {"type": "number_input", "value": "5"}},
    }
    payload = modals.submission(modal, {"s": ""}, "T1")
    assert payload["view"]["state"]["values"]["s"]["x"]["selected_option"] is None
    assert (payload["user"]["id"], payload["team"]["id"], payload["type"]) == ("U1", "T1", "view_submission")


def test_the_answer_to_a_submission_is_done() -> None:
    modals, modal = opened(field("a"))
    modals.answered(modal, 200, '{"response_action": "errors", "errors": {"a": "no"}}', 0.1)
    assert modal.open and modal.errors == {"a": "no"} and not modals.violations
    modals.answered(modal, 200, '{"response_action": "errors", "errors": {"b": "no"}}', 0.1)
    assert modal.open and "" in modal.errors and modals.violations
    modals.answered(modal, 200, '{"response_action": "update", "view": {"type": "modal", "title": {"type": "plain_text",'
                    ' "text": "Done"}, "blocks": []}}', 0.1)  # fmt: skip
    assert modal.open and modal.view["title"]["text"] == "Done" and modal.errors == {}
    for status, seconds in ((500, 0.1), (200, 3.5)):
        modals.answered(modal, status, "", seconds)
        assert modal.open and "" in modal.errors
    modals.answered(modal, 200, '{"response_action": "clear"}', 0.1)
    assert not modal.open
    modals, modal = opened(field("a"))
    modals.answered(modal, 200, "", 0.1)
    assert not modal.open


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200), st.sampled_from(["en", "zh"]))
def test_our_form_is_valid_whatever_the_command_said(words: str, lang: str) -> None:
    request = Request(verb="endpoint", text="", lang=lang, action="add", target=words)  # type: ignore[arg-type]
    assert problems_of_view(form_view(request, load_settings())) == []


def test_our_form_takes_over_a_name_and_a_url() -> None:
    request = Request(verb="endpoint", text="", lang="en", action="add", target="Vendor-A https://v.example/v1#m")
    modals = Modals()
    modals.open({"trigger_id": modals.trigger("U1"), "view": form_view(request, load_settings())})
    values = modals.submission(modals.opened[0], {}, "T1")["view"]["state"]["values"]
    form = read_form(values)
    assert (form.name, form.url, form.concurrency, form.key) == ("vendor-a", "https://v.example/v1#m", "4", "")


def test_a_strange_submission_is_read_as_an_empty_form() -> None:
    form = read_form({"unheard_of": {"typed": {"value": "x"}}, "name": {"other": {"value": "y"}}, "url": {"typed": {}}})
    assert (form.name, form.url) == ("", "")
