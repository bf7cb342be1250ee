"""HTTP to servers nobody vouches for: bounded in time, bytes and unpacked bytes, and following no redirect."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
import zlib
from collections.abc import AsyncIterator, Mapping
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
_LINE_LIMIT = 1_000_000


@dataclass(slots=True)
class Response:
    """A response, read. ``lines`` pairs each line with its time of arrival in seconds since sending."""

    status: int
    headers: Mapping[str, str]
    lines: list[tuple[float, bytes]] = field(default_factory=list)
    seconds: float = 0.0
    size: int = 0

    @property
    def body(self) -> bytes:
        return b"\n".join(line for _, line in self.lines)


class Wire:
    """Connections to one endpoint."""

    def __init__(self, endpoint: Endpoint, *, reply_seconds: float = REPLY_SECONDS) -> None:
        self.endpoint, self.reply_seconds = endpoint, reply_seconds
        self.host = urlsplit(endpoint.url).hostname or "?"
        headers = {"Accept-Encoding": "identity", "User-Agent": "r1-detective"}
        if endpoint.key:
            headers["Authorization"] = f"Bearer {endpoint.key}"
        self.client = httpx.AsyncClient(
            headers=headers,
            follow_redirects=False,
            # A proxy would resolve the host itself, out of reach of the check below.
            trust_env=not endpoint.public_only,
            timeout=httpx.Timeout(reply_seconds, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=max(1, endpoint.concurrency)),
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self.client.aclose()

    async def request(self, method: str, url: str, payload: Any = None, *, until: float | None = None) -> Response:
        """Send one request and read its response whole.

        Args:
            until: ``time.monotonic()`` by which it must be over, where sooner than ``reply_seconds``.

        Raises:
            TargetError: unreachable, too slow, too large or not decodable; the sentence says which.
        """
        started = time.monotonic()
        limit = self.reply_seconds if until is None else max(0.05, min(self.reply_seconds, until - started))
        try:
            async with asyncio.timeout(limit):
                async with self._opened(method, url, payload) as raw:
                    response = Response(raw.status_code, raw.headers)
                    await self._read(raw, response, started)
        except TimeoutError as error:
            raise TargetError("endpoint_slow", host=self.host, seconds=round(limit, 1)) from error
        except httpx.TimeoutException as error:
            raise TargetError("endpoint_unreachable", host=self.host, problem="timeout") from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            problem = str(error).splitlines()[0][:100] if str(error) else type(error).__name__
            raise TargetError("endpoint_unreachable", host=self.host, problem=problem) from error
        response.seconds = time.monotonic() - started
        return response

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
        addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
        if not addresses or not all(address.is_global for address in addresses):
            raise TargetError("endpoint_private", host=self.host)
        address = addresses[0]
        shown = f"[{address}]" if address.version == 6 else str(address)
        return parts._replace(netloc=f"{shown}:{port}").geturl(), parts.netloc

    async def _read(self, raw: httpx.Response, response: Response, started: float) -> None:
        unpack = self._unpacker(raw)
        rest = b""
        async for chunk in raw.aiter_raw():
            data = unpack(chunk)
            response.size += max(len(data), len(chunk))
            if response.size > BODY_LIMIT or len(rest) + len(data) > _LINE_LIMIT * 4:
                raise TargetError("endpoint_too_large", host=self.host, limit=BODY_LIMIT // 1_000_000)
            *whole, rest = (rest + data).split(b"\n")
            now = time.monotonic() - started
            response.lines.extend((now, line) for line in whole)
            if whole and whole[-1].strip() == b"data: [DONE]":
                return
        if rest:
            response.lines.append((time.monotonic() - started, rest))

    def _unpacker(self, raw: httpx.Response) -> Any:
        """``identity`` was asked for; some gateways pack all the same, and a bomb does so on purpose."""
        packed = raw.headers.get("content-encoding", "identity").strip().lower()
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
