"""Asking an endpoint: requests in its dialect, retries, and replies in one shape whatever the server."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from engine.errors import R1Error, TargetError
from engine.targets import sane
from engine.targets.dialect import Dialect, dialect_of, message_of
from engine.targets.endpoint import Ask, Budget, Conversation, Endpoint, Reply
from engine.targets.target import Cost, Finding
from engine.targets.wire import Response, Wire

_TRIES = 4
_AGAIN = (408, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529)
_NOT_OFFERED = (400, 404, 405, 415, 422, 501)
_LONGEST_WAIT = 60.0
_BILLED = ("endpoint_slow", "endpoint_too_large", "endpoint_not_json")
"""Failures after which the server may well have done all the work that was asked."""
_UNREADABLE = ("endpoint_too_large", "endpoint_encoding", "endpoint_not_json")
"""What a server tells about itself may be unreadable though its answers are not."""
_NAMING = ("server", "via", "x-powered-by", "x-served-by", "x-model", "x-inference-provider", "cf-ray")
METADATA = ("/version", "/props", "/get_model_info", "/info")
"""Where servers tell about themselves, at their root: vLLM; llama.cpp; SGLang; TGI."""


@dataclass(slots=True)
class Spent:
    """What has been spent of a budget."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    bytes: int = 0
    reserved: int = 0
    """Tokens of asks under way, at most."""

    @property
    def tokens(self) -> int:
        """All that is spent or spoken for."""
        return self.prompt_tokens + self.completion_tokens + self.reserved


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
        return self.has_left(times * (ask.prompt_tokens + ask.max_tokens), times)

    def has_left(self, tokens: int, requests: int = 1) -> bool:
        """Whether the budget still has so many tokens and requests, and time."""
        return (
            self.spent.tokens + tokens <= self.budget.tokens
            and self.spent.requests + requests <= self.budget.requests
            and time.monotonic() < self.until
        )

    def choose(self, model: str) -> None:
        """Ask for this model from now on."""
        endpoint = replace(self.conversation.endpoint, model=model)
        self.conversation = replace(self.conversation, endpoint=endpoint)
        self.dialect = dialect_of(endpoint)

    async def look(self, path: str, body: Any = None) -> Any:
        """The JSON served at a metadata path; ``None`` where there is none. One try, at most ten seconds.

        Raises:
            TargetError: the endpoint cannot be reached at all, or is refused.
        """
        base = self.conversation.endpoint.url
        url = (base if path == "/models" else base.removesuffix("/v1")) + path
        self.conversation = replace(self.conversation, looked=self.conversation.looked | {path})
        try:
            response = await self._send("POST" if body else "GET", url, body, until=time.monotonic() + 10)
        except TargetError as error:
            if error.code in _UNREADABLE:
                return None
            raise
        if response.status in (401, 403) and path == "/models":
            raise TargetError("endpoint_key", host=self.wire.host, status=response.status)
        document = None
        if response.status == 200:
            try:
                document = sane.document(sane.parse(response.body))
            except R1Error:
                document = None
        if isinstance(document, dict | list):
            known = {**self.conversation.metadata, path: document}
            self.conversation = replace(self.conversation, metadata=known, cost=self.cost())
        return document

    async def ask(self, ask: Ask) -> Reply:
        """Put one ask, and keep its reply in the conversation, refused ones too.

        Raises:
            TargetError: the first ask of a conversation failed: there is nothing to go by. Or the budget does
                not allow the ask, whatever came before.
        """
        if not self.affords(ask):
            raise self._spent()
        most = ask.prompt_tokens + ask.max_tokens
        self.spent.reserved += most
        try:
            reply = await self._put(ask)
        except R1Error as error:
            if error.code in _BILLED:
                self.spent.prompt_tokens += ask.prompt_tokens
                self.spent.completion_tokens += ask.max_tokens
            if not any(reply.refused is None for reply in self.conversation.replies):
                raise
            reply = Reply(ask=ask.id, prompt=ask.prompt, max_tokens=ask.max_tokens, refused=error.code)
            # What a server does not offer is no failure: not every stack has every route and field.
            if error.code != "endpoint_not_found" and error.values.get("status") not in _NOT_OFFERED:
                values = {"ask": ask.id.partition(":")[0], "code": error.code, "values": dict(error.values)}
                self.find(Finding("request_failed", values))
        else:
            self.spent.prompt_tokens += reply.prompt_tokens or ask.prompt_tokens
            written = max(reply.completion_tokens or 0, len(reply.pieces), 1)
            self.spent.completion_tokens += min(written, 10 * ask.max_tokens)
        finally:
            self.spent.reserved -= most
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
            response = await self._retried(ask, url, payload)
            if response.status == 200:
                reply = self.dialect.reply(ask, response)
                reply = replace(reply, raw=ask.raw, forced="logit_bias" in payload)
                if response.cut or len(reply.generated) > 40 * ask.max_tokens + 200:
                    self.find(Finding("max_tokens_ignored", {"asked": ask.max_tokens, "got": len(reply.generated)}))
                self._note_headers(response)
                return reply
            if response.status in (400, 404, 405, 415, 422, 501) and self.dialect.drop(ask, _message(response)):
                continue
            raise self._refusal(response)
        raise TargetError("endpoint_status", host=self.wire.host, status=400, problem="-")

    async def _retried(self, ask: Ask, url: str, payload: Any) -> Response:
        """Send until there is an answer that asking again would not change."""
        for attempt in range(_TRIES):
            last = attempt == _TRIES - 1 or self.spent.requests + 1 >= self.budget.requests
            pause = self.backoff * 2**attempt * random.uniform(0.75, 1.25)
            try:
                response = await self._send("POST", url, payload, until=self.until, most_lines=4 * ask.max_tokens + 100)
            except TargetError as error:
                if last or error.code != "endpoint_unreachable" or not self._waits(pause):
                    raise
            else:
                pause = max(pause, _seconds(response.headers.get("retry-after")))
                # What crashes over an unusual field crashes over it again.
                crashed = response.status == 500 and ask.options
                if response.status not in _AGAIN or crashed or last or not self._waits(pause):
                    return response
            await asyncio.sleep(pause)
        raise AssertionError("unreachable")

    def _waits(self, seconds: float) -> bool:
        """Whether it is worth waiting as long as the server asks: sooner it would only refuse again."""
        return seconds <= _LONGEST_WAIT and time.monotonic() + seconds < self.until

    async def _send(
        self, method: str, url: str, payload: Any, *, until: float, most_lines: int | None = None
    ) -> Response:
        if self.spent.requests >= self.budget.requests or time.monotonic() >= self.until:
            raise self._spent()
        self.spent.requests += 1
        response = await self.wire.request(method, url, payload, until=min(until, self.until), most_lines=most_lines)
        self.spent.bytes += response.size
        return response

    def _spent(self) -> TargetError:
        spent, host = self.spent, self.wire.host
        return TargetError("endpoint_budget", host=host, requests=spent.requests, tokens=spent.tokens - spent.reserved)

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
    """What an error response says, or else what its status means."""
    try:
        said = message_of(sane.parse(response.body))
    except R1Error:
        # Plain words, but no page for a browser and no JSON that could not be read.
        said = response.body[:400].decode("utf-8", "replace").strip()
        said = "" if said.startswith(("<", "{", "[")) else said
    known = response.status in set(HTTPStatus)
    return said or (HTTPStatus(response.status).phrase if known else "")


def _seconds(retry_after: str | None) -> float:
    """A Retry-After header in seconds from now, given as such or as a date; 0 where it makes no sense."""
    if not retry_after:
        return 0.0
    try:
        if retry_after.strip().replace(".", "", 1).isdecimal():
            return float(retry_after)
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return 0.0
