"""Turns as Rasa's processor makes them, without a model: retrieve, session start, message, reply, save."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, SessionStarted, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from milia.storage.database import Database
from milia.storage.tracker_store import ConversationStore

NewStore = Callable[..., ConversationStore]
ROOT = Path(__file__).resolve().parents[2]


@lru_cache
def domain() -> Domain:
    """Return the bot's own domain."""
    return Domain.load(str(ROOT / "domain.yml"))


def plain_redact(text: str) -> str:
    """Stand for the real redaction: one name."""
    return text.replace("Roberta", "[NAME]")


def plain_store(database: Database, **options: Any) -> ConversationStore:
    """Return a store on a database."""
    return ConversationStore(domain(), database=database, redact=plain_redact, **options)


def start_session(tracker: DialogueStateTracker) -> None:
    """Do what Rasa does for a new conversation, or after a day of silence."""
    for event in (ActionExecuted("action_session_start"), SessionStarted(), ActionExecuted("action_listen")):
        tracker.update(event)


def say(tracker: DialogueStateTracker, text: str, message_id: str, slots: dict[str, Any] | None = None) -> None:
    """Add one turn to a tracker: a message, what it set, and a reply that says the message's id."""
    parse = {
        "text": text,
        "intent": {"name": "greet", "confidence": 0.9},
        "entities": [],
        "text_tokens": [[0, len(text)]],
        "findings": {"words": text},
    }
    tracker.update(
        UserUttered(text, parse["intent"], [], parse, input_channel="web", message_id=message_id, metadata={"ip": "10.1.2.3"})
    )
    for name, value in (slots or {}).items():
        tracker.update(SlotSet(name, value))
    tracker.update(ActionExecuted("action_answer"))
    record = {"level": "provider_routine", "topics": ["definition"]}
    buttons = [{"title": "More", "payload": "/ask_more"}]
    tracker.update(BotUttered(f"Reply to {message_id}. Call 911.", {"buttons": buttons}, {"milia": record}))
    tracker.update(ActionExecuted("action_listen"))


async def take_turn(
    store: ConversationStore, conversation: str, message_id: str, text: str = "hello", slots: dict[str, Any] | None = None
) -> DialogueStateTracker:
    """Take one turn of a conversation through the store."""
    tracker = await store.get_or_create_tracker(conversation, append_action_listen=False)
    if not tracker.applied_events():
        start_session(tracker)
    say(tracker, text, message_id, slots)
    await store.save(tracker)
    return tracker
