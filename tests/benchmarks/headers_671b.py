"""Identifies the 671B checkpoint from its headers in a fresh process: seconds after imports, peak memory, no torch."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from engine.samples import published, write_checkpoint

SECONDS, MEGABYTES = 1.0, 250
RUNS = 5
CHILD = """
import json, sys, time
from memory import peak_megabytes
import orjson, yaml, pydantic, engine, engine.pipeline, engine.targets.local, engine.targets.checkpoint
started = time.perf_counter()
found = engine.identify(sys.argv[1])
print(json.dumps({
    "seconds": time.perf_counter() - started,
    "megabytes": peak_megabytes(),
    "torch": "torch" in sys.modules,
    "tensors": found.target.tensor_count,
    "outcome": f"{found.verdict.outcome} {found.verdict.variant} {found.verdict.confidence:.3f}",
}))
"""


def main() -> int:
    with tempfile.TemporaryDirectory() as root:
        path = write_checkpoint(published("DeepSeek-R1"), Path(root) / "DeepSeek-R1")
        apparent = sum(file.stat().st_size for file in path.iterdir())
        disk = sum(file.stat().st_blocks * 512 for file in path.iterdir())
        shards = len(list(path.glob("*.safetensors")))
        runs = [
            json.loads(
                subprocess.run(
                    [sys.executable, "-c", CHILD, str(path)], check=True, capture_output=True, cwd=Path(__file__).parent
                ).stdout
            )
            for _ in range(RUNS)
        ]
    first = runs[0]
    print(
        f"{first['tensors']:,} tensors in {shards} shards, {apparent / 1e9:.1f} GB apparent, {disk / 1e6:.1f} MB on disk"
    )
    print(f"verdict: {first['outcome']}")
    seconds = sorted(run["seconds"] for run in runs)
    megabytes = max(run["megabytes"] for run in runs)
    passed = seconds[RUNS // 2] <= SECONDS and megabytes <= MEGABYTES and not any(run["torch"] for run in runs)
    print(
        f"seconds after imports: min {seconds[0]:.2f}, median {seconds[RUNS // 2]:.2f}, max {seconds[-1]:.2f} (bar {SECONDS})"
    )
    print(f"peak memory: {megabytes:.0f} MB (bar {MEGABYTES}); torch imported: {first['torch']}")
    print("PASS" if passed else "short of the bar")
    return not passed


if __name__ == "__main__":
    raise SystemExit(main())
