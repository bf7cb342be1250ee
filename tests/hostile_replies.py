"""Attacks by what a reply says: bodies, statuses and headers, one row an attack."""

from __future__ import annotations

import gzip
import json
import time
from email.utils import formatdate
from typing import Any, NamedTuple

EVIL = (
    "<!channel> <@U123> <https://evil.example|click> *bold* `code` \u202eRTL\u202c \x1b[31mred\x1b[0m &lt;b&gt; @here"
)
"""What would ping, link, format or repaint if it were shown as it is."""


class Says(NamedTuple):
    """A response. Headers replace the server's own of the same name; an empty one is left out."""

    body: bytes
    status: str = "200 OK"
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed


def chat(message: Any = None, *, usage: Any = None, choice: dict[str, Any] | None = None, **fields: Any) -> bytes:
    """A chat completion as OpenAI documents it, but for what is given."""
    message = {"role": "assistant", "content": "Hello there."} if message is None else message
    usage = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15} if usage is None else usage
    chosen = {"index": 0, "message": message, "finish_reason": "stop", **(choice or {})}
    whole = {"id": "1", "object": "chat.completion", "model": "m", "choices": [chosen], "usage": usage, **fields}
    return json.dumps(whole).encode()


def raw_usage(number: str) -> bytes:
    """A chat completion whose token counts are written just so."""
    return chat(usage="@").replace(b'"@"', f'{{"prompt_tokens": {number}, "completion_tokens": {number}}}'.encode())


