"""llama.cpp's own server, with or without a cache of prompts, with as many slots as one likes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import served

from engine.targets.endpoint import Endpoint

SLOTS = 4


@contextmanager
def serving(
    model: Path, log: Path, *, cached: bool = True, threads: int = 1, at_once: int = SLOTS
) -> Iterator[Endpoint]:
    """A server of a file; ``at_once`` are put to it at most."""
    port = served.free_port()
    command = [sys.executable, str(Path(__file__)), str(model), str(port), str(int(cached)), str(threads)]
    with served._running(command, port, log):
        yield Endpoint(f"http://127.0.0.1:{port}/v1", "gemma", concurrency=at_once)


def _serve(model: Path, port: int, *, cached: bool, threads: int) -> None:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.model_alias = {"gemma"}
    params.hostnames, params.port = ["127.0.0.1"], port
    params.n_ctx, params.n_parallel, params.use_jinja = 256 * SLOTS, SLOTS, True
    params.cache_prompt, params.endpoint_slots = cached, False
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), int(sys.argv[2]), cached=sys.argv[3] == "1", threads=int(sys.argv[4]))
