"""Hardware that models run on: a catalog of devices, and their names in what people write."""

from engine.hardware.finding import Found, find_hardware
from engine.hardware.loading import load_hardware
from engine.hardware.parsing import parse_hardware
from engine.hardware.purchases import hardware_memory, menu

__all__ = ["Found", "find_hardware", "hardware_memory", "load_hardware", "menu", "parse_hardware"]
