"""A Hub on loopback: model info, files by range behind a redirect, gates, limits – enough for huggingface_hub."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

CHUNK = 1 << 16


class HubServer:
    """Serves the repositories under ``root`` (``root/org/name/files``). Counts what it sends."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.requests: Counter[str] = Counter()
        self.bytes_sent = 0
        self.peak = 0
        self.gated: set[str] = set()
        self.token = "hf_loopback_token_0123456789"
        self.tokens_on_cdn: list[str] = []
        self.refuse_next = 0
        self.latency = 0.0
        self.ignore_range = False
        self.html = False
        self._open = 0
        self.lock = threading.Lock()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hub.answer(self)

            def do_HEAD(self) -> None:
                hub.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        # Another host name for the same server: redirects there leave the endpoint's host.
        self.cdn = f"http://localhost:{self._server.server_address[1]}"

    def __enter__(self) -> HubServer:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def commit(self, repo: str) -> str:
        return hashlib.sha1(repo.encode()).hexdigest()

    def answer(self, asked: BaseHTTPRequestHandler) -> None:
        with self.lock:
            self._open += 1
            self.peak = max(self.peak, self._open)
        try:
            time.sleep(self.latency)
            self._route(asked)
        finally:
            with self.lock:
                self._open -= 1

    def _route(self, asked: BaseHTTPRequestHandler) -> None:
        path = unquote(urlparse(asked.path).path)
        if self.html:
            return self._send(asked, 200, b"<html>not a hub</html>", {"Content-Type": "text/html"})
        with self.lock:
            busy = self.refuse_next > 0 and ("/resolve/" in path or "/cdn/" in path)
            self.refuse_next -= busy
        if busy:
            return self._send(asked, 429, b"", {"Retry-After": "0"})
        if path.startswith("/api/models/"):
            return self._info(asked, path.removeprefix("/api/models/"))
        if path.startswith("/cdn/"):
            self.requests["cdn"] += 1
            if header := asked.headers.get("Authorization"):
                self.tokens_on_cdn.append(header)
            return self._file(asked, self.root / path.removeprefix("/cdn/"))
        repo, _, rest = path.strip("/").partition("/resolve/")
        revision, _, name = rest.partition("/")
        if not self._may(asked, repo, revision):
            return None
        self.requests["resolve"] += 1
        file = self.root / repo / name
        if not file.is_file():
            return self._send(asked, 404, b"", {"X-Error-Code": "EntryNotFound"})
        headers = {
            "Location": f"{self.cdn}/cdn/{repo}/{name}",
            "X-Repo-Commit": self.commit(repo),
            "X-Linked-Size": str(file.stat().st_size),
            "X-Linked-Etag": f'"{hashlib.sha1(name.encode()).hexdigest()}"',
            "ETag": f'"{hashlib.sha1(name.encode()).hexdigest()}"',
        }
        return self._send(asked, 302, b"", headers)

    def _info(self, asked: BaseHTTPRequestHandler, path: str) -> None:
        repo, _, revision = path.partition("/revision/")
        self.requests["info"] += 1
        if not self._may(asked, repo, revision or "main"):
            return
        folder = self.root / repo
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        siblings = [{"rfilename": str(file.relative_to(folder)), "size": file.stat().st_size} for file in files]
        info: dict[str, Any] = {"id": repo, "modelId": repo, "sha": self.commit(repo), "siblings": siblings, "tags": []}
        self._send(asked, 200, json.dumps(info).encode(), {"Content-Type": "application/json"})

    def _may(self, asked: BaseHTTPRequestHandler, repo: str, revision: str) -> bool:
        if not (self.root / repo).is_dir():
            self._send(asked, 404, b'{"error":"Repository not found"}', {"X-Error-Code": "RepoNotFound"})
        elif repo in self.gated and asked.headers.get("Authorization") != f"Bearer {self.token}":
            self._send(asked, 403, b'{"error":"gated"}', {"X-Error-Code": "GatedRepo"})
        elif revision not in ("main", "v1", self.commit(repo)):
            self._send(asked, 404, b'{"error":"Invalid rev id"}', {"X-Error-Code": "RevisionNotFound"})
        else:
            return True
        return False

    def _file(self, asked: BaseHTTPRequestHandler, file: Path) -> None:
        size = file.stat().st_size
        first, last, status = 0, size - 1, 200
        wanted = asked.headers.get("Range", "")
        headers = {"Accept-Ranges": "bytes", "ETag": f'"{hashlib.sha1(file.name.encode()).hexdigest()}"'}
        if wanted.startswith("bytes=") and not self.ignore_range:
            begin, _, end = wanted.removeprefix("bytes=").partition("-")
            first, last, status = int(begin), min(int(end or size - 1), size - 1), 206
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        self._headers(asked, status, {**headers, "Content-Length": str(last - first + 1)})
        if asked.command == "HEAD":
            return
        with file.open("rb") as source:
            source.seek(first)
            left = last - first + 1
            while left > 0 and (data := source.read(min(CHUNK, left))):
                try:
                    asked.wfile.write(data)
                except OSError:
                    return
                left -= len(data)
                with self.lock:
                    self.bytes_sent += len(data)

    def _send(self, asked: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str]) -> None:
        self._headers(asked, status, {**headers, "Content-Length": str(len(body))})
        if asked.command != "HEAD":
            asked.wfile.write(body)
            with self.lock:
                self.bytes_sent += len(body)

    def _headers(self, asked: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
        asked.send_response(status)
        for name, value in headers.items():
            asked.send_header(name, value)
        asked.end_headers()
