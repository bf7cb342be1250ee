"""What a fingerprint of the 671B checkpoint costs, in a fresh process: seconds, bytes read, peak memory, no torch.

The checkpoint is sparse and reads as zeros, so reading from a disk is left out of it, and there is nothing to compare:
what is timed is decoding FP8 blocks and the arithmetic, which zeros make no faster.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from engine.samples import published, write_checkpoint

CHILD = """
import json, sys, time
from memory import peak_megabytes
from engine.probes import lineage
started = time.perf_counter()
read = lineage.measure(sys.argv[1])["bytes_read"]
print(json.dumps([time.perf_counter() - started, read / 1e6, peak_megabytes(), "torch" in sys.modules]))
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as root:
        path = write_checkpoint(published("DeepSeek-R1"), Path(root) / "DeepSeek-R1")
        for _ in range(3):
            run = [sys.executable, "-c", CHILD, str(path)]
            done = subprocess.run(run, check=True, capture_output=True, cwd=Path(__file__).parent)
            seconds, read, peak, torch = json.loads(done.stdout)
            print(f"{seconds:.1f} s, {read:.0f} MB of weights read, peak memory {peak:.0f} MB; torch imported: {torch}")


if __name__ == "__main__":
    main()
