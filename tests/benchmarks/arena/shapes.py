"""Replies in the JSON of each API: OpenAI's chat and completions, streamed or whole, and Ollama's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from arena.backend import Part
from arena.gateway import Reply
from arena.odds import Position
from arena.stacks import Stack
from arena.vocabulary import Vocabulary, vocabulary

_CREATED = 1_764_000_000
_DONE = b"data: [DONE]\n\n"
Json = dict[str, Any]


def usage(reply: Reply) -> Json | None:
    """The counts, where they are told."""
    if reply.prompt_tokens is None or reply.completion_tokens is None:
        return None
    return {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "total_tokens": reply.prompt_tokens + reply.completion_tokens,
    }


def chat(reply: Reply, stack: Stack, name: str, number: int) -> Json:
    """A whole chat completion."""
    thought, said = (_text(reply, of) for of in (True, False))
    message: Json = {"role": "assistant", "content": said}
    if thought:
        message[stack.thoughts] = thought
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish}
    if reply.odds is not None:
        choice["logprobs"] = {"content": _content(reply, reply.odds)}
    return {**_head("chat.completion", name, number), "choices": [choice], **_with_usage(reply)}


def chat_events(reply: Reply, stack: Stack, name: str, number: int, *, counts: bool) -> Iterator[bytes]:
    """The same as server-sent events."""
    head = _head("chat.completion.chunk", name, number)

    def event(delta: Json, finish: str | None = None, odds: Any = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": odds, "finish_reason": finish}
        return b"data: " + orjson.dumps({**head, "choices": [choice]}) + b"\n\n"

    yield event({"role": "assistant", "content": ""})
    for part, positions in _alongside(reply):
        delta = {stack.thoughts if part.thought else "content": part.text}
        yield event(delta, odds={"content": _content(reply, positions)} if positions else None)
    yield event({}, reply.finish)
    found = usage(reply) if counts else None
    if found:
        yield b"data: " + orjson.dumps({**head, "choices": [], "usage": found}) + b"\n\n"
    yield _DONE


def completion(reply: Reply, name: str, number: int, echoed: str = "") -> Json:
    """A whole completion of a raw prompt."""
    choice: Json = {
        "index": 0,
        "text": echoed + "".join(part.text for part in reply.parts),
        "logprobs": None,
        "finish_reason": reply.finish,
    }
    if reply.odds is not None:
        choice["logprobs"] = _lists(reply, reply.odds)
    return {**_head("text_completion", name, number), "choices": [choice], **_with_usage(reply)}


def completion_events(reply: Reply, name: str, number: int, *, counts: bool, echoed: str = "") -> Iterator[bytes]:
    """The same as server-sent events."""
    head = _head("text_completion", name, number)

    def event(text: str, finish: str | None = None, odds: Any = None) -> bytes:
        choice = {"index": 0, "text": text, "logprobs": odds, "finish_reason": finish}
        return b"data: " + orjson.dumps({**head, "choices": [choice]}) + b"\n\n"

    if echoed:
        yield event(echoed)
    for part, positions in _alongside(reply):
        yield event(part.text, odds=_lists(reply, positions) if positions else None)
    yield event("", reply.finish)
    found = usage(reply) if counts else None
    if found:
        yield b"data: " + orjson.dumps({**head, "choices": [], "usage": found}) + b"\n\n"
    yield _DONE


def ollama_lines(reply: Reply, stack: Stack, name: str, *, raw: bool, stream: bool) -> Iterator[bytes]:
    """Ollama's newline-separated JSON; one line when not streamed."""
    parts = reply.parts if stream else ()
    for part in parts:
        yield _ollama_line(name, part, stack, raw=raw) + b"\n"
    last: Json = orjson.loads(_ollama_line(name, Part(False, "" if stream else _text(reply, False)), stack, raw=raw))
    if not stream and not raw and (thought := _text(reply, True)):
        last["message"]["thinking"] = thought
    last |= {"done": True, "done_reason": reply.finish}
    if found := usage(reply):
        last |= {"prompt_eval_count": found["prompt_tokens"], "eval_count": found["completion_tokens"]}
    yield orjson.dumps(last) + b"\n"


def _ollama_line(name: str, part: Part, stack: Stack, *, raw: bool) -> bytes:
    head: Json = {"model": name, "created_at": "2025-11-24T12:00:00Z", "done": False}
    if raw:
        return orjson.dumps({**head, "response": part.text})
    message: Json = {"role": "assistant", "content": "" if part.thought else part.text}
    if part.thought:
        message["thinking"] = part.text
    return orjson.dumps({**head, "message": message})


def _head(kind: str, name: str, number: int) -> Json:
    prefix = "cmpl" if kind == "text_completion" else "chatcmpl"
    return {"id": f"{prefix}-{number:016x}", "object": kind, "created": _CREATED + number, "model": name}


def _with_usage(reply: Reply) -> Json:
    found = usage(reply)
    return {"usage": found} if found else {}


def _text(reply: Reply, thought: bool) -> str:
    return "".join(part.text for part in reply.parts if part.thought == thought)


def _alongside(reply: Reply) -> Iterator[tuple[Part, Sequence[Position]]]:
    """Each piece with the odds of its tokens."""
    at = 0
    for part in reply.parts:
        yield part, reply.odds[at : at + len(part.ids)] if reply.odds is not None else ()
        at += len(part.ids)


def _content(reply: Reply, positions: Sequence[Position]) -> list[Json]:
    words = vocabulary(reply.model.tokenizer)
    return [
        {**_token(words, position.chosen, position.logprob),
         "top_logprobs": [_token(words, index, value) for index, value in position.considered]}
        for position in positions
    ]  # fmt: skip


def _token(words: Vocabulary, index: int, logprob: float) -> Json:
    return {"token": words.text(index), "logprob": logprob, "bytes": list(words.data(index))}


def _lists(reply: Reply, positions: Sequence[Position]) -> Json:
    words = vocabulary(reply.model.tokenizer)
    return {
        "tokens": [words.text(position.chosen) for position in positions],
        "token_logprobs": [position.logprob for position in positions],
        "top_logprobs": [{words.text(index): value for index, value in position.considered} for position in positions],
        "text_offset": [],
    }
