"""Reading and writing what is kept. Every function takes an open session; callers own the transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.requests import Origin, Request, request_from_json, request_to_json
from bot.store.models import EvidenceRow, RecommendationRow, RequestRow, VerdictRow, new_id
from engine.codec import from_json, recommendation_from_json, recommendation_to_json, to_json
from engine.identification import Identification, Recommendation


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A past verdict in a line."""

    id: str
    created: datetime
    target: str
    outcome: str
    title: str
    confidence: float
    claim_check: str


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """A past verdict, whole."""

    id: str
    created: datetime
    text: str
    identification: Identification
    request: Request | None = None


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
    row = session.get(VerdictRow, verdict_id)
    if row is None or (team is not None and row.team != team):
        return None
    asked = session.get(RequestRow, row.request_id) if row.request_id else None
    rows = session.scalars(
        select(EvidenceRow).where(EvidenceRow.verdict_id == verdict_id).order_by(EvidenceRow.position)
    )
    evidence = [{**entry.scored, "observation": entry.observation} for entry in rows]
    found = from_json({**row.payload, "evidence": evidence})
    request = request_from_json(asked.payload) if asked else None
    return StoredVerdict(row.id, row.created, asked.text if asked else row.target, found, request)


def history(
    session: Session, *, team: str | None = None, target: str | None = None, limit: int = 10
) -> tuple[HistoryRow, ...]:
    """Latest verdicts first; ``team=None`` for all, ``target`` as a part of the target's spec."""
    query = select(VerdictRow).order_by(VerdictRow.created.desc(), VerdictRow.id).limit(limit)
    if team is not None:
        query = query.where(VerdictRow.team == team)
    if target:
        query = query.where(VerdictRow.target.icontains(target, autoescape=True))
    return tuple(
        HistoryRow(row.id, row.created, row.target, row.outcome, row.title, row.confidence, row.claim_check)
        for row in session.scalars(query)
    )


def storable(value: Any) -> Any:
    """The value without NUL characters and lone surrogates, which PostgreSQL cannot store."""
    if isinstance(value, str):
        return value.replace("\x00", "�").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {storable(key): storable(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [storable(part) for part in value]
    return value
