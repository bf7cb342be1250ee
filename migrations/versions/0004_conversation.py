"""people, what they say of verdicts, watches; comparisons; threads looked up"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSON_ = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("team", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lang", sa.String(8), nullable=False),
        sa.Column("chosen_lang", sa.String(8), nullable=False),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("defaults", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("team", "user_id", name="pk_people"),
    )
    op.create_table(
        "feedback",
        sa.Column("verdict_id", sa.String(16), nullable=False),
        sa.Column("team", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_right", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["verdict_id"], ["verdicts.id"], name="fk_feedback_verdict_id_verdicts", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("verdict_id", "team", "user_id", name="pk_feedback"),
    )
    op.create_index("ix_feedback_team_user_id", "feedback", ["team", "user_id"])
    op.create_table(
        "watches",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("team", sa.String(64), nullable=False),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("request", JSON_, nullable=False),
        sa.Column("schedule", JSON_, nullable=False),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("verdict_id", sa.String(16), nullable=True),
        sa.ForeignKeyConstraint(
            ["verdict_id"], ["verdicts.id"], name="fk_watches_verdict_id_verdicts", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_watches"),
    )
    op.create_index("ix_watches_state_next_at", "watches", ["state", "next_at"])
    op.create_index("ix_watches_team_user_id", "watches", ["team", "user_id"])
    op.create_index("ix_watches_verdict_id", "watches", ["verdict_id"])
    op.create_index("ix_requests_channel_thread_ts", "requests", ["channel", "thread_ts"])
    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(sa.Column("other_verdict_id", sa.String(16), nullable=True))
        jobs.create_foreign_key(
            "fk_jobs_other_verdict_id_verdicts", "verdicts", ["other_verdict_id"], ["id"], ondelete="SET NULL"
        )
        jobs.create_index("ix_jobs_other_verdict_id", ["other_verdict_id"])
        jobs.create_index("ix_jobs_message_ref", ["message_ref"])


def downgrade() -> None:
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_index("ix_jobs_message_ref")
        jobs.drop_index("ix_jobs_other_verdict_id")
        jobs.drop_constraint("fk_jobs_other_verdict_id_verdicts", type_="foreignkey")
        jobs.drop_column("other_verdict_id")
    op.drop_index("ix_requests_channel_thread_ts", "requests")
    for table in ("watches", "feedback", "people"):
        op.drop_table(table)
