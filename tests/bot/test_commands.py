"""One grammar for Slack and the terminal, in English and Chinese."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import parse, parse_words
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
        ("is deepseek-ai/DeepSeek-R1 full or distilled?", "identify", "deepseek-ai/DeepSeek-R1", "", "en"),
        ("what's /data/ckpt/r1.gguf really", "identify", "/data/ckpt/r1.gguf", "", "en"),
        ("帮我看看org/DeepSeek-R1-GGUF是不是满血版", "identify", "org/DeepSeek-R1-GGUF", "", "zh"),
        ("which should we run on an edge box?", "recommend", None, "which should we run on an edge box?", "en"),
        ("recommend 在线客服", "recommend", None, "在线客服", "zh"),
        ("推荐 边缘设备", "recommend", None, "边缘设备", "zh"),
        ("选型 8×H20，合同审阅", "recommend", None, "8×H20，合同审阅", "zh"),
        ("full R1 or a distill for 2×4090?", "recommend", None, "full R1 or a distill for 2×4090?", "en"),
        ("满血还是蒸馏？", "recommend", None, "满血还是蒸馏？", "zh"),
        ("我们有两张 3090，想做代码助手", "recommend", None, "我们有两张 3090，想做代码助手", "zh"),
        ("an H100 at $5/hour and 20 tokens/s", "recommend", None, "an H100 at $5/hour and 20 tokens/s", "en"),
        ("does R1 fit on 8×H20?", "size", "deepseek-r1:671b", "", "en"),
        ("8卡H20能跑满血吗", "size", "deepseek-r1:671b", "", "zh"),
        ("can a 4090 run the 32B distill?", "size", "deepseek-r1:32b", "", "en"),
        ("Mac Studio M3 Ultra 512GB 能跑满血版吗？", "size", "deepseek-r1:671b", "", "zh"),
        ("how much memory does R1 need?", "size", "deepseek-r1:671b", "", "en"),
        ("满血需要多少显存", "size", "deepseek-r1:671b", "", "zh"),
        ("which runs better on a 4090, 14B or 32B?", "recommend", None, "which runs better on a 4090, 14B or 32B?", "en"),
        ("can a distill run on 2×4090?", "recommend", None, "can a distill run on 2×4090?", "en"),
        ("does org/DeepSeek-R1 fit on 8×H20?", "size", "org/DeepSeek-R1", "", "en"),
        ("size deepseek-r1:32b 2x4090", "size", "deepseek-r1:32b", "2x4090", "en"),
        ("估算 deepseek-r1:32b 2x4090", "size", "deepseek-r1:32b", "2x4090", "zh"),
        ("规格 deepseek-r1:32b", "size", "deepseek-r1:32b", "", "zh"),
        ("历史", "history", None, "", "zh"),
        ("good morning", "other", None, "", "en"),
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


def test_common_constraints_have_options_of_their_own() -> None:
    request = parse(
        'recommend a chatbot --gpu "2x RTX 4090" --ttft=1s --context 32k —concurrency 8 --constraint tpot=50ms'
    )
    assert request.scenario == "a chatbot"
    assert request.constraints == {
        "hardware": "2x RTX 4090", "ttft": "1s", "context": "32k", "concurrency": "8", "tpot": "50ms",
    }  # fmt: skip
    assert parse("identify org/x --budget 5USD/h").constraints == {"budget": "5USD/h"}
    sized = parse("size r1 --gpu 8xH20 --quantization fp8 --context 64k")
    assert (sized.quantization, sized.constraints) == ("fp8", {"hardware": "8xH20", "context": "64k"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("identify org/x --famly y", "--famly"),
        ("identify org/x --family", "needs a value"),
        ("identify org/x --constraint fast", "name=value"),
        ("history --limit 1000", "1 to 50"),
        ("history --limit ١٢", "1 to 50"),
        ('identify "org/x', "not closed"),
        ("identify org/x --lang fr", "--lang needs a value"),
        ("recommend --ttft", "needs a value, for example 1s"),
        ("recommend --ttft 1s --constraint ttft=2s", "ttft is given twice, as 2s and as 1s"),
        ("x" * 5000, "5000 characters"),
        ("my key is sk-abcdefghijklmnop1234", "delete it now"),
        ("hf_abcdefghijklmnopqrstu", "delete it now"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert words in caught.value.sentence("en") and "\n" not in caught.value.sentence("zh")


@pytest.mark.parametrize(
    "text", ["x", "<", "<https://", "<@U", "推荐", "2x4090 ", "a/b ", "sk-", "https://", "'", "token="]
)
def test_a_message_of_ten_megabytes_is_refused_at_once(text: str) -> None:
    long = text * (10_000_000 // len(text))
    for words in (lambda: parse(long), lambda: parse_words(long.split(" "), text=long)):
        with pytest.raises(UsageError) as caught:
            words()
        assert caught.value.code == "text_too_long" and caught.value.values["length"] == len(long)


def test_a_secret_in_a_long_message_is_a_secret_all_the_same() -> None:
    with pytest.raises(UsageError, match="delete it now"):
        parse("my key is sk-abcdefghijklmnop1234" + " and more" * 1_000_000)


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
