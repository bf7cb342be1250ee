"""How much memory a run takes at its highest: torch's own count on an accelerator, anonymous pages on the CPU."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import torch


class PeakMemory:
    """Counts from where it is made. On the CPU it looks when it is told to (``look``), so it is told at the heights."""

    def __init__(self, device: torch.device) -> None:
        self._device, self._module = device, _module(device)
        if self._module is not None:
            self._module.reset_peak_memory_stats(device)
        self._base = self._now()
        self._highest = 0

    def look(self) -> None:
        """Note the present height."""
        if self._module is None:
            self._highest = max(self._highest, self._now() - self._base)

    @property
    def bytes(self) -> int:
        """The highest so far, above where it began."""
        if self._module is None:
            return self._highest
        return int(self._module.max_memory_allocated(self._device)) - self._base

    def _now(self) -> int:
        return anonymous() if self._module is None else int(self._module.memory_allocated(self._device))


def anonymous() -> int:
    """Bytes of this process in memory that are no file's: what it allocated. 0 where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("RssAnon")), 0)


def is_full(error: BaseException) -> bool:
    """Whether an error says that memory ran out. torch's CPU allocator has no class of its own for it."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    told = str(error)
    return isinstance(error, RuntimeError) and ("allocate memory" in told or "out of memory" in told.lower())


def release(device: torch.device) -> None:
    """Give back what is unreachable, to the device too."""
    gc.collect()
    module: Any = _module(device)
    if module is not None and hasattr(module, "empty_cache"):
        module.empty_cache()


def _module(device: torch.device) -> Any:
    """The torch module of an accelerator that counts its allocations; ``None`` for the CPU and those that do not."""
    if device.type == "cpu":
        return None
    module = torch.get_device_module(device)
    return module if hasattr(module, "max_memory_allocated") else None
