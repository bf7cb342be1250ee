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


def downgrade() -> None:
    op.drop_table("looks")
    op.drop_table("watched")
    op.drop_column("watches", "muted_until")
