"""Versions of families that verdicts were brought up to, and which verdicts were recomputed. Every function takes an open
session; callers own the transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, and_, case, func, or_, select, true, union
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot.store.models import JSON_, Base, JobRow, RequestRow, UtcTime, VerdictRow, WatchRow, now


class FamilyRow(Base):
    """A version of a family that verdicts were brought up to, or are being: the latest row of a family is the one in use.
    ``content`` is the family whole, so that the next version can be held against it; ``done`` when all that was current
    had been recomputed."""

    __tablename__ = "families"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    created: Mapped[datetime] = mapped_column(UtcTime, default=now)
    name: Mapped[str] = mapped_column(String(64))
    version: Mapped[str] = mapped_column(String(64))
    content: Mapped[dict[str, Any]] = mapped_column(JSON_)
    done: Mapped[datetime | None] = mapped_column(UtcTime)

    __table_args__ = (Index("ix_families_name", "name", "id"), Index("ix_families_done", "done"))


class RecomputationRow(Base):
    """A current verdict under a new version of its family: ``waiting``, then ``same``, ``flipped`` or ``failed``.
    ``requests``: ids of the questions whose latest answer on the target it is, a place each. ``new_verdict_id``: what it was
    recomputed to, where that is something else."""

    __tablename__ = "recomputations"

    family_id: Mapped[int] = mapped_column(ForeignKey("families.id", ondelete="CASCADE"), primary_key=True)
    verdict_id: Mapped[str] = mapped_column(ForeignKey("verdicts.id", ondelete="CASCADE"), primary_key=True)
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    done: Mapped[datetime | None] = mapped_column(UtcTime)
    requests: Mapped[list[str]] = mapped_column(JSON_)
    new_verdict_id: Mapped[str | None] = mapped_column(ForeignKey("verdicts.id", ondelete="SET NULL"))

    __table_args__ = (
        Index("ix_recomputations_state", "state", "family_id", "verdict_id"),
        Index("ix_recomputations_verdict_id", "verdict_id"),
        Index("ix_recomputations_new_verdict_id", "new_verdict_id"),
    )


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What a verdict has to do with a later version of the catalog: it was made ``of`` another, or another was made of it
    (``to``) since."""

    of: str | None = None
    to: str | None = None


NEVER = Recomputed()


def recomputed(session: Session, ids: Collection[str]) -> dict[str, Recomputed]:
    """For those verdicts that were recomputed to something else, or are what others were."""
    pair = (RecomputationRow.verdict_id, RecomputationRow.new_verdict_id)
    found: dict[str, Recomputed] = {}
    if not ids:
        return found
    flipped = select(*pair).where(pair[1].is_not(None), or_(pair[0].in_(ids), pair[1].in_(ids)))
    for old, new in session.execute(flipped.order_by(RecomputationRow.family_id)):
        assert new is not None
        found[old] = Recomputed(found.get(old, NEVER).of, new)
        found[new] = Recomputed(old, found.get(new, NEVER).to)
    return found


def versions(session: Session) -> dict[str, str]:
    """The version of each family that verdicts were last brought up to."""
    latest = select(func.max(FamilyRow.id)).group_by(FamilyRow.name)
    rows = session.execute(select(FamilyRow.name, FamilyRow.version).where(FamilyRow.id.in_(latest)))
    return {name: version for name, version in rows}  # noqa: C416  # of rows, which are no tuples to mypy


def noted(session: Session, of: Mapping[str, str]) -> list[int]:
    """The ids under which versions, by family, were noted last."""
    latest = select(func.max(FamilyRow.id)).group_by(FamilyRow.name, FamilyRow.version)
    rows = session.execute(select(FamilyRow.id, FamilyRow.name, FamilyRow.version).where(FamilyRow.id.in_(latest)))
    return [id_ for id_, name, version in rows if of.get(name) == version]


def before(session: Session, row: FamilyRow) -> FamilyRow | None:
    """The version of the same family before this one."""
    earlier = select(FamilyRow).where(FamilyRow.name == row.name, FamilyRow.id < row.id)
    return session.scalars(earlier.order_by(FamilyRow.id.desc()).limit(1)).first()


