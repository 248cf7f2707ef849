"""The tracker store that Rasa uses: `type: milia.storage.tracker_store.ConversationStore` in endpoints.yml.

Rasa works on a tracker that holds a conversation's events. This store hands out one with the last turns only, led by
events that set what the ones before them left: to Rasa it looks like a session that has just begun with its slots
carried over, so a message costs the same at any length. What is new on a tracker is known from its place in it, never
from a time. What is stored and published is the event without personal data (`milia.storage.minimise`).
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import rasa.core.agent
from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import FailSafeTrackerStore, TrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME, ACTION_SESSION_START_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActiveLoop,
    ConversationPaused,
    Event,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy import select
from sqlalchemy.engine import Connection, Row

from milia.storage.database import Database, shared_database
from milia.storage.errors import StorageError
from milia.storage.ledger import Append, NewEvent, append, check_id, read_events
from milia.storage.minimise import Minimiser, Redact
from milia.storage.outbox import PendingDelivery, pending_delivery, sealed
from milia.storage.retention import Purger
from milia.storage.settings import retention_days
from milia.storage.tables import conversation

logger = logging.getLogger(__name__)

# Turns that the dialogue is given. The policies look at the turn in progress; what is older is in the slots.
WINDOW_TURNS = 2
# `milia run` tries the bot with these before anybody comes; nobody's conversation.
WARM_UP = "warm-up-"
_MARK = "milia_stored"


_Numbered = Sequence[tuple[int, dict[str, Any]]]
_Found = tuple[Row, _Numbered, _Numbered]


@dataclass(frozen=True)
class _Stored:
    """What is known of a tracker: its row's number (None: not stored yet), and its events' positions (None: made here)."""

    number: int | None
    positions: tuple[int | None, ...]
    next_position: int


@dataclass(frozen=True)
class _Save:
    """One save, before it is read for personal data."""

    conversation_id: str
    stored: _Stored
    events: list[dict[str, Any]]
    window_start: int
    before: DialogueStateTracker | None
    pending: PendingDelivery | None


class ConversationStore(TrackerStore):
    """Keeps conversations in SQLite or PostgreSQL.

    Args:
        domain: the slots.
        event_broker: gets each stored event.
        database: where to keep them; that of the environment if None.
        redact: replaces personal data in a text; `milia.storage.redaction.redact` if None.
        turns: how many turns the dialogue is given.

    Raises:
        StorageUnavailable: The database cannot be reached.
        DataKeyError: What is stored is encrypted with a key that is not set.
    """

    def __init__(
        self,
        domain: Domain | None = None,
        event_broker: EventBroker | None = None,
        database: Database | None = None,
        redact: Redact | None = None,
        turns: int = WINDOW_TURNS,
        **kwargs: Any,
    ) -> None:
        super().__init__(domain, event_broker)
        if turns < 1:
            raise ValueError(f"turns is {turns}; the dialogue needs 1 at least")
        use_without_fallback()
        try:
            self.database = database or shared_database()
            self._redact = redact or _redaction()
            self._minimiser = Minimiser(self._redact)
        except (ImportError, AttributeError) as error:
            # Rasa takes these for a store that does not exist, and goes on with one in memory.
            raise StorageError(f"the store cannot be loaded: {error}") from error
        self.database.check_key()
        self._turns = turns
        # One reader: a language model is not made for several threads.
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="milia-redaction")
        self._purger = Purger(self.database, retention_days())
        if database is None:
            self._purger.start()

    async def redacted(self, text: str) -> str:
        """Return a text without personal data, as the store would keep it."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._redact, text)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """Return the conversation with its last turns, its slots as all turns left them; None if there is none.

        Raises:
            StorageUnavailable: The database does not answer.
        """
        return await self._load(sender_id, whole=False)

    async def retrieve_full_tracker(self, conversation_id: str) -> DialogueStateTracker | None:
        """Return the conversation with all its stored events; None if there is none.

        Raises:
            StorageUnavailable: The database does not answer.
        """
        return await self._load(conversation_id, whole=True)

    async def exists(self, conversation_id: str) -> bool:
        """Tell whether anything is stored of the conversation."""
        check_id("conversation id", conversation_id)
        query = select(conversation.c.id).where(conversation.c.conversation_id == conversation_id)
        return await self.database.run(lambda connection: connection.execute(query).first() is not None)

    async def keys(self) -> Iterable[str]:
        """Return the ids of all conversations."""
        query = select(conversation.c.conversation_id).order_by(conversation.c.id)
        return await self.database.run(lambda connection: list(connection.execute(query).scalars()))

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Store what is new on a tracker: all of it or nothing.

        Raises:
            TurnAlreadyStored: The message has its turn already; this run of it is dropped.
            ConversationChanged: Another turn was stored since the tracker was retrieved; this one was not.
            StorageUnavailable: The database does not answer; the turn may be tried again.
        """
        if tracker.sender_id.startswith(WARM_UP):
            return
        events = list(tracker.events)
        stored = _stored(tracker)
        fresh = events[len(stored.positions) :]
        setattr(tracker, _MARK, stored)
        if not fresh:
            return
        positions = (*stored.positions, *range(stored.next_position, stored.next_position + len(fresh)))
        # Events that stand for older ones are not stored again: a save without a message must not take them for the window.
        start = max(window_start(events, self._turns), stored.positions.count(None))
        save = _Save(
            conversation_id=check_id("conversation id", tracker.sender_id),
            stored=stored,
            events=[event.as_dict() for event in fresh],
            window_start=next(position for position in positions[start:] if position is not None),
            before=_replayed(tracker, events[:start]) if start else None,
            pending=pending_delivery.get(),
        )
        # Reading for personal data takes milliseconds: before the transaction, so that nobody waits for it there.
        prepared, published = await asyncio.get_running_loop().run_in_executor(self._reader, self._prepare, save)
        number = await self.database.run(
            lambda connection: append(connection, prepared, self.database.cipher), write=True
        )
        setattr(tracker, _MARK, _Stored(number, positions, stored.next_position + len(fresh)))
        self._publish(tracker.sender_id, published)

    def _prepare(self, save: _Save) -> tuple[Append, list[dict[str, Any]]]:
        """Return what is written, and the events as they are published."""
        cipher = self.database.cipher
        kept = [self._minimiser.event(event) for event in save.events]
        events = [
            NewEvent(
                type=str(event["event"]),
                data=cipher.encrypt(json.dumps(event)),
                starts_turn=event["event"] == UserUttered.type_name,
                message_id=_message_id(event),
            )
            for event in kept
        ]
        append_ = Append(
            conversation_id=save.conversation_id,
            known=save.stored.number,
            position=save.stored.next_position,
            events=events,
            window_start=save.window_start,
            base=cipher.encrypt(json.dumps(self._base(save.before))),
            delivery=sealed(save.pending) if save.pending else None,
            token=uuid.uuid4().hex,
        )
        return append_, kept

    def _base(self, before: DialogueStateTracker | None) -> dict[str, Any] | None:
        """Return what the events before the window left: what the window's own events do not tell."""
        if before is None:
            return None
        slots = {name: slot.value for name, slot in before.slots.items() if slot.value != slot.initial_value}
        return {
            "slots": {name: self._minimiser.slot(name, value) for name, value in slots.items()},
            "paused": before.is_paused(),
            "loop": before.active_loop_name,
        }

    async def _load(self, sender_id: str, whole: bool) -> DialogueStateTracker | None:
        if sender_id.startswith(WARM_UP):
            return None
        check_id("conversation id", sender_id)
        found = await self.database.run(lambda connection: self._read(connection, sender_id, whole))
        if found is None:
            return None
        row, older, window = found
        base = json.loads(self.database.cipher.decrypt(row.base))
        parts: list[tuple[int | None, Event]] = list(_numbered(older))
        if not whole or (base is not None and not (older and older[0][0] == 0)):
            # The first turns may be purged already: then the rest alone does not tell the slots.
            parts += [(None, event) for event in self._head(base, window)]
        parts += _numbered(window)
        tracker = self.init_tracker(sender_id)
        for _, event in parts:
            tracker.update(event)
        setattr(tracker, _MARK, _Stored(int(row.id), tuple(position for position, _ in parts), int(row.next_position)))
        return tracker

    def _read(self, connection: Connection, sender_id: str, whole: bool) -> _Found | None:
        row = connection.execute(select(conversation).where(conversation.c.conversation_id == sender_id)).first()
        if row is None:
            return None
        cipher, start = self.database.cipher, int(row.window_start)
        older = read_events(connection, row.id, 0, start, cipher) if whole else []
        window = read_events(connection, row.id, start, row.next_position, cipher)
        if len(window) != row.next_position - start:
            raise StorageError(f"events are missing: {len(window)} of {row.next_position - start} that the dialogue needs")
        return row, older, window

    def _head(self, base: dict[str, Any] | None, window: Sequence[tuple[int, dict[str, Any]]]) -> list[Event]:
        """Return the events that stand for all those before the window."""
        if base is None:
            return []
        time = window[0][1].get("timestamp") if window else None
        slots = {slot.name for slot in self.domain.slots}  # a newer model may have others
        events: list[Event] = [ActionExecuted(ACTION_SESSION_START_NAME, timestamp=time), SessionStarted(time)]
        events += [SlotSet(name, value, time) for name, value in base["slots"].items() if name in slots]
        events.append(ActionExecuted(ACTION_LISTEN_NAME, timestamp=time))
        if base["loop"]:
            events.append(ActiveLoop(base["loop"], time))
        if base["paused"]:
            events.append(ConversationPaused(time))
        return events

    def _publish(self, sender_id: str, events: Sequence[dict[str, Any]]) -> None:
        """Tell the event broker what was stored; that it is down does not undo the turn."""
        if self.event_broker is None:
            return
        for event in events:
            try:
                self.event_broker.publish({"sender_id": sender_id, **event})
            except Exception:
                logger.exception("an event was stored, but not published")


