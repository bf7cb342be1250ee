"""Calling a comparison off while it runs: kept as a question of its own, so that whichever worker runs it finds it."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from bot.requests import Origin, Request
from bot.store import Store
from bot.store.models import JobRow, RequestRow
from bot.store.queries import add_request

_EVERY = 1.0
"""Seconds between two looks at the store."""


def call_off(store: Store, request: Request, origin: Origin) -> bool:
    """Have the comparison that ``request.confirms`` names stopped; ``False`` where that was said before, or it is over."""
    try:
        with store.begin() as session:
            job = session.scalar(select(JobRow.state).where(JobRow.request_id == request.confirms))
            if job not in ("queued", "running"):
                return False
            add_request(session, request, origin, _key(request.confirms or ""))
    except IntegrityError:
        return False
    return True


def called_off(store: Store, request_id: str | None) -> Callable[[], bool]:
    """Whether it was called off by now: the store is asked once a second at most."""
    last, found = -_EVERY, False

    def stop() -> bool:
        nonlocal last, found
        now = time.monotonic()
        if not found and request_id is not None and now - last >= _EVERY:
            with store.read() as session:
                found = (
                    session.scalar(select(RequestRow.id).where(RequestRow.dedup_key == _key(request_id))) is not None
                )
            last = now
        return found

    return stop


def _key(request_id: str) -> str:
    return f"stop:{request_id}"
