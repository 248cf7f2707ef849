"""What Prometheus is told: counts and times, by names that stand in the code or the content, never by a person.

The platforms' own counters stand in `milia/channels/platform_health.py`. A label takes only values that are listed before:
whatever else comes, from a client or a newer model, is counted as `other`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

from milia.labels import NO_ANSWER, OUT_OF_SCOPE, PHOTO, TRIAGE
from milia.observability.turns import STEPS, RunningTurn
from milia.sign_catalog import Level

OTHER = "other"
CHANNELS = ("web", "rest", "slack", "telegram", "messenger", "whatsapp", "sms", "cmdline")
KINDS = (TRIAGE, NO_ANSWER, OUT_OF_SCOPE, PHOTO, "chitchat")
ANSWERED, FAILED, REPEATED, SILENT = "answered", "failed", "repeated", "silent"
OUTCOMES = (ANSWERED, FAILED, REPEATED, SILENT)
# Why somebody did not get what was asked for.
UNAVAILABLE, NOT_UNDERSTOOD, OTHER_LANGUAGE, REJECTED = "unavailable", "not_understood", "other_language", "rejected"

# A message takes 10 to 40 ms; what takes longer than the action server's time-out is a defect.
_TIMES = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 10.0)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series of each, which nobody looks at
TURNS = Counter("milia_turns", "Messages handed to the bot, by channel and what became of them.", ["channel", "outcome"])
TURN_SECONDS = Histogram("milia_turn_seconds", "Time of a turn, waiting for its conversation included.", ["channel"], buckets=_TIMES)
STEP_SECONDS = Histogram("milia_step_seconds", "Time of a turn's step, all its calls together.", ["step"], buckets=_TIMES)
IN_PROGRESS = Gauge("milia_turns_in_progress", "Turns that run or wait for their conversation.")
TOPICS = Counter("milia_topics", "Topics and kinds that replies were about.", ["topic"])
LEVELS = Counter("milia_levels", "Replies by level of warning.", ["level"])
FALLBACKS = Counter("milia_fallbacks", "Messages that did not get what they asked for, by why.", ["kind"])
ACTION_FAILURES = Counter("milia_action_failures", "Calls of the action server that failed, by how.", ["kind"])
ERRORS = Counter("milia_errors", "Turns that ended in an error, by its kind.", ["kind"])
LOG_RECORDS = Counter("milia_log_records", "Lines of the log from warnings on, by level.", ["level"])
WEB_PROBLEMS = Counter("milia_web_problems", "Requests of web clients that were not served, by code; `busy` is overload.", ["code"])
WEB_WAITING = Gauge("milia_web_turns", "Messages of web clients that are dealt with or wait.")
OUTBOX = Gauge("milia_outbox_waiting", "Replies that platforms still have to be sent, on all servers.")
READY = Gauge("milia_ready", "1 for each part that the readiness page found in order when it was last looked at.", ["part"])
STORE_BREAKER = Gauge("milia_store_breaker_open", "1 while the database is held for down.")
AWAY = Gauge("milia_away", "1 while what a server can do without for a time is held for down.", ["part"])
EVENTS_WAITING = Gauge("milia_events_waiting", "Stored events that RabbitMQ still has to be sent.")
EVENTS_DROPPED = Gauge("milia_events_dropped", "Stored events that were never sent to RabbitMQ, since the start.")
ACTION_SECONDS = Histogram("milia_action_seconds", "Action server: time of an action.", ["outcome"], buckets=_TIMES)

_LEVELS = frozenset(level.id for level in Level)
# Classes of errors that have a name of their own in the metrics; see `error_kind`.
_KINDS_OF_ERRORS = (
    ("TurnAlreadyStored", REPEATED),
    ("ConversationChanged", "conversation_changed"),
    ("StorageUnavailable", "store_unavailable"),
    ("DataKeyError", "data_key"),
    ("StorageError", "store"),
    ("LockError", "lock"),
    ("TimeoutError", "timeout"),
    ("CancelledError", "cancelled"),
)
FAILURE_KINDS = ("timeout", "status", "connection", "invalid", "held", OTHER)
ERROR_KINDS = (*dict.fromkeys(kind for _, kind in _KINDS_OF_ERRORS if kind != REPEATED), OTHER)

_topics: frozenset[str] = frozenset(KINDS)

# From the first look on each is there, at 0: a rate of what was never counted is no figure, and no alert.
for _kind in (UNAVAILABLE, NOT_UNDERSTOOD, OTHER_LANGUAGE, REJECTED, NO_ANSWER, OUT_OF_SCOPE):
    FALLBACKS.labels(_kind)
for _kind in FAILURE_KINDS:
    ACTION_FAILURES.labels(_kind)
for _kind in ERROR_KINDS:
    ERRORS.labels(_kind)
for _kind in _LEVELS:
    LEVELS.labels(_kind)
for _kind in OUTCOMES:
    TURNS.labels("web", _kind)
for _kind in ("ok", "failed"):
    ACTION_SECONDS.labels(_kind)
for _kind in ("busy", "unavailable"):
    WEB_PROBLEMS.labels(_kind)
for _kind in ("warning", "error", "critical"):
    LOG_RECORDS.labels(_kind)


def allow_topics(topics: Iterable[str]) -> None:
    """Let the topics of the content stand in the metrics, beside the kinds of messages."""
    global _topics
    _topics = frozenset((*topics, *KINDS))


def channel_label(name: str | None) -> str:
    """Return the channel's name if it is one of the bot's: on the REST channel clients choose what they write there."""
    return name if name in CHANNELS else OTHER


def error_kind(error: BaseException) -> str:
    """Return the name of an error in the metrics, by its class: its text may quote somebody."""
    names = {one.__name__ for one in type(error).__mro__}
    return next((kind for name, kind in _KINDS_OF_ERRORS if name in names), OTHER)


def note_turn(turn: RunningTurn, seconds: float, outcome: str) -> None:
    """Count a turn that is over.

    Args:
        turn: the turn, with the seconds of its steps.
        seconds: all of its time.
        outcome: `ANSWERED`, `FAILED`, `REPEATED` or `SILENT`.
    """
    for one in OUTCOMES:  # all are there from a channel's first message on
        TURNS.labels(turn.channel, one).inc(one == outcome)
    TURN_SECONDS.labels(turn.channel).observe(seconds)
    for name in STEPS:
        if name in turn.seconds:
            STEP_SECONDS.labels(name).observe(turn.seconds[name])


def note_reply(record: Mapping[str, Any]) -> None:
    """Count what a stored reply was about.

    Args:
        record: what is kept with the bot's message (`milia.conversation.Turn.record`).
    """
    topics = [str(topic) for topic in record.get("topics") or ()]
    for topic in topics:
        TOPICS.labels(topic if topic in _topics else OTHER).inc()
    level = record.get("level")
    LEVELS.labels(level if level in _LEVELS else OTHER).inc()
    for kind in (NO_ANSWER, OUT_OF_SCOPE):
        if kind in topics:
            FALLBACKS.labels(kind).inc()
