"""Ask each URL once; print by how many MB the peak memory has grown since the first, one line each."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

from memory import peak_megabytes

from engine.errors import R1Error
from engine.targets.endpoint import Ask, Budget, Endpoint
from engine.targets.talk import Talk


async def ask(url: str) -> None:
    async with Talk(Endpoint(url, "m"), Budget(seconds=2), backoff=0.02) as talk:
        try:
            await talk.ask(Ask("hello", "Say hello.", max_tokens=100_000, prompt_tokens=-99_000))
        except R1Error as error:
            print(error.code, file=sys.stderr)


start = 0.0
for url in sys.argv[1:]:
    asyncio.run(ask(url))
    start = start or peak_megabytes()
    print(peak_megabytes() - start)
