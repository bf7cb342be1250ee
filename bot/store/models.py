"""Tables, as SQLAlchemy 2 typed models. Times are UTC; JSON is JSONB on PostgreSQL."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

JSON_ = JSON().with_variant(JSONB(), "postgresql")
_TOLD, _TOLD_SQLITE = text("NOT silent"), text("silent = 0")
QUIET_LOOKS = "('begun', 'same', 'still', 'suspicious')"
"""States of looks that nobody is told of, as SQL: partial indexes leave them out, and queries have to say just the same."""
_NEWS = text(f"state NOT IN {QUIET_LOOKS}")
_TO_SUM_UP = text("state = 'same' AND NOT summed")
_TO_SUM_UP_SQLITE = text("state = 'same' AND summed = 0")
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class UtcTime(TypeDecorator[datetime]):
    """Aware UTC datetimes on both databases; SQLite keeps none of the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def new_id() -> str:
    """A short public id, without letters that are read for each other: 31^10 of them."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(10))


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class RequestRow(Base):
    """A question as it was asked; ``payload`` is the parsed Request."""

    __tablename__ = "requests"

    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    created: Mapped[datetime] = mapped_column(UtcTime, default=now)
    dedup_key: Mapped[str | None] = mapped_column(String(200), unique=True)
    surface: Mapped[str] = mapped_column(String(16))
    team: Mapped[str] = mapped_column(String(64), default="")
    channel: Mapped[str] = mapped_column(String(64), default="")
    user: Mapped[str] = mapped_column("user_id", String(64), default="")
    thread_ts: Mapped[str | None] = mapped_column(String(64))
    response_url: Mapped[str | None] = mapped_column(Text)
    verb: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON_)

    __table_args__ = (
        Index("ix_requests_user_id_created", "user_id", "created"),
        Index("ix_requests_created", "created"),
        Index("ix_requests_channel_thread_ts", "channel", "thread_ts"),
    )


class JobRow(Base):
    """Work accepted: queued → running → computed → answered; ``attempt`` fences late workers off. ``rank``: 0 for people,
    who wait for it; 1 for looks of watches, which nobody does; 2 for comparisons on tasks, which have workers of their own."""

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    request_id: Mapped[str] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), unique=True)
    created: Mapped[datetime] = mapped_column(UtcTime, default=now)
    rank: Mapped[int] = mapped_column(default=0, server_default="0")
    finished: Mapped[datetime | None] = mapped_column(UtcTime)
    state: Mapped[str] = mapped_column(String(16), default="queued")
    attempt: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[float | None] = mapped_column()
    message_ref: Mapped[str | None] = mapped_column(String(64))
    verdict_id: Mapped[str | None] = mapped_column(ForeignKey("verdicts.id", ondelete="SET NULL"))
    recommendation_id: Mapped[str | None] = mapped_column(ForeignKey("recommendations.id", ondelete="SET NULL"))
    other_verdict_id: Mapped[str | None] = mapped_column(ForeignKey("verdicts.id", ondelete="SET NULL"))
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON_)

    __table_args__ = (
        Index("ix_jobs_state_lease_until", "state", "lease_until"),
        Index("ix_jobs_message_ref", "message_ref"),
        Index("ix_jobs_other_verdict_id", "other_verdict_id"),
        Index("ix_jobs_verdict_id", "verdict_id"),
        Index("ix_jobs_recommendation_id", "recommendation_id"),
    )


class VerdictRow(Base):
    """A verdict; ``payload`` is the Identification without its evidence, which has rows of its own. ``silent``: nobody
    asked for it or was told of it, as a watch's look found what it found before."""

    __tablename__ = "verdicts"

    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    created: Mapped[datetime] = mapped_column(UtcTime, default=now)
    request_id: Mapped[str | None] = mapped_column(ForeignKey("requests.id", ondelete="SET NULL"))
    team: Mapped[str] = mapped_column(String(64), default="")
    target: Mapped[str] = mapped_column(Text)
    family: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(String(16))
    grade: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(Text)
    confidence: Mapped[float] = mapped_column()
    claim_check: Mapped[str] = mapped_column(String(16))
    engine_version: Mapped[str] = mapped_column(String(32))
    silent: Mapped[bool] = mapped_column(default=False, server_default=false())
    payload: Mapped[dict[str, Any]] = mapped_column(JSON_)

    __table_args__ = (
        Index("ix_verdicts_team_created", "team", "created"),
        Index("ix_verdicts_request_id", "request_id"),
        Index("ix_verdicts_target", text("lower(target)"), "created"),
        Index("ix_verdicts_told", "created", postgresql_where=_TOLD, sqlite_where=_TOLD_SQLITE),
        Index("ix_verdicts_team_told", "team", "created", postgresql_where=_TOLD, sqlite_where=_TOLD_SQLITE),
    )


