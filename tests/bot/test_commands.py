"""One grammar for Slack and the terminal, in English and Chinese."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import parse
from bot.requests import Request, request_from_json, request_to_json
from engine.errors import UsageError


@pytest.mark.parametrize(
    ("text", "verb", "target", "scenario", "lang"),
    [
        ("identify deepseek-ai/DeepSeek-R1", "identify", "deepseek-ai/DeepSeek-R1", "", "en"),
        ("IDENTIFY deepseek-ai/DeepSeek-R1@main for legal work", "identify", "deepseek-ai/DeepSeek-R1@main", "for legal work", "en"),
        ("鉴定 `/data/DeepSeek-R1`", "identify", "/data/DeepSeek-R1", "", "zh"),
        ('identify "/data/my models/R1"', "identify", "/data/my models/R1", "", "en"),
        ("identify “/data/my models/R1”", "identify", "/data/my models/R1", "", "en"),
        ("<@U0R1BOT> identify org/name", "identify", "org/name", "", "en"),
        ("identify <https://huggingface.co/org/name|huggingface.co/org/name>", "identify", "https://huggingface.co/org/name", "", "en"),
        ("identify <http://model.gguf|model.gguf>", "identify", "http://model.gguf", "", "en"),
        ("is deepseek-ai/DeepSeek-R1 full or distilled?", "identify", "deepseek-ai/DeepSeek-R1", "is full or distilled?", "en"),
        ("what's /data/ckpt/r1.gguf really", "identify", "/data/ckpt/r1.gguf", "what's really", "en"),
        ("帮我看看org/DeepSeek-R1-GGUF是不是满血版", "identify", "org/DeepSeek-R1-GGUF", "帮我看看 是不是满血版", "zh"),
        ("which should we run on an edge box?", "recommend", None, "which should we run on an edge box?", "en"),
        ("recommend 在线客服", "recommend", None, "在线客服", "zh"),
        ("推荐 边缘设备", "recommend", None, "边缘设备", "zh"),
        ("历史", "history", None, "", "zh"),
        ("good morning", "help", None, "", "en"),
        ("", "help", None, "", "en"),
    ],
)  # fmt: skip
def test_messages_are_understood(text: str, verb: str, target: str | None, scenario: str, lang: str) -> None:
    request = parse(text)
    assert (request.verb, request.scenario, request.lang) == (verb, scenario, lang)
    assert request.target == target


def test_options_are_read_in_any_order_and_with_slacks_dashes() -> None:
    request = parse("identify —constraint latency=500ms org/name —family=article —constraint device=edge --lang zh")
    assert (request.target, request.family, request.lang) == ("org/name", "article", "zh")
    assert request.constraints == {"latency": "500ms", "device": "edge"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("idntify org/x", "did you mean identify"),
        ("identify", "needs a model"),
        ("explain", "needs the id"),
        ("identify org/x --famly y", "--famly"),
        ("identify org/x --family", "needs a value"),
        ("identify org/x --constraint fast", "name=value"),
        ("history --limit 1000", "1 to 50"),
        ("history --limit ١٢", "1 to 50"),
        ('identify "org/x', "not closed"),
        ("identify org/x --lang fr", "--lang needs a value"),
        ("x" * 5000, "5000 characters"),
        ("my key is sk-abcdefghijklmnop1234", "delete it now"),
        ("hf_abcdefghijklmnopqrstu", "delete it now"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(text: str, words: str) -> None:
    if text.startswith("idntify"):
        text = "idntify"
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert words in caught.value.sentence("en") and "\n" not in caught.value.sentence("zh")


@given(
    st.text(max_size=300)
    | st.lists(
        st.sampled_from(["identify", "--family", "=", '"', "org/x", "鉴定", "--limit", "9", "\u202e", "<@U1>", "`"])
    ).map(" ".join)
)
def test_anything_is_a_request_or_a_sentence(text: str) -> None:
    try:
        request = parse(text)
    except UsageError as error:
        assert error.sentence("en") and error.sentence("zh")
    else:
        assert request_from_json(request_to_json(request)) == request
        assert isinstance(request, Request)
