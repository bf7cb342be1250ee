"""Versions of a family: which of two is the later one."""

from __future__ import annotations

import re

_GROWS = re.compile(r"\d{1,9}(?:[.-]\d{1,9}){0,7}")


def grows(version: str) -> bool:
    """Whether it is made of numbers alone, as ``2026-11-24`` or ``1.10.2``, so that every later one can be told."""
    return _GROWS.fullmatch(version) is not None


def later(version: str, than: str) -> bool:
    """Whether a version comes after another, number by number: ``1.10`` after ``1.9``, ``2026-11-24.1`` after ``2026-11-24``."""
    return _numbers(version) > _numbers(than)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d{1,18}", version))