class EvidenceRow(Base):
    """One row of evidence: the raw observation, and what was made of it."""

    __tablename__ = "evidence"

    verdict_id: Mapped[str] = mapped_column(ForeignKey("verdicts.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    probe: Mapped[str] = mapped_column(String(32))
    observation: Mapped[dict[str, Any]] = mapped_column(JSON_)
    scored: Mapped[dict[str, Any]] = mapped_column(JSON_)


class RecommendationRow(Base):
    """A recommendation, alone or joined to a verdict."""

    __tablename__ = "recommendations"

    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    created: Mapped[datetime] = mapped_column(UtcTime, default=now)
    request_id: Mapped[str | None] = mapped_column(ForeignKey("requests.id", ondelete="SET NULL"))
    verdict_id: Mapped[str | None] = mapped_column(ForeignKey("verdicts.id", ondelete="CASCADE"))
    choice: Mapped[str | None] = mapped_column(String(16))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON_)

    __table_args__ = (
        Index("ix_recommendations_request_id", "request_id"),
        Index("ix_recommendations_verdict_id", "verdict_id"),
    )


class EndpointRow(Base):
    """A registered endpoint. ``key_env`` names the environment variable that holds its key, or
    ``key_encrypted`` is the key as ``bot.sealing`` sealed it; never both. Team ``""``: from a terminal."""

    __tablename__ = "endpoints"

    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    created: Mapped[datetime] = mapped_column(UtcTime, default=now)
    team: Mapped[str] = mapped_column(String(64), default="")
    name: Mapped[str] = mapped_column(String(40))
    url: Mapped[str] = mapped_column(Text)
    model: Mapped[str] = mapped_column(String(200), default="")
    api: Mapped[str] = mapped_column(String(16), default="openai")
    key_env: Mapped[str | None] = mapped_column(String(100))
    key_encrypted: Mapped[str | None] = mapped_column(Text)
    concurrency: Mapped[int] = mapped_column(default=4)
    budget_tokens: Mapped[int | None] = mapped_column()
    added_by: Mapped[str] = mapped_column(String(64), default="")

    __table_args__ = (UniqueConstraint("team", "name", name="uq_endpoints_team_name"),)


class PersonRow(Base):
    """What somebody chose, and what Slack says of them: ``lang`` and ``timezone`` are empty until known; ``private``
    whether only they see answers; ``defaults`` the deployment they usually ask about, as words."""

    __tablename__ = "people"

    team: Mapped[str] = mapped_column(String(64), primary_key=True)
    user: Mapped[str] = mapped_column("user_id", String(64), primary_key=True)
    seen: Mapped[datetime] = mapped_column(UtcTime, default=now)
    lang: Mapped[str] = mapped_column(String(8), default="")
    chosen_lang: Mapped[str] = mapped_column(String(8), default="")
    timezone: Mapped[str] = mapped_column(String(64), default="")
    private: Mapped[bool] = mapped_column(default=False)
    defaults: Mapped[str] = mapped_column(Text, default="")


class FeedbackRow(Base):
    """Whether somebody called a verdict right; the last word of each counts."""

    __tablename__ = "feedback"

    verdict_id: Mapped[str] = mapped_column(ForeignKey("verdicts.id", ondelete="CASCADE"), primary_key=True)
    team: Mapped[str] = mapped_column(String(64), primary_key=True)
    user: Mapped[str] = mapped_column("user_id", String(64), primary_key=True)
    created: Mapped[datetime] = mapped_column(UtcTime, default=now)
    right: Mapped[bool] = mapped_column("is_right")

    __table_args__ = (Index("ix_feedback_team_user_id", "team", "user_id"),)


class WatchRow(Base):
    """A target looked at again and again. ``request`` is the question each look asks; ``next_at`` when it is asked
    next (``None``: never again); ``verdict_id`` the verdict that people know of, and ``known`` what of it matters, for
    when it is deleted; ``request_id`` the question that made or changed the watch last; ``ended`` when it was;
    ``muted_until`` when people want to be told again."""

    __tablename__ = "watches"

    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    created: Mapped[datetime] = mapped_column(UtcTime, default=now)
    team: Mapped[str] = mapped_column(String(64), default="")
    channel: Mapped[str] = mapped_column(String(64), default="")
    thread_ts: Mapped[str | None] = mapped_column(String(64))
    user: Mapped[str] = mapped_column("user_id", String(64), default="")
    target: Mapped[str] = mapped_column(Text)
    request: Mapped[dict[str, Any]] = mapped_column(JSON_)
    schedule: Mapped[dict[str, Any]] = mapped_column(JSON_)
    timezone: Mapped[str] = mapped_column(String(64), default="UTC")
    state: Mapped[str] = mapped_column(String(16), default="active")
    next_at: Mapped[datetime | None] = mapped_column(UtcTime)
    looked_at: Mapped[datetime | None] = mapped_column(UtcTime)
    failures: Mapped[int] = mapped_column(default=0)
    known: Mapped[dict[str, Any] | None] = mapped_column(JSON_)
    ended: Mapped[datetime | None] = mapped_column(UtcTime)
    muted_until: Mapped[datetime | None] = mapped_column(UtcTime)
    request_id: Mapped[str | None] = mapped_column(String(16))
    verdict_id: Mapped[str | None] = mapped_column(ForeignKey("verdicts.id", ondelete="SET NULL"))

    __table_args__ = (
        Index("ix_watches_state_next_at", "state", "next_at"),
        Index("ix_watches_request_id", "request_id"),
        Index("ix_watches_team_user_id", "team", "user_id"),
        Index("ix_watches_verdict_id", "verdict_id"),
    )


class WatchedRow(Base):
    """What a watch remembers of its endpoint between two looks: ``engine.behaviour.records.Watched`` as JSON."""

    __tablename__ = "watched"

    watch_id: Mapped[str] = mapped_column(ForeignKey("watches.id", ondelete="CASCADE"), primary_key=True)
    updated: Mapped[datetime] = mapped_column(UtcTime, default=now)
    state: Mapped[dict[str, Any]] = mapped_column(JSON_)


class LookRow(Base):
    """A look of a watch: ``kind`` ``check`` (cheap, of an endpoint), ``verdict`` (an identification) or ``failed``;
    ``record`` is the ``engine.drift.records.LookRecord`` of a check, ``log_e`` its evidence for a change in all; of an
    identification ``outcome``, ``title`` and ``confidence``; of a failure its ``code`` and ``values``. ``summed``: it stands
    for all looks of its day that said ``same``, which are ``looks`` many and went into its ``requests`` and ``tokens``."""

    __tablename__ = "looks"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    watch_id: Mapped[str] = mapped_column(ForeignKey("watches.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    kind: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(16))
    log_e: Mapped[float | None] = mapped_column()
    requests: Mapped[int] = mapped_column(default=0)
    tokens: Mapped[int] = mapped_column(default=0)
    looks: Mapped[int] = mapped_column(default=1, server_default="1")
    summed: Mapped[bool] = mapped_column(default=False, server_default=false())
    record: Mapped[dict[str, Any]] = mapped_column(JSON_)
    verdict_id: Mapped[str | None] = mapped_column(ForeignKey("verdicts.id", ondelete="SET NULL"))

    __table_args__ = (
        Index("ix_looks_watch_id_at", "watch_id", "at"),
        Index("ix_looks_at", "at"),
        Index("ix_looks_verdict_id", "verdict_id"),
        Index("ix_looks_news", "at", postgresql_where=_NEWS, sqlite_where=_NEWS),
        Index("ix_looks_news_of", "watch_id", "at", postgresql_where=_NEWS, sqlite_where=_NEWS),
        Index("ix_looks_to_sum_up", "at", postgresql_where=_TO_SUM_UP, sqlite_where=_TO_SUM_UP_SQLITE),
    )
