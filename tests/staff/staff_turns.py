"""Stored turns as the bot would leave them, without a bot."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update

from milia.storage.database import Database
from milia.storage.ledger import Append, NewEvent, append
from milia.storage.tables import conversation, event, turn


@dataclass(frozen=True)
class Said:
    """One turn: what was written, what was made of it."""

    text: str
    topics: Sequence[str] = ("duration",)
    facts: Sequence[str] = ("duration.1",)
    signs: Sequence[str] = ()
    level: str = "provider_routine"
    confidence: float = 0.9
    reply: str = "Milia in a newborn usually fade by themselves during the first weeks."
    buttons: Sequence[Mapping[str, str]] = ()
    theme: str = ""
    channel: str = "web"
    helpful: bool | None = None
    check_question: bool = False

    def events(self, at: float, identifier: str) -> list[dict[str, Any]]:
        intent = {"name": f"ask_{self.topics[0]}" if self.topics else "greet", "confidence": self.confidence}
        record = {
            "topics": list(self.topics), "facts": list(self.facts), "signs": list(self.signs), "level": self.level,
            "outcome": None, "check_question": self.check_question, "intent": intent,
        }  # fmt: skip
        slots = {"level": self.level, "theme": self.theme, "sign": list(self.signs), "sign_now": list(self.signs)}
        return [
            {
                "event": "user", "timestamp": at, "text": self.text, "input_channel": self.channel, "message_id": identifier,
                "metadata": {},
                "parse_data": {"text": self.text, "intent": intent, "entities": [], "intent_ranking": [intent]},
            },
            *({"event": "slot", "timestamp": at, "name": name, "value": value} for name, value in slots.items()),
            {"event": "action", "timestamp": at, "name": "action_answer", "policy": "policy_0_SafetyPolicy", "confidence": 1.0},
            {
                "event": "bot", "timestamp": at + 0.02, "text": self.reply, "data": {"buttons": list(self.buttons)},
                "metadata": {"milia": record},
            },
            {"event": "action", "timestamp": at, "name": "action_listen", "policy": "policy_0_SafetyPolicy", "confidence": 1.0},
        ]  # fmt: skip


def store(database: Database, name: str, turns: Sequence[Said], at: float | None = None) -> None:
    """Store a conversation whose last turn was at a time."""
    database.run_now(lambda connection: store_in(connection, database, name, turns, at), write=True)


def store_in(connection: Any, database: Database, name: str, turns: Sequence[Said], at: float | None = None) -> None:
    """Store a conversation in a transaction."""
    at = time.time() if at is None else at
    position, number = 0, None
    for place, said in enumerate(turns):
        events = said.events(at, f"{name}-{place:04}")
        made = [
            NewEvent(
                str(one["event"]), database.cipher.encrypt(json.dumps(one)), one["event"] == "user",
                one.get("message_id") if one["event"] == "user" else None,
            )
            for one in events
        ]  # fmt: skip
        save = Append(name, number, position, made, 0, database.cipher.encrypt("null"), None, uuid.uuid4().hex)
        number = append(connection, save, database.cipher)
        position += len(made)
        if said.helpful is not None:
            mine = (turn.c.conversation == number) & (turn.c.number == place)
            connection.execute(update(turn).where(mine).values(helpful=said.helpful))
    times = {"created_at": at, "updated_at": at}
    connection.execute(update(conversation).where(conversation.c.id == number).values(**times))
    for table in (turn, event):
        connection.execute(update(table).where(table.c.conversation == number).values(stored_at=at))
