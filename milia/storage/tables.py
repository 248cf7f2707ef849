"""The tables. Every table with a column `conversation` is erased, exported and purged with its conversation.

Times are seconds since 1970 (UTC) by the storing machine's clock; they are never used for order. Order is `position`,
which counts the events of a conversation from 0.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

# SQLite gives out numbers by itself only for its own INTEGER.
_ID = BigInteger().with_variant(Integer, "sqlite")
MAX_ID_LENGTH = 255

metadata = MetaData()


def _conversation() -> Column:
    return Column("conversation", _ID, ForeignKey("conversation.id", ondelete="CASCADE"), nullable=False)


conversation = Table(
    "conversation",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("conversation_id", String(MAX_ID_LENGTH), nullable=False, unique=True),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False, index=True),
    # What the next event and the next turn get as their number.
    Column("next_position", Integer, nullable=False),
    Column("next_turn", Integer, nullable=False),
    # The dialogue needs the events from here on, and `base`: what the ones before it left (JSON, encrypted like texts).
    Column("window_start", Integer, nullable=False),
    Column("base", Text, nullable=False),
    # Names the last save, by which a repeated one knows itself.
    Column("last_save", String(32), nullable=False),
    sqlite_autoincrement=True,  # the number of an erased conversation is never given out again
)

event = Table(
    "event",
    metadata,
    _conversation(),
    Column("position", Integer, nullable=False),
    Column("type", String(64), nullable=False),
    Column("stored_at", Float, nullable=False),
    Column("data", Text, nullable=False),  # the event as JSON, encrypted if there is a key
    UniqueConstraint("conversation", "position", name="event_position"),
)

turn = Table(
    "turn",
    metadata,
    _conversation(),
    Column("number", Integer, nullable=False),
    Column("message_id", String(MAX_ID_LENGTH)),
    Column("first_position", Integer, nullable=False),
    Column("end_position", Integer, nullable=False),  # of the first event after it
    Column("stored_at", Float, nullable=False, index=True),
    Column("helpful", Boolean),  # what the person said of the reply; null: nothing
    UniqueConstraint("conversation", "number", name="turn_number"),
    UniqueConstraint("conversation", "message_id", name="turn_message"),
    Index("turn_helpful", "helpful", "stored_at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _ID, primary_key=True),
    _conversation(),
    Column("message_id", String(MAX_ID_LENGTH), nullable=False),
    Column("channel", String(64), nullable=False),
    Column("recipient", Text),  # encrypted; dropped once delivered or given up
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Float, nullable=False),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("conversation", "message_id", name="outbox_message"),
    Index("outbox_due", "state", "due_at"),
    sqlite_autoincrement=True,
)

# What came in from a messaging platform. The body (encrypted) stays until the message is answered; the key, a keyed hash of
# the platform's own id, stays for longer, so that a repeated or replayed request is known. See milia/channels/platform_inbox.py.
platform_message = Table(
    "platform_message",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("channel", String(64), nullable=False),
    Column("key", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("body", Text),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Float, nullable=False),
    Column("received_at", Float, nullable=False, index=True),
    UniqueConstraint("channel", "key", name="platform_message_key"),
    Index("platform_message_due", "state", "due_at"),
    sqlite_autoincrement=True,
)

# Who wrote STOP to a text-message number, as a keyed hash: nothing is sent there until START.
platform_stop = Table(
    "platform_stop",
    metadata,
    Column("channel", String(64), nullable=False),
    Column("sender", String(64), nullable=False),
    Column("since", Float, nullable=False),
    UniqueConstraint("channel", "sender", name="platform_stop_sender"),
)

# What the staff console finds and counts turns by, made from the events by `milia.staff.turn_index`; it goes with its turn.
turn_summary = Table(
    "turn_summary",
    metadata,
    Column("conversation", _ID, nullable=False),
    Column("number", Integer, nullable=False),
    Column("stored_at", Float, nullable=False),
    Column("channel", String(64), nullable=False),
    Column("level", Integer, nullable=False),  # of the conversation after the turn, 1 to 4
    Column("topics", Text, nullable=False),  # ",duration,harmless,": each between commas
    Column("signs", Text, nullable=False),
    Column("theme", String(64), nullable=False),
    Column("answered", String(16), nullable=False),
    Column("confidence", Float),
    Column("milliseconds", Float),
    Column("text", Text, nullable=False),  # what was written, encrypted if there is a key
    UniqueConstraint("conversation", "number", name="turn_summary_number"),
    ForeignKeyConstraint(
        ["conversation", "number"], ["turn.conversation", "turn.number"], name="turn_summary_turn", ondelete="CASCADE"
    ),
    # Figures are counted from this alone, without the rows with their texts.
    Index("turn_summary_counts", "stored_at", "channel", "answered", "confidence", "conversation", "signs", "topics"),
)

staff_user = Table(
    "staff_user",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("password", Text, nullable=False),  # argon2id
    Column("created_at", Float, nullable=False),
    Column("last_seen_at", Float),
    Column("failures", Integer, nullable=False),
    Column("locked_until", Float),
)

staff_session = Table(
    "staff_session",
    metadata,
    Column("token", String(64), primary_key=True),  # SHA-256 of the cookie
    Column("user", String(64), ForeignKey("staff_user.name", ondelete="CASCADE"), nullable=False, index=True),
    Column("csrf", String(64), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
)

# Who did what. No foreign key: what a removed user did stays.
staff_audit = Table(
    "staff_audit",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("user", String(64), nullable=False),
    Column("what", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("address", String(64), nullable=False),
    sqlite_autoincrement=True,
)

# Marks of what a reply should have been. What a person wrote is not here but with the turn, which may be erased.
review = Table(
    "review",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("made_by", String(64), nullable=False),
    Column("made_at", Float, nullable=False),
    Column("decided_by", String(64)),
    Column("decided_at", Float),
    Column("was", Text, nullable=False),  # JSON: the record of the reply
    Column("should", Text, nullable=False),  # JSON, encrypted if there is a key
    Column("tried", Text),  # JSON: text and reply of a turn that staff tried, encrypted if there is a key
    Column("reason", Text),
    Column("made", Text),  # JSON: what accepting it made, with the patch
    Index("review_state", "state", "id"),
    sqlite_autoincrement=True,
)

# The stored turn of a review; no foreign key to the review, which outlives it.
review_turn = Table(
    "review_turn",
    metadata,
    Column("review", _ID, primary_key=True, autoincrement=False),
    Column("conversation", _ID, nullable=False),
    Column("number", Integer, nullable=False),
    ForeignKeyConstraint(
        ["conversation", "number"], ["turn.conversation", "turn.number"], name="review_turn_turn", ondelete="CASCADE"
    ),
    Index("review_turn_number", "conversation", "number"),
)

# Runs of dialog tests and replays.
staff_run = Table(
    "staff_run",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("made_by", String(64), nullable=False),
    Column("made_at", Float, nullable=False, index=True),
    Column("ended_at", Float),
    Column("model", String(255), nullable=False),
    Column("file", String(255)),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("passed", Integer, nullable=False),
    Column("error", Text),
    Column("results", Text, nullable=False),  # JSON, encrypted if there is a key
)

OF_A_CONVERSATION = tuple(table for table in metadata.sorted_tables if "conversation" in table.c)
