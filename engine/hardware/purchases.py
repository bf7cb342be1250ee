"""What people usually buy or rent when nobody has said what there is, and how much memory that makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.constraints.record import Installed
from engine.hardware.loading import load_hardware
from engine.hardware.schema import Device

_MENU = (
    ("l4", 1), ("rtx-4090", 1), ("rtx-4090", 2), ("rtx-4090", 4), ("rtx-4090", 8), ("l40s", 1), ("l40s", 2),
    ("m3-ultra-512gb", 1), ("a100-80gb", 1), ("a100-80gb", 2), ("a100-80gb", 8), ("h100-sxm", 1), ("h100-sxm", 2),
    ("h100-sxm", 8), ("h20-96gb", 8), ("h200", 8), ("mi300x", 8), ("ascend-910b", 8), ("ascend-910b", 16),
    ("h100-sxm", 16), ("b200", 8),
)  # fmt: skip
"""From one small card to what serves the full R1 in FP8; judged: a purchase a step in memory, and each vendor's."""


def menu() -> tuple[Installed, ...]:
    """Usual purchases, of every size."""
    return tuple(Installed(device, count) for device, count in _MENU)


def hardware_memory(installed: Installed | Iterable[Installed], hardware: Mapping[str, Device] | None = None) -> float:
    """Usable memory of all of it together, in GB (1e9 bytes).

    Args:
        hardware: the catalog that its ids are of; the shipped one by default.

    Raises:
        KeyError: an id that the catalog does not have.
    """
    known = load_hardware() if hardware is None else hardware
    parts = (installed,) if isinstance(installed, Installed) else installed
    return sum(known[part.device].usable * part.count for part in parts)
