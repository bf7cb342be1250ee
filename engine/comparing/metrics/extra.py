"""What the metrics need of the ``compare`` extra."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from engine.errors import UsageError


def needed(module: str) -> Any:
    """The module by that name, such as ``sklearn.metrics``. Raises UsageError: it is not installed."""
    try:
        return import_module(module)
    except ImportError as error:
        raise UsageError("compare_extra", module=module.partition(".")[0]) from error
