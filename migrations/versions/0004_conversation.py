"""people, what they say of verdicts, watches; comparisons; threads looked up; workspaces that installed the app"""

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
        sa.Column("thread_ts", sa.String(64), nullable=True),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("request", JSON_, nullable=False),
        sa.Column("schedule", JSON_, nullable=False),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("known", JSON_, nullable=True),
        sa.Column("ended", sa.DateTime(timezone=True), nullable=True),
        sa.Column("request_id", sa.String(16), nullable=True),
        sa.Column("verdict_id", sa.String(16), nullable=True),
        sa.ForeignKeyConstraint(
            ["verdict_id"], ["verdicts.id"], name="fk_watches_verdict_id_verdicts", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_watches"),
    )
    op.create_index("ix_watches_state_next_at", "watches", ["state", "next_at"])
    op.create_index("ix_watches_request_id", "watches", ["request_id"])
    op.create_index("ix_watches_team_user_id", "watches", ["team", "user_id"])
    op.create_index("ix_watches_verdict_id", "watches", ["verdict_id"])
    op.create_index("ix_requests_channel_thread_ts", "requests", ["channel", "thread_ts"])
    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(sa.Column("rank", sa.Integer(), nullable=False, server_default="0"))
        jobs.add_column(sa.Column("other_verdict_id", sa.String(16), nullable=True))
        jobs.create_foreign_key(
            "fk_jobs_other_verdict_id_verdicts", "verdicts", ["other_verdict_id"], ["id"], ondelete="SET NULL"
        )
        jobs.create_index("ix_jobs_other_verdict_id", ["other_verdict_id"])
        jobs.create_index("ix_jobs_message_ref", ["message_ref"])
    _create_installations()


def downgrade() -> None:
    for table in ("slack_organisations", "slack_oauth_states", "slack_installations", "slack_bots"):
        op.drop_table(table)
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_index("ix_jobs_message_ref")
        jobs.drop_index("ix_jobs_other_verdict_id")
        jobs.drop_constraint("fk_jobs_other_verdict_id_verdicts", type_="foreignkey")
        jobs.drop_column("other_verdict_id")
        jobs.drop_column("rank")
    op.drop_index("ix_requests_channel_thread_ts", "requests")
    for table in ("watches", "feedback", "people"):
        op.drop_table(table)


def _create_installations() -> None:
    """As slack_sdk's stores lay them out, but for tokens, which are longer once sealed."""
    op.create_table(
        "slack_bots",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        *_bot(),
        sa.PrimaryKeyConstraint("id", name="pk_slack_bots"),
    )
    op.create_index("slack_bots_idx", "slack_bots", ["client_id", "enterprise_id", "team_id", "installed_at"])
    op.create_table(
        "slack_installations",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        *_bot(),
        sa.Column("enterprise_url", sa.String(200), nullable=True),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("user_token", sa.Text(), nullable=True),
        sa.Column("user_scopes", sa.String(1000), nullable=True),
        sa.Column("user_refresh_token", sa.Text(), nullable=True),
        sa.Column("user_token_expires_at", sa.DateTime(), nullable=True),
        sa.Column("incoming_webhook_url", sa.String(200), nullable=True),
        sa.Column("incoming_webhook_channel", sa.String(200), nullable=True),
        sa.Column("incoming_webhook_channel_id", sa.String(200), nullable=True),
        sa.Column("incoming_webhook_configuration_url", sa.String(200), nullable=True),
        sa.Column("token_type", sa.String(32), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_slack_installations"),
    )
    op.create_index(
        "slack_installations_idx",
        "slack_installations",
        ["client_id", "enterprise_id", "team_id", "user_id", "installed_at"],
    )
    op.create_table(
        "slack_oauth_states",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("state", sa.String(200), nullable=False),
        sa.Column("expire_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_slack_oauth_states"),
    )
    op.create_table(
        "slack_organisations",
        sa.Column("team", sa.String(64), nullable=False),
        sa.Column("enterprise", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("team", name="pk_slack_organisations"),
    )
    op.create_index("ix_slack_organisations_enterprise", "slack_organisations", ["enterprise"])


def _bot() -> list[sa.Column[object]]:
    """What both tables of installations have."""
    return [
        sa.Column("client_id", sa.String(32), nullable=False),
        sa.Column("app_id", sa.String(32), nullable=False),
        sa.Column("enterprise_id", sa.String(32), nullable=True),
        sa.Column("enterprise_name", sa.String(200), nullable=True),
        sa.Column("team_id", sa.String(32), nullable=True),
        sa.Column("team_name", sa.String(200), nullable=True),
        sa.Column("bot_token", sa.Text(), nullable=True),
        sa.Column("bot_id", sa.String(32), nullable=True),
        sa.Column("bot_user_id", sa.String(32), nullable=True),
        sa.Column("bot_scopes", sa.String(1000), nullable=True),
        sa.Column("bot_refresh_token", sa.Text(), nullable=True),
        sa.Column("bot_token_expires_at", sa.DateTime(), nullable=True),
        sa.Column("is_enterprise_install", sa.Boolean(), nullable=False),
        sa.Column("installed_at", sa.DateTime(), nullable=False),
    ]
