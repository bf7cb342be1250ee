"""Whole-process times of `r1 --help`, `r1 identify` of a small real GGUF, completions, and one line to `r1 chat`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from cases import gemma

RUNS = 7


COMPLETED = ("size x --gpu 2x4090", "size x --quantization a", "explain k", "identify v")


def measure(command: list[str], environment: dict[str, str], said: str = "") -> list[float]:
    times = []
    for _ in range(RUNS + 1):  # the first creates the database and warms the disk cache
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "bot.cli", *command], env=environment, capture_output=True, input=said.encode()
        )
        times.append(time.perf_counter() - started)
        assert done.returncode == 0, done.stderr.decode()
    return times[1:]


def told(what: str, times: list[float], bar: float) -> bool:
    """Print the times; whether they are short of the bar."""
    median = statistics.median(times)
    print(f"{what:32} min {min(times):.2f} s, median {median:.2f} s, max {max(times):.2f} s (bar {bar})")
    return median > bar


def main() -> int:
    short = 0
    with tempfile.TemporaryDirectory() as root:
        environment = {**os.environ, "R1_DATABASE_URL": f"sqlite:///{root}/r1.db", "R1_CONFIG": f"{root}/none.toml"}
        model = str(gemma(Path(root)))
        short += told("r1 --help", measure(["--help"], environment), 0.4)
        short += told("r1 identify", measure(["identify", model], environment), 1.5)
        short += told("r1 chat, a verdict", measure(["chat", "--json"], environment, f"identify {model}\n"), 2.0)
        for typed in COMPLETED:
            words = ["r1", *typed.split()]
            asked = {"COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1), "_R1_COMPLETE": "bash_complete"}
            short += told(f"Tab: r1 {typed}", measure([], {**environment, **asked}), 0.3)
    print("PASS" if not short else "short of the bar")
    return short


if __name__ == "__main__":
    raise SystemExit(main())