def enlist(session: Session, row: FamilyRow, *, since: datetime | None = None) -> int:
    """Have what is current recomputed under a version of its family; returns how many verdicts that are.

    Args:
        since: only verdicts that were kept from then on: an older version was still being asked while this one came.
    """
    requests: dict[str, list[str]] = {}
    for verdict_id, request_id in session.execute(_current(row, since)):
        requests.setdefault(verdict_id, []).append(request_id)
    for verdict_id in session.scalars(_watched(row, since)):
        requests.setdefault(verdict_id, [])
    if not requests:
        return 0
    known = set(session.scalars(select(RecomputationRow.verdict_id).where(RecomputationRow.family_id == row.id)))
    fresh = {name: asked for name, asked in requests.items() if name not in known}
    session.add_all(
        RecomputationRow(family_id=row.id, verdict_id=name, requests=asked) for name, asked in fresh.items()
    )
    session.flush()
    return len(fresh)


def _current(row: FamilyRow, since: datetime | None) -> Any:
    """Of each target in each place (a channel, or a person on their own) the verdict that was told last, with the question
    it answered."""
    fresh = select(VerdictRow.id).where(VerdictRow.created >= since) if since is not None else None
    answers = ((VerdictRow.id, VerdictRow.request_id), (JobRow.verdict_id, JobRow.request_id))
    given = [
        select(verdict.label("verdict"), asked.label("request"))
        .where(verdict.is_not(None), asked.is_not(None))
        .where(verdict.in_(fresh) if fresh is not None else true())
        for verdict, asked in (*answers, (JobRow.other_verdict_id, JobRow.request_id))
    ]
    told = union(*given).subquery()
    # What a watch looks for itself is told, if at all, by a notice.
    look = and_(
        RequestRow.surface == "watch",
        RequestRow.verb == "identify",
        RequestRow.payload["watch"].as_string().is_not(None),
    )
    private = func.coalesce(RequestRow.payload["private"].as_boolean(), False)
    alone = or_(private, RequestRow.channel == "")
    where = (RequestRow.team, RequestRow.channel, case((alone, RequestRow.user), else_=""))
    place = func.row_number().over(
        partition_by=(func.lower(VerdictRow.target), *where),
        order_by=(RequestRow.created.desc(), VerdictRow.created.desc(), VerdictRow.id),
    )
    version = VerdictRow.payload["family_version"].as_string()
    query = (
        select(
            VerdictRow.id,
            RequestRow.id.label("request"),
            RequestRow.created,
            version.label("version"),
            place.label("n"),
        )
        .join(told, told.c.verdict == VerdictRow.id)
        .join(RequestRow, RequestRow.id == told.c.request)
        .where(VerdictRow.family == row.name, ~VerdictRow.silent, ~look)
    )
    of = query.subquery().c
    return select(of.id, of.request).where(of.n == 1, of.version != row.version).order_by(of.created, of.request)


def _watched(row: FamilyRow, since: datetime | None) -> Any:
    """What watches go by: else the next look would take another catalog for another model."""
    query = select(VerdictRow.id).join(WatchRow, WatchRow.verdict_id == VerdictRow.id)
    query = query.where(VerdictRow.family == row.name, WatchRow.state.in_(("active", "paused")))
    if since is not None:
        query = query.where(VerdictRow.created >= since)
    return query.where(VerdictRow.payload["family_version"].as_string() != row.version)


def waiting(session: Session, family_ids: Sequence[int] | None = None) -> Any:
    """The next verdict to recompute that no other worker is at, locked until the transaction ends."""
    query = select(RecomputationRow).where(RecomputationRow.state == "waiting")
    if family_ids is not None:
        query = query.where(RecomputationRow.family_id.in_(family_ids))
    query = query.order_by(RecomputationRow.family_id, RecomputationRow.verdict_id).limit(1)
    return session.scalars(query.with_for_update(skip_locked=True)).first()


def unfinished(session: Session) -> list[tuple[int, str, datetime]]:
    """Versions under which something may be left to recompute: id, family, since when."""
    rows = session.execute(select(FamilyRow.id, FamilyRow.name, FamilyRow.created).where(FamilyRow.done.is_(None)))
    return [(id_, name, created) for id_, name, created in rows.all()]
