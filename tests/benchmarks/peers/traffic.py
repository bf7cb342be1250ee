"""Requests to one endpoint, retried and counted, in the plainest form of OpenAI's chat API, or of Ollama's own where
the URL ends in ``/api``."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx

from peers.guess import Guess, Outcome

CONCURRENCY = 8
TRIES = 6
LONGEST_WAIT = 5.0
"""Seconds a ``Retry-After`` is obeyed for at most."""
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
_GIVE_UP_AFTER = 12
"""Asks in a row without an answer after which the rest is not asked."""
_WORDS = ("amber", "apple", "candle", "cloud", "copper", "cotton", "falcon", "field", "garden", "harbor", "island",
          "lemon", "marble", "meadow", "orchard", "paper", "pepper", "river", "silver", "stone", "thunder", "tiger",
          "violet", "winter")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint wrote: thinking and answer as one text without the marks between them and with single
    spaces, because servers differ in how they keep the two apart, and Zhu et al. (2025, §5.7) show that one
    stripped space misleads a test on characters. ``whole``: the model ended it, not ``max_tokens``. Counts are
    ``None`` where the server gives none."""

    text: str
    whole: bool
    prompt_tokens: int | None
    completion_tokens: int | None


@dataclass
class Traffic:
    """The requests one method makes to one endpoint. ``stream`` is turned on by itself where a server will not
    answer otherwise."""

    client: httpx.Client
    url: str
    model: str
    stream: bool = False
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    _silent: int = 0
    _started: float = field(default_factory=time.perf_counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask_all(self, prompts: Sequence[str], *, max_tokens: int, temperature: float) -> list[Answer | None]:
        """Answers in the order of the prompts, ``None`` for those that never came."""
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            return list(pool.map(lambda prompt: self.ask(prompt, max_tokens=max_tokens, temperature=temperature),
                                 prompts))  # fmt: skip

    def ask(self, prompt: str, *, max_tokens: int, temperature: float) -> Answer | None:
        """One answer, or ``None`` when the endpoint refuses or keeps failing."""
        for attempt in range(TRIES if self._silent < _GIVE_UP_AFTER else 0):
            with self._lock:
                self.requests += 1
            url, body = self._request(prompt, max_tokens, temperature)
            try:
                response = self.client.post(url, json=body)
            except httpx.HTTPError:
                time.sleep(min(LONGEST_WAIT, 0.1 * 2**attempt))
                continue
            if response.status_code == 429 or response.status_code >= 500:
                time.sleep(_wait(response, attempt))
                continue
            answer = _read(response) if response.status_code == 200 else None
            if answer is not None:
                self._count(prompt, answer)
                return answer
            if self.stream:
                break
            self.stream = True
        with self._lock:
            self._silent += 1
        return None

    def _request(self, prompt: str, max_tokens: int, temperature: float) -> tuple[str, dict[str, Any]]:
        url = self.url.rstrip("/")
        body = {"model": self.model, "messages": [{"role": "user", "content": prompt}], "stream": self.stream}
        if url.endswith("/api"):
            return f"{url}/chat", {**body, "options": {"num_predict": max_tokens, "temperature": temperature}}
        body |= {"max_tokens": max_tokens, "temperature": temperature}
        body |= {"stream_options": {"include_usage": True}} if self.stream else {}
        return f"{url}/chat/completions", body

    def _count(self, prompt: str, answer: Answer) -> None:
        with self._lock:
            self._silent = 0
            given = answer.prompt_tokens
            self.prompt_tokens += given if given is not None else -(-len(prompt.encode()) // 4)
            given = answer.completion_tokens
            self.completion_tokens += given if given is not None else -(-len(answer.text.encode()) // 4)

    def guess(self, outcome: Outcome, variant: str | None, confident: bool) -> Guess:
        """The answer with what it cost so far."""
        return Guess(outcome, variant, confident, self.requests, self.prompt_tokens, self.completion_tokens,
                     time.perf_counter() - self._started)  # fmt: skip


def fresh(prompt: str) -> str:
    """The prompt under a random word on a line of its own, so that a cache of responses does not answer for the
    model. The papers send bare prompts; a cache would make their samples worthless."""
    return f"{random.choice(_WORDS)}{random.choice(_WORDS)}\n{prompt}"


def _wait(response: httpx.Response, attempt: int) -> float:
    try:
        asked = float(response.headers.get("retry-after", ""))
    except ValueError:
        asked = 0.1 * 2**attempt
    return min(LONGEST_WAIT, max(0.0, asked)) * random.uniform(1.0, 1.2)


def _read(response: httpx.Response) -> Answer | None:
    many = response.headers.get("content-type", "").startswith(("text/event-stream", "application/x-ndjson"))
    reasoning, content = "", ""
    counts: tuple[int | None, int | None] = (None, None)
    found = whole = False
    for line in response.text.splitlines() if many else [response.text]:
        try:
            event = json.loads(line.removeprefix("data:").strip())
        except ValueError:
            continue
        if not isinstance(event, dict) or "error" in event:
            continue
        counts = _counts(event) or counts
        for choice in event.get("choices") or ([event] if "message" in event else []):
            message = choice.get("message") or choice.get("delta") or {}
            reasoning += next((message[name] for name in _THOUGHTS if message.get(name)), "")
            content += message.get("content") or ""
            whole = whole or "stop" in (choice.get("finish_reason"), choice.get("done_reason"))
            found = True
    if not found:
        return None
    text = f"{reasoning}\n{content}".replace("<think>", "").replace("</think>", "\n")
    return Answer(" ".join(text.split()), whole, *counts)


def _counts(event: Mapping[str, Any]) -> tuple[int | None, int | None] | None:
    """Prompt and completion tokens, where an event states them."""
    usage = event.get("usage")
    if isinstance(usage, dict):
        return _number(usage.get("prompt_tokens")), _number(usage.get("completion_tokens"))
    if "prompt_eval_count" in event:
        return _number(event["prompt_eval_count"]), _number(event.get("eval_count"))
    return None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None
