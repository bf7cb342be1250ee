"""A checkpoint that lies here, served on loopback for as long as it is compared: by llama.cpp, or by `transformers serve`.

So it is asked exactly as an endpoint is, through its own chat template, and is as fast as this machine makes it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx

from engine.errors import TargetError, UsageError
from engine.targets.endpoint import Endpoint

START_SECONDS = 600.0
"""What loading may take; a large checkpoint comes from a slow disk."""
AT_ONCE = 2
"""Requests that a model on this machine answers side by side."""
_STOP_SECONDS, _LOOK_SECONDS = 15, 0.2


@contextmanager
def served(path: Path) -> Iterator[Endpoint]:
    """Serve a GGUF file or a checkpoint directory.

    Raises:
        UsageError: what serves it is not installed.
        TargetError: it cannot be served; with the last that the server said.
    """
    port = free_port()
    command, model = _command(path, port)
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
        try:
            if not _is_up(server, f"http://127.0.0.1:{port}/health"):
                log.seek(0, os.SEEK_END)
                log.seek(max(0, log.tell() - 4_000))
                said = log.read().decode("utf-8", "replace").strip().splitlines()
                raise TargetError("serve_failed", path=path.name, problem=said[-1][:200] if said else "-")
            yield Endpoint(f"http://127.0.0.1:{port}/v1", model, name=path.name, concurrency=AT_ONCE)
        finally:
            server.terminate()
            try:
                server.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _command(path: Path, port: int) -> tuple[list[str], str]:
    """What serves it, and the name by which it serves it."""
    needed = "xllamacpp" if path.suffix.lower() == ".gguf" else "transformers"
    if find_spec(needed) is None:
        raise UsageError("serve_extra", module=needed)
    if needed == "xllamacpp":
        return [sys.executable, "-m", "engine.comparing.llama_cpp", str(path), str(port), str(AT_ONCE)], path.name
    program = ["-m", "transformers.cli.transformers", "serve", str(path), "--host", "127.0.0.1", "--port", str(port)]
    return [sys.executable, *program], str(path)


def _is_up(server: subprocess.Popen[bytes], url: str) -> bool:
    until = time.monotonic() + START_SECONDS
    with httpx.Client(trust_env=False, timeout=2) as client:
        while time.monotonic() < until and server.poll() is None:
            try:
                if client.get(url).status_code == 200:
                    return True
            except httpx.HTTPError:
                pass
            time.sleep(_LOOK_SECONDS)
    return False


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
