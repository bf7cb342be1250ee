"""Hardware that models run on: a catalog of devices, and their names in what people write."""

from engine.hardware.loading import load_hardware
from engine.hardware.purchases import hardware_memory, menu

__all__ = ["hardware_memory", "load_hardware", "menu"]
