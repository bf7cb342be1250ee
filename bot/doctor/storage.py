"""The database: there, writable, migrated; what is sealed in it; the endpoints in it; its clock."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, func, make_url, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from bot.doctor.finding import Finding, failed
from bot.doctor.sharing import instance_finding, path_findings
from bot.endpoints import Asked, resolve
from bot.requests import Origin, Request
from bot.sealing import seal, unseal
from bot.settings import Settings
from bot.store.connection import HEAD, StoreError, look_at, schema_version
from bot.store.endpoints import list_endpoints
from bot.store.models import EndpointRow, WatchRow, now
from engine.errors import R1Error, UsageError
from engine.units import bytes_text

SKEW_SECONDS = 300
"""Slack's limit for the age of a signed request."""
_CONNECT_SECONDS = 2
_OVERDUE = timedelta(minutes=15)
_LEAST_FREE = 200_000_000
"""Bytes; a verdict with its evidence takes some 50,000."""


def storage_findings(settings: Settings, *, ask_endpoints: bool) -> list[Finding]:
    """Everything about the database. Nothing is created, migrated or kept."""
    try:
        shown = make_url(settings.store_url).render_as_string(hide_password=True)
        engine = look_at(settings.store_url, seconds=_CONNECT_SECONDS)
    except R1Error as error:
        return [failed("database", error)]
    except SQLAlchemyError:  # no URL at all: looking at it says so
        return [failed("database", UsageError("store_url", url="database_url"))]
    if engine is None:
        return [Finding("database", "idle", "database_new", {"url": shown}), *_master_key(settings, [])]
    try:
        return list(_of_database(engine, shown, settings, ask_endpoints))
    except (SQLAlchemyError, OSError) as error:
        problem = str(getattr(error, "orig", None) or error).strip().splitlines()[0][:160]
        return [failed("database", StoreError("store_unusable", url=shown, problem=problem))]
    finally:
        engine.dispose()


def disk_finding(settings: Settings) -> Finding:
    """Free space where SQLite's file lies; a server looks after its own."""
    try:
        url = make_url(settings.store_url)
    except SQLAlchemyError:  # the database's own check says it
        return Finding("disk", "idle", "disk_server")
    if url.get_backend_name() != "sqlite" or not url.database:
        return Finding("disk", "idle", "disk_server")
    folder = next(path for path in Path(url.database).absolute().parents if path.exists())
    free = shutil.disk_usage(folder).free
    values = {"free": bytes_text(free), "folder": folder}
    return Finding(
        "disk", "ok" if free >= _LEAST_FREE else "wrong", "disk" if free >= _LEAST_FREE else "disk_full", values
    )


def clock_finding(whose: str, ahead: float) -> Finding:
    """How far another clock is before this machine's, in seconds."""
    off = abs(ahead) >= SKEW_SECONDS
    code = ("clock_slack" if whose == "slack" else "clock_database") + ("_off" if off else "")
    return Finding("clock", "wrong" if off else "ok", code, {"seconds": f"{abs(ahead):.0f}"})


def _of_database(engine: Engine, shown: str, settings: Settings, ask_endpoints: bool) -> Iterator[Finding]:
    version = schema_version(engine)
    if version != HEAD:
        yield Finding("database", "ok", "database_reached", {"url": shown})
        if version is not None and version > HEAD:
            yield failed("migrations", StoreError("store_newer", url=shown, found=version, known=HEAD))
        else:
            yield Finding("migrations", "wrong", "migrations_behind", {"found": version or "–", "head": HEAD})
        return
    with engine.begin() as connection:  # asks for the right to write, and writes nothing
        connection.execute(text("DELETE FROM requests WHERE 1 = 0"))
    yield Finding("database", "ok", "database_written", {"url": shown})
    yield Finding("migrations", "ok", "migrations_head", {"head": HEAD})
    asked: list[Asked | Finding] = []
    with sessionmaker(engine)() as session:
        if engine.dialect.name == "postgresql":
            there: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
            yield clock_finding("database", (there - now()).total_seconds())
        rows = list(list_endpoints(session, None))
        yield from _master_key(settings, rows)
        yield from _endpoints(rows)
        yield _watches(session)
        yield instance_finding(settings, server=engine.dialect.name == "postgresql")
        yield from path_findings(session, settings)
        if ask_endpoints:
            asked = [_resolved(session, row, settings) for row in rows if not _lacks_key(row)]
    # SQLite has one writer, and a session is one: nobody is kept waiting for endpoints.
    yield from asyncio.run(_all_reached(asked))


def _master_key(settings: Settings, rows: list[EndpointRow]) -> Iterator[Finding]:
    sealed = [row for row in rows if row.key_encrypted]
    if not settings.secret_key.get_secret_value() and not sealed:
        yield Finding("secret_key", "idle", "key_unset")
        return
    try:
        seal("-", settings)
        for row in sealed:
            unseal(row.key_encrypted or "", settings, row.name)
    except R1Error as error:
        yield failed("secret_key", error)
    else:
        yield Finding("secret_key", "ok", "key_opens", {"count": len(sealed)})


def _endpoints(rows: list[EndpointRow]) -> Iterator[Finding]:
    unset = [row for row in rows if _lacks_key(row)]
    for row in unset:
        yield Finding("endpoints", "wrong", "endpoint_key_unset", {"name": row.name, "variable": row.key_env})
    if not rows:
        yield Finding("endpoints", "idle", "endpoints_none")
    elif not unset:
        yield Finding("endpoints", "ok", "endpoints", {"names": ", ".join(row.name for row in rows)})


def _watches(session: Session) -> Finding:
    """Whether somebody looks when it is time: a watch that is long due says that no worker does."""
    active = WatchRow.state == "active"
    count = session.scalar(select(func.count()).where(active)) or 0
    due = WatchRow.next_at < now() - _OVERDUE
    late, since = session.execute(select(func.count(), func.min(WatchRow.next_at)).where(active, due)).one()
    if late:
        values = {"count": late, "all": count, "since": f"{since:%Y-%m-%d %H:%M}"}
        return Finding("watches", "wrong", "watches_overdue", values)
    return Finding(
        "watches", "ok" if count else "idle", "watches_looked" if count else "watches_none", {"count": count}
    )


def _lacks_key(row: EndpointRow) -> bool:
    return bool(row.key_env) and not os.environ.get(row.key_env or "", "").strip()


def _resolved(session: Session, row: EndpointRow, settings: Settings) -> Asked | Finding:
    """The endpoint as its own team asks it; or why it cannot be asked."""
    try:
        asked = resolve(session, Request("identify", row.name, "en", target=row.name), Origin("dm", row.team), settings)
    except R1Error as error:
        return failed("endpoints", error)
    return asked or Finding("endpoints", "idle", "endpoints_none")


async def _all_reached(asked: list[Asked | Finding]) -> list[Finding]:
    return list(await asyncio.gather(*(_reached(entry) for entry in asked)))


async def _reached(asked: Asked | Finding) -> Finding:
    if isinstance(asked, Finding):
        return asked
    from engine.targets.talk import Talk

    try:
        async with Talk(asked.endpoint, asked.budget) as talk:
            listed = await talk.look("/models")
    except R1Error as error:
        return failed("endpoints", error)
    lists = isinstance(listed, dict) and isinstance(listed.get("data", listed.get("models")), list)
    code = "endpoint_lists" if lists or isinstance(listed, list) else "endpoint_answers"
    return Finding("endpoints", "ok", code, {"name": asked.endpoint.name})
