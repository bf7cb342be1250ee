"""Comparisons on tasks in the store, where they stand among recommendations: what they recommend is one of the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.comparing.records import Compared, Pair, Ruling
from bot.store.models import RecommendationRow, RequestRow, new_id
from bot.store.queries import storable
from engine.codec import comparison_from_json, comparison_to_json
from engine.comparing.records import Answer, Comparison, Omission, Side, Task

_SIDES: tuple[Side, Side] = ("a", "b")
_PAIRS, _TEXT = 40, 4_000
"""Cases that a report shows, and characters of each text in them."""


def compared_of(comparison: Comparison, task: Task, ruling: Ruling) -> Compared:
    """What is kept of a comparison: everything but most of its answers."""
    texts = {side: {one.case: one for one in comparison.answers.get(side, ())} for side in _SIDES}
    return Compared(
        comparison=replace(comparison, answers={}),
        ruling=ruling,
        language=task.language,
        pairs=tuple(_pairs(comparison, task, texts)),
    )


def save_compared(session: Session, found: Compared, *, request_id: str | None) -> str:
    """Keep a comparison; returns its public id."""
    row = RecommendationRow(
        id=new_id(), request_id=request_id, choice=found.ruling.take, payload=storable(compared_to_json(found))
    )
    session.add(row)
    session.flush()
    return row.id


def load_compared(session: Session, compared_id: str, *, team: str | None = None) -> Compared | None:
    """A comparison by its public id; with ``team``, only that team's own. ``None``: there is none of that id."""
    about = select(RecommendationRow).where(RecommendationRow.id == compared_id)
    if team is not None:
        about = about.join(RequestRow, RequestRow.id == RecommendationRow.request_id).where(RequestRow.team == team)
    row = session.scalar(about)
    if row is None or "comparison" not in row.payload:
        return None
    return replace(compared_from_json(row.payload), id=row.id, created=row.created)


def compared_to_json(found: Compared) -> dict[str, Any]:
    """A JSON-able mapping; ``compared_from_json`` gives the equal record back, but for its id and time."""
    from bot.as_json import plain

    kept = plain(replace(found, comparison=None, id="", created=None))  # type: ignore[arg-type]  # its place is filled
    del kept["id"], kept["created"]
    return {**kept, "comparison": comparison_to_json(found.comparison)}


def compared_from_json(payload: Mapping[str, Any]) -> Compared:
    """The record that ``compared_to_json`` wrote."""
    ruled = payload["ruling"]
    fails = {side: tuple((str(name), float(most), float(seen)) for name, most, seen in rows) for side, rows in ruled["fails"].items()}  # fmt: skip
    return Compared(
        comparison=comparison_from_json(payload["comparison"]),
        ruling=Ruling(ruled["take"], ruled["why"], fails, tuple(ruled["rules"])),
        language=payload["language"],
        pairs=tuple(_pair(one) for one in payload["pairs"]),
    )


def _pair(kept: Mapping[str, Any]) -> Pair:
    omitted = tuple(Omission(**one) for one in kept["omitted"])
    return Pair(**{**kept, "right": tuple(kept["right"]), "omitted": omitted})


def _pairs(comparison: Comparison, task: Task, texts: Mapping[Side, Mapping[str, Answer]]) -> Sequence[Pair]:
    """The cases on which the two differ most, by the main metric; among equals those of which something was left out."""
    scores = comparison.scores.get(comparison.main, {})
    both = [case for case in task.cases if all(case.id in texts[side] for side in _SIDES)]
    left_out = {one.case for one in comparison.omissions}

    def apart(case_id: str) -> tuple[float, bool]:
        first, second = (scores.get(side, {}).get(case_id) for side in _SIDES)
        gap = abs(second - first) if first is not None and second is not None else 0.0
        return gap, case_id in left_out

    ranked = sorted((case for case in both if any(apart(case.id))), key=lambda case: apart(case.id), reverse=True)
    return [
        Pair(
            case.id,
            _clipped(case.prompt),
            {side: _clipped(texts[side][case.id].text or texts[side][case.id].failed) for side in _SIDES},
            {side: scores[side][case.id] for side in _SIDES if case.id in scores.get(side, {})},
            tuple(_clipped(answer) for answer in case.answers[:5]),
            tuple(one for one in comparison.omissions if one.case == case.id),
        )
        for case in ranked[:_PAIRS]
    ]


def _clipped(text: str) -> str:
    """Both ends of a text that is too long: a document's question stands at its end."""
    if len(text) <= _TEXT:
        return text
    return f"{text[: _TEXT * 2 // 3]}\n…\n{text[-_TEXT // 3 :]}"