def event_stream(events: list[Any], *, done: bool = True) -> bytes:
    """Events as OpenAI streams them."""
    lines = [f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n" for event in events]
    return "".join([*lines, "data: [DONE]\n\n" if done else ""]).encode()


def delta(content: Any, **choice: Any) -> dict[str, Any]:
    """One event of a stream."""
    return {"id": "1", "model": "m", "choices": [{"index": 0, "delta": {"content": content}, **choice}]}


def streamed(*events: Any) -> Says:
    return Says(event_stream(list(events)), headers={"Content_Type": "text/event-stream"})


def refused(status: str, body: bytes = b"", **headers: str) -> Says:
    return Says(body, status, headers)


def positions(count: int, **fields: Any) -> dict[str, Any]:
    """Logprobs of a chat completion."""
    position = {"token": "a", "logprob": -0.1, "bytes": [97], "top_logprobs": [{"token": "a", "logprob": -0.1}]}
    return {"logprobs": {"content": [{**position, **fields}] * count}}


CHAT = chat()
_ERROR = json.dumps({"error": {"message": EVIL, "type": "x"}}).encode()
_MODELS = {"object": "list", "data": [{"id": EVIL, "object": "model", "owned_by": EVIL, "max_model_len": -1}]}

# Well-formed HTTP that no model server would send.
HTTP = {
    "not_found": refused("404 Not Found", b'{"detail": "Not Found"}'),
    "redirect_to_a_file": refused("302 Found", Location="file:///etc/passwd"),
    "redirect_to_the_cloud": refused("308 Permanent Redirect", Location="http://169.254.169.254/latest/meta-data/"),
    "redirect_with_marks": refused("302 Found", Location="https://evil.example/<!channel>|click>*b*\t\x1b[31m"),
    "redirect_nowhere": refused("302 Found"),
    "busy_for_ever": refused("429 Too Many Requests", _ERROR, Retry_After="1000000000"),
    "busy_until_next_year": refused("429 Too Many", Retry_After=formatdate(time.time() + 3e7, usegmt=True)),
    "busy_until_yesterday": refused("429 Too Many", Retry_After=formatdate(time.time() - 9e4, usegmt=True)),
    "busy_by_less_than_nothing": refused("429 Too Many", Retry_After="-1000"),
    "busy_by_nonsense": refused("503 Busy", Retry_After="<!channel>" + "9" * 5000),
    "failing_for_ever": refused("502 Bad Gateway", b"<html><h1>502</h1></html>", Content_Type="text/html"),
    "crashing": refused("500 Internal Server Error", b"Internal Server Error", Content_Type="text/plain"),
    "teapot": refused("418 " + "I" * 500, _ERROR),
    "error_with_marks": refused("400 Bad Request", _ERROR),
    "error_nested_deep": refused("400 Bad Request", b'{"error": ' + b"[" * 1000 + b"]" * 1000 + b"}"),
    "complains_of_everything": refused("422 No", b"stream_options top_logprobs logprobs temperature stream max_tokens"),
    "key_refused": refused("401 Unauthorized", _ERROR),
    "header_of_a_megabyte": Says(CHAT, headers={"X_Large": "h" * 1_000_000}),
    "headers_by_the_thousand": Says(CHAT, headers={f"h{number}": "v" for number in range(10_000)}),
    "headers_with_marks": Says(CHAT, headers={"Server": "<!channel> *x*", "X_Model": "<https://e.example|c>\x1b[1m"}),
    "too_long_content_length": Says(CHAT, headers={"Content_Length": str(len(CHAT) + 1000)}),
    "too_short_content_length": Says(CHAT, headers={"Content_Length": str(len(CHAT) // 2)}),
    "negative_content_length": Says(CHAT, headers={"Content_Length": "-5"}),
    "two_content_lengths": Says(CHAT, headers={"Content_Length": "5", "Content_length": "7"}),
    "nested_gzip": Says(gzip.compress(gzip.compress(bytes(50_000_000))), headers={"Content_Encoding": "gzip"}),
    "gzip_twice": Says(gzip.compress(gzip.compress(CHAT)), headers={"Content_Encoding": "gzip, gzip"}),
    "gzip_cut_short": Says(gzip.compress(CHAT)[:40], headers={"Content_Encoding": "gzip"}),
    "called_gzip": Says(CHAT, headers={"Content_Encoding": "gzip"}),
    "called_brotli": Says(CHAT, headers={"Content_Encoding": "br"}),
    "called_marks": Says(CHAT, headers={"Content_Encoding": "<!channel>"}),
}

# JSON that is none, or far too much of it.
JSON = {
    "html": Says(b"<!DOCTYPE html><title>Sign in</title>", headers={"Content_Type": "text/html"}),
    "xml": Says(b"<?xml version='1.0'?><a>&b;</a>", headers={"Content_Type": "application/xml"}),
    "empty": Says(b""),
    "no_content": refused("204 No Content", Content_Length=""),
    "null": Says(b"null"),
    "list": Says(b"[1, 2]"),
    "nested_deep": Says(b'{"choices": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "nested_within_bounds": Says(b'{"choices": ' + b"[" * 1000 + b"]" * 1000 + b"}"),
    "ten_million_brackets": Says(b'{"choices": [' + b"[]," * 5_000_000 + b"[]]}"),
    "a_million_objects": Says(b'{"choices": [' + b"{}," * 1_000_000 + b"{}]}"),
    "a_million_strings": Says(b'{"choices": [' + b'"a",' * 900_000 + b'""]}'),
    "invalid_utf8": Says(CHAT.replace(b"Hello", b"\xff\xfe\xc0\x80")),
    "lone_surrogates": Says(CHAT.replace(b"Hello", b"\\ud800 \\udfff x")),
    "nul_bytes": Says(CHAT.replace(b"Hello", b"\\u0000\\u0000")),
    "raw_nul_bytes": Says(CHAT.replace(b"Hello", b"\0\0")),
    "twice_the_same_key": Says(b'{"choices": 1, ' + CHAT[1:]),
    "cut_short": Says(CHAT[:-20]),
}

# Counts and logprobs that are no such thing.
NUMBERS = {
    "usage_of_4000_digits": Says(raw_usage("9" * 4_000)),
    "usage_of_10000_digits": Says(raw_usage("9" * 10_000)),
    "usage_infinite": Says(raw_usage("1e999")),
    "usage_nan": Says(raw_usage("NaN")),
    "usage_negative": Says(raw_usage("-7")),
    "usage_string": Says(raw_usage('"12"')),
    "usage_of_trillions": Says(raw_usage("999999999999")),
    "usage_true": Says(raw_usage("true")),
    "usage_list": Says(chat(usage=[1, 2])),
    "logprobs_string": Says(chat(choice={"logprobs": "high"})),
    "logprobs_numbers": Says(chat(choice={"logprobs": {"content": [1, None, "x"], "tokens": 5}})),
    "logprob_of_4000_digits": Says(chat(choice=positions(1, top_logprobs=[{"token": "a", "logprob": 10**4000}]))),
    "logprob_positive": Says(chat(choice=positions(1, top_logprobs=[{"token": "a", "logprob": 5.0}]))),
    "logprob_nan": Says(chat(choice=positions(1, top_logprobs=[{"token": "a", "logprob": float("nan")}]))),
    "logprob_surrogates": Says(chat(choice=positions(3, token="\ud800", bytes=[255, 200]))),
    "token_arrays": Says(chat(choice=positions(20_000))),
    "token_lists": Says(chat(choice={"text": "a", "logprobs": {"tokens": ["a"] * 99_999, "top_logprobs": [7, {}]}})),
    "bytes_of_a_token": Says(chat(choice=positions(1, bytes=list(range(-5, 300)) * 500))),
}

# The right keys with the wrong types, and text that would do harm.
TYPES = {
    "choices_dict": Says(chat(choices={"0": {}})),
    "choices_string": Says(chat(choices="hello")),
    "choices_empty": Says(chat(choices=[])),
    "choices_null": Says(chat(choices=[None, 5])),
    "message_string": Says(chat("hello")),
    "content_list": Says(chat({"content": [{"type": "text", "text": "hi"}]})),
    "content_number": Says(chat({"content": 5, "reasoning_content": {"a": 1}})),
    "content_null": Says(chat({"content": None})),
    "model_list": Says(chat(model=[EVIL], system_fingerprint={"a": EVIL})),
    "text_with_marks": Says(chat({"content": EVIL}, model=EVIL, system_fingerprint=EVIL, choice={"finish_reason": EVIL})),
    "models_with_marks": Says(json.dumps({**_MODELS, **json.loads(chat({"content": EVIL}))}).encode()),
    "model_of_a_megabyte": Says(chat(model="m" * 1_000_000)),
    "error_with_200": Says(_ERROR),
    "error_string_with_200": Says(json.dumps({"error": EVIL}).encode()),
    "error_number_with_200": Says(b'{"error": 5}'),
    "error_null_with_200": Says(b'{"error": null}'),
    "stream_of_wrong_types": streamed(delta(5), delta([1]), {"choices": [{"delta": "x"}]}, {"choices": {"a": 1}}, delta("end")),
    "stream_of_no_objects": streamed("5", "[]"),
    "stream_of_no_json": streamed("hello", "<!channel>"),
    "stream_with_error": streamed(delta("Hel"), {"error": {"message": EVIL}}),
    "stream_with_halves": streamed(delta("\ud83d"), delta("\ude00"), delta("\udc00")),
    "stream_with_marks": streamed(delta(EVIL), delta("", finish_reason=EVIL)),
    "stream_cut_short": Says(event_stream([delta("Hello")], done=False)[:-9], headers={"Content_Type": "text/event-stream"}),
    "stream_of_comments": Says(b": hi\n\n" * 1000, headers={"Content_Type": "text/event-stream"}),
    "stream_called_json": Says(event_stream([delta("Hello")])),
    "ollama_lines": Says(b'{"message": {"content": "hi"}}\n{"message": 5, "done": true}\n'),
    "honest": Says(CHAT),
    "honest_stream": streamed(delta("Hello"), delta(" there."), delta("", finish_reason="stop")),
}  # fmt: skip
REPLIES: dict[str, Says] = {**HTTP, **JSON, **NUMBERS, **TYPES}
