"""Large numbers as people read them."""

from __future__ import annotations


def billions(count: int) -> str:
    """``671.0B``, ``7.62B``, ``22.7M``: three digits, as model names do."""
    for unit, size in (("T", 10**12), ("B", 10**9), ("M", 10**6), ("K", 10**3)):
        if count >= size:
            value = count / size
            digits = ".0f" if value >= 1000 else ".3g" if value < 100 else ".1f"
            return f"{value:{digits}}{unit}"
    return str(count)


def bytes_text(size: int) -> str:
    """Bytes in decimal units, as hosts show them."""
    for unit, scale in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}"
    return f"{size} B"
