"""what checks of watched endpoints saw, and what they remember"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

JSON_ = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
NEWS = "state NOT IN ('begun', 'same', 'still', 'suspicious')"


def upgrade() -> None:
    op.add_column("watches", sa.Column("muted_until", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "watched",
        sa.Column("watch_id", sa.String(16), nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", JSON_, nullable=False),
        sa.ForeignKeyConstraint(["watch_id"], ["watches.id"], name="fk_watched_watch_id_watches", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("watch_id", name="pk_watched"),
    )
    op.create_table(
        "looks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("watch_id", sa.String(16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("log_e", sa.Double(), nullable=True),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("looks", sa.Integer(), server_default="1", nullable=False),
        sa.Column("summed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("record", JSON_, nullable=False),
        sa.Column("verdict_id", sa.String(16), nullable=True),
        sa.ForeignKeyConstraint(["watch_id"], ["watches.id"], name="fk_looks_watch_id_watches", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["verdict_id"], ["verdicts.id"], name="fk_looks_verdict_id_verdicts", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_looks"),
    )
    op.create_index("ix_looks_watch_id_at", "looks", ["watch_id", "at"])
    op.create_index("ix_looks_at", "looks", ["at"])
    op.create_index("ix_looks_verdict_id", "looks", ["verdict_id"])
    _partly("ix_looks_news", "looks", ["at"], NEWS)
    _partly("ix_looks_news_of", "looks", ["watch_id", "at"], NEWS)
    _partly("ix_looks_to_sum_up", "looks", ["at"], "state = 'same' AND NOT summed", "state = 'same' AND summed = 0")
    op.add_column("verdicts", sa.Column("silent", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index("ix_verdicts_target", "verdicts", [sa.text("lower(target)"), "created"])
    _partly("ix_verdicts_told", "verdicts", ["created"], "NOT silent", "silent = 0")
    _partly("ix_verdicts_team_told", "verdicts", ["team", "created"], "NOT silent", "silent = 0")


def _partly(name: str, table: str, columns: list[str], where: str, where_sqlite: str = "") -> None:
    of_sqlite = sa.text(where_sqlite or where)
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=of_sqlite)


def downgrade() -> None:
    for name in ("ix_verdicts_team_told", "ix_verdicts_told", "ix_verdicts_target"):
        op.drop_index(name, "verdicts")
    op.drop_column("verdicts", "silent")
    op.drop_table("looks")
    op.drop_table("watched")
    op.drop_column("watches", "muted_until")
