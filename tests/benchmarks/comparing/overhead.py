"""What `engine.compare` takes beyond its targets' own time, 32 requests to each at once.

    python -m tests.benchmarks.comparing.overhead [cases] [seconds]

The server, in a process of its own, streams each answer over that many seconds. Its own time is that of a client that does
nothing but put the same requests, 32 at once, and read what comes; both models side by side, as the comparison has them.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

import engine
from engine.comparing.records import Case, Task
from engine.targets.endpoint import parse_endpoint

AT_ONCE = 32


async def _alone(url: str, models: tuple[str, str], task: Task) -> float:
    """Seconds of a bare client."""
    free = {model: asyncio.Semaphore(AT_ONCE) for model in models}
    async with httpx.AsyncClient(
        timeout=None, trust_env=False, limits=httpx.Limits(max_connections=2 * AT_ONCE)
    ) as client:

        async def put(model: str, case: Case) -> None:
            body = {"model": model, "stream": True, "messages": [{"role": "user", "content": case.prompt}]}
            async with free[model], client.stream("POST", f"{url}/chat/completions", json=body) as reply:
                async for _ in reply.aiter_bytes():
                    pass

        begun = time.monotonic()
        await asyncio.gather(*(put(model, case) for case in task.cases for model in models))
        return time.monotonic() - begun


def main() -> None:
    """Print both times, and how much longer the comparison takes."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 640
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 2.0
    models = (f"right-0.8-seconds-{seconds}", f"right-0.80-seconds-{seconds}")
    cases = tuple(Case(str(at), f"Word {at}? [[word{at}]]", answers=(f"word{at}",)) for at in range(count))
    task = Task("overhead", "qa", "en", cases, max_tokens=16)
    program = [sys.executable, str(Path(__file__).with_name("answering.py"))]
    server = subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    assert server.stdout is not None
    try:
        url = server.stdout.readline().strip()
        warm = Task("warm", "qa", "en", cases[:4], max_tokens=16)
        engine.compare(parse_endpoint(f"{url}#right-1"), parse_endpoint(f"{url}#right-1.0"), warm)
        print(
            f"{count} cases to each of two models, {seconds} s an answer, {AT_ONCE} at once each; {os.cpu_count()} cores"
        )
        ideal = count * seconds / AT_ONCE
        alone = asyncio.run(_alone(url, models, task))
        with tempfile.TemporaryDirectory() as folder:
            sides = [parse_endpoint(f"{url}#{model}") for model in models]
            answered: list[float] = []
            begun = time.monotonic()
            found = engine.compare(
                *sides, task, concurrency=AT_ONCE, cache=Path(folder), gap=0.001,
                on_progress=lambda progress: answered.append(time.monotonic() - begun),
            )  # fmt: skip
            whole = time.monotonic() - begun
        assert found.asked == count, found.ended
    finally:
        server.kill()
        server.wait()
    print(f"slots alone {ideal:.2f} s; a bare client {alone:.2f} s")
    print(f"comparison: last answer at {answered[-1]:.2f} s ({100 * (answered[-1] / alone - 1):+.1f} %)")
    print(f"            with its table {whole:.2f} s ({100 * (whole / alone - 1):+.1f} %)")


if __name__ == "__main__":
    main()
