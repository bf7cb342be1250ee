"""The devices weights can be opened on, as torch sees them, and how much memory each may be given.

Without torch there is the CPU, on which everything that needs no forward pass still runs.
"""

from __future__ import annotations

import importlib
import importlib.util
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.errors import UsageError
from engine.weights.host import host_memory

Kind = Literal["cuda", "mps", "xpu", "npu", "cpu"]
KINDS: tuple[Kind, ...] = ("cuda", "mps", "xpu", "npu", "cpu")
_MARGIN, _LEAST_MARGIN = 0.1, 512 << 20
"""Free memory left alone: a tenth, and no less than half a gigabyte. Allocators fragment, contexts and kernels
take room of their own, and others on the machine go on working. Judged."""
_FP8_SINCE = (8, 9)
"""CUDA compute capability from which tensor cores multiply FP8 (Ada; NVIDIA, "CUDA C++ Programming Guide")."""


@dataclass(frozen=True, slots=True)
class Device:
    """One device. Memory in bytes; ``dtypes``: the float types it computes with, by torch's names; none
    where torch is missing.

    Attributes:
        where: the host it is in, where that is another one (a Ray cluster's node).
        allowed: bytes that may be used of it by a setting, whatever is free.
    """

    kind: Kind
    index: int
    name: str
    memory_total: int
    memory_free: int
    dtypes: tuple[str, ...] = ("float32",)
    where: str = ""
    allowed: int | None = None

    @property
    def id(self) -> str:
        """As torch writes it: ``cuda:0``; ``cpu``, of which there is one."""
        return self.kind if self.kind in ("cpu", "mps") else f"{self.kind}:{self.index}"

    @property
    def fp8(self) -> bool:
        """Whether it multiplies FP8 numbers; storing and unpacking them works anywhere."""
        return "float8_e4m3fn" in self.dtypes

    @property
    def budget(self) -> int:
        """Bytes that may be used: what is free, less a margin."""
        if self.allowed is not None:
            return self.allowed
        return max(0, self.memory_free - max(int(self.memory_free * _MARGIN), _LEAST_MARGIN))


def has_torch() -> bool:
    """Whether torch is installed; it is not imported to find out."""
    return importlib.util.find_spec("torch") is not None


def seen() -> tuple[Device, ...]:
    """Every device here: accelerators first, the CPU last. Asking an accelerator for its memory opens it."""
    return (*_accelerators(), _cpu())


def chosen(wanted: str = "") -> tuple[Device, ...]:
    """The devices to use, one worker each.

    Args:
        wanted: ids such as ``cuda:0,cuda:1``; a kind alone means the first; one may be named twice, for two
            workers. Empty: every accelerator, or the CPU where there is none.

    Raises:
        UsageError: there is no such device.
    """
    names = [name for name in re.split(r"[,\s]+", wanted.strip().lower()) if name]
    if names and set(names) == {"cpu"}:  # torch need not be imported to see that
        return (_cpu(),) * len(names)
    here = seen()
    if not names:
        return here[:-1] or here
    spelled = [(name, device) for device in here for name in (device.id, f"{device.kind}:{device.index}", device.kind)]
    by_id = dict(reversed(spelled))  # of several of a kind, the first
    for name in names:
        if name not in by_id:
            missing = "device_unknown" if has_torch() else "device_no_torch"
            raise UsageError(missing, name=name[:40], known=", ".join(device.id for device in here))
    return tuple(by_id[name] for name in names)


def _cpu() -> Device:
    memory = host_memory()
    dtypes = ("float32", "bfloat16") if has_torch() else ()
    return Device("cpu", 0, _cpu_name(), memory.total, memory.free, dtypes)


def _cpu_name() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
            named = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        named = ""
    return named or platform.processor() or platform.machine()


def _accelerators() -> tuple[Device, ...]:
    if not has_torch():
        return ()
    import torch

    if importlib.util.find_spec("torch_npu") is not None:
        importlib.import_module("torch_npu")  # makes "npu" known to torch
    if not torch.accelerator.is_available():
        return ()
    current = torch.accelerator.current_accelerator()
    kind = next((kind for kind in KINDS if current is not None and kind == current.type), None)
    if kind is None:
        return ()
    if kind == "mps":
        return (_mps(torch),)
    module = torch.get_device_module(kind)
    return tuple(_device(kind, index, module, torch) for index in range(torch.accelerator.device_count()))


def _device(kind: Kind, index: int, module: Any, torch: Any) -> Device:
    free, total = module.mem_get_info(index)
    half = ("float16", "bfloat16")
    dtypes: tuple[str, ...] = ("float32", *half)
    # A ROCm build answers to "cuda" too, with capabilities of another scale.
    if kind == "cuda" and torch.version.hip is None:
        capability = module.get_device_capability(index)
        dtypes = ("float32", *half[: 2 if capability >= (8, 0) else 1])
        dtypes = (*dtypes, "float8_e4m3fn") if capability >= _FP8_SINCE else dtypes
    return Device(kind, index, str(module.get_device_name(index)), int(total), int(free), dtypes)


def _mps(torch: Any) -> Device:
    """Apple's GPU shares the machine's memory; Metal recommends how much of it to use."""
    most = int(torch.mps.recommended_max_memory())
    free = min(most - int(torch.mps.driver_allocated_memory()), host_memory().free)
    return Device("mps", 0, _cpu_name(), most, max(0, free), ("float32", "float16"))
