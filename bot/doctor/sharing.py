"""What several processes and machines share, or must not: SQLite's one bot; files that each worker has to find."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.doctor.finding import Finding
from bot.settings import Settings
from bot.store.instance import holder_of
from bot.store.models import WatchRow

_NAMED = 5


def instance_finding(settings: Settings, *, server: bool) -> Finding:
    """How many bots may run on the database; of SQLite's one, which it is."""
    if server:
        return Finding("instances", "ok", "instances_many")
    holder = holder_of(settings.store_url)
    if holder is None:
        return Finding("instances", "ok", "instances_none")
    values = {"pid": holder.pid or "?", "host": holder.host or "?", "since": holder.since or "?"}
    return Finding("instances", "ok", "instances_one", values)


def path_findings(session: Session, settings: Settings) -> Iterator[Finding]:
    """Whether what watches look at, and what settings name, is on this machine. Whichever worker takes a look has to
    find it, so it has to be on every machine that has one."""
    active = select(WatchRow.target).where(WatchRow.state == "active", WatchRow.target.startswith("/"))
    watched = sorted(set(session.scalars(active)))
    files = (settings.family_files, settings.rule_files, settings.hardware_files, settings.reference_files)
    named = sum(map(len, files)) + len(settings.checkpoint_roots)  # of those missing their own checks say it
    here = {"host": socket.gethostname(), "watched": len(watched), "named": named}
    missing = [path for path in watched if not os.path.lexists(path)]
    if missing:
        left = len(missing) - _NAMED
        shown = ", ".join(missing[:_NAMED]) + (f" (+{left})" if left > 0 else "")
        yield Finding("paths", "wrong", "paths_missing", {**here, "count": len(missing), "missing": shown})
    elif watched or named:
        yield Finding("paths", "ok", "paths_there", here)
    else:
        yield Finding("paths", "idle", "paths_none", here)
