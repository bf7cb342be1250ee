"""The Slack on loopback refuses what Slack refuses."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.local_slack import LocalSlack
from bot.local_slack.render import as_page, as_text
from bot.local_slack.validate import problems_of_message
from bot.local_slack.workspace import Message


def section(text: str = "x", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def test_a_valid_message_passes() -> None:
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "x" * 150, "emoji": False}},
        section("y" * 3000, block_id="b"),
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "z", "verbatim": True}]},
        {"type": "divider"},
        {
            "type": "actions",
            "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "a"}],
        },
    ]
    assert (
        problems_of_message({"text": "t", "blocks": blocks, "metadata": {"event_type": "e", "event_payload": {}}}) == []
    )


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"text": "x" * 40_001},
        {"text": 7},
        {"blocks": "[]"},
        {"blocks": [section()] * 51},
        {"blocks": [section("")]},
        {"blocks": [section("x" * 3001)]},
        {"blocks": [section(surprise=1)]},
        {"blocks": [section(block_id="a"), section(block_id="a")]},
        {"blocks": [section(block_id="a" * 256)]},
        {"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]},
        {"blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]},
        {"blocks": [{"type": "section"}]},
        {"blocks": [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}]},
        {"blocks": [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}]},
        {"blocks": [{"type": "context", "elements": []}]},
        {"blocks": [{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11}]},
        {
            "blocks": [
                {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "x" * 76}}]}
            ]
        },
        {"blocks": [{"type": "actions", "elements": []}]},
        {"blocks": [{"type": "image", "image_url": "http://x"}]},
        {"blocks": [{"type": "markdown", "text": "x" * 12_001}]},
        {"blocks": [{"type": "table", "rows": []}]},
        {"blocks": [{"type": "unheard_of"}]},
        {"blocks": [7]},
        {"text": "x", "metadata": {"event_type": "e"}},
    ],
)
def test_each_limit_of_slacks_is_kept(message: dict[str, Any]) -> None:
    assert problems_of_message(message)


def test_the_real_client_meets_slacks_errors() -> None:
    with LocalSlack() as slack:
        client = WebClient(token=slack.workspace.bot_token, base_url=slack.api_url)
        posted = client.chat_postMessage(channel="C0MODELS", text="one")
        client.chat_update(channel="C0MODELS", ts=posted["ts"], text="two", blocks=[section("*two*")])
        assert [message.text for message in slack.answers()] == ["two"]
        assert "two" in as_text(slack.answers())
        for call, error in (
            (lambda: client.chat_postMessage(channel="C9", text="x"), "channel_not_found"),
            (lambda: client.chat_postMessage(channel="C0MODELS", text="x", blocks=[section("")]), "invalid_blocks"),
            (lambda: client.chat_update(channel="C0MODELS", ts="9.9", text="x"), "message_not_found"),
            (lambda: WebClient(token="xoxb-no", base_url=slack.api_url).auth_test(), "invalid_auth"),
            (lambda: client.api_call("chat.unheardOf"), "unknown_method"),
        ):
            with pytest.raises(SlackApiError) as caught:
                call()
            assert caught.value.response["error"] == error
        slack.workspace.refuse = lambda method, arguments: 7
        with pytest.raises(SlackApiError) as limited:
            client.auth_test()
        assert limited.value.response.status_code == 429 and limited.value.response.headers["Retry-After"] == "7"


def test_a_code_block_is_shown_as_it_is_to_be_copied() -> None:
    block = section(
        "*Run* it:\n```\nserve --include *Q4_K_M* --x _y_ &amp; &lt;b&gt;\n  more\n```\nand *that* is `all`"
    )
    said = [Message("C", "1.0", "U0R1BOT", "x", [block])]
    assert "serve --include *Q4_K_M* --x _y_ & <b>\n    more\n  and that is all" in as_text(said)
    page = as_page(said)
    assert "<pre>serve --include *Q4_K_M* --x _y_ &amp; &lt;b&gt;\n  more</pre>and <b>that</b>" in page


def test_metadata_finds_a_message_again() -> None:
    with LocalSlack() as slack:
        client = WebClient(token=slack.workspace.bot_token, base_url=slack.api_url)
        for number in range(7):
            client.chat_postMessage(
                channel="C0MODELS",
                text="x",
                metadata={"event_type": "r1_job", "event_payload": {"job_id": f"j{number}"}},
            )
        found, cursor = [], None
        while True:
            page = client.conversations_history(channel="C0MODELS", include_all_metadata=True, limit=3, cursor=cursor)
            found += [message["metadata"]["event_payload"]["job_id"] for message in page["messages"]]
            cursor = page["response_metadata"]["next_cursor"]
            if not cursor:
                break
        assert found == [f"j{number}" for number in range(6, -1, -1)]
        assert "metadata" not in client.conversations_history(channel="C0MODELS")["messages"][0]
