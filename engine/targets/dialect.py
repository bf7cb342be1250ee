"""How each kind of server is asked and answers: OpenAI's chat and completions, and Ollama's own API.

Sources: OpenAI API reference; the documentations of vLLM, SGLang, llama.cpp's server, TGI, DeepSeek's API
(`reasoning_content`) and Ollama (`/api/chat`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from engine.errors import R1Error, TargetError
from engine.targets.endpoint import Ask, Endpoint, Reply
from engine.targets.source import parse_json
from engine.targets.wire import Response

Event = Mapping[str, Any]


class Dialect(Protocol):
    """One way of asking."""

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

    def request(self, ask: Ask) -> tuple[str, dict[str, Any]]:
        body: dict[str, Any] = {"model": self.endpoint.model, "temperature": ask.temperature, "stream": True,
                                "stream_options": {"include_usage": True}, "max_tokens": ask.max_tokens}  # fmt: skip
        if ask.raw:
            body["prompt"] = ask.prompt
            body |= {"logprobs": ask.logprobs} if ask.logprobs else {}
        else:
            body["messages"] = [{"role": "user", "content": ask.prompt}]
            body |= {"logprobs": True, "top_logprobs": ask.logprobs} if ask.logprobs else {}
        body |= ask.options
        if "max_tokens" in self.refused:
            body["max_completion_tokens"] = ask.max_tokens
        kept = {name: value for name, value in body.items() if name not in self.refused}
        if not kept.get("stream"):
            kept.pop("stream_options", None)
        return self.endpoint.url + ("/completions" if ask.raw else "/chat/completions"), kept

    def drop(self, ask: Ask, message: str) -> bool:
        body = self.request(ask)[1]
        sent = [name for name in self._OPTIONAL if name in body]
        named = [name for name in sent if name in message]
        # A refused logit_bias answers the ask that was about it.
        if not sent or "logit_bias" in named or (not named and (sent[0] in ("stream", "max_tokens") or ask.raw)):
            return False
        self.refused.update(named[:1] or sent[:1])
        return True

    def reply(self, ask: Ask, response: Response) -> Reply:
        streamed = [event for event in _server_sent(response)]
        if streamed:
            return _collected(ask, response, streamed, streams=True)
        document = _document(response)
        return _collected(ask, response, [(response.seconds, document)], streams=False)


class _Ollama:
    """Ollama's `/api/chat` and `/api/generate`: newline-separated JSON, counts in the last line."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def request(self, ask: Ask) -> tuple[str, dict[str, Any]]:
        options = {"num_predict": ask.max_tokens, "temperature": ask.temperature}
        body: dict[str, Any] = {"model": self.endpoint.model, "stream": True, "options": options}
        if ask.raw:
            return f"{self.endpoint.url}/api/generate", {**body, "prompt": ask.prompt, "raw": True}
        return f"{self.endpoint.url}/api/chat", {**body, "messages": [{"role": "user", "content": ask.prompt}]}

    def drop(self, ask: Ask, message: str) -> bool:
        return False

    def reply(self, ask: Ask, response: Response) -> Reply:
        text, reasoning, pieces, times = "", "", [], []
        last: Event = {}
        for seconds, line in response.lines:
            if not line.strip():
                continue
            event = _object(line)
            message = event.get("message")
            message = message if isinstance(message, Mapping) else {"content": event.get("response")}
            for name in ("thinking", "content"):
                piece = message.get(name)
                if isinstance(piece, str) and piece:
                    reasoning, text = (reasoning + piece, text) if name == "thinking" else (reasoning, text + piece)
                    pieces.append(piece)
                    times.append(seconds)
            last = event
        if "model" not in last and "done" not in last:
            raise TargetError("endpoint_not_json", host=_host(self.endpoint), problem="no chat response")
        return Reply(
            ask=ask.id, prompt=ask.prompt, max_tokens=ask.max_tokens, text=text, reasoning=reasoning,
            pieces=tuple(pieces), times=tuple(times), finish=_text(last.get("done_reason")) or None,
            prompt_tokens=_count(last.get("prompt_eval_count")), completion_tokens=_count(last.get("eval_count")),
            model=_text(last.get("model")), seconds=response.seconds,
        )  # fmt: skip


