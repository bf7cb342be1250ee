"""History as a table: verdicts and looks of watches in one order of time, the latest first, streamed page by page."""

from __future__ import annotations

import csv
import heapq
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from bot.store.feedback import Judged, judged
from bot.store.looks import ALWAYS, Span, Whose, watches_of
from bot.store.models import LookRow, VerdictRow, WatchRow
from bot.store.queries import not_others_private
from bot.store.recomputed import NEVER, recomputed

COLUMNS = (
    "kind", "id", "created", "target", "state", "outcome", "title", "confidence", "claim_check", "right", "wrong",
    "watch", "looks", "requests", "tokens", "seconds", "log_e", "identity", "distribution", "service", "reference_log_e",
    "recomputed_of",
)  # fmt: skip
"""Of an entry. ``kind``: ``verdict``, or of a look ``check``, ``identified``, ``failed`` or ``accept``; ``state``: of a look,
what it found, of a verdict ``silent`` where nobody was told; ``recomputed_of``: the verdict it was under an earlier catalog; ``looks``: how many looks it stands for; ``seconds``: for a
request; ``log_e``: evidence for a change so far, all in all, by signal, and against a reference (nats)."""
PAGE = 500
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BOM = "\ufeff"

Entry = dict[str, Any]


def entries(
    session: Session,
    whose: Whose,
    *,
    target: str | None = None,
    span: Span = ALWAYS,
) -> Iterator[Entry]:
    """All that history has, the latest first; ``target``: as it is named, else a part of names."""
    found = _verdicts(session, whose, target, span), _looks(session, whose, target, span)
    yield from heapq.merge(*found, key=lambda entry: entry["created"], reverse=True)


def csv_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """As CSV (RFC 4180): the first line begins with a mark by which Excel knows UTF-8, and text that a spreadsheet would
    run as a formula with an apostrophe, which it hides."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    yield _BOM + ",".join(COLUMNS) + "\r\n"
    for row in rows:
        writer.writerow([cell(row[name]) for name in COLUMNS])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def cell(value: Any) -> str | int | float:
    """A value as a cell: nothing as empty, times in ISO, no text that is a formula."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, int | float):
        return value
    text = str(value).replace("\x00", "�")
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text


def _verdicts(session: Session, whose: Whose, target: str | None, span: Span) -> Iterator[Entry]:
    columns: tuple[Any, ...] = (
        VerdictRow.id, VerdictRow.created, VerdictRow.target, VerdictRow.outcome, VerdictRow.title,
        VerdictRow.confidence, VerdictRow.claim_check, VerdictRow.silent,
    )  # fmt: skip
    query = select(*columns).where(*span.of(VerdictRow.created))
    if whose.team is not None:
        query = query.where(VerdictRow.team == whose.team)
    if whose.user is not None:
        query = not_others_private(query, whose.user)
    if target:
        named = func.lower(VerdictRow.target) == target.lower()
        exact = session.scalar(query.with_only_columns(VerdictRow.id).where(named).limit(1)) is not None
        query = query.where(named if exact else VerdictRow.target.icontains(target, autoescape=True))
    for page in _pages(session, query, VerdictRow.created, VerdictRow.id):
        ids = [row.id for row in page]
        opinions, again = judged(session, ids), recomputed(session, ids)
        for row in page:
            said = opinions.get(row.id, Judged())
            yield _blank() | {
                "kind": "verdict", "id": row.id, "created": row.created, "target": row.target, "outcome": row.outcome,
                "title": row.title, "confidence": row.confidence, "claim_check": row.claim_check, "right": said.right,
                "wrong": said.wrong, "state": "silent" if row.silent else None,
                "recomputed_of": again.get(row.id, NEVER).of,
            }  # fmt: skip


def _looks(session: Session, whose: Whose, target: str | None, span: Span) -> Iterator[Entry]:
    columns: tuple[Any, ...] = (
        LookRow.id, LookRow.at, LookRow.watch_id, LookRow.kind, LookRow.state, LookRow.log_e, LookRow.requests,
        LookRow.tokens, LookRow.looks, LookRow.record, LookRow.verdict_id, WatchRow.target,
    )  # fmt: skip
    query = select(*columns).join(WatchRow, WatchRow.id == LookRow.watch_id).where(*whose.watches())
    query = query.where(*span.of(LookRow.at))
    if target:
        query = query.where(LookRow.watch_id.in_(watches_of(session, whose, target)))
    for page in _pages(session, query, LookRow.at, LookRow.id):
        yield from map(_look, page)


def _look(row: Any) -> Entry:
    record: Mapping[str, Any] = row.record
    by_signal = record.get("log_e") or {}
    return _blank() | {
        "kind": "identified" if row.kind == "verdict" else row.kind, "id": str(row.id), "created": row.at,
        "target": row.target, "state": row.state, "outcome": record.get("outcome"), "title": record.get("title"),
        "confidence": record.get("confidence"), "watch": row.watch_id, "looks": row.looks, "requests": row.requests,
        "tokens": row.tokens, "seconds": record.get("seconds"), "log_e": row.log_e,
        "reference_log_e": (record.get("reference_log_e") or {}).get("total"),
        **{name: by_signal.get(name) for name in ("identity", "distribution", "service")},
    }  # fmt: skip


def _blank() -> Entry:
    return dict.fromkeys(COLUMNS)


def _pages(session: Session, query: Select[Any], at: Any, key: Any) -> Iterator[list[Any]]:
    """Page after page, each as cheap as the first: it begins behind the last row by time and id."""
    query, last = query.order_by(at.desc(), key.desc()).limit(PAGE), None
    while True:
        behind = query if last is None else query.where(or_(at < last[0], and_(at == last[0], key < last[1])))
        rows = list(session.execute(behind))
        if rows:
            yield rows
            last = (getattr(rows[-1], at.key), rows[-1].id)
        if len(rows) < PAGE:
            return
