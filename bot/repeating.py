"""Verdicts that still stand: asked again within ``cache_minutes``, about a target in which nothing changed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

import engine
from bot.endpoints import is_name
from bot.requests import Origin, Request, request_from_json
from bot.settings import Settings
from bot.store.endpoints import find_endpoint
from bot.store.models import RequestRow, VerdictRow, now
from engine.catalog.updates import index_files

_MOST_FILES = 2_000
_LATEST = 5


def repeatable(session: Session, request: Request, origin: Origin, settings: Settings) -> str | None:
    """The id of the team's verdict that answers the same question and still stands; ``None`` where it has to be
    looked at again: it is asked afresh, another way or by another engine, files or references changed, or it is old.
    """
    if request.fresh or settings.cache_minutes == 0 or origin.surface in ("cli", "watch"):
        return None
    since = now() - timedelta(minutes=settings.cache_minutes)
    recent = (
        select(VerdictRow.id, VerdictRow.created, VerdictRow.payload["seconds"].as_float(), RequestRow.payload)
        .join(RequestRow, RequestRow.id == VerdictRow.request_id)
        .where(VerdictRow.team == origin.team, VerdictRow.created > since, RequestRow.verb == "identify")
        .where(RequestRow.payload["target"].as_string() == request.target)
        .where(VerdictRow.engine_version == engine.__version__)
        .order_by(VerdictRow.created.desc())
        .limit(_LATEST)
    )
    for verdict_id, created, seconds, payload in session.execute(recent):
        began = created - timedelta(seconds=(seconds or 0.0) + 1.0)
        same = _question(request_from_json(payload)) == _question(request)
        if (
            same
            and not _registered_since(session, began, request, origin)
            and not _changed_since(began, request, settings)
        ):
            return str(verdict_id)
    return None


def _registered_since(session: Session, moment: datetime, request: Request, origin: Origin) -> bool:
    """Whether the endpoint that goes by this name now was registered at or after ``moment``."""
    name = request.target or ""
    row = find_endpoint(session, name, origin.team) if is_name(name) else None
    return row is not None and row.created >= moment


def _question(request: Request) -> Request:
    """What makes a verdict another one, and nothing else."""
    return replace(
        request, verb="identify", text="", lang="en", verdict_id=None, limit=10, action=None, fresh=False, free=False,
        confirms=None, private=None, other=None, sure=True, watch=None,
    )  # fmt: skip


def _changed_since(moment: datetime, request: Request, settings: Settings) -> bool:
    """Whether a file of the target, or one that verdicts rest on, changed at or after ``moment``; by the time of the
    last change to the file's record, which copying and touching do not set back."""
    recorded = (path for place in settings.references for path in (place, *place.glob("*.json")))
    given = (
        *settings.families,
        *index_files(settings.catalog_folder),
        *settings.rule_files,
        *settings.hardware_files,
        *recorded,
    )
    files = list(islice(_files(Path(request.target or "").expanduser()), _MOST_FILES + 1))
    if len(files) > _MOST_FILES:
        return True
    return _newest((*given, *files)) >= moment.timestamp()


def _files(path: Path) -> Iterator[str]:
    """A local target's files and folders; nothing for what is not on this machine. A single file of a set stands for
    the folder it is in."""
    try:
        if not path.exists():
            return
        every = path.is_dir()
        root = path if every else path.parent
        yield str(root)
        with os.scandir(root) as entries:
            yield from (entry.path for entry in entries if every or entry.is_file())
    except OSError:
        return


def _newest(paths: Iterable[str | Path]) -> float:
    latest = 0.0
    for path in paths:
        try:
            seen = os.lstat(path)
            # Through links too: a Hub cache's files are links to blobs.
            behind = Path(path).stat() if stat.S_ISLNK(seen.st_mode) else seen
            latest = max(latest, seen.st_ctime, behind.st_ctime)
        except OSError:
            return float("inf")
    return latest