def _server_sent(response: Response) -> Iterator[tuple[float, Event]]:
    """The JSON of each `data:` line."""
    for seconds, line in response.lines:
        if line.startswith(b"data:"):
            data = line[5:].strip()
            if data and data != b"[DONE]":
                yield seconds, _object(data)


def _collected(ask: Ask, response: Response, events: list[tuple[float, Event]], *, streams: bool) -> Reply:
    text, reasoning, finish, model, fingerprint = "", "", None, "", ""
    pieces: list[str] = []
    times: list[float] = []
    usage: Mapping[str, Any] = {}
    tokens: list[str] = []
    alternatives: list[dict[str, float]] = []
    for seconds, event in events:
        if "error" in event and "choices" not in event:
            problem = event["error"]
            problem = problem.get("message") if isinstance(problem, Mapping) else problem
            raise TargetError("endpoint_status", host=_host_of(response), status=200, problem=str(problem)[:160])
        usage = event["usage"] if isinstance(event.get("usage"), Mapping) else usage
        model, fingerprint = _text(event.get("model")) or model, _text(event.get("system_fingerprint")) or fingerprint
        choices = event.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], Mapping) else {}
        message = choice.get("delta") or choice.get("message") or choice
        message = message if isinstance(message, Mapping) else {}
        thought = _text(message.get("reasoning_content")) or _text(message.get("reasoning"))
        said = _text(message.get("content")) or ("" if message is not choice else _text(choice.get("text")))
        for piece in (thought, said):
            if piece and streams:
                pieces.append(piece)
                times.append(seconds)
        text, reasoning = text + said, reasoning + thought
        finish = _text(choice.get("finish_reason")) or finish
        _read_logprobs(choice.get("logprobs"), tokens, alternatives)
    if not any("choices" in event for _, event in events):
        raise TargetError("endpoint_not_json", host=_host_of(response), problem="no choices")
    return Reply(
        ask=ask.id, prompt=ask.prompt, max_tokens=ask.max_tokens, text=text, reasoning=reasoning,
        pieces=tuple(pieces), times=tuple(times), finish=finish, prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")), model=model, fingerprint=fingerprint,
        tokens=tuple(tokens), alternatives=tuple(alternatives), seconds=response.seconds,
    )  # fmt: skip


def _read_logprobs(found: Any, tokens: list[str], alternatives: list[dict[str, float]]) -> None:
    """Both shapes: chat's list of positions, and completions' parallel lists."""
    if not isinstance(found, Mapping):
        return
    content = found.get("content")
    if isinstance(content, list):
        for position in content[:4_000]:
            if isinstance(position, Mapping) and isinstance(position.get("token"), str):
                tokens.append(_token_text(position))
                top = position.get("top_logprobs")
                considered = [entry for entry in top if isinstance(entry, Mapping)] if isinstance(top, list) else []
                alternatives.append(
                    {_token_text(entry): float(entry["logprob"]) for entry in considered[:64]
                     if isinstance(entry.get("logprob"), int | float) and isinstance(entry.get("token"), str)}
                )  # fmt: skip
    elif isinstance(found.get("tokens"), list):
        tokens.extend(str(token) for token in found["tokens"][:4_000])
        top = found.get("top_logprobs")
        for entry in (top if isinstance(top, list) else [])[:4_000]:
            pairs = entry.items() if isinstance(entry, Mapping) else ()
            alternatives.append({str(name): float(value) for name, value in pairs if isinstance(value, int | float)})


def _token_text(entry: Mapping[str, Any]) -> str:
    """A token's own bytes where the server gives them: its text may hold a stand-in for half a character."""
    data = entry.get("bytes")
    if isinstance(data, list) and data and all(isinstance(byte, int) and 0 <= byte < 256 for byte in data):
        return bytes(data).decode("utf-8", "surrogateescape")
    return str(entry["token"])


def _document(response: Response) -> Event:
    return _object(response.body)


def _object(data: bytes) -> Event:
    try:
        value = parse_json(data, "reply")
    except R1Error as error:
        raise TargetError("endpoint_not_json", host="-", problem=str(error.values.get("problem", "-"))) from error
    if not isinstance(value, Mapping):
        raise TargetError("endpoint_not_json", host="-", problem="no object")
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9 else None


def _host(endpoint: Endpoint) -> str:
    return endpoint.url.split("/")[2]


def _host_of(response: Response) -> str:
    return str(response.headers.get("host", "-"))
