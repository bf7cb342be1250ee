"""A server on loopback that attacks whoever asks it: one path an attack, ``http://127.0.0.1:port/<attack>/v1``.

Attacks on the transport are written here; those by what a reply says are data in ``hostile_replies``.
"""

from __future__ import annotations

import asyncio
import threading
import time
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from hostile_replies import CHAT, REPLIES, Says, event_stream

BLOCK = 1 << 16
ZEROS = bytes(BLOCK)


class Asked(NamedTuple):
    """A request, read."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    number: int  # of the requests for this attack, from 1


Attack = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]
ATTACKS: dict[str, Attack] = {}


def attack(function: Attack) -> Attack:
    """Offer it under its own name."""
    ATTACKS[function.__name__] = function  # type: ignore[attr-defined]
    return function


class HostileServer:
    """Serves every attack from one port; ``everywhere`` also answers paths that name none, as ``/props``."""

    def __init__(self, everywhere: str | None = None) -> None:
        self.everywhere = everywhere
        self.requests: Counter[str] = Counter()
        self.authorizations: dict[str, set[str]] = {}
        self.arrivals: dict[str, list[float]] = {}
        self.peak = self._open = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = 0

    def __enter__(self) -> HostileServer:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def url(self, name: str, host: str = "127.0.0.1") -> str:
        """The base URL at which an attack waits."""
        return f"http://{host}:{self.port}/{name}/v1"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        self.peak = max(self.peak, self._open)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            first, *rest = head.decode("latin-1").split("\r\n")
            method, target, _ = first.split(" ", 2)
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            name = target.split("/")[1]
            name = name if name in ATTACKS else self.everywhere or "not_found"
            self.requests[name] += 1
            self.arrivals.setdefault(name, []).append(time.monotonic())
            self.authorizations.setdefault(name, set()).add(headers.get("authorization", ""))
            await ATTACKS[name](Asked(method, target, headers, body, self.requests[name]), writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError, ValueError):
            pass
        finally:
            self._open -= 1
            writer.close()


async def send(writer: asyncio.StreamWriter, body: bytes = b"", status: str = "200 OK", **headers: str) -> None:
    """A well-formed response. Header names are written with ``_`` for ``-``."""
    named = {"Content_Type": "application/json", "Content_Length": str(len(body)), "Connection": "close", **headers}
    lines = [f"HTTP/1.1 {status}"] + [f"{name.replace('_', '-')}: {value}" for name, value in named.items() if value]
    writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
    await writer.drain()


async def stream(writer: asyncio.StreamWriter, part: bytes, pause: float = 0.0, **headers: str) -> None:
    """The same chunk for ever."""
    await send(writer, Content_Type="text/event-stream", Content_Length="", Transfer_Encoding="chunked", **headers)
    chunk = f"{len(part):x}\r\n".encode() + part + b"\r\n"
    while True:
        writer.write(chunk if pause else chunk * max(1, BLOCK // len(chunk)))
        await writer.drain()
        await asyncio.sleep(pause)


PIECE = event_stream([{"choices": [{"delta": {"content": "x "}}]}], done=False)
ENDLESS: dict[str, tuple[bytes, float]] = {
    "endless_pieces": (PIECE, 0.0),
    "endless_slow_pieces": (PIECE, 0.005),
    "endless_comments": (b": keep-alive\n\n", 0.02),
    "endless_newlines": (b"\n" * 1000, 0.0),
    "endless_whitespace": (b" " * 1000, 0.0),
    "endless_short_lines": (b"a\n" * 1000, 0.0),
    "one_byte_chunks": (b"z", 0.0),
}
"""What is streamed for ever, and the seconds between."""


@attack
async def endless_line(asked: Asked, writer: asyncio.StreamWriter) -> None:
    await send(writer, b'data: {"choices": [{"delta": {"content": "', Content_Length="")
    while True:
        writer.write(b"y" * BLOCK)
        await writer.drain()


@attack
async def ten_gigabytes(asked: Asked, writer: asyncio.StreamWriter) -> None:
    await send(writer, Content_Length=str(10**10))
    for _ in range(10**10 // BLOCK):
        writer.write(ZEROS)
        await writer.drain()


@attack
async def slow_headers(asked: Asked, writer: asyncio.StreamWriter) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n":
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(1)


@attack
async def slow_body(asked: Asked, writer: asyncio.StreamWriter) -> None:
    await send(writer, Content_Length=str(len(CHAT)))
    for byte in CHAT:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(1)


@attack
async def silence(asked: Asked, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


@attack
async def slammed_door(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.close()


@attack
async def endless_continue(asked: Asked, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
        await writer.drain()


@attack
async def tls_garbage(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + bytes(range(256)) * 16)
    await writer.drain()


@attack
async def no_http(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"<!channel> <https://evil.example|click> hello\r\n\r\n")
    await writer.drain()


@attack
async def done_but_open(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """Honest, but the connection stays open after the end of the stream."""
    body = event_stream([{"choices": [{"delta": {"content": "Hello"}, "finish_reason": "stop"}]}])
    await send(writer, body, Content_Type="text/event-stream", Content_Length="")
    await asyncio.sleep(3600)


@attack
async def redirect_loop(asked: Asked, writer: asyncio.StreamWriter) -> None:
    await send(writer, status="307 Temporary Redirect", Location=asked.path)


@attack
async def redirect_to_the_thief(asked: Asked, writer: asyncio.StreamWriter) -> None:
    port = asked.headers["host"].rpartition(":")[2]
    await send(writer, status="307 Temporary Redirect", Location=f"http://localhost:{port}/thief/v1/chat/completions")


@attack
async def thief(asked: Asked, writer: asyncio.StreamWriter) -> None:
    await send(writer, CHAT)


@attack
async def takes_its_time(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """Honest, after a tenth of a second."""
    await asyncio.sleep(0.1)
    await send(writer, CHAT)


@attack
async def busy_twice(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """Honest from the third request on; asks for half a second in between."""
    if asked.number > 2:
        await send(writer, CHAT)
    else:
        await send(writer, b"", "429 Too Many Requests", Retry_After="0.5")


@attack
async def short_of_memory(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """Honest, but takes no long prompt, and does not say which field it means."""
    if len(asked.body) > 1_000:
        await send(writer, b'{"error": {"message": "exceeds the available context size"}}', "400 Bad Request")
    else:
        await send(writer, CHAT)


@attack
async def tells_the_key(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """A gateway that quotes what it was sent."""
    key = asked.headers.get("authorization", "").removeprefix("Bearer ")
    body = b'{"error": {"message": "Incorrect API key provided: %b"}}' % key.encode()
    await send(writer, body, "400 Bad Request", Server=key)


async def _bomb(writer: asyncio.StreamWriter, encoding: str, wbits: int) -> None:
    await send(writer, Content_Encoding=encoding, Content_Length="")
    packer = zlib.compressobj(9, wbits=wbits)
    while True:
        writer.write(packer.compress(bytes(1 << 20)))
        await writer.drain()
        await asyncio.sleep(0)


@attack
async def gzip_bomb(asked: Asked, writer: asyncio.StreamWriter) -> None:
    await _bomb(writer, "gzip", 31)


@attack
async def deflate_bomb(asked: Asked, writer: asyncio.StreamWriter) -> None:
    await _bomb(writer, "deflate", 15)


def _saying(says: Says) -> Attack:
    return lambda asked, writer: send(writer, says.body, says.status, **says.headers)


def _streaming(part: bytes, pause: float) -> Attack:
    return lambda asked, writer: stream(writer, part, pause)


ATTACKS |= {name: _saying(says) for name, says in REPLIES.items()}
ATTACKS |= {name: _streaming(part, pause) for name, (part, pause) in ENDLESS.items()}
