"""Large numbers as people read them."""

from __future__ import annotations

import re


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


_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[KMGT]?)(?P<binary>I?)B?", re.IGNORECASE)


def read_bytes(text: str) -> int:
    """``20GB``, ``1.5 TiB``, ``500m`` or plain bytes as a number; decimal units unless they say ``i``.

    Raises:
        ValueError: it is no size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"“{text[:40]}” is no size: write 20GB or 16GiB")
    step = 1024 if match["binary"] else 1000
    power = " KMGT".index(match["unit"].upper() or " ")
    return int(float(match["number"]) * step**power)
