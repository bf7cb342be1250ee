"""Keys pasted into a message are refused and never kept; questions never are."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import parse
from bot.pasted import holds_secret
from bot.slack.accepting import read
from engine.errors import UsageError

HEX = "0123456789abcdef0123456789abcdef"
SECRETS = [
    "my key is sk-abcdefghijklmnop1234",
    f"DeepSeek的sk-{HEX}能用吗",
    "sk-proj-abcdEFGH1234_abcdEFGH1234abcdEFGH",
    f"sk-or-v1-{HEX}{HEX}",
    "sk-ant-api03-AbCdEfGhIjKlMnOp1234-56_78",
    "hf_abcdefghijklmnopqrstu",
    "xoxb-1234567890-abcdef",
    "gsk_abcdefghijklmnopqrst1234",
    "AIzaSyA-1234567890abcdefghijklmnopqrst",
    "AKIAIOSFODNN7EXAMPLE",
    "Authorization: Bearer abc123def456",
    "curl -H 'Authorization: Bearer eyJhbGciOiJI.eyJzdWIiOiIxMjM0.c2ln' https://host/v1",
    "bearer 9f8e7d6c5b4a",
    "Basic dXNlcjpwYXNzd29yZA==",
    "api_key=9f8e7d6c5b4a",
    '{"api_key": "9f8e7d6c5b4a"}',
    "apikey：9f8e7d6c5b4a",
    "x-api-key: 12345678abcd",
    "https://host/v1?api_key=abc12345",
    "password: hunter2222",
    "密码是hunter2222",
    f"key {HEX}",
    f"密钥是{HEX}",
    "密钥 aB3dE5gH7jK9mN1pQ3sT",
    "令牌：aB3dE5gH7jK9mN1pQ3sT",
    "token: aB3dE5gH7jK9mN1pQ3sT5",
    "identify https://user:pass@host/v1#m",
    "identify <https://user:pass@host/v1#m>",
    "identify https://9f8e7d6c5b4a@host/v1",
    "postgresql://bot:pw@db/r1",
    "`sk-abcdefghijklmnop1234`",
    "identify org/x --scenario “api_key=9f8e7d6c5b4a”",
    "sk-abcdefgh\u200bijklmnop1234",
    "x " * 4000 + "sk-abcdefghijklmnop1234",
]
QUESTIONS = [
    "identify deepseek-ai/DeepSeek-R1@56d4cbbb4d29f4355bab4b9a39ccb717a14ad5ad",
    "identify unsloth/DeepSeek-R1-Distill-Qwen-32B-GGUF:Q4_K_M",
    f"identify ~/.ollama/models/blobs/sha256-{HEX}{HEX}",
    f"identify /data/{HEX}/model-00001-of-000163.safetensors",
    f"identify /home/me/.cache/huggingface/hub/models--org--x/snapshots/{HEX}01234567",
    "identify https://huggingface.co/deepseek-ai/DeepSeek-R1/tree/main",
    "identify https://api.vendor.example:8443/v1#deepseek-r1-0528",
    "identify <https://api.vendor.example/v1#deepseek-r1|api.vendor.example/v1#deepseek-r1>",
    "identify /models/sk-learn-model/x.gguf",
    "sk-learn-random-forest-model-2024",
    "task-abcdefghijklmnop1234",
    "what is the key difference between R1 and V3?",
    "what is the key: quality or latency?",
    "max_tokens=4096, is that enough?",
    "the first token takes 500ms, context 128000",
    "token id 128011 and token count 1234567890",
    "which tokenizer key deepseek-r1-distill-qwen-7b-q4_k_m?",
    "key: deepseek-ai/DeepSeek-R1-Distill-Qwen-32B",
    "Does the endpoint need bearer authentication?",
    "Is an api key required? Authorization is on.",
    "api_key=YOUR_API_KEY",
    "the api key is in VENDOR_KEY",
    "api key: https://docs.vendor.example/2024/keys-0001",
    "the secret is documentation; the password is written down",
    "密钥放在哪里？令牌长度 32768，密钥是必须的吗",
    "这个接口的密钥在 VENDOR_API_KEY 里",
    "recommend for bearer bonds and basic research",
    "who@example.com asked: full or distilled?",
]


@pytest.mark.parametrize("text", SECRETS)
def test_a_pasted_secret_is_refused_and_not_kept(text: str) -> None:
    request = read(text, "en")
    assert request.verb == "refused" and request.refusal is not None
    assert request.refusal[0] == "secret_pasted" and not request.refusal[1]
    assert request.text.startswith("(removed")
    sentence = UsageError(request.refusal[0]).sentence(request.lang)
    assert "delete" in sentence or "删除" in sentence


@pytest.mark.parametrize("text", QUESTIONS)
def test_a_question_is_none(text: str) -> None:
    assert not holds_secret(text)
    assert parse(text).verb != "refused"


def test_the_refusal_is_in_the_language_of_the_message() -> None:
    assert read("我的密钥是sk-abcdefghijklmnop1234", "en").lang == "zh"


@pytest.mark.parametrize("text", ["sk-" + "a-" * 20_000, "key " * 10_000, "http://" + "a" * 40_000, "eyJ" * 15_000])
def test_long_messages_take_no_time(text: str) -> None:
    started = time.perf_counter()
    holds_secret(text)
    assert time.perf_counter() - started < 0.5


@given(st.text(alphabet="0123456789abcdef", min_size=40, max_size=40))
def test_no_commit_is_a_key(commit: str) -> None:
    assert not holds_secret(f"identify deepseek-ai/DeepSeek-R1@{commit}")


@given(st.text(alphabet="ABCDEFGHJKMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789", min_size=24, max_size=60))
def test_every_key_after_its_name_is_one(key: str) -> None:
    assert holds_secret(f"api_key={key}") and holds_secret(f"sk-{key}") and holds_secret(f"sk-proj-{key}")
