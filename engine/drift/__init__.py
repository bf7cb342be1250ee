"""Whether an endpoint still is what it was: sequential tests that may be looked at after every check, for ever."""

from __future__ import annotations
