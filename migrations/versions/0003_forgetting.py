"""what deleting a question must look up"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Without these, each deleted question reads every verdict, recommendation and job that refers to one.
_INDEXES = (
    ("ix_requests_user_id_created", "requests", ["user_id", "created"]),
    ("ix_requests_created", "requests", ["created"]),
    ("ix_verdicts_request_id", "verdicts", ["request_id"]),
    ("ix_recommendations_request_id", "recommendations", ["request_id"]),
    ("ix_recommendations_verdict_id", "recommendations", ["verdict_id"]),
    ("ix_jobs_verdict_id", "jobs", ["verdict_id"]),
    ("ix_jobs_recommendation_id", "jobs", ["recommendation_id"]),
)


def upgrade() -> None:
    for name, table, columns in _INDEXES:
        op.create_index(name, table, columns, unique=False)


def downgrade() -> None:
    for name, table, _ in reversed(_INDEXES):
        op.drop_index(name, table)
