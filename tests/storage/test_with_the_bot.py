"""The real bot on the real store: it answers as with a store that keeps everything, at a constant cost."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select

from milia.evaluation.bot import Bot, Conversation, PressError
from milia.evaluation.dialog_tests import load_dialog_tests
from milia.storage import tables
from milia.storage.conversations import Conversations
from milia.storage.database import Database
from milia.storage.errors import StorageUnavailable
from milia.storage.tracker_store import ConversationStore

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.model
# Each kind of dialogue: the guided check, follow-ups ("why?"), warning signs that outlast turns, buttons.
FILES = ("check.yml", "follow_ups.yml", "signs.yml", "buttons.yml", "people.yml")
QUESTIONS = ("what are milia?", "what causes them?", "how long do they last?", "can I pop them?", "should I see a doctor?")


def use(bot: Bot, store: Any) -> None:
    bot.agent.tracker_store = store
    bot.agent.processor.tracker_store = store


@pytest.fixture
def in_memory(bot: Bot) -> Iterator[Any]:
    """The store that the bot came with; it gets it back."""
    store = bot.agent.tracker_store
    yield store
    use(bot, store)


def play(bot: Bot, name: str, turns: list[Any]) -> list[Any]:
    """Return what was said in each turn; None where the button to press was not offered."""
    conversation = Conversation(f"replay-{name}")
    said: list[Any] = []
    for turn in turns:
        try:
            one = bot.turn(conversation, turn)
        except PressError:
            said.append(None)
        else:
            said.append([one[key] for key in ("text", "buttons", "topics", "signs", "level", "outcome")])
    return said


@pytest.mark.parametrize("file", FILES)
def test_the_bot_says_the_same_as_with_a_store_that_keeps_everything(
    bot: Bot, in_memory: Any, sqlite: Database, file: str
) -> None:
    store = ConversationStore(bot.agent.domain, database=sqlite)
    for number, test in enumerate(load_dialog_tests(ROOT / "tests/dialogs" / file)):
        name, turns = f"{file}-{number}", [turn.user for turn in test.turns]
        use(bot, in_memory)
        expected = play(bot, name, turns)
        use(bot, store)
        assert play(bot, name, turns) == expected, test.name
        stored = asyncio.run(Conversations(sqlite).turns(f"replay-{name}", limit=1000))
        told = [" ".join(reply["text"] for reply in turn.replies).split() for turn in stored]
        assert told == [said[0].split() for said in expected if said is not None], test.name


def test_a_message_costs_the_same_at_turn_2_and_200(bot: Bot, in_memory: Any, database: Database) -> None:
    use(bot, ConversationStore(bot.agent.domain, database=database))
    long = Conversation("long")
    for number in range(185):
        bot.turn(long, QUESTIONS[number % len(QUESTIONS)])
    late, early = [], []
    for number in range(15):  # by turns, so that both meet the same load of the machine
        question = QUESTIONS[number % len(QUESTIONS)]
        late.append(bot.turn(long, question)["ms"])
        short = Conversation(f"short-{number}")
        bot.turn(short, "hello")
        early.append(bot.turn(short, question)["ms"])
    ratio = statistics.median(late) / statistics.median(early)
    print(f"turn 200 / turn 2 on {database.dialect}: {ratio:.2f} ({statistics.median(late):.1f} ms)")
    assert ratio <= 1.2


def test_a_turn_that_cannot_be_stored_is_an_error_and_not_a_reply(bot: Bot, in_memory: Any, sqlite: Database) -> None:
    use(bot, ConversationStore(bot.agent.domain, database=sqlite))
    conversation = Conversation("a")
    bot.turn(conversation, QUESTIONS[0])

    def only_read(raw: Any, record: Any) -> None:
        raw.execute("PRAGMA query_only=ON")

    event.listen(sqlite.engine, "connect", only_read)
    sqlite.engine.dispose()
    began = time.monotonic()
    with pytest.raises(StorageUnavailable):
        bot.turn(conversation, QUESTIONS[1])
    assert time.monotonic() - began < 6
    event.remove(sqlite.engine, "connect", only_read)
    sqlite.engine.dispose()
    assert bot.turn(conversation, QUESTIONS[1])["topics"]
    count = select(func.count()).select_from(tables.turn)
    assert sqlite.run_now(lambda connection: connection.execute(count).scalar()) == 2


def test_after_a_day_of_silence_the_bot_starts_at_the_lowest_level(
    bot: Bot, in_memory: Any, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rasa's session start reads the last message's time: it has to be in what the store gives back."""
    use(bot, ConversationStore(bot.agent.domain, database=sqlite))
    conversation = Conversation("a")
    for question in QUESTIONS:
        bot.turn(conversation, question)
    assert bot.turn(conversation, "my baby has a fever and is very drowsy")["level"] != "provider_routine"
    assert bot.turn(conversation, QUESTIONS[0])["level"] != "provider_routine"
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 25 * 3600)
    assert bot.turn(conversation, QUESTIONS[0])["level"] == "provider_routine"
    stored = asyncio.run(Conversations(sqlite).turns("a", limit=100))
    assert len(stored) == len(QUESTIONS) + 3
