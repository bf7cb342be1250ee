"""What a change means for the recommendation on file: the same question, answered again with what the target is now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

import engine
from bot.requests import request_from_json
from bot.settings import Settings
from bot.store.models import RecommendationRow, RequestRow, VerdictRow, WatchRow
from bot.store.queries import load_recommendation, not_others_private
from engine.errors import R1Error
from engine.identification import Recommendation
from engine.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Advice:
    """``choice``: what was recommended, ``full`` or ``distilled``; ``before`` that recommendation, ``made`` when, and
    ``now`` what is recommended for the same demands today; ``None`` where they are not kept, or not understood any
    more. ``here``: it was asked for in the place, and of no target."""

    choice: str
    made: datetime | None = None
    before: Recommendation | None = None
    now: Recommendation | None = None
    here: bool = False


def advice_on(session: Session, row: WatchRow) -> Mapping[str, Any] | None:
    """Which recommendation is on file: the team's last for a watch's target; else the last that who watches it asked
    for in the same place."""
    chosen = RecommendationRow.choice.is_not(None)
    latest = RecommendationRow.created.desc()
    of_target: Any = (
        select(RecommendationRow.id, RecommendationRow.choice)
        .join(VerdictRow, VerdictRow.id == RecommendationRow.verdict_id)
        .where(VerdictRow.team == row.team, VerdictRow.target == row.target, chosen)
    )
    found = session.execute(not_others_private(of_target, row.user).order_by(latest).limit(1)).one_or_none()
    if found is not None:
        return {"id": found.id, "choice": found.choice}
    here = (
        select(RecommendationRow.id, RecommendationRow.choice)
        .join(RequestRow, RequestRow.id == RecommendationRow.request_id)
        .where(RequestRow.team == row.team, RequestRow.user == row.user, RequestRow.channel == row.channel)
        .where(RequestRow.verb == "recommend", RequestRow.payload["private"].as_boolean().is_not(True), chosen)
    )
    asked = session.execute(here.order_by(latest).limit(1)).one_or_none() if row.channel else None
    return {"id": asked.id, "choice": asked.choice, "here": True} if asked is not None else None


def load_advice(
    session: Session, kept: Mapping[str, Any] | str | None, verdict: Verdict | None, settings: Settings
) -> Advice | None:
    """The recommendation on file, and what is recommended for the same demands now that the target is what ``verdict``
    says."""
    if not kept:
        return None
    if isinstance(kept, str):  # as notices had it that were kept before there was more to say
        return Advice(kept)
    row, here = session.get(RecommendationRow, kept["id"]), bool(kept.get("here"))
    asked = session.get(RequestRow, row.request_id or "") if row is not None else None
    if row is None or asked is None:
        return Advice(kept["choice"], here=here)
    before, request = load_recommendation(session, row.id), request_from_json(asked.payload)
    try:
        now = engine.recommend(
            request.constraints,
            scenario=request.scenario,
            rule_files=settings.rule_files,
            hardware_files=settings.hardware_files,
            family_files=settings.family_files,
            verdict=verdict,
        )
    except R1Error:  # a rule or device that the demands rest on is gone
        now = None
    return Advice(kept["choice"], row.created, before, now, here)
