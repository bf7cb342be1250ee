"""versions of families, and verdicts recomputed under them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

JSON_ = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "families",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("content", JSON_, nullable=False),
        sa.Column("done", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_families"),
    )
    op.create_index("ix_families_name", "families", ["name", "id"])
    op.create_index("ix_families_done", "families", ["done"])
    op.create_table(
        "recomputations",
        sa.Column("family_id", sa.Integer(), nullable=False),
        sa.Column("verdict_id", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("done", sa.DateTime(timezone=True), nullable=True),
        sa.Column("requests", JSON_, nullable=False),
        sa.Column("new_verdict_id", sa.String(16), nullable=True),
        sa.ForeignKeyConstraint(
            ["family_id"], ["families.id"], name="fk_recomputations_family_id_families", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["verdict_id"], ["verdicts.id"], name="fk_recomputations_verdict_id_verdicts", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["new_verdict_id"], ["verdicts.id"], name="fk_recomputations_new_verdict_id_verdicts", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("family_id", "verdict_id", name="pk_recomputations"),
    )
    op.create_index("ix_recomputations_state", "recomputations", ["state", "family_id", "verdict_id"])
    op.create_index("ix_recomputations_verdict_id", "recomputations", ["verdict_id"])
    op.create_index("ix_recomputations_new_verdict_id", "recomputations", ["new_verdict_id"])


def downgrade() -> None:
    op.drop_table("recomputations")
    op.drop_table("families")
