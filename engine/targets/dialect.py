"""How each kind of server is asked and answers: OpenAI's chat and completions, and Ollama's own API.

Sources: OpenAI API reference; the documentations of vLLM, SGLang, llama.cpp's server, TGI, DeepSeek's API
(`reasoning_content`) and Ollama (`/api/chat`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from engine.errors import R1Error, TargetError
from engine.targets import sane
from engine.targets.endpoint import Ask, Endpoint, Reply
from engine.targets.wire import Response

Event = Mapping[str, Any]
_POSITIONS, _ALTERNATIVES, _NAME = 4_000, 64, 200
"""Most positions with logprobs, alternatives at each, and characters of a model's name that are kept."""
_MORE = "alternatives>"
_NUMBER = re.compile(r"(?<![\w.])\d{1,3}(?![\w.]*\d)")


class Dialect(Protocol):
    """One way of asking.

    Attributes:
        refused: fields that the server does not take.
    """

    refused: set[str]

    def request(self, ask: Ask) -> tuple[str, dict[str, Any]]:
        """URL and body."""
        ...

    def drop(self, ask: Ask, message: str) -> bool:
        """Give up a field the server complained of; ``False`` when nothing is left to give up."""
        ...

    def reply(self, ask: Ask, response: Response) -> Reply:
        """What a successful response says."""
        ...


def dialect_of(endpoint: Endpoint) -> Dialect:
    """The dialect an endpoint speaks."""
    return _Ollama(endpoint) if endpoint.api == "ollama" else _OpenAI(endpoint)


class _OpenAI:
    """OpenAI-compatible. Optional fields are given up one by one as the server refuses them."""

    _OPTIONAL = ("stream_options", "top_logprobs", "logprobs", "logit_bias", "temperature", "stream", "max_tokens")

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.refused: set[str] = set()
        self.taken: set[tuple[bool, str]] = set()

    def request(self, ask: Ask) -> tuple[str, dict[str, Any]]:
        body: dict[str, Any] = {"model": self.endpoint.model, "temperature": ask.temperature, "stream": True,
                                "stream_options": {"include_usage": True}, "max_tokens": ask.max_tokens}  # fmt: skip
        if ask.raw:
            body["prompt"] = ask.prompt
            body |= {"logprobs": self._most(ask)} if ask.logprobs else {}
        else:
            body["messages"] = [{"role": "user", "content": ask.prompt}]
            body |= {"logprobs": True, "top_logprobs": self._most(ask)} if ask.logprobs else {}
        body |= ask.options
        if "max_tokens" in self.refused:
            body["max_completion_tokens"] = ask.max_tokens
        kept = {name: value for name, value in body.items() if name not in self.refused}
        if not kept.get("stream"):
            kept.pop("stream_options", None)
        return self.endpoint.url + ("/completions" if ask.raw else "/chat/completions"), kept

    def drop(self, ask: Ask, message: str) -> bool:
        body = self.request(ask)[1]
        # What was taken before is not what the server complains of: a text may be too long for it.
        sent = [name for name in self._OPTIONAL if name in body and (ask.raw, name) not in self.taken]
        named = [name for name in sent if name in message]
        if "logprobs" in message and named and (fewer := self._fewer(ask, message)):
            self.refused.add(f"{_MORE}{fewer}")
            return True
        if not sent or (not named and (sent[0] in ("stream", "max_tokens") or ask.raw)):
            return False
        self.refused.update(named[:1] or sent[:1])
        return True

    def _most(self, ask: Ask) -> int:
        """How many alternatives to ask for: vendors allow 5, 8, 10 or 20."""
        allowed = [int(name.removeprefix(_MORE)) for name in self.refused if name.startswith(_MORE)]
        return min([ask.logprobs, *allowed])

    def _fewer(self, ask: Ask, message: str) -> int:
        """The number of alternatives that a complaint allows; 0 where it says none."""
        asked = self._most(ask)
        return max((number for number in map(int, _NUMBER.findall(message)) if 1 < number < asked), default=0)

    def reply(self, ask: Ask, response: Response) -> Reply:
        host, said = host_of(self.endpoint), _Said()
        for seconds, event in _server_sent(response, host):
            said.take(event, host, seconds)
        if not said.events:
            said.take(_object(response.body, host), host, None)
        if not said.choices:
            raise TargetError("endpoint_not_json", host=host, problem="no choices")
        self.taken.update((ask.raw, name) for name in self.request(ask)[1])
        return said.reply(ask, response)