def window_start(events: Sequence[Event], turns: int) -> int:
    """Return the index from which the dialogue needs the events: the last turns, or the whole last session if shorter."""
    session = 0
    for index, event in enumerate(events):
        if isinstance(event, SessionStarted):
            led = index > 0 and _is_action(events[index - 1], ACTION_SESSION_START_NAME)
            session = index - 1 if led else index
    messages = [index for index in range(session, len(events)) if isinstance(events[index], UserUttered)]
    return messages[-turns] if len(messages) > turns else session


def use_without_fallback() -> None:
    """Make Rasa use this store as it is.

    Rasa wraps every store in one that, when the database is lost, goes on in memory and says nothing: the turn would be
    acknowledged, and lost.
    """

    def wrap(store: TrackerStore, *arguments: Any, **options: Any) -> TrackerStore:
        return store if isinstance(store, ConversationStore) else FailSafeTrackerStore(store, *arguments, **options)

    rasa.core.agent.FailSafeTrackerStore = wrap


def _is_action(event: Event, name: str) -> bool:
    return isinstance(event, ActionExecuted) and event.action_name == name


def _stored(tracker: DialogueStateTracker) -> _Stored:
    mark: _Stored | None = getattr(tracker, _MARK, None)
    return mark or _Stored(None, (), 0)


def _message_id(event: dict[str, Any]) -> str | None:
    found = event.get("message_id") if event["event"] == UserUttered.type_name else None
    return check_id("message id", str(found)) if found else None


def _replayed(tracker: DialogueStateTracker, events: Iterable[Event]) -> DialogueStateTracker:
    """Return a tracker in the state after the first events."""
    fresh = tracker.init_copy()
    for event in events:
        fresh.update(event)
    return fresh


def _numbered(stored: Iterable[tuple[int, dict[str, Any]]]) -> Iterable[tuple[int, Event]]:
    for position, data in stored:
        event = Event.from_parameters(data)
        if event is None:
            raise StorageError(f"event {position} is of a kind that this version of Rasa does not know: {data.get('event')!r}")
        yield position, event


def _redaction() -> Redact:
    from milia.storage.redaction import redact, warm_up  # a language model: only where texts are stored

    warm_up()  # now, so that the first person does not wait for it
    return redact
