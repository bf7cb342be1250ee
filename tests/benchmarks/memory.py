"""Peak memory of this process."""

from __future__ import annotations

from pathlib import Path


def peak_megabytes() -> float:
    """High-water mark of resident memory since this program started, in MB.

    Not ``getrusage``: its figure survives exec, so a child would report its parent's peak.
    """
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
