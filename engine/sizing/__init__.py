"""How a model runs on hardware: memory, layouts, latency and throughput, by published formulas."""

from __future__ import annotations

from engine.sizing.asking import size
from engine.sizing.models import find_model
from engine.sizing.options import size_option
from engine.sizing.quantizations import Quantization, quantizations

__all__ = ["Quantization", "find_model", "quantizations", "size", "size_option"]
