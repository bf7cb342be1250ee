"""Reading and writing what is kept. Every function takes an open session; callers own the transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from bot.requests import (
    ABOUT_A_MODEL,
    NAMED_BY_SIZE,
    Earlier,
    Origin,
    Request,
    about_a_model,
    request_from_json,
    request_to_json,
)
from bot.store.feedback import Judged, judged
from bot.store.looks import ALWAYS, Span
from bot.store.models import EvidenceRow, JobRow, RecommendationRow, RequestRow, VerdictRow, new_id, now
from bot.store.recomputed import NEVER, Recomputed, recomputed
from engine.codec import from_json, recommendation_from_json, recommendation_to_json, to_json
from engine.identification import Identification, Recommendation

_NO_CONTEXT = ("refused", "other", "help", "forget")
_MOST_KNOWN = 32
_KNOWN: dict[tuple[str, datetime], Identification] = {}
"""What the latest verdicts rest on, decoded: a verdict is never changed, and forgotten with its row, which is asked for
each time."""


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A past verdict in a line; ``right`` and ``wrong`` count the people who called it so."""

    id: str
    created: datetime
    target: str
    outcome: str
    title: str
    confidence: float
    claim_check: str
    right: int = 0
    wrong: int = 0
    recomputed: Recomputed = NEVER


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """A past verdict, whole."""

    id: str
    created: datetime
    text: str
    identification: Identification
    request: Request | None = None
    request_id: str | None = None
    team: str = ""
    recomputed: Recomputed = NEVER


def add_request(session: Session, request: Request, origin: Origin, dedup_key: str | None) -> str:
    """Keep a request; returns its id."""
    row = RequestRow(
        id=new_id(),
        dedup_key=dedup_key,
        surface=origin.surface,
        team=origin.team,
        channel=origin.channel,
        user=origin.user,
        thread_ts=origin.thread_ts,
        response_url=origin.response_url,
        verb=request.verb,
        text=storable(request.text),
        payload=storable(request_to_json(request)),
    )
    session.add(row)
    session.flush()
    return row.id


def save_identification(session: Session, found: Identification, *, request_id: str | None, team: str = "") -> str:
    """Keep a verdict with its evidence and recommendation; returns its public id."""
    payload = storable(to_json(found))
    evidence = payload.pop("evidence")
    verdict = VerdictRow(
        id=new_id(),
        request_id=request_id,
        team=team,
        target=storable(found.target.spec),
        family=found.family,
        outcome=found.verdict.outcome,
        grade=found.verdict.grade,
        title=storable(found.verdict.title),
        confidence=found.verdict.confidence,
        claim_check=found.verdict.claim_check,
        engine_version=found.engine_version,
        payload=payload,
    )
    session.add(verdict)
    session.flush()
    for position, row in enumerate(evidence):
        observation = row.pop("observation")
        session.add(
            EvidenceRow(
                verdict_id=verdict.id,
                position=position,
                probe=row["probe"],
                observation=observation,
                scored=row,
            )
        )
    save_recommendation(session, found.recommendation, request_id=request_id, verdict_id=verdict.id)
    return verdict.id


def save_recommendation(
    session: Session, recommendation: Recommendation, *, request_id: str | None, verdict_id: str | None = None
) -> str:
    """Keep a recommendation; returns its id."""
    row = RecommendationRow(
        id=new_id(),
        request_id=request_id,
        verdict_id=verdict_id,
        choice=recommendation.choice,
        payload=storable(recommendation_to_json(recommendation)),
    )
    session.add(row)
    session.flush()
    return row.id


def load_recommendation(session: Session, recommendation_id: str) -> Recommendation | None:
    """A stored recommendation."""
    row = session.get(RecommendationRow, recommendation_id)
    return recommendation_from_json(row.payload) if row else None


def load_verdict(session: Session, verdict_id: str, *, team: str | None = None) -> StoredVerdict | None:
    """A stored verdict by its public id; with ``team``, only that team's own."""
    about = (
        select(
            VerdictRow.created,
            VerdictRow.target,
            VerdictRow.request_id,
            VerdictRow.team,
            RequestRow.text,
            RequestRow.payload,
        )
        .outerjoin(RequestRow, RequestRow.id == VerdictRow.request_id)
        .where(VerdictRow.id == verdict_id)
    )
    if team is not None:
        about = about.where(VerdictRow.team == team)
    row = session.execute(about).one_or_none()
    if row is None:
        return None
    found = _decoded((verdict_id, row.created), session)
    request = request_from_json(row.payload) if row.payload is not None else None
    said = row.text if row.text is not None else row.target
    again = recomputed(session, (verdict_id,)).get(verdict_id, NEVER)
    return StoredVerdict(verdict_id, row.created, said, found, request, row.request_id, row.team, again)


def _decoded(key: tuple[str, datetime], session: Session) -> Identification:
    """What was found; the latest are kept as they are, for those who ask the same."""
    known = _KNOWN.get(key)
    if known is not None:
        return known
    row = session.get_one(VerdictRow, key[0])
    rows = session.scalars(select(EvidenceRow).where(EvidenceRow.verdict_id == key[0]).order_by(EvidenceRow.position))
    evidence = [{**entry.scored, "observation": entry.observation} for entry in rows]
    found = _KNOWN[key] = from_json({**row.payload, "evidence": evidence})
    for oldest in list(_KNOWN)[:-_MOST_KNOWN]:
        _KNOWN.pop(oldest, None)
    return found