class _Ollama:
    """Ollama's `/api/chat` and `/api/generate`: newline-separated JSON, counts in the last line."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.refused: set[str] = set()

    def request(self, ask: Ask) -> tuple[str, dict[str, Any]]:
        options = {"num_predict": ask.max_tokens, "temperature": ask.temperature}
        body: dict[str, Any] = {"model": self.endpoint.model, "stream": True, "options": options}
        if ask.raw:
            return f"{self.endpoint.url}/api/generate", {**body, "prompt": ask.prompt, "raw": True}
        return f"{self.endpoint.url}/api/chat", {**body, "messages": [{"role": "user", "content": ask.prompt}]}

    def drop(self, ask: Ask, message: str) -> bool:
        return False

    def reply(self, ask: Ask, response: Response) -> Reply:
        host, said = host_of(self.endpoint), _Said()
        last: Event = {}
        for seconds, line in response.lines():
            last = _object(line, host)
            _refuse_error(last, host)
            message = last.get("message")
            message = message if isinstance(message, Mapping) else {"content": last.get("response")}
            said.add(message.get("thinking"), message.get("content"), seconds)
        if "model" not in last and "done" not in last:
            raise TargetError("endpoint_not_json", host=host, problem="no chat response")
        said.model, said.finish = sane.text(last.get("model"), _NAME), sane.text(last.get("done_reason"), _NAME)
        said.usage = {
            "prompt_tokens": last.get("prompt_eval_count"),
            "completion_tokens": last.get("eval_count"),
        }
        return said.reply(ask, response)


@dataclass(slots=True)
class _Said:
    """A reply as it comes together from events."""

    events: int = 0
    choices: bool = False
    thoughts: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    alternatives: list[dict[str, float]] = field(default_factory=list)
    usage: Mapping[str, Any] = field(default_factory=dict)
    finish: str = ""
    model: str = ""
    fingerprint: str = ""

    def take(self, event: Event, host: str, seconds: float | None) -> None:
        """One chunk of a stream, or a whole response (``seconds`` is ``None``)."""
        self.events += 1
        if "choices" not in event:
            _refuse_error(event, host)
        self.usage = event["usage"] if isinstance(event.get("usage"), Mapping) else self.usage
        self.model = sane.text(event.get("model"), _NAME) or self.model
        self.fingerprint = sane.text(event.get("system_fingerprint"), _NAME) or self.fingerprint
        choices = event.get("choices")
        if not isinstance(choices, list):
            return
        self.choices = True
        choice = choices[0] if choices and isinstance(choices[0], Mapping) else {}
        message = choice.get("delta") or choice.get("message") or {"content": choice.get("text")}
        if isinstance(message, Mapping):
            self.add(message.get("reasoning_content") or message.get("reasoning"), message.get("content"), seconds)
        self.finish = sane.text(choice.get("finish_reason"), _NAME) or self.finish
        _read_logprobs(choice.get("logprobs"), self.tokens, self.alternatives)

    def add(self, thought: Any, said: Any, seconds: float | None) -> None:
        for value, kept in ((thought, self.thoughts), (said, self.words)):
            if isinstance(value, str) and value:
                kept.append(value)
                if seconds is not None:
                    self.pieces.append(sane.text(value))
                    self.times.append(seconds)

    def reply(self, ask: Ask, response: Response) -> Reply:
        return Reply(
            ask=ask.id, prompt=ask.prompt, max_tokens=ask.max_tokens,
            text=sane.text("".join(self.words)), reasoning=sane.text("".join(self.thoughts)),
            pieces=tuple(self.pieces), times=tuple(self.times), finish=self.finish or None,
            prompt_tokens=sane.count(self.usage.get("prompt_tokens")),
            completion_tokens=sane.count(self.usage.get("completion_tokens")),
            model=self.model, fingerprint=self.fingerprint,
            tokens=tuple(self.tokens), alternatives=tuple(self.alternatives), seconds=response.seconds,
        )  # fmt: skip


def _server_sent(response: Response, host: str) -> Iterator[tuple[float, Event]]:
    """The JSON of each `data:` line."""
    for seconds, line in response.lines():
        if line.startswith(b"data:"):
            data = line[5:].strip()
            if data and data != b"[DONE]":
                yield seconds, _object(data, host)


def _refuse_error(event: Event, host: str) -> None:
    """Gateways report failures of what stands behind them with status 200."""
    if event.get("error"):
        raise TargetError("endpoint_status", host=host, status=200, problem=message_of(event)[:160] or "-")


def message_of(document: Any) -> str:
    """What an error response says, from any of the shapes in use; empty where it says nothing readable."""
    field = ""
    for key in ("error", "message", "detail", "msg"):
        document = document[0] if isinstance(document, list) and document else document
        if isinstance(document, Mapping) and key in document:
            where = document.get("loc")  # FastAPI names the field beside the complaint
            field = f"{sane.text(where[-1])}: " if isinstance(where, list) and where else field
            document = document[key]
    return (field + sane.text(document))[:400].rstrip(" .。")


def _read_logprobs(found: Any, tokens: list[str], alternatives: list[dict[str, float]]) -> None:
    """Both shapes: a list of positions (chat, and all of llama.cpp), and completions' parallel lists."""
    if not isinstance(found, Mapping):
        return
    positions, names, tops = found.get("content"), found.get("tokens"), found.get("top_logprobs")
    if isinstance(positions, list):
        for position in positions[: max(0, _POSITIONS - len(tokens))]:
            if isinstance(position, Mapping) and isinstance(position.get("token"), str):
                top = position.get("top_logprobs")
                entries = top[:_ALTERNATIVES] if isinstance(top, list) else []
                pairs = [(_token_text(entry), entry.get("logprob")) for entry in entries if isinstance(entry, Mapping)]
                tokens.append(_token_text(position))
                alternatives.append(_finite(pairs))
    elif isinstance(names, list):
        tops = tops if isinstance(tops, list) else []
        for index, name in enumerate(names[: max(0, _POSITIONS - len(tokens))]):
            top = tops[index] if index < len(tops) and isinstance(tops[index], Mapping) else {}
            tokens.append(sane.text(name))
            alternatives.append(
                _finite([(sane.text(name), value) for name, value in list(top.items())[:_ALTERNATIVES]])
            )


def _finite(pairs: list[tuple[str, Any]]) -> dict[str, float]:
    found = {name: sane.logprob(value) for name, value in pairs}
    return {name: value for name, value in found.items() if value is not None}


def _token_text(entry: Mapping[str, Any]) -> str:
    """A token's own bytes where the server gives them: its text may hold a stand-in for half a character."""
    data = entry.get("bytes")
    if isinstance(data, list) and data and all(isinstance(byte, int) and 0 <= byte < 256 for byte in data):
        return bytes(data).decode("utf-8", "surrogateescape")
    return sane.text(entry.get("token"))


def _object(data: bytes, host: str) -> Event:
    try:
        value = sane.parse(data)
    except R1Error as error:
        problem = "no JSON" if error.code == "json_invalid" else "JSON without end"
        raise TargetError("endpoint_not_json", host=host, problem=problem) from error
    if not isinstance(value, Mapping):
        raise TargetError("endpoint_not_json", host=host, problem="no object")
    return value


def host_of(endpoint: Endpoint) -> str:
    """The endpoint's host, as sentences name it."""
    return urlsplit(endpoint.url).hostname or "?"
