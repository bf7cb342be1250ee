"""Text sources whose distributions are known, and a loopback endpoint that serves one badly: what the methods are
checked on before they meet the arena."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

import numpy as np

from peers import token_counting

VOCABULARY = tuple(f"{a}{b}" for a in ("ba", "do", "ke", "mi", "su", "ta") for b in ("n", "l", "rin", "vo", "shem"))


@dataclass
class Source:
    """Words drawn one by one from a multinomial of the prompt.

    ``drift`` mixes in another one of the source's own: 0 gives every source the same distributions.
    """

    name: str
    drift: float
    length: int = 12
    generator: np.random.Generator = field(default_factory=np.random.default_rng)
    _lock: Lock = field(default_factory=Lock)

    def write(self, prompt: str) -> str:
        """One completion."""
        odds = (1 - self.drift) * _multinomial(prompt) + self.drift * _multinomial(self.name + prompt)
        with self._lock:
            drawn = np.searchsorted(np.cumsum(odds), self.generator.random(self.length) * odds.sum())
        return " ".join(VOCABULARY[min(index, len(VOCABULARY) - 1)] for index in drawn)


@lru_cache(20_000)
def _multinomial(name: str) -> np.ndarray:
    return np.random.default_rng(zlib.crc32(name.encode())).dirichlet(np.full(len(VOCABULARY), 0.3))


@dataclass
class Manners:
    """How an endpoint behaves: share of requests it fails, whether it states usage, whether it only streams."""

    failing: float = 0.0
    usage: bool = True
    only_streams: bool = False
    tokenizer: str = "deepseek-v3"
    says: str = "I am DeepSeek-R1, made by DeepSeek."


@contextmanager
def served(source: Source, manners: Manners) -> Iterator[tuple[str, str]]:
    """The source as an OpenAI-compatible endpoint on loopback: URL and model."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if source.generator.random() < manners.failing:
                self._send(429 if source.generator.random() < 0.5 else 503, b"no", "text/plain")
            elif manners.only_streams and not body.get("stream"):
                self._send(400, b'{"error": {"message": "stream only"}}', "application/json")
            else:
                self._answer(body)

        def _answer(self, body: dict[str, object]) -> None:
            prompt = str(body["messages"][0]["content"])  # type: ignore[index]
            asked = "Which model" in prompt or "什么模型" in prompt
            text = (
                manners.says if asked else source.write(prompt.partition("\n")[2] if prompt.count("\n") > 1 else prompt)
            )
            usage: dict[str, object] = {"usage": {"prompt_tokens": _count(prompt, manners), "completion_tokens": 12}}
            usage = usage if manners.usage else {}
            if not body.get("stream"):
                document = {"choices": [{"message": {"role": "assistant", "content": text}}], **usage}
                return self._send(200, json.dumps(document).encode(), "application/json")
            events = [{"choices": [{"delta": {"content": piece}}]} for piece in (text[:5], text[5:])]
            lines = [json.dumps(event) for event in [*events, {"choices": [], **usage}]]
            return self._send(200, "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]).encode(),
                              "text/event-stream")  # fmt: skip

        def _send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            if status == 429:
                self.send_header("retry-after", "0.01")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", "toy"
    finally:
        server.shutdown()
        server.server_close()


def _count(prompt: str, manners: Manners) -> int:
    if prompt in token_counting.STRINGS:
        return 7 + token_counting.candidates()[manners.tokenizer][token_counting.STRINGS.index(prompt)]
    return len(prompt.split())
