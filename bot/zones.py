"""The names of time zones, looked up once: each look reads hundreds of files."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones


@cache
def timezones() -> frozenset[str]:
    """Every time zone that is known here, by its name in the IANA database."""
    return frozenset(available_timezones())
