"""Whole-process times of `r1 --help` and `r1 identify` of a small real GGUF."""

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


def measure(command: list[str], environment: dict[str, str]) -> list[float]:
    times = []
    for _ in range(RUNS + 1):  # the first creates the database and warms the disk cache
        started = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", "bot.cli", *command], env=environment, capture_output=True)
        times.append(time.perf_counter() - started)
        assert done.returncode == 0, done.stderr.decode()
    return times[1:]


def main() -> int:
    short = 0
    with tempfile.TemporaryDirectory() as root:
        environment = {**os.environ, "R1_DATABASE_URL": f"sqlite:///{root}/r1.db", "R1_CONFIG": f"{root}/none.toml"}
        model = str(gemma(Path(root)))
        for command, bar in ((["--help"], 0.4), (["identify", model], 1.5)):
            times = measure(command, environment)
            median = statistics.median(times)
            short += median > bar
            print(
                f"r1 {command[0]:9} min {min(times):.2f} s, median {median:.2f} s, max {max(times):.2f} s (bar {bar})"
            )
    print("PASS" if not short else "short of the bar")
    return short


if __name__ == "__main__":
    raise SystemExit(main())
