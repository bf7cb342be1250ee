"""An endpoint as a target: where it is, what was asked of it, and what came back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from engine.errors import UsageError
from engine.targets.target import Cost, Finding

Api = Literal["openai", "ollama"]
_MODEL = re.compile(r"^[^\s\x00-\x1f]{1,200}$")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint to ask.

    Attributes:
        url: base URL without a trailing slash, usually ending in ``/v1``; for ``ollama`` the server's root.
        model: as the ``model`` field of requests; empty to take the only one the server lists.
        name: what it is registered as, or empty.
        key: bearer token; never stored, logged or shown.
        public_only: refuse private, loopback and link-local addresses (for URLs typed by anybody in Slack).
        concurrency: requests in flight at once, at most.
    """

    url: str
    model: str
    api: Api = "openai"
    name: str = ""
    key: str | None = field(default=None, repr=False)
    public_only: bool = False
    concurrency: int = 4


@dataclass(frozen=True, slots=True)
class Budget:
    """What one identification may spend at most. ``seconds`` is wall-clock time of all requests together.

    ``thorough`` asks on after the verdict: whether every request is answered by the same model, and what it
    knows and can do. Without it, questions end as soon as the verdict is decided.
    """

    tokens: int = 4_000
    requests: int = 40
    seconds: float = 180.0
    thorough: bool = False


THOROUGH = Budget(tokens=30_000, requests=150, seconds=900.0, thorough=True)
"""What a thorough identification may spend unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to make.

    Attributes:
        id: what it is for: ``short``, ``long``, ``marks``, ``bias:<id>``, ``knowledge:<item>`` ...
        prompt: the user message; with ``raw`` the text to continue.
        raw: through ``/completions`` instead of ``/chat/completions``.
        logprobs: how many alternatives to ask for at each position.
        options: further fields of the request, such as ``logit_bias``.
        prompt_tokens: estimate for the budget.
    """

    id: str
    prompt: str
    max_tokens: int
    raw: bool = False
    temperature: float = 0.0
    logprobs: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    prompt_tokens: int = 50


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one ask; JSON-able through ``engine.codec``.

    Attributes:
        text, reasoning: what was said, and what was thought before it where the server keeps them apart.
        pieces: both as they streamed, in order of arrival; empty when the server did not stream.
        times: seconds from sending to each piece.
        finish: ``stop``, ``length`` ... as the server says.
        prompt_tokens, completion_tokens: as the server counts them.
        tokens, alternatives: with logprobs: the token chosen at each position, and those considered with
            their logprobs in nats.
        refused: why there is nothing else, as an error code (``endpoint_status`` ...); then the rest is empty.
        raw: continued text instead of answering a message.
        forced: a ``logit_bias`` was sent along, so the words may not be the model's own.
    """

    ask: str
    prompt: str = ""
    max_tokens: int = 0
    text: str = ""
    reasoning: str = ""
    pieces: tuple[str, ...] = ()
    times: tuple[float, ...] = ()
    finish: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    model: str = ""
    fingerprint: str = ""
    tokens: tuple[str, ...] = ()
    alternatives: tuple[Mapping[str, float], ...] = ()
    seconds: float = 0.0
    refused: str | None = None
    raw: bool = False
    forced: bool = False

    @property
    def generated(self) -> str:
        """All that the model wrote, in order."""
        return self.reasoning + self.text


@dataclass(frozen=True, slots=True)
class Conversation:
    """Everything asked of an endpoint and answered so far; what endpoint probes observe.

    ``metadata`` maps a path such as ``/models`` or ``/props`` to the JSON served there, ``looked`` has every path
    that was tried, ``headers`` holds those of the last response that name a server.
    """

    endpoint: Endpoint
    replies: tuple[Reply, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    looked: frozenset[str] = frozenset()
    headers: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    cost: Cost = field(default_factory=Cost)

    def of(self, prefix: str) -> list[Reply]:
        """Replies to asks whose id begins with ``prefix`` that did bring something."""
        return [reply for reply in self.replies if reply.ask.startswith(prefix) and reply.refused is None]


def parse_endpoint(text: str) -> Endpoint:
    """``https://host/v1#model`` as an endpoint; ``http://host:11434/api#model`` speaks Ollama's own API.

    Raises:
        UsageError: no host, credentials in the URL, or an impossible model name.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise UsageError("endpoint_url", url=text[:120]) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise UsageError("endpoint_url", url=text[:120])
    if parts.username or parts.password or parts.query:
        raise UsageError("endpoint_secret_in_url")
    model = unquote(parts.fragment)
    if model and not _MODEL.match(model):
        raise UsageError("endpoint_model", model=model[:80])
    path = parts.path.rstrip("/")
    for tail in ("/chat/completions", "/completions", "/models", "/chat", "/generate", "/tags"):
        path = path.removesuffix(tail)
    api: Api = "ollama" if path.endswith("/api") else "openai"
    path = path.removesuffix("/api") if api == "ollama" else path
    return Endpoint(f"{parts.scheme}://{parts.netloc}{path}", model, api)