def latest_verdict(
    session: Session, target: str, team: str | None = None, user: str | None = None
) -> StoredVerdict | None:
    """The latest verdict on a target, named as it was then in any case of letters; with ``team``, that team's own; with
    ``user``, none that somebody else asked for in private."""
    about = select(VerdictRow.id).where(func.lower(VerdictRow.target) == target.lower())
    if team is not None:
        about = about.where(VerdictRow.team == team)
    if user is not None:
        about = not_others_private(about, user)
    found = session.scalar(about.order_by(VerdictRow.created.desc(), VerdictRow.id).limit(1))
    return load_verdict(session, found) if found is not None else None


def earlier_in(session: Session, origin: Origin, *, within: timedelta = timedelta(minutes=30)) -> Earlier | None:
    """What was last asked in the thread of ``origin``, or below the answer that its thread began with; outside
    threads, what the same person asked last in the same place and not longer ago than ``within``. What led to nothing
    (small talk, help, refusals) is passed over; calling something off is not. Where it was about no model, the latest
    question that was comes with it."""
    asked = (
        # A terminal's questions have verdicts and no jobs.
        select(RequestRow, func.coalesce(JobRow.verdict_id, VerdictRow.id))
        .outerjoin(JobRow, JobRow.request_id == RequestRow.id)
        .outerjoin(VerdictRow, VerdictRow.request_id == RequestRow.id)
        .where(RequestRow.team == origin.team, RequestRow.channel == origin.channel)
        .where(RequestRow.verb.not_in(_NO_CONTEXT))
        .order_by(RequestRow.created.desc())
        .limit(1)
    )
    if origin.thread_ts is not None:
        asked = asked.where(or_(RequestRow.thread_ts == origin.thread_ts, JobRow.message_ref == origin.thread_ts))
    else:
        mine = (RequestRow.user == origin.user) & RequestRow.thread_ts.is_(None) & (RequestRow.surface != "watch")
        asked = asked.where(mine, RequestRow.created > now() - within)
    latest = _earlier(session, asked)
    if latest is None or about_a_model(latest.request):
        return latest
    target = RequestRow.payload["target"].as_string()
    by_size = (RequestRow.verb == "size") & target.startswith(NAMED_BY_SIZE)
    of_models = asked.where(RequestRow.verb.in_(ABOUT_A_MODEL), target.is_not(None), ~by_size)
    return replace(latest, about=_earlier(session, of_models))


def _earlier(session: Session, asked: Select[RequestRow, str]) -> Earlier | None:
    row = session.execute(asked).one_or_none()
    return Earlier(row[0].id, request_from_json(row[0].payload), row[1]) if row is not None else None


def load_request(session: Session, request_id: str) -> tuple[Request, Origin] | None:
    """A kept question, and where it came from."""
    row = session.get(RequestRow, request_id)
    return (request_from_json(row.payload), origin_of(row)) if row is not None else None


def origin_of(row: RequestRow) -> Origin:
    """Where a kept question came from."""
    return Origin(
        surface=row.surface,  # type: ignore[arg-type]  # written from an Origin
        team=row.team,
        channel=row.channel,
        user=row.user,
        thread_ts=row.thread_ts,
        response_url=row.response_url,
    )


def history(
    session: Session,
    *,
    team: str | None = None,
    user: str | None = None,
    target: str | None = None,
    limit: int = 10,
    span: Span = ALWAYS,
) -> tuple[HistoryRow, ...]:
    """Latest verdicts first, but for those of looks of which nobody was told; ``team=None`` for all, ``target`` as it is
    named, else as a part of what is; with ``user``, none that somebody else asked for in private."""
    query = select(VerdictRow).where(~VerdictRow.silent, *span.of(VerdictRow.created))
    query = query.order_by(VerdictRow.created.desc(), VerdictRow.id).limit(limit)
    if team is not None:
        query = query.where(VerdictRow.team == team)
    if user is not None:
        query = not_others_private(query, user)
    rows = _of_target(session, query, target) if target else session.scalars(query).all()
    ids = [row.id for row in rows]
    opinions, again = judged(session, ids), recomputed(session, ids)
    lines = (history_row(row, opinions.get(row.id, Judged())) for row in rows)
    return tuple(replace(line, recomputed=again.get(line.id, NEVER)) for line in lines)


def _of_target(session: Session, query: Select[VerdictRow], target: str) -> Sequence[VerdictRow]:
    """By the name as it is, which an index finds; where nothing is named so, by a part of it."""
    exact = session.scalars(query.where(func.lower(VerdictRow.target) == target.lower())).all()
    return exact or session.scalars(query.where(VerdictRow.target.icontains(target, autoescape=True))).all()


def history_row(row: VerdictRow, said: Judged) -> HistoryRow:
    """A verdict in a line, with what was said of it."""
    return HistoryRow(
        row.id,
        row.created,
        row.target,
        row.outcome,
        row.title,
        row.confidence,
        row.claim_check,
        said.right,
        said.wrong,
    )


def not_others_private(verdicts: Select[Any], user: str) -> Select[Any]:
    """Without what others asked in direct messages, or for their own eyes."""
    private = RequestRow.channel.startswith("D") | RequestRow.payload["private"].as_boolean().is_(True)
    theirs = select(RequestRow.id).where(RequestRow.id == VerdictRow.request_id, RequestRow.user != user, private)
    return verdicts.where(~theirs.exists())


def storable(value: Any) -> Any:
    """The value without NUL characters and lone surrogates, which PostgreSQL cannot store."""
    if isinstance(value, str):
        return value.replace("\x00", "�").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {storable(key): storable(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [storable(part) for part in value]
    return value
