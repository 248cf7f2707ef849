"""Conversations, their events and turns, and the outbox.

A step of its own, not `metadata.create_all`: what a released step does must never change.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _conversation() -> sa.Column:
    return sa.Column("conversation", _ID, sa.ForeignKey("conversation.id", ondelete="CASCADE"), nullable=False)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "conversation",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("conversation_id", sa.String(255), nullable=False, unique=True),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False, index=True),
        sa.Column("next_position", sa.Integer, nullable=False),
        sa.Column("next_turn", sa.Integer, nullable=False),
        sa.Column("window_start", sa.Integer, nullable=False),
        sa.Column("base", sa.Text, nullable=False),
        sa.Column("last_save", sa.String(32), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "event",
        _conversation(),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("stored_at", sa.Float, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.UniqueConstraint("conversation", "position", name="event_position"),
    )
    op.create_table(
        "turn",
        _conversation(),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("message_id", sa.String(255)),
        sa.Column("first_position", sa.Integer, nullable=False),
        sa.Column("end_position", sa.Integer, nullable=False),
        sa.Column("stored_at", sa.Float, nullable=False, index=True),
        sa.UniqueConstraint("conversation", "number", name="turn_number"),
        sa.UniqueConstraint("conversation", "message_id", name="turn_message"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", _ID, primary_key=True),
        _conversation(),
        sa.Column("message_id", sa.String(255), nullable=False),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("recipient", sa.Text),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.Float, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.UniqueConstraint("conversation", "message_id", name="outbox_message"),
        sa.Index("outbox_due", "state", "due_at"),
        sqlite_autoincrement=True,
    )
