"""Asking an endpoint: requests in its dialect, retries, and replies in one shape whatever the server."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from engine.errors import R1Error, TargetError
from engine.targets.dialect import Dialect, dialect_of
from engine.targets.endpoint import Ask, Budget, Conversation, Endpoint, Reply
from engine.targets.source import parse_json
from engine.targets.target import Cost, Finding
from engine.targets.wire import Response, Wire

_TRIES = 4
_AGAIN = (408, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529)
_LONGEST_WAIT = 20.0
_NAMING = ("server", "via", "x-powered-by", "x-served-by", "x-model", "x-inference-provider", "cf-ray")
METADATA = ("/models", "/version", "/props", "/get_model_info", "/info")
"""Where servers tell about themselves: OpenAI's list; vLLM; llama.cpp; SGLang; TGI. Only the first lies below
the base URL, the others at the server's root."""


@dataclass(slots=True)
class Spent:
    """What has been spent of a budget."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    bytes: int = 0


class Talk:
    """One conversation with an endpoint, within a budget."""

    def __init__(self, endpoint: Endpoint, budget: Budget, *, backoff: float = 0.5) -> None:
        self.conversation = Conversation(endpoint)
        self.budget, self.spent, self.backoff = budget, Spent(), backoff
        self.started = time.monotonic()
        self.wire = Wire(endpoint)
        self.dialect: Dialect = dialect_of(endpoint)

    async def __aenter__(self) -> Talk:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.wire.close()

    @property
    def until(self) -> float:
        """``time.monotonic()`` at which the wall-clock budget is spent."""
        return self.started + self.budget.seconds

    def affords(self, ask: Ask, times: int = 1) -> bool:
        """Whether the budget still allows an ask."""
        tokens = self.spent.prompt_tokens + self.spent.completion_tokens
        return (
            tokens + times * (ask.prompt_tokens + ask.max_tokens) <= self.budget.tokens
            and self.spent.requests + times <= self.budget.requests
            and time.monotonic() < self.until
        )

    async def look(self, path: str) -> Any:
        """The JSON served at a metadata path; ``None`` where there is none. One try, at most ten seconds.

        Raises:
            TargetError: the endpoint cannot be reached at all, or is refused.
        """
        base = self.conversation.endpoint.url
        parts = urlsplit(base)
        url = base + path if path == "/models" else f"{parts.scheme}://{parts.netloc}{path}"
        body = {"model": self.conversation.endpoint.model} if path == "/api/show" else None
        response = await self._send("POST" if body else "GET", url, body, until=time.monotonic() + 10)
        if response.status in (401, 403) and path == "/models":
            raise TargetError("endpoint_key", host=self.wire.host, status=response.status)
        document = None
        if response.status == 200:
            try:
                document = parse_json(response.body, path)
            except R1Error:
                document = None
        if isinstance(document, dict | list):
            known = {**self.conversation.metadata, path: document}
            self.conversation = replace(self.conversation, metadata=known, cost=self.cost())
        return document

    async def ask(self, ask: Ask) -> Reply:
        """Put one ask, and keep its reply in the conversation, refused ones too.

        Raises:
            TargetError: the first ask of a conversation failed: there is nothing to go by.
        """
        try:
            reply = await self._put(ask)
        except R1Error as error:
            if not any(reply.refused is None for reply in self.conversation.replies):
                raise
            reply = Reply(ask=ask.id, prompt=ask.prompt, max_tokens=ask.max_tokens, refused=error.code)
            self.find(Finding("request_failed", {"ask": ask.id, "problem": error.sentence("en")}))
        self.spent.prompt_tokens += reply.prompt_tokens or (0 if reply.refused else ask.prompt_tokens)
        self.spent.completion_tokens += min(
            max(reply.completion_tokens or 0, len(reply.pieces), 0 if reply.refused else 1), 10 * ask.max_tokens
        )
        kept = self.conversation
        self.conversation = replace(kept, replies=(*kept.replies, reply), cost=self.cost())
        return reply

    def find(self, finding: Finding) -> None:
        """Note something worth telling, once."""
        if finding not in self.conversation.findings:
            found = (*self.conversation.findings, finding)
            self.conversation = replace(self.conversation, findings=found)

    def cost(self) -> Cost:
        """What was spent so far."""
        return Cost(
            requests=self.spent.requests,
            bytes_read=self.spent.bytes,
            seconds=time.monotonic() - self.started,
            prompt_tokens=self.spent.prompt_tokens,
            completion_tokens=self.spent.completion_tokens,
        )

    async def _put(self, ask: Ask) -> Reply:
        for _ in range(8):  # each turn drops one thing that the server does not take
            url, payload = self.dialect.request(ask)
            response = await self._retried(url, payload)
            if response.status == 200:
                reply = self.dialect.reply(ask, response)
                if len(reply.generated) > 40 * ask.max_tokens + 200:
                    self.find(Finding("max_tokens_ignored", {"asked": ask.max_tokens, "got": len(reply.generated)}))
                self._note_headers(response)
                return reply
            if response.status in (400, 404, 405, 415, 422, 501) and self.dialect.drop(ask, _message(response)):
                continue
            raise self._refusal(response)
        raise TargetError("endpoint_status", host=self.wire.host, status=400, problem="-")

    async def _retried(self, url: str, payload: Any) -> Response:
        for attempt in range(_TRIES):
            last = attempt == _TRIES - 1
            try:
                response = await self._send("POST", url, payload, until=self.until)
            except TargetError as error:
                if last or error.code != "endpoint_unreachable" or time.monotonic() > self.until:
                    raise
                await self._wait(attempt, None)
                continue
            if response.status not in _AGAIN or last or time.monotonic() > self.until:
                return response
            await self._wait(attempt, response.headers.get("retry-after"))
        raise AssertionError("unreachable")

    async def _send(self, method: str, url: str, payload: Any, *, until: float) -> Response:
        self.spent.requests += 1
        response = await self.wire.request(method, url, payload, until=min(until, self.until))
        self.spent.bytes += response.size
        return response

    async def _wait(self, attempt: int, retry_after: str | None) -> None:
        asked = float(retry_after) if retry_after and re.fullmatch(r"\d{1,4}(\.\d+)?", retry_after) else 0.0
        pause = max(asked, self.backoff * 2**attempt * random.uniform(0.75, 1.25))
        await asyncio.sleep(max(0.0, min(pause, _LONGEST_WAIT, self.until - time.monotonic())))

    def _refusal(self, response: Response) -> TargetError:
        status, host = response.status, self.wire.host
        if status in (401, 403):
            return TargetError("endpoint_key", host=host, status=status)
        if 300 <= status < 400:
            return TargetError("endpoint_moved", host=host, to=str(response.headers.get("location", "?"))[:120])
        if status == 429:
            return TargetError("endpoint_busy", host=host)
        if status in (404, 405):
            return TargetError("endpoint_not_found", host=host, model=self.conversation.endpoint.model or "-")
        return TargetError("endpoint_status", host=host, status=status, problem=_message(response)[:160] or "-")

    def _note_headers(self, response: Response) -> None:
        seen = {name: response.headers[name][:120] for name in _NAMING if name in response.headers}
        self.conversation = replace(self.conversation, headers={**self.conversation.headers, **seen})


def _message(response: Response) -> str:
    """What an error response says, from any of the shapes in use."""
    body = response.body[:20_000]
    try:
        document = parse_json(body, "error")
    except R1Error:
        return body[:400].decode("utf-8", "replace")
    node = document
    for key in ("error", "message", "detail"):
        if isinstance(node, Mapping) and key in node:
            node = node[key]
    return str(node)[:400]
