"""Messages that came in from messaging platforms, and who wrote STOP."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "platform_message",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("body", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.Float, nullable=False),
        sa.Column("received_at", sa.Float, nullable=False, index=True),
        sa.UniqueConstraint("channel", "key", name="platform_message_key"),
        sa.Index("platform_message_due", "state", "due_at"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "platform_stop",
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("sender", sa.String(64), nullable=False),
        sa.Column("since", sa.Float, nullable=False),
        sa.UniqueConstraint("channel", "sender", name="platform_stop_sender"),
    )
