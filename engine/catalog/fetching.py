"""Where an update comes from: a file, or a server that nobody vouches for; the signature is what is trusted."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

from engine.errors import CatalogError, R1Error, TargetError, UsageError
from engine.targets.endpoint import Endpoint
from engine.targets.wire import BODY_LIMIT, Response, Wire

_SECONDS = 30.0


def fetch(source: str, *, private: bool = False) -> tuple[bytes, str]:
    """A file's bytes, and its name for sentences.

    Args:
        source: a path, or an ``https://`` URL. Redirects are not followed.
        private: servers in private networks may be asked, and without TLS.

    Raises:
        R1Error: it is not there, too large, too slow, or may not be asked.
    """
    scheme = source.partition("://")[0].lower() if "://" in source else ""
    if scheme in ("http", "https"):
        return _downloaded(source, private=private, secure=scheme == "https")
    if scheme:
        raise UsageError("catalog_source", source=source[:120])
    path = Path(source).expanduser()
    try:
        if path.stat().st_size > BODY_LIMIT:
            raise CatalogError("catalog_too_large", file=path.name, limit=BODY_LIMIT // 1_000_000)
        return path.read_bytes(), path.name
    except (OSError, ValueError) as error:  # a path with a NUL in it is a ValueError
        raise CatalogError("catalog_missing", file=source[:200]) from error


def _downloaded(url: str, *, private: bool, secure: bool) -> tuple[bytes, str]:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError("catalog_source", source=url[:120]) from error
    if not host or parts.username is not None or not (secure or private):
        raise UsageError("catalog_source", source=url.replace(parts.netloc, host or "")[:120])
    found = asyncio.run(_get(Endpoint(url, "", public_only=not private)))
    if found.status != 200:
        raise TargetError("catalog_refused", host=host, status=found.status)
    return found.body, Path(parts.path).name or host


async def _get(server: Endpoint) -> Response:
    wire = Wire(server, reply_seconds=_SECONDS)
    try:
        return await wire.request("GET", server.url)
    except R1Error as error:
        if error.code == "endpoint_private":  # the sentence of endpoints speaks of registering
            raise TargetError("catalog_private", host=wire.host) from error
        raise
    finally:
        await wire.close()
