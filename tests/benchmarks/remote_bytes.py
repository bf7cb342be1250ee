"""Identifies the 671B repository over HTTP on loopback: bytes fetched against header bytes, parallel requests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from hub_server import HubServer

from engine.samples import published, write_checkpoint

BAR = 1.2
CHILD = """
import json, sys, engine
found = engine.identify("deepseek-ai/DeepSeek-R1")
print(json.dumps([found.verdict.outcome, found.verdict.variant, found.verdict.confidence, found.seconds, found.target.cost.requests]))
"""


def header_bytes(directory: Path) -> int:
    total = 0
    for path in directory.glob("*.safetensors"):
        with path.open("rb") as file:
            total += 8 + int.from_bytes(file.read(8), "little")
    return total


def main() -> int:
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        repository = write_checkpoint(published("DeepSeek-R1"), root / "hub" / "deepseek-ai" / "DeepSeek-R1")
        headers = header_bytes(repository)
        with HubServer(root / "hub") as hub:
            hub.latency = 0.02
            environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(root / "cache"), "HF_HUB_OFFLINE": "0"}
            done = subprocess.run([sys.executable, "-c", CHILD], env=environment, check=True, capture_output=True)
            outcome, variant, confidence, seconds, requests = json.loads(done.stdout.splitlines()[-1])
    share = hub.bytes_sent / headers
    print(f"verdict: {outcome} {variant} {confidence:.3f} in {seconds:.2f} s with 20 ms latency, {requests} requests")
    print(f"header bytes {headers:,}; fetched in all {hub.bytes_sent:,} = {share:.3f} x (bar {BAR})")
    print(f"most requests at once: {hub.peak}; token sent to the storage host: {bool(hub.tokens_on_cdn)}")
    passed = share <= BAR and hub.peak > 1
    print("PASS" if passed else "short of the bar")
    return not passed


if __name__ == "__main__":
    raise SystemExit(main())
