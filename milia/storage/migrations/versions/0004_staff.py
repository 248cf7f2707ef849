"""The staff console: who staff are, what they mark and run, and a summary of each turn to find and count it by."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "turn_summary",
        sa.Column("conversation", _ID, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("stored_at", sa.Float, nullable=False),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("topics", sa.Text, nullable=False),
        sa.Column("signs", sa.Text, nullable=False),
        sa.Column("theme", sa.String(64), nullable=False),
        sa.Column("answered", sa.String(16), nullable=False),
        sa.Column("confidence", sa.Float),
        sa.Column("milliseconds", sa.Float),
        sa.Column("text", sa.Text, nullable=False),
        sa.UniqueConstraint("conversation", "number", name="turn_summary_number"),
        sa.ForeignKeyConstraint(
            ["conversation", "number"],
            ["turn.conversation", "turn.number"],
            name="turn_summary_turn",
            ondelete="CASCADE",
        ),
        sa.Index("turn_summary_counts", "stored_at", "channel", "answered", "confidence", "conversation", "signs", "topics"),
    )
    op.create_table(
        "staff_user",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("last_seen_at", sa.Float),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("locked_until", sa.Float),
    )
    op.create_table(
        "staff_session",
        sa.Column("token", sa.String(64), primary_key=True),
        sa.Column(
            "user", sa.String(64), sa.ForeignKey("staff_user.name", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("seen_at", sa.Float, nullable=False),
    )
    op.create_table(
        "staff_audit",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("at", sa.Float, nullable=False, index=True),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("what", sa.String(64), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "review",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("made_at", sa.Float, nullable=False),
        sa.Column("decided_by", sa.String(64)),
        sa.Column("decided_at", sa.Float),
        sa.Column("was", sa.Text, nullable=False),
        sa.Column("should", sa.Text, nullable=False),
        sa.Column("tried", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("made", sa.Text),
        sa.Index("review_state", "state", "id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "review_turn",
        sa.Column("review", _ID, primary_key=True, autoincrement=False),
        sa.Column("conversation", _ID, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation", "number"],
            ["turn.conversation", "turn.number"],
            name="review_turn_turn",
            ondelete="CASCADE",
        ),
        sa.Index("review_turn_number", "conversation", "number"),
    )
    op.create_table(
        "staff_run",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("made_at", sa.Float, nullable=False, index=True),
        sa.Column("ended_at", sa.Float),
        sa.Column("model", sa.String(255), nullable=False),
        sa.Column("file", sa.String(255)),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("passed", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("results", sa.Text, nullable=False),
    )
    op.create_index("turn_helpful", "turn", ["helpful", "stored_at"])
