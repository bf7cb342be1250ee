"""The memory and cores this process may use: the machine's, or the container's where that is less."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

_CGROUPS = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60
"""Version 1 writes "no limit" as a number close to 2⁶³."""


class Memory(NamedTuple):
    """Bytes: all there are, and those that can be had now."""

    total: int
    free: int


def host_memory(proc: Path = Path("/proc"), cgroups: Path = _CGROUPS) -> Memory:
    """Memory that can be had without swapping: ``MemAvailable``, or what a cgroup still allows.

    Args:
        proc, cgroups: where the kernel mounts them.
    """
    whole = _machine(proc)
    for limit in _limits(proc, cgroups):
        whole = Memory(min(whole.total, limit.total), min(whole.free, limit.free))
    return whole


def cores() -> int:
    """Cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def _machine(proc: Path) -> Memory:
    try:
        lines = (proc / "meminfo").read_text().splitlines()
    except OSError:
        return _without_proc()
    kilobytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if rest}
    return Memory(kilobytes["MemTotal"] << 10, kilobytes.get("MemAvailable", kilobytes["MemFree"]) << 10)


def _without_proc() -> Memory:
    """Where the kernel does not say what is available (macOS), half of all counts as free."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        total = 8 << 30
    return Memory(total, total // 2)


def _limits(proc: Path, cgroups: Path) -> list[Memory]:
    """What the process's cgroup and those above it allow. Cache of files that can be dropped counts as free."""
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        number, controllers, path = line.split(":", 2)
        if number == "0":
            found += _along(cgroups, path, "memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            names = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
            found += _along(cgroups / "memory", path, *names)
    return found


def _along(root: Path, path: str, limit: str, usage: str, droppable: str) -> list[Memory]:
    """Limits from the group up to the root; inside a container the root is the container's own group."""
    found = []
    parts = Path(path.lstrip("/")).parts
    for depth in range(len(parts), -1, -1):
        group = root.joinpath(*parts[:depth])
        try:
            most = int((group / limit).read_text())
            used = int((group / usage).read_text())
            stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        except (OSError, ValueError):  # no such group here, or "max": no limit
            continue
        if most < _UNLIMITED:
            found.append(Memory(most, max(0, most - used + int(stat.get(droppable, 0)))))
    return found
