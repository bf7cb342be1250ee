"""Everything that people do in the loopback Slack reaches a real Bolt app as Slack tells it, over both transports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from local_app import Told, actions, button, client, option, plain, recording, running
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from bot.local_slack import LocalSlack, NotSubmitted
from bot.local_slack.declared import declared
from bot.local_slack.rates import Rates

THUMBS = {
    "type": "feedback_buttons", "action_id": "judge",
    "positive_button": {"text": plain("👍"), "value": "right:1"},
    "negative_button": {"text": plain("👎"), "value": "wrong:1"},
}  # fmt: skip
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}


@pytest.fixture(scope="module", params=["http", "socket"])
def both(request: pytest.FixtureRequest) -> Iterator[tuple[LocalSlack, Told]]:
    told: Told = []
    with LocalSlack() as slack:
        app = recording(slack, told)
        for register in (app.action, app.view, app.shortcut, app.options, app.view_closed):
            register("nothing")(lambda ack: ack())
        app.action(_any())(lambda ack: ack())
        app.shortcut(_any())(lambda ack: ack())
        app.view_closed(_any())(lambda ack: ack())
        app.view(_any())(_answer)
        app.options(_any())(lambda ack, payload: ack(options=[option(f"{payload['value']}-1")]))
        app.command("/r1")(lambda ack, command: ack(f"heard {command['text']}"))
        for event in ("message", "app_mention", "app_home_opened", "assistant_thread_started",
                      "assistant_thread_context_changed", "link_shared", "app_uninstalled", "tokens_revoked"):  # fmt: skip
            app.event(event)(lambda event: None)
        with running(slack, app, socket_mode=request.param == "socket"):
            yield slack, told


def _any() -> Any:
    import re

    return re.compile(".*")


def _answer(ack: Any, view: dict[str, Any]) -> None:
    ack(**json.loads(view["private_metadata"] or "{}"))


def posted(slack: LocalSlack, *blocks: dict[str, Any], **more: Any) -> Any:
    ts = client(slack).chat_postMessage(channel="C0MODELS", text="t", blocks=list(blocks), **more)["ts"]
    return next(message for message in slack.workspace.messages if message.ts == ts)


def test_a_press_tells_who_where_and_what(both: tuple[LocalSlack, Told]) -> None:
    slack, told = both
    message = posted(slack, actions(button("run", "a"), button("edit", "b")), {"type": "context_actions",
                     "elements": [THUMBS]}, thread_ts="1.1")  # fmt: skip
    assert slack.press(message, "edit", user="U0ZH").status == 200
    body = told[-1]
    assert (body["user"]["id"], body["team"]["id"], body["channel"]["id"]) == ("U0ZH", "T0LOCAL", "C0MODELS")
    assert body["container"] == {"type": "message", "message_ts": message.ts, "channel_id": "C0MODELS",
                                 "is_ephemeral": False, "thread_ts": "1.1"}  # fmt: skip
    (action,) = body["actions"]
    assert action["value"] == "b" and action["block_id"] == body["message"]["blocks"][0]["block_id"]
    slack.press(message, "judge", "wrong:1")
    assert told[-1]["actions"][0]["value"] == "wrong:1" and told[-1]["actions"][0]["type"] == "feedback_buttons"
    for action_id, value in (("nonesuch", None), ("edit", "other"), ("judge", "maybe")):
        with pytest.raises(LookupError):
            slack.press(message, action_id, value)


def test_choices_are_told_with_their_options(both: tuple[LocalSlack, Told]) -> None:
    slack, told = both
    options = [option("a"), option("b")]
    message = posted(
        slack,
        actions({"type": "static_select", "action_id": "s", "options": options},
                {"type": "overflow", "action_id": "o", "options": options},
                {"type": "checkboxes", "action_id": "c", "options": options},
                {"type": "radio_buttons", "action_id": "r", "options": options}),
    )  # fmt: skip
    for action_id, value, name, chosen in (
        ("s", "b", "selected_option", option("b")),
        ("o", "a", "selected_option", option("a")),
        ("c", ["a", "b"], "selected_options", options),
        ("r", "b", "selected_option", option("b")),
    ):
        slack.press(message, action_id, value)
        assert told[-1]["actions"][0][name] == chosen
    values = next(iter(told[-1]["state"]["values"].values()))
    assert values["s"]["selected_option"] == option("b") and len(values["c"]["selected_options"]) == 2
    with pytest.raises(LookupError):
        slack.press(message, "s", "z")


def test_a_response_url_answers_five_times(both: tuple[LocalSlack, Told]) -> None:
    slack, told = both
    message = posted(slack, actions(button("again")))
    slack.press(message, "again")
    url, known = told[-1]["response_url"], len(slack.workspace.messages)
    hook = WebhookClient(url)
    assert hook.send(text="only you").status_code == 200
    assert slack.workspace.messages[-1].ephemeral_to == slack.workspace.user
    assert hook.send(text="all", response_type="in_channel").status_code == 200
    assert slack.workspace.messages[-1].ephemeral_to is None and len(slack.workspace.messages) == known + 2
    assert hook.send(text="new", replace_original=True).status_code == 200
    assert (message.text, message.blocks) == ("new", []) and len(slack.workspace.messages) == known + 2
    refused = hook.send(text="x", blocks=[{"type": "unheard_of"}])
    assert (refused.status_code, refused.body) == (400, "invalid_blocks")
    assert hook.send(delete_original=True).status_code == 200 and message not in slack.workspace.messages
    assert hook.send(text="five").status_code == 200
    assert (hook.send(text="six").status_code, hook.send(text="six").body) == (404, "used_url")
    slack.press(posted(slack, actions(button("again"))), "again")
    key = told[-1]["response_url"].rpartition("/")[2]
    slack.workspace.response_urls[key].since -= 1801
    assert WebhookClient(told[-1]["response_url"]).send(text="late").body == "expired_url"


def test_an_ephemeral_message_can_be_pressed_by_who_sees_it(both: tuple[LocalSlack, Told]) -> None:
    slack, told = both
    client(slack).chat_postEphemeral(channel="C0MODELS", user="U0PERSON", text="t", blocks=[actions(button("mine"))])
    slack.press(slack.workspace.messages[-1], "mine")
    assert told[-1]["container"]["is_ephemeral"] and "message" not in told[-1]


def test_an_ephemeral_message_in_a_thread_not_begun_is_not_seen(both: tuple[LocalSlack, Told]) -> None:
    slack, _ = both
    root, known = slack.workspace.say("C0MODELS", "U0PERSON", "hello"), len(slack.workspace.messages)
    client(slack).chat_postEphemeral(channel="C0MODELS", user="U0PERSON", text="t", thread_ts=root.ts)
    assert len(slack.workspace.messages) == known and slack.workspace.unseen[-1].thread_ts == root.ts
    client(slack).chat_postMessage(channel="C0MODELS", text="t", thread_ts=root.ts)
    client(slack).chat_postEphemeral(channel="C0MODELS", user="U0PERSON", text="seen", thread_ts=root.ts)
    assert slack.workspace.messages[-1].text == "seen"


def test_a_message_shortcut_brings_the_message(both: tuple[LocalSlack, Told]) -> None:
    slack, told = both
    message = slack.workspace.say("C0MODELS", "U0OTHER", "we run deepseek-r1:14b")
    assert slack.shortcut("r1.identify_message", message).status == 200
    assert told[-1]["type"] == "message_action" and told[-1]["message"]["text"] == "we run deepseek-r1:14b"
    assert told[-1]["callback_id"] == "r1.identify_message" and told[-1]["trigger_id"]
    with pytest.raises(LookupError):
        slack.shortcut("undeclared", message)


def modal(*blocks: dict[str, Any], then: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"type": "modal", "title": plain("T"), "submit": plain("Go"), "callback_id": "c",
            "private_metadata": json.dumps(then or {}), "blocks": list(blocks), **more}  # fmt: skip


def field(name: str, element: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "input", "block_id": name, "label": plain(name), "element": {"action_id": name, **element}, **more}


def test_a_modal_takes_every_kind_of_input(both: tuple[LocalSlack, Told]) -> None:
    slack, told = both
    options = [option("a"), option("b")]
    blocks = [
        field("text", {"type": "plain_text_input", "multiline": True}),
        field("url", {"type": "url_text_input"}),
        field("mail", {"type": "email_text_input"}, optional=True),
        field("number", {"type": "number_input", "is_decimal_allowed": True}),
        field("radio", {"type": "radio_buttons", "options": options, "initial_option": options[0]}),
        field("boxes", {"type": "checkboxes", "options": options}),
        field("one", {"type": "static_select", "option_groups": [{"label": plain("g"), "options": options}]}),
        field("many", {"type": "multi_static_select", "options": options, "max_selected_items": 1}),
        field("found", {"type": "external_select", "min_query_length": 0}),
        field("where", {"type": "conversations_select"}),
        field("who", {"type": "multi_users_select"}),
        field("day", {"type": "datepicker"}),
        field("hour", {"type": "timepicker"}),
        field("moment", {"type": "datetimepicker"}),
        field("file", {"type": "file_input"}, optional=True),
    ]
    client(slack).views_open(trigger_id=slack.slash_payload("x")["trigger_id"], view=modal(*blocks))
    shown = slack.modal()
    assert shown is not None and slack.suggest(shown, "found", "gpu") == [option("gpu-1")]
    typed: dict[str, Any] = {
        "text": "two\nlines", "url": "https://x.example", "number": "1.5", "boxes": ["a", "b"], "one": "b",
        "many": ["a"], "found": "gpu-1", "where": "C0MODELS", "who": ["U0PERSON"], "day": "2026-12-01",
        "hour": "09:30", "moment": "1800000000",
    }  # fmt: skip
    for wrong in ({"many": ["a", "b"]}, {"day": "tomorrow"}, {"hour": "25:00"}, {"url": "nowhere"}, {"boxes": ["z"]}):
        with pytest.raises(NotSubmitted) as caught:
            slack.submit(**{**typed, **wrong})
        assert set(caught.value.args[0]) == set(wrong)
    assert slack.submit(**typed).status == 200 and slack.modal() is None
    values = {name: next(iter(held.values())) for name, held in told[-1]["view"]["state"]["values"].items()}
    assert values["boxes"]["selected_options"] == options and values["radio"]["selected_option"] == options[0]
    assert values["one"]["selected_option"] == options[1] and values["many"]["selected_options"] == options[:1]
    assert (values["where"]["selected_conversation"], values["who"]["selected_users"]) == ("C0MODELS", ["U0PERSON"])
    assert (values["day"]["selected_date"], values["hour"]["selected_time"]) == ("2026-12-01", "09:30")
    assert values["moment"]["selected_date_time"] == 1800000000 and values["file"]["files"] == []
    assert values["found"]["selected_option"]["value"] == "gpu-1" and values["mail"]["value"] is None


def test_what_a_submission_is_answered_with_is_done(both: tuple[LocalSlack, Told]) -> None:
    slack, told = both
    text = field("a", {"type": "plain_text_input"}, optional=True)
    second = modal(text, then={"response_action": "clear"}, title=plain("Second"), notify_on_close=True)
    first = modal(text, then={"response_action": "push", "view": second})
    calls = client(slack)

    def opened() -> None:
        calls.views_open(trigger_id=slack.slash_payload("x")["trigger_id"], view=first)

    opened()
    slack.submit()
    top = slack.modal()
    assert top is not None and top.view["title"]["text"] == "Second" and top.previous == top.root
    slack.submit()
    assert slack.modal() is None
    opened()
    slack.submit()
    closed = slack.close()
    assert closed is not None and told[-1]["type"] == "view_closed" and told[-1]["is_cleared"] is False
    assert slack.modal() is not None and slack.close() is None and slack.modal() is None
    too_high = modal(text, then={"response_action": "errors", "errors": {"a": "no"}})
    calls.views_open(trigger_id=slack.slash_payload("x")["trigger_id"], view=too_high)
    slack.submit()
    shown = slack.modal()
    assert shown is not None and shown.errors == {"a": "no"}
    slack.close()


def error(call: Any, *args: Any, **given: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        call(*args, **given)
    return str(caught.value.response["error"])


def test_views_are_pushed_and_updated_only_as_slack_does(both: tuple[LocalSlack, Told]) -> None:
    slack, told = both
    calls = client(slack)
    more = actions(button("more"), {"type": "static_select", "action_id": "s", "options": [option("a")]})
    view = modal(more, field("a", {"type": "plain_text_input"}), external_id="mine")
    assert error(calls.views_push, trigger_id=slack.slash_payload("x")["trigger_id"], view=view) == "not_found"
    opened = calls.views_open(trigger_id=slack.slash_payload("x")["trigger_id"], view=view)["view"]
    shown = slack.modal()
    assert shown is not None
    slack.press(shown, "more")
    assert told[-1]["container"] == {"type": "view", "view_id": shown.id} and "channel" not in told[-1]
    assert error(calls.views_push, trigger_id=told[-1]["trigger_id"], view=view) == "duplicate_external_id"
    for number in range(2):
        slack.press(slack.modal() or shown, "more")
        calls.views_push(trigger_id=told[-1]["trigger_id"], view={**view, "external_id": f"n{number}"})
    slack.press(slack.modal() or shown, "more")
    assert error(calls.views_push, trigger_id=told[-1]["trigger_id"], view=view) == "push_limit_reached"
    slack.press(shown, "s", "a")
    assert next(iter(told[-1]["view"]["state"]["values"].values()))["s"]["selected_option"] == option("a")
    assert error(calls.views_update, view_id=opened["id"], hash="156.x", view=view) == "hash_conflict"
    shown.typed["a"] = "kept"
    updated = calls.views_update(view_id=opened["id"], hash=opened["hash"], view=view)["view"]
    assert updated["hash"] != opened["hash"] and updated["state"]["values"]["a"]["a"]["value"] == "kept"
    assert calls.views_update(external_id="n0", view=view | {"external_id": "n0"})["ok"]
    assert error(calls.views_update, view_id="V0", view=view) == "not_found"
    for _ in range(3):
        slack.close()
    assert error(calls.views_update, view_id=opened["id"], view=view) == "not_found"


def test_a_home_tab_is_published_and_pressed(both: tuple[LocalSlack, Told]) -> None:
    slack, told = both
    calls = client(slack)
    assert slack.open_home().status == 200
    assert told[-1]["event"]["tab"] == "home" and told[-1]["event"]["user"] == "U0PERSON"
    view = {"type": "home", "blocks": [SECTION, actions(button("home_refresh"))]}
    made = calls.views_publish(user_id="U0PERSON", view=view)["view"]
    home = slack.workspace.homes["U0PERSON"]
    assert slack.press(home, "home_refresh").status == 200 and told[-1]["view"]["id"] == home.id == made["id"]
    assert error(calls.views_publish, user_id="U0PERSON", hash="1.x", view=view) == "hash_conflict"
    calls.views_publish(user_id="U0PERSON", hash=home.hash, view=view)
    slack.open_home()
    assert told[-1]["event"]["view"]["hash"] == home.hash
    for wrong in (
        {**view, "blocks": [SECTION] * 101},
        {**view, "title": plain("T")},
        {**view, "type": "modal"},
        {**view, "blocks": [{"type": "markdown", "text": "x"}]},
        {**view, "private_metadata": "m" * 3001},
    ):
        assert error(calls.views_publish, user_id="U0PERSON", view=wrong) == "invalid_arguments"
    with pytest.raises(LookupError):
        slack.press(home, "home_refresh", user="U0OTHER")


def test_an_assistants_thread_shows_status_title_and_prompts(both: tuple[LocalSlack, Told]) -> None:
    slack, told = both
    calls = client(slack)
    ts, dm = slack.open_assistant(channel="C0GENERAL"), "D0PERSON"
    thread = told[-1]["event"]["assistant_thread"]
    assert (thread["thread_ts"], thread["channel_id"], thread["context"]["channel_id"]) == (ts, dm, "C0GENERAL")
    slack.assistant_context(ts, "C0MODELS")
    assert told[-1]["event"]["assistant_thread"]["context"]["channel_id"] == "C0MODELS"
    prompts = [{"title": "Which?", "message": "which should I run?"}] * 4
    calls.assistant_threads_setSuggestedPrompts(channel_id=dm, thread_ts=ts, prompts=prompts, title="Try")
    calls.assistant_threads_setTitle(channel_id=dm, thread_ts=ts, title="About R1")
    asked = slack.prompt(ts)
    assert told[-1]["event"]["text"] == "which should I run?" and told[-1]["event"]["thread_ts"] == ts
    assert told[-1]["event"]["channel_type"] == "im"
    calls.assistant_threads_setStatus(channel_id=dm, thread_ts=ts, status="is looking", loading_messages=["a"] * 10)
    assert slack.workspace.status(dm, ts) == "is looking"
    sign = slack.first_sign(asked)
    assert sign is not None and sign.kind == "status" and 0 < sign.seconds < 5
    calls.chat_postMessage(channel=dm, thread_ts=ts, text="this one")
    assert slack.workspace.status(dm, ts) == "" and [one.kind for one in asked.act.signs] == ["status", "message"]
    kept = slack.workspace.threads[(dm, ts)]
    assert (kept.title, kept.prompts_title, len(kept.prompts), kept.statuses) == ("About R1", "Try", 4, ["is looking"])
    status, suggest = calls.assistant_threads_setStatus, calls.assistant_threads_setSuggestedPrompts
    place: dict[str, Any] = {"channel_id": dm, "thread_ts": ts}
    assert error(status, **place, status="x", loading_messages=["a"] * 11) == "invalid_arguments"
    assert error(status, channel_id=dm, thread_ts="9.9", status="x") == "invalid_thread_ts"
    assert error(status, channel_id="C9", thread_ts=ts, status="x") == "channel_not_found"
    assert error(suggest, **place, prompts=prompts + prompts[:1]) == "invalid_arguments"
    assert error(suggest, **place, prompts=[{"title": "t"}]) == "invalid_arguments"
    assert error(calls.assistant_threads_setTitle, **place, title="") == "invalid_arguments"


def test_the_first_sign_of_each_kind_is_measured(both: tuple[LocalSlack, Told]) -> None:
    slack, _ = both
    calls = client(slack)
    command = slack.slash("hello")
    assert [sign.kind for sign in command.act.signs] == ["ack"] and command.act.signs[0].what == "heard hello"
    said = slack.mention("hello", user="U0ZH")
    ts = said.payload["event"]["ts"]
    calls.reactions_add(channel="C0MODELS", timestamp=ts, name="eyes")
    calls.chat_postMessage(channel="C0MODELS", thread_ts=ts, text="yes")
    assert [sign.kind for sign in said.act.signs] == ["reaction", "message"]
    assert error(calls.reactions_add, channel="C0MODELS", timestamp=ts, name="eyes") == "already_reacted"
    assert error(calls.reactions_add, channel="C0MODELS", timestamp="9.9", name="eyes") == "message_not_found"
    assert error(calls.reactions_add, channel="C0MODELS", timestamp=ts, name="no such!") == "invalid_name"
    other = slack.mention("and I?")
    assert slack.first_sign(other) is None and len(slack.workspace.signs) >= 3


def test_a_link_is_unfurled_where_the_domain_is_the_apps(both: tuple[LocalSlack, Told]) -> None:
    slack, told = both
    calls, url = client(slack), "https://r1.example/reports/v1?t=1&lang=zh"
    slack.workspace.scopes = (*slack.workspace.scopes, "links:write")
    assert slack.share_link(url) is None
    slack.workspace.unfurl_domains = {"r1.example"}
    known = len(told)
    assert slack.share_link(url) is not None
    event = told[known]["event"]
    assert event["links"] == [{"domain": "r1.example", "url": url}]
    shown = {url: {"blocks": [SECTION, actions(button("explain", "v1"))]}}
    calls.chat_unfurl(unfurl_id=event["unfurl_id"], source=event["source"], unfurls=shown)
    message = next(one for one in slack.workspace.messages if one.ts == event["message_ts"])
    slack.press(message, "explain")
    assert told[-1]["container"]["type"] == "message_attachment" and told[-1]["app_unfurl"]["from_url"] == url
    place: dict[str, Any] = {"channel": event["channel"], "ts": event["message_ts"]}
    calls.chat_unfurl(**place, unfurls=shown)
    bad = {url: {"blocks": [{"type": "unheard_of"}]}}
    assert error(calls.chat_unfurl, **place, unfurls=bad) == "cannot_parse_attachment"
    assert error(calls.chat_unfurl, **place, unfurls={"https://r1.example/x": {}}) == "cannot_unfurl_message"
    assert error(calls.chat_unfurl, **{**place, "ts": "9.9"}, unfurls=shown) == "cannot_find_message"
    assert error(calls.chat_unfurl, **{**place, "channel": "C9"}, unfurls=shown) == "cannot_find_channel"
    assert error(calls.chat_unfurl, unfurl_id="x", source="composer", unfurls=shown) == "invalid_unfurl_id"
    assert error(calls.chat_unfurl, unfurl_id="x", source="nowhere", unfurls=shown) == "invalid_source"
    assert error(calls.chat_unfurl, **place, unfurls={}) == "invalid_unfurls_format"


def test_people_have_languages_times_and_conversations(both: tuple[LocalSlack, Told]) -> None:
    slack, told = both
    calls = client(slack)
    slack.workspace.scopes = (*slack.workspace.scopes, "users:read", "im:write")
    slack.workspace.person("U0ZH", locale="zh-CN", tz="Europe/Berlin")
    known = calls.users_info(user="U0ZH", include_locale=True)["user"]
    assert (known["locale"], known["tz"], known["is_bot"]) == ("zh-CN", "Europe/Berlin", False)
    assert "locale" not in calls.users_info(user="U0ZH")["user"] and known["tz_offset"] in (3600, 7200)
    assert error(calls.users_info, user="U0NOBODY") == "user_not_found"
    assert calls.conversations_open(users="U0ZH")["channel"]["id"] == slack.workspace.dm_of("U0ZH") == "D0ZH"
    assert error(calls.conversations_open, users="U0NOBODY") == "user_not_found"
    slack.dm("hello", user="U0ZH")
    assert told[-1]["event"]["channel"] == "D0ZH"
    assert error(calls.chat_postEphemeral, channel="C0MODELS", user="U0NOBODY", text="x") == "user_not_in_channel"


def test_the_app_hears_itself_in_direct_messages(both: tuple[LocalSlack, Told]) -> None:
    slack, told = both
    ts = client(slack).chat_postMessage(channel="D0PERSON", text="mine")["ts"]
    message = next(one for one in slack.workspace.messages if one.ts == ts)
    known, echoed, changed = len(told), slack.echo(message), slack.echo(message, changed=True)
    assert echoed.payload["event"]["bot_id"] == "B0R1BOT" and changed.payload["event"]["subtype"] == "message_changed"
    assert (echoed.status, changed.status) == (200, 200)
    assert len(told) == known  # Bolt passes over what its own bot said


def test_a_workspace_may_lack_things(both: tuple[LocalSlack, Told]) -> None:
    slack, _ = both
    calls = client(slack)
    slack.workspace.lacks = {"chat.startStream", "assistant.threads.setStatus:feature_not_enabled"}
    status = calls.assistant_threads_setStatus
    assert error(calls.chat_startStream, channel="D0PERSON", thread_ts="1.1") == "unknown_method"
    assert error(status, channel_id="D0PERSON", thread_ts="1.1", status="x") == "feature_not_enabled"
    slack.workspace.lacks, scopes = set(), slack.workspace.scopes
    slack.workspace.scopes = ("commands",)
    with pytest.raises(SlackApiError) as caught:
        calls.chat_postMessage(channel="C0MODELS", text="x")
    assert caught.value.response.data["needed"] == "chat:write" and caught.value.response["provided"] == "commands"
    slack.workspace.scopes = scopes


def test_messages_are_posted_updated_and_deleted_as_slack_does(both: tuple[LocalSlack, Told]) -> None:
    slack, _ = both
    calls = client(slack)
    message = posted(slack, SECTION, metadata={"event_type": "e", "event_payload": {"a": 1}})
    place: dict[str, Any] = {"channel": "C0MODELS", "ts": message.ts}
    calls.chat_update(**place, text="only text", metadata={})
    assert (message.blocks, message.metadata) == ([], None)
    assert error(calls.chat_update, **place, text="x" * 4001) == "msg_too_long"
    given = {"channel": "C0MODELS", "text": "x", "metadata": {"event_type": "", "event_payload": {}}}
    assert error(calls.chat_postMessage, **given) == "invalid_metadata_format"
    given["metadata"] = {"event_type": "e", "event_payload": {"a": "x" * 16_000}}
    assert error(calls.chat_postMessage, **given) == "metadata_too_large"
    conflict = {"channel": "C0MODELS", "text": "x", "markdown_text": "y"}
    assert error(calls.chat_postMessage, **conflict) == "markdown_text_conflict"
    assert error(calls.chat_postMessage, channel="C0MODELS", markdown_text="y" * 12_001) == "msg_too_long"
    human = slack.workspace.say("C0MODELS", "U0PERSON", "mine")
    assert error(calls.chat_delete, channel="C0MODELS", ts=human.ts) == "cant_delete_message"
    assert error(calls.chat_update, channel="C0MODELS", ts=human.ts, text="x") == "cant_update_message"
    calls.chat_delete(**place)
    assert message not in slack.workspace.messages
    assert calls.chat_postMessage(channel="U0PERSON", text="direct")["channel"] == "D0PERSON"


def test_an_app_is_told_only_what_its_manifest_asks_for(both: tuple[LocalSlack, Told]) -> None:
    slack, told = both
    whole, known = slack.workspace.app, len(told)
    slack.workspace.app = declared({"settings": {"event_subscriptions": {"bot_events": ["app_mention"]}}})
    assert slack.dm("hello").status == 0 and slack.open_home().status == 0 and len(told) == known
    assert slack.mention("hello").status == 200 and len(told) == known + 1
    home = {"type": "home", "blocks": [SECTION]}
    assert error(client(slack).views_publish, user_id="U0PERSON", view=home) == "not_enabled"
    with pytest.raises(LookupError):
        slack.open_assistant()
    slack.workspace.app = whole


def test_a_workspace_may_keep_to_slacks_rates(both: tuple[LocalSlack, Told]) -> None:
    slack, _ = both
    calls, said = client(slack), slack.workspace.say("C0MODELS", "U0PERSON", "hello")
    slack.workspace.rates = Rates()
    place = {"channel": "C0MODELS", "thread_ts": said.ts, "recipient_user_id": "U0PERSON"}
    for _ in range(20):
        calls.chat_startStream(**place, recipient_team_id="T0LOCAL")
    with pytest.raises(SlackApiError) as caught:
        calls.chat_startStream(**place, recipient_team_id="T0LOCAL")
    assert caught.value.response.status_code == 429 and 1 <= int(caught.value.response.headers["Retry-After"]) <= 60
    calls.chat_postMessage(channel="C0MODELS", text="another method")
    slack.workspace.rates = None
