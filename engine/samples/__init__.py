"""Header-exact sparse checkpoints: true names, shapes, dtypes and sizes, next to nothing on disk.

They stand in for real checkpoints wherever only headers are read: tests, benchmarks and `r1 demo`.
"""

from __future__ import annotations

from engine.samples.checkpoint import published, write_checkpoint, write_tensors
from engine.samples.gguf import write_gguf

__all__ = ["published", "write_checkpoint", "write_gguf", "write_tensors"]
