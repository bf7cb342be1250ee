"""Calls to Slack over connections that are kept: a first sign has no time to shake hands for each.

For calls that may be made twice, as one over a connection that Slack has closed meanwhile is repeated; and of which
nobody needs more than the answer's ``error``.
"""

from __future__ import annotations

import json
import ssl
import threading
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

_SECONDS = 5


class Wire:
    """Connections to Slack, of each thread its own."""

    def __init__(self) -> None:
        self._kept = threading.local()

    def call(self, client: WebClient, method: str, arguments: dict[str, Any]) -> str | None:
        """Slack's error, or ``None`` where it did as asked.

        Raises:
            OSError, HTTPException: it did not answer.
        """
        if client.proxy is not None:  # the client knows the way
            return _by_client(client, method, arguments)
        url = urlsplit(client.base_url)
        headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "application/json; charset=utf-8"}
        body = json.dumps(arguments).encode()
        answer = self._send(url.scheme, url.netloc, f"{url.path}{method}", body, headers)
        error = None if answer.get("ok") else str(answer.get("error"))
        if error in ("invalid_auth", "token_revoked", "account_inactive", "token_expired"):
            return _by_client(client, method, arguments)  # which knows where to look for a newer token
        return error

    def _send(self, scheme: str, host: str, path: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        connections: dict[str, HTTPConnection] = self._kept.__dict__.setdefault("of", {})
        kept = connections.pop(host, None)
        try:
            connection = kept or _connection(scheme, host)
            status, content = _exchange(connection, path, body, headers)
        except (OSError, HTTPException):
            if kept is None:
                raise
            connection = _connection(scheme, host)  # the one that was kept may have been closed at the other end
            status, content = _exchange(connection, path, body, headers)
        connections[host] = connection
        if status == 429:
            return {"error": "ratelimited"}
        answer: dict[str, Any] = json.loads(content)
        return answer


def _exchange(connection: HTTPConnection, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    try:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, HTTPException):
        connection.close()
        raise


def _connection(scheme: str, host: str) -> HTTPConnection:
    if scheme == "https":
        return HTTPSConnection(host, timeout=_SECONDS, context=_trusted())
    return HTTPConnection(host, timeout=_SECONDS)


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


def _by_client(client: WebClient, method: str, arguments: dict[str, Any]) -> str | None:
    try:
        client.api_call(method, json=arguments)
    except SlackApiError as error:
        return str(error.response.get("error"))
    return None
