"""HTTP to servers nobody vouches for: bounded in time, bytes and unpacked bytes, and following no redirect."""

from __future__ import annotations

import asyncio
import ipaddress
import math
import socket
import time
import zlib
from array import array
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from engine.errors import TargetError
from engine.targets.endpoint import Endpoint

BODY_LIMIT = 4_000_000
"""Bytes of one response, packed or unpacked; a reply of a thousand tokens with logprobs has some 500 KB."""
CONNECT_SECONDS, REPLY_SECONDS = 10.0, 90.0
_RESOLUTION = 1e-4
"""Seconds. Lines that arrive closer together than this count as one arrival, which bounds what is kept of them."""
_AFTERWARDS = 0.2
"""Seconds to wait for the end of a stream that has said it is done, so that its connection can be used again."""
_DONE = (b"data: [DONE]", b"data:[DONE]")


@dataclass(slots=True)
class Response:
    """A response, read.

    Attributes:
        ends, times: what had arrived by when: bytes of the body, and seconds since sending.
        cut: reading was stopped, and what came after the last whole line was dropped.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    ends: array[int] = field(default_factory=lambda: array("q"))
    times: array[float] = field(default_factory=lambda: array("d"))
    seconds: float = 0.0
    size: int = 0
    cut: bool = False

    def lines(self) -> Iterator[tuple[float, bytes]]:
        """Each line that is not blank, with its time of arrival in seconds since sending."""
        start, arrival = 0, 0
        while start < len(self.body):
            end = self.body.find(b"\n", start)
            end = len(self.body) if end < 0 else end
            while arrival < len(self.ends) and self.ends[arrival] <= end:
                arrival += 1
            line = self.body[start:end].strip()
            if line:
                yield (self.times[arrival] if arrival < len(self.times) else self.seconds), line
            start = end + 1


class Wire:
    """Connections to one endpoint.

    Raises:
        TargetError: the key cannot be sent, or the proxy settings of the environment cannot be used.
    """

    def __init__(self, endpoint: Endpoint, *, reply_seconds: float = REPLY_SECONDS) -> None:
        self.endpoint, self.reply_seconds = endpoint, reply_seconds
        self.host = urlsplit(endpoint.url).hostname or "?"
        self.key = (endpoint.key or "").strip()
        self.free = asyncio.Semaphore(max(1, endpoint.concurrency))
        headers = {"Accept-Encoding": "identity", "User-Agent": "r1-detective"}
        if self.key:
            # Checked here: the HTTP library would quote the key in its complaint.
            if not (self.key.isascii() and self.key.isprintable()):
                raise TargetError("endpoint_key_unusable", host=self.host)
            headers["Authorization"] = f"Bearer {self.key}"
        try:
            self.client = httpx.AsyncClient(
                headers=headers,
                follow_redirects=False,
                # A proxy would resolve the host itself, out of reach of the check below.
                trust_env=not endpoint.public_only,
                timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=max(1, endpoint.concurrency)),
            )
        except (ImportError, ValueError, httpx.InvalidURL, OSError) as error:
            raise TargetError("endpoint_unreachable", host=self.host, problem=_problem(error)) from error

    async def close(self) -> None:
        """Give the connections back."""
        await self.client.aclose()

    async def request(
        self, method: str, url: str, payload: Any = None, *, until: float | None = None, most_lines: int | None = None
    ) -> Response:
        """Send one request and read its response whole, once one of the endpoint's places is free.

        Args:
            until: ``time.monotonic()`` by which it must be over, where sooner than ``reply_seconds``.
            most_lines: stop reading after this many lines with data; the response is then ``cut``.

        Raises:
            TargetError: unreachable, too slow, too large or not decodable; the sentence says which.
        """
        response = Response(0, {})
        asked = time.monotonic()
        try:
            async with asyncio.timeout_at(until), self.free, asyncio.timeout(self.reply_seconds) as clock:
                try:
                    await self._exchange(method, url, payload, response, clock, most_lines)
                except httpx.TransportError as error:
                    if response.status or not _closed_meanwhile(error):
                        raise
                    await self._exchange(method, url, payload, response, clock, most_lines)
        except TimeoutError as error:
            if not response.seconds:
                waited = round(time.monotonic() - asked, 1)
                raise TargetError("endpoint_slow", host=self.host, seconds=waited) from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            if not response.seconds:
                raise TargetError("endpoint_unreachable", host=self.host, problem=_problem(error)) from error
        if self.key:
            response.body = response.body.replace(self.key.encode(), b"***")
        return response

    async def _exchange(
        self, method: str, url: str, payload: Any, response: Response, clock: asyncio.Timeout, most_lines: int | None
    ) -> None:
        started = time.monotonic()
        async with self._opened(method, url, payload) as raw:
            response.status, response.headers = raw.status_code, self._without_key(raw.headers)
            await self._read(raw, response, started, clock, most_lines)

    def _without_key(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers by lower-case name. A server may send the key back, and its words are shown."""
        plain = {name.lower(): value for name, value in headers.items()}
        return {name: value.replace(self.key, "***") for name, value in plain.items()} if self.key else plain

    @asynccontextmanager
    async def _opened(self, method: str, url: str, payload: Any) -> AsyncIterator[httpx.Response]:
        target, headers, extensions = url, {}, {}
        if self.endpoint.public_only:
            # Connecting to the very address that was checked: a second look-up could answer otherwise.
            target, headers["Host"] = await self._pinned(url)
            extensions["sni_hostname"] = self.host
        async with self.client.stream(method, target, json=payload, headers=headers, extensions=extensions) as raw:
            yield raw

    async def _pinned(self, url: str) -> tuple[str, str]:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        found = await asyncio.get_running_loop().getaddrinfo(self.host, port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        if not addresses or not all(is_public(address) for address in addresses):
            raise TargetError("endpoint_private", host=self.host)
        shown = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
        return parts._replace(netloc=f"{shown}:{port}").geturl(), parts.netloc

    async def _read(
        self, raw: httpx.Response, response: Response, started: float, clock: asyncio.Timeout, most_lines: int | None
    ) -> None:
        """Fill the response. ``response.seconds`` is set once all that matters is there."""
        unpack = self._unpacker(response)
        body, lines = bytearray(), 0
        mark = b"\n" if "ndjson" in response.headers.get("content-type", "") else b"data:"
        async for chunk in raw.aiter_raw():
            if response.seconds:
                break  # whatever follows the end
            data = unpack(chunk)
            response.size += max(len(data), len(chunk))
            if response.size > BODY_LIMIT:
                raise TargetError("endpoint_too_large", host=self.host, limit=BODY_LIMIT // 1_000_000)
            body += data
            if b"\n" not in data:
                continue
            now = time.monotonic() - started
            if response.times and now - response.times[-1] < _RESOLUTION:
                response.ends[-1] = len(body)
            else:
                response.ends.append(len(body))
                response.times.append(now)
            lines += data.count(mark)
            response.cut = most_lines is not None and lines > most_lines
            if response.cut:
                del body[body.rfind(b"\n") + 1 :]
            if response.cut or body[-64:].rstrip().endswith(_DONE):
                response.seconds, response.body = now, bytes(body)
                if response.cut:
                    return
                clock.reschedule(min(clock.when() or math.inf, asyncio.get_running_loop().time() + _AFTERWARDS))
        if not response.seconds:
            response.seconds, response.body = time.monotonic() - started, bytes(body)

    def _unpacker(self, response: Response) -> Any:
        """``identity`` was asked for; some gateways pack all the same, and a bomb does so on purpose."""
        packed = response.headers.get("content-encoding", "identity").strip().lower()
        if packed in ("", "identity"):
            return lambda chunk: chunk
        if packed not in ("gzip", "x-gzip", "deflate"):
            raise TargetError("endpoint_encoding", host=self.host, encoding=packed[:20])
        engine = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)

        def unpack(chunk: bytes) -> bytes:
            try:
                data = engine.decompress(chunk, BODY_LIMIT + 1)
            except zlib.error as error:
                raise TargetError("endpoint_not_json", host=self.host, problem="damaged gzip") from error
            if engine.unconsumed_tail:
                raise TargetError("endpoint_too_large", host=self.host, limit=BODY_LIMIT // 1_000_000)
            return data

        return unpack


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NEVER = tuple(map(ipaddress.ip_network, ("64:ff9b:1::/48", "fec0::/10", "::/96")))
"""IPv6 that Python calls global: NAT64 within a site, site-local (RFC 3879), IPv4-compatible (RFC 4291)."""


def is_public(address: str) -> bool:
    """Whether an IP address is reached through the public internet, also by what it wraps (6to4, NAT64)."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        inner = (
            found.ipv4_mapped or found.sixtofour or (found in _NAT64 and ipaddress.IPv4Address(int(found) & 0xFFFFFFFF))
        )
        if inner and not is_public(str(inner)):
            return False
        if any(found in network for network in _NEVER):
            return False
    return found.is_global and not found.is_multicast


def _closed_meanwhile(error: httpx.TransportError) -> bool:
    """The server closed a connection just as it was taken up again, as llama.cpp does at times after a stream."""
    return isinstance(error, httpx.ReadError | httpx.WriteError) or str(error).startswith("Server disconnected")


def _problem(error: Exception) -> str:
    """What went wrong, in words that are not the server's."""
    if isinstance(error, httpx.RemoteProtocolError) and not str(error).startswith(("peer closed", "Server disconn")):
        return "it does not speak HTTP"
    if isinstance(error, httpx.ConnectTimeout):
        return "no answer to the connection"
    return (str(error).splitlines() or [""])[0][:100].rstrip(".") or type(error).__name__
