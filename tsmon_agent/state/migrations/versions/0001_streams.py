"""Expected streams, their last known freshness, and deployments."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

LOSES = ("deployments", "expected_streams", "stream_states")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "expected_streams",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference_designator", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("expected_rate", sa.Double(), nullable=True),
        sa.Column("warn_interval_ns", sa.BigInteger(), nullable=True),
        sa.Column("fail_interval_ns", sa.BigInteger(), nullable=True),
        sa.Column("measurement", sa.String(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.CheckConstraint("expected_rate > 0", name=op.f("ck_expected_streams_rate_is_positive")),
        sa.CheckConstraint(
            "warn_interval_ns > 0 AND fail_interval_ns > 0", name=op.f("ck_expected_streams_intervals_are_positive")
        ),
        sa.CheckConstraint(
            "warn_interval_ns <= fail_interval_ns", name=op.f("ck_expected_streams_warns_before_it_fails")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expected_streams")),
        sa.UniqueConstraint(
            "reference_designator",
            "method",
            "stream",
            name=op.f("uq_expected_streams_reference_designator_method_stream"),
        ),
    )
    op.create_table(
        "deployments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference_designator", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("start_ns", sa.BigInteger(), nullable=False),
        sa.Column("end_ns", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("start_ns <= end_ns", name=op.f("ck_deployments_starts_before_it_ends")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployments")),
        sa.UniqueConstraint(
            "reference_designator", "number", name=op.f("uq_deployments_reference_designator_number")
        ),
    )
    op.create_table(
        "stream_states",
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("since_ns", sa.BigInteger(), nullable=False),
        sa.Column("newest_ns", sa.BigInteger(), nullable=True),
        sa.Column("rate", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["stream_id"],
            ["expected_streams.id"],
            name=op.f("fk_stream_states_stream_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("stream_id", name=op.f("pk_stream_states")),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("stream_states")
    op.drop_table("deployments")
    op.drop_table("expected_streams")
