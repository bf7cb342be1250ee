"""One endpoint at its HTTP routes: what it refuses, what it remembers, how fast it is, and what it has served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from arena import metadata, shapes
from arena.backend import Part, Wanted
from arena.chance import uniform
from arena.disguises import Cached, Failing, NoStream, RateLimited, Slow, Withheld
from arena.gateway import Reply, answer, backend_of, runs
from arena.population import Served
from arena.vocabulary import vocabulary

_DEFAULT_TOKENS = 2_048


@dataclass(slots=True)
class Tally:
    """What an endpoint has served, in true tokens of its model."""

    requests: int = 0
    generations: int = 0
    refused: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Refused(Exception):
    """A request that gets an error."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, dict(headers or {})


class Service:
    """A served endpoint."""

    def __init__(self, served: Served, *, paced: bool) -> None:
        self.served, self.tally = served, Tally()
        self._limited = False
        self._remembered: dict[bytes, Reply] = {}
        self._withheld = served.of(Withheld) or Withheld((), ())
        slow = served.of(Slow)
        self.first = max(3 * served.pace if paced else 0.0, slow.first if slow else 0.0)
        self.each = max(served.pace if paced else 0.0, slow.each if slow else 0.0)

    async def handle(self, request: Request, path: str) -> Response:
        """Answer one request to a path below the endpoint's root."""
        self.tally.requests += 1
        number = self.tally.requests
        try:
            body = await request.body()
            if request.method == "POST" and path != "api/show":
                self._befall(number)
            return await self._route(path, request.method, body, number)
        except Refused as refused:
            self.tally.refused += 1
            return self._error(refused)

    def told(self) -> dict[str, int]:
        """The tally, as JSON."""
        return asdict(self.tally)

    async def _route(self, path: str, method: str, body: bytes, number: int) -> Response:
        if method == "GET":
            found = metadata.listing(self.served) if path == "v1/models" else metadata.of(self.served, path)
            if found is None:
                raise Refused(404, "Not Found")
            return self._json(found)
        try:
            asked = orjson.loads(body)
            assert isinstance(asked, dict)
        except (ValueError, AssertionError) as error:
            raise Refused(400, "the body is no JSON object") from error
        if path == "api/show" and (found := metadata.of(self.served, path)) is not None:
            return self._json(found)
        if path == "tokenize":
            return self._tokenized(asked, number)
        routes = {"v1/chat/completions": False, "v1/completions": True}
        if self.served.stack.name == "ollama":
            routes |= {"api/chat": False, "api/generate": True}
        if path not in routes or (routes[path] and not self._completes()):
            raise Refused(404, "Not Found")
        return await self._generated(path, asked, number, raw=routes[path])

    def _befall(self, number: int) -> None:
        where = self.served.id
        limited, failing = self.served.of(RateLimited), self.served.of(Failing)
        # Who waits as told gets through.
        self._limited = bool(limited) and not self._limited and uniform("limited", where, number) < limited.share
        if limited and self._limited:
            raise Refused(429, "Rate limit reached, please try again later", {"retry-after": f"{limited.after:.2f}"})
        if failing and uniform("failing", where, number) < failing.share:
            raise Refused(failing.status, "upstream error")

    def _completes(self) -> bool:
        withheld = "completions" in (*self._withheld.dropped, *self._withheld.refused)
        return self.served.stack.completions != "none" and not withheld

    def _tokenized(self, asked: Mapping[str, Any], number: int) -> Response:
        stack = self.served.stack
        if not stack.tokenize or "tokenize" in (*self._withheld.dropped, *self._withheld.refused):
            raise Refused(404, "Not Found")
        model = backend_of(self.served, Wanted(), number)
        words = vocabulary(model.tokenizer)
        field = {"llamacpp": "content", "tgi": "inputs"}.get(stack.name, "prompt")
        text = asked.get(field)
        if not isinstance(text, str):
            raise Refused(422 if stack.name == "tgi" else 400, f"field required: {field}")
        begin = stack.name in ("vllm", "sglang") and asked.get("add_special_tokens", True)
        ids = words.encode((model.bos if begin else "") + text)
        if stack.name == "tgi":
            return self._json([{"id": index, "text": words.text(index), "start": 0, "stop": 0} for index in ids])
        if stack.name == "llamacpp":
            return self._json({"tokens": ids})
        return self._json({"count": len(ids), "max_model_len": stack.context, "tokens": ids})

    async def _generated(self, path: str, asked: dict[str, Any], number: int, *, raw: bool) -> Response:
        stack, name = self.served.stack, self.served.name
        if stack.strict and asked.get("model") != name:
            raise Refused(404, f"The model `{asked.get('model')}` does not exist.")
        wanted = self._wanted(asked, number, raw=raw, ollama=path.startswith("api/"))
        try:
            reply = self._reply(asked, wanted, number)
        except ValueError as error:
            raise Refused(400, str(error)) from error
        self.tally.generations += 1
        self.tally.prompt_tokens += len(reply.true_prompt)
        self.tally.completion_tokens += len(reply.true_completion)
        echoed = wanted.prompt if wanted.echo and wanted.prompt else ""
        if path.startswith("api/"):
            stream = bool(asked.get("stream", True))
            lines = shapes.ollama_lines(reply, stack, name, raw=raw, stream=stream)
            return await self._streamed(lines, number, "application/x-ndjson")
        whole = self.served.of(NoStream)
        if not asked.get("stream") or (whole and whole.whole):
            await asyncio.sleep(self.first + self.each * len(reply.true_completion))
            if raw:
                return self._json(shapes.completion(reply, name, number, echoed))
            return self._json(shapes.chat(reply, stack, name, number))
        options = asked.get("stream_options") or {}
        counts = stack.stream_usage == "always" or (
            stack.stream_usage == "asked" and bool(options.get("include_usage"))
        )
        if whole:
            reply = _in_one(reply)
        events = (
            shapes.completion_events(reply, name, number, counts=counts, echoed=echoed) if raw
            else shapes.chat_events(reply, stack, name, number, counts=counts)
        )  # fmt: skip
        return await self._streamed(events, number, "text/event-stream")

    def _wanted(self, asked: Mapping[str, Any], number: int, *, raw: bool, ollama: bool) -> Wanted:
        bias = self._allowed(asked, "logit_bias", self.served.stack.logit_bias)
        logprobs = self._allowed(asked, "logprobs", self.served.stack.logprobs)
        alternatives = None if logprobs in (None, False) else int(asked.get("top_logprobs") or 0)
        if raw and logprobs is not None:
            alternatives = int(logprobs)
        settings = asked.get("options") or {} if ollama else asked
        most = settings.get("num_predict") if ollama else asked.get("max_tokens", asked.get("max_completion_tokens"))
        if most is not None and (not isinstance(most, int) or most < 1):
            raise Refused(400, "max_tokens must be at least 1")
        allowed = asked.get("allowed_token_ids") if self.served.stack.name == "vllm" else None
        temperature = float(settings.get("temperature", 1.0) or 0.0)
        shared: dict[str, Any] = {
            "max_tokens": most or _DEFAULT_TOKENS,
            "temperature": temperature,
            "logprobs": alternatives,
            "bias": self._bias(bias, number),
            "allowed": tuple(allowed or ()),
        }
        if raw and (self.served.stack.completions == "raw" or (ollama and asked.get("raw"))):
            prompt = asked.get("prompt")
            if not isinstance(prompt, str) or not prompt:
                raise Refused(400, "prompt must be a string")
            return Wanted(prompt=prompt, echo=bool(asked.get("echo")), **shared)
        messages = [{"role": "user", "content": asked.get("prompt")}] if raw else asked.get("messages")
        if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) for m in messages):
            raise Refused(400, "messages must be a list")
        told = tuple({"role": str(m.get("role", "user")), "content": str(m.get("content", ""))} for m in messages)
        if not any(message["role"] == "user" for message in told):
            raise Refused(400, "no user message")
        return Wanted(messages=told, **shared)

    def _allowed(self, asked: Mapping[str, Any], field: str, fate: str) -> Any:
        """A field's value where it is honoured; ``None`` where it is ignored or absent."""
        value = asked.get(field)
        if value is None or value is False:
            return None
        if fate == "refused" or field in self._withheld.refused:
            raise Refused(400, f"Unsupported parameter: '{field}' is not supported with this model.")
        return None if fate == "ignored" or field in self._withheld.dropped else value

    def _bias(self, bias: Any, number: int) -> dict[int, float] | None:
        if not isinstance(bias, dict):
            return None
        try:
            read = {int(index): float(value) for index, value in bias.items()}
        except (TypeError, ValueError) as error:
            raise Refused(400, "logit_bias must map token ids to numbers") from error
        size = backend_of(self.served, Wanted(), number).vocabulary_size
        outside = sorted(index for index in read if not 0 <= index < size)
        if outside and self.served.stack.name == "llamacpp":
            return {index: value for index, value in read.items() if 0 <= index < size}
        if outside:
            raise Refused(
                400, f"token_id(s) {outside} in logit_bias contain out-of-vocab token ids. Vocabulary size: {size}"
            )
        return read

    def _reply(self, asked: Mapping[str, Any], wanted: Wanted, number: int) -> Reply:
        cached = self.served.of(Cached)
        if not cached:
            return answer(self.served, wanted, number)
        kept = {"messages": asked.get("messages"), "prompt": asked.get("prompt")}
        key = orjson.dumps(kept if cached.loose else dict(asked), option=orjson.OPT_SORT_KEYS)
        if key not in self._remembered:
            self._remembered[key] = answer(self.served, wanted, number)
        return self._remembered[key]

    async def _streamed(self, events: Iterable[bytes], number: int, kind: str) -> Response:
        failing = self.served.of(Failing)
        breaks = failing is not None and uniform("midway", self.served.id, number) < failing.midway
        if not (self.first or self.each or breaks):
            return Response(b"".join(events), media_type=kind, headers=self._headers())

        async def paced() -> AsyncIterator[bytes]:
            await asyncio.sleep(self.first)
            for place, event in enumerate(events):
                if breaks and place > 3:
                    raise ConnectionError("the stream breaks off")
                yield event
                await asyncio.sleep(self.each)

        return StreamingResponse(paced(), media_type=kind, headers=self._headers())

    def _json(self, document: Any) -> Response:
        return Response(orjson.dumps(document), media_type="application/json", headers=self._headers())

    def _error(self, refused: Refused) -> Response:
        if refused.status >= 500 and self.served.number % 2:
            page = f"<html><head><title>{refused.status}</title></head><body>{refused.message}</body></html>"
            return Response(page, refused.status, {**self._headers(), **refused.headers}, "text/html")
        error: dict[str, Any] = {"message": refused.message, "type": "invalid_request_error", "code": refused.status}
        document = {"object": "error", **error} if self.served.stack.name == "vllm" else {"error": error}
        return Response(
            orjson.dumps(document), refused.status, {**self._headers(), **refused.headers}, "application/json"
        )

    def _headers(self) -> dict[str, str]:
        return {"server": self.served.stack.mark} if self.served.stack.mark else {}


def _in_one(reply: Reply) -> Reply:
    """The whole reply as one piece of thought and one of answer."""
    return replace(reply, parts=tuple(Part(thought, text) for thought, text in runs(reply.parts)), odds=None)
