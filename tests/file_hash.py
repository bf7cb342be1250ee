"""A kind of job for the tests of backends: hash a file in steps, slowly enough to be caught at it."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_STEPS = 4


def measure(
    spec: str, *, report: Callable[[int, int], None], budget: int, pause: float = 0.0, pids: str = ""
) -> dict[str, Any]:
    """SHA-256 of the file at ``spec``.

    Args:
        pause: seconds between steps.
        pids: a file to which the process adds its id when it begins.
    """
    if pids:
        with Path(pids).open("a") as file:
            file.write(f"{os.getpid()}\n")
    data, digest = Path(spec).read_bytes(), hashlib.sha256()
    size = -(-len(data) // _STEPS)
    for step in range(_STEPS):
        digest.update(data[step * size : (step + 1) * size])
        report(step + 1, _STEPS)
        time.sleep(pause)
    return {"sha256": digest.hexdigest(), "bytes_read": len(data), "has_budget": budget > 0}
