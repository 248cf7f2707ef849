"""Reading, erasing, exporting and purging stored conversations."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, inspect, select, text, update
from storage_turns import NewStore, plain_store, take_turn

from milia import cli
from milia.storage import ledger, removal, tables
from milia.storage.conversations import Conversations
from milia.storage.database import Database
from milia.storage.errors import ConversationChanged
from milia.storage.outbox import Outbox, PendingDelivery, pending_delivery
from milia.storage.retention import Purger, purge_now

DAY = 86_400


def run(work: Any) -> Any:
    return asyncio.run(work)


async def talk(store: Any, conversation: str, turns: int, channel: str = "") -> None:
    for number in range(turns):
        if channel:
            pending_delivery.set(PendingDelivery(channel, "+15550100", f"m{number}"))
        await take_turn(store, conversation, f"m{number}", f"question {number}")


def counts(database: Database) -> dict[str, int]:
    def read(connection: Any) -> dict[str, int]:
        every = inspect(connection).get_table_names()
        return {name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar() for name in every}

    found = database.run_now(read)
    found.pop("alembic_version")
    found.pop("sqlite_sequence", None)
    return found


def age(database: Database, conversation: str, days: float, numbers: range | None = None) -> None:
    """Make turns (all, or some) of a conversation older."""

    def write(connection: Any) -> None:
        row = connection.execute(
            select(tables.conversation).where(tables.conversation.c.conversation_id == conversation)
        ).one()
        turns = update(tables.turn).where(tables.turn.c.conversation == row.id)
        if numbers is None:
            connection.execute(
                update(tables.conversation)
                .where(tables.conversation.c.id == row.id)
                .values(updated_at=row.updated_at - days * DAY)
            )
        else:
            turns = turns.where(tables.turn.c.number.in_(list(numbers)))
        connection.execute(turns.values(stored_at=tables.turn.c.stored_at - days * DAY))

    database.run_now(write, write=True)


def test_turns_are_read_in_order_the_last_ones_first_to_be_kept(database: Database, new_store: NewStore) -> None:
    run(talk(new_store(database), "a", 5))
    stored = Conversations(database)
    assert [turn.text for turn in run(stored.turns("a"))] == [f"question {n}" for n in range(5)]
    last = run(stored.turns("a", limit=2))
    assert [turn.message_id for turn in last] == ["m3", "m4"]
    assert last[0].replies[0]["text"] == "Reply to m3. Call 911."
    assert abs(last[0].time - time.time()) < 60
    assert run(stored.turns("nobody")) == []


def test_reply_to_a_message_that_has_no_turn_is_none(database: Database, new_store: NewStore) -> None:
    run(talk(new_store(database), "a", 1))
    stored = Conversations(database)
    assert run(stored.reply_to("a", "m9")) is None
    assert run(stored.reply_to("b", "m0")) is None
    assert len(run(stored.reply_to("a", "m0"))) == 1


def test_erasing_leaves_nothing_and_the_receipt_counts_it(database: Database, new_store: NewStore) -> None:
    store, stored = new_store(database), Conversations(database)
    run(talk(store, "a", 4, "sms"))
    before = counts(database)
    run(talk(store, "b", 2, "sms"))
    receipt = run(stored.erase("a"))
    assert receipt.counts == {name: count for name, count in before.items() if count}
    assert not run(stored.exists("a"))
    assert run(store.retrieve("a")) is None
    assert run(stored.exists("b"))
    run(stored.erase("b"))
    assert set(counts(database).values()) == {0}
    assert run(stored.erase("a")).counts == {}


def test_every_table_with_a_conversation_is_erased() -> None:
    """A table added later is taken along without anybody thinking of it."""
    mine = {table.name for table in tables.metadata.sorted_tables if "conversation" in table.c}
    assert {"event", "turn", "outbox"} <= mine
    assert {table.name for table in tables.OF_A_CONVERSATION} == mine
    for table in tables.OF_A_CONVERSATION:
        (key,) = table.c.conversation.foreign_keys
        assert key.ondelete == "CASCADE"


def test_erased_words_are_gone_from_the_files_of_sqlite(sqlite: Database, tmp_path: Path) -> None:
    store = plain_store(sqlite)
    run(take_turn(store, "secret-person", "m0", "a very peculiar sentence"))
    run(take_turn(store, "b", "m0", "something else"))

    def everything() -> bytes:
        return b"".join(path.read_bytes() for path in tmp_path.glob("milia.db*"))

    assert b"peculiar" in everything()
    run(Conversations(sqlite).erase("secret-person"))
    assert b"peculiar" not in everything() and b"secret-person" not in everything()
    assert b"something else" in everything()


def test_a_turn_under_way_does_not_bring_an_erased_conversation_back(database: Database, new_store: NewStore) -> None:
    store = new_store(database)
    run(talk(store, "a", 2))
    tracker = run(store.retrieve("a"))
    run(Conversations(database).erase("a"))
    tracker.update(tracker.events[-1])
    with pytest.raises(ConversationChanged):
        run(store.save(tracker))
    run(take_turn(store, "a", "m0", "hello again"))  # nor does its number
    assert [turn.text for turn in run(Conversations(database).turns("a"))] == ["hello again"]
    tracker.update(tracker.events[-1])
    with pytest.raises(ConversationChanged):
        run(store.save(tracker))


def test_the_export_is_readable_and_whole(database: Database, new_store: NewStore) -> None:
    run(talk(new_store(database), "a", 3, "sms"))
    exported = json.loads(json.dumps(run(Conversations(database).export("a"))))
    assert [turn["you_wrote"] for turn in exported["turns"]] == [f"question {n}" for n in range(3)]
    assert exported["turns"][0]["the_bot_said"][0]["text"] == "Reply to m0. Call 911."
    assert [one["state"] for one in exported["messages_to_platforms"]] == ["waiting"] * 3
    assert len(exported["record"]) == counts(database)["event"]
    assert "+15550100" not in json.dumps(exported)
    with pytest.raises(KeyError, match="nobody"):
        run(Conversations(database).export("nobody"))


def test_old_conversations_are_purged_and_young_ones_stay(database: Database, new_store: NewStore) -> None:
    store, stored = new_store(database), Conversations(database)
    for name in ("old", "older", "young"):
        run(talk(store, name, 3, "sms"))
    age(database, "old", 31)
    age(database, "older", 400)
    age(database, "young", 29)
    removed = run(stored.purge(time.time() - 30 * DAY))
    assert removed == {"conversation": 2, "turn": 6, "outbox": 6, "event": 2 * (3 + 3 * 4)}
    assert run(stored.ids()) == ["young"]
    assert run(stored.purge(time.time() - 30 * DAY)) == {}


def test_of_a_conversation_that_goes_on_the_old_turns_are_purged(database: Database, new_store: NewStore) -> None:
    store, stored = new_store(database), Conversations(database)
    run(take_turn(store, "a", "m0", "first", slots={"topic": ["cause"]}))
    for number in range(1, 6):
        run(take_turn(store, "a", f"m{number}", f"question {number}"))
    age(database, "a", 31, range(4))
    removed = run(stored.purge(time.time() - 30 * DAY))
    assert removed["turn"] == 4
    assert [turn.message_id for turn in run(stored.turns("a"))] == ["m4", "m5"]
    tracker = run(store.retrieve("a"))
    assert tracker.get_slot("topic") == ["cause"]
    whole = run(store.retrieve_full_tracker("a"))
    assert whole.get_slot("topic") == ["cause"]
    # It goes on, its numbers too.
    run(take_turn(store, "a", "m6", "still here"))
    assert [turn.message_id for turn in run(stored.turns("a"))] == ["m4", "m5", "m6"]
    assert run(store.retrieve("a")).get_slot("topic") == ["cause"]
    assert run(stored.export("a"))["turns"][0]["message_id"] == "m4"


def test_a_purge_works_in_batches(database: Database, new_store: NewStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "BATCH", 2)
    store = new_store(database)
    for number in range(5):
        run(talk(store, f"c{number}", 1))
    assert purge_now(database, time.time() + 1)["conversation"] == 5
    run(talk(store, "long", 8))
    age(database, "long", 31, range(6))
    assert purge_now(database, time.time() - 30 * DAY)["turn"] == 6


def test_the_scheduled_purge_goes_on_after_a_failure(sqlite: Database, new_store: NewStore, caplog: Any) -> None:
    run(talk(new_store(sqlite), "a", 1))
    age(sqlite, "a", 2)
    real, calls = sqlite.run_now, []

    def fails_once(work: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("a defect")
        return real(work, **options)

    sqlite.run_now = fails_once  # type: ignore[method-assign]
    purger = Purger(sqlite, days=1, period=0.01, first=0.0)
    purger.start()
    deadline = time.monotonic() + 10
    while run(Conversations(sqlite).exists("a")) and time.monotonic() < deadline:
        time.sleep(0.02)
    purger.stop()
    assert not run(Conversations(sqlite).exists("a"))
    assert "question" not in caplog.text


def test_two_purges_at_once_do_not_stop_each_other(database: Database, new_store: NewStore) -> None:
    store, stored = new_store(database), Conversations(database)
    for number in range(12):
        run(talk(store, f"c{number}", 1))

    async def both() -> list[dict[str, int]]:
        return list(await asyncio.gather(*(stored.purge(time.time() + 1) for _ in range(3))))

    assert sum(found.get("conversation", 0) for found in run(both())) == 12


def test_the_commands_erase_export_and_purge(
    sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: Any
) -> None:
    monkeypatch.setenv("MILIA_DB", str(tmp_path / "milia.db"))
    store = plain_store(sqlite)
    for name in ("a", "b"):
        run(talk(store, name, 2))
    out = tmp_path / "export.json"
    assert cli.main(["export", "a", "--out", str(out)]) == 0
    assert json.loads(out.read_text(encoding="utf-8"))["turns"][1]["you_wrote"] == "question 1"
    assert out.stat().st_mode & 0o077 == 0
    assert cli.main(["export", "nobody"]) == 1
    assert b"'nobody'" in capsysbinary.readouterr().err
    assert cli.main(["erase", "a"]) == 0
    assert json.loads(capsysbinary.readouterr().out)["rows"]["turn"] == 2
    assert cli.main(["purge"]) == 0
    assert json.loads(capsysbinary.readouterr().out) == {"kept_days": 30, "rows": {}}
    assert cli.main(["purge", "--days", "-1"]) == 1
    assert b"allowed" in capsysbinary.readouterr().err
    assert cli.main(["purge", "--days", "0"]) == 0
    assert run(Conversations(sqlite).ids()) == []


@pytest.mark.parametrize("value", ["0", "-3", "3651", "abc", "1.5", "٣"])
def test_a_wrong_retention_is_refused_with_what_is_allowed(
    value: str, monkeypatch: pytest.MonkeyPatch, sqlite: Database, tmp_path: Path, capsys: Any
) -> None:
    monkeypatch.setenv("MILIA_RETENTION_DAYS", value)
    monkeypatch.setenv("MILIA_DB", str(tmp_path / "milia.db"))
    assert cli.main(["purge"]) == 1
    assert "from 1 to 3650" in capsys.readouterr().err


def test_replies_wait_for_their_sender_in_order(database: Database, new_store: NewStore) -> None:
    store, outbox = new_store(database), Outbox(database)
    run(talk(store, "a", 2, "sms"))
    run(talk(store, "b", 1, "telegram"))
    now = time.time() + 1
    first = run(outbox.due(now))
    assert [(one.conversation_id, one.message_id, one.channel) for one in first] == [("a", "m0", "sms"), ("b", "m0", "telegram")]
    assert first[0].recipient == "+15550100"
    assert first[0].replies == run(Conversations(database).reply_to("a", "m0"))
    assert run(outbox.due(now)) == []  # taken, and m1 waits for m0
    run(outbox.delivered(first[0].id))
    assert [one.message_id for one in run(outbox.due(now, channel="sms"))] == ["m1"]
    run(outbox.failed(first[1].id, retry_at=now + 500))
    assert run(outbox.due(now + 400, channel="telegram")) == []
    again = run(outbox.due(now + 501, channel="telegram"))
    assert [one.attempts for one in again] == [1]
    run(outbox.failed(again[0].id, retry_at=None))
    assert run(outbox.due(now + 99_999, channel="telegram")) == []
    assert run(outbox.waiting()) == 1


def test_a_sender_that_died_is_followed_by_another(database: Database, new_store: NewStore) -> None:
    run(talk(new_store(database), "a", 1, "sms"))
    outbox, now = Outbox(database), time.time() + 1
    assert len(run(outbox.due(now))) == 1
    assert len(run(outbox.due(now + 59))) == 0
    assert len(run(outbox.due(now + 61))) == 1


def test_recipients_are_encrypted_and_dropped_once_sent(
    database: Database, new_store: NewStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(talk(new_store(database), "a", 1, "sms"))

    def recipients() -> list[Any]:
        return database.run_now(lambda connection: list(connection.execute(select(tables.outbox.c.recipient)).scalars()))

    assert "+15550100" not in recipients()[0]
    outbox = Outbox(database)
    monkeypatch.setenv("MILIA_SECRET_KEY", "another secret of the right length 123456")
    with pytest.raises(Exception, match="MILIA_SECRET_KEY"):
        run(outbox.due())
    monkeypatch.setenv("MILIA_SECRET_KEY", "0123456789abcdef0123456789abcdef")
    (delivery,) = run(outbox.due())
    run(outbox.delivered(delivery.id))
    assert recipients() == [None]


def test_senders_at_once_never_take_the_same_reply(database: Database, new_store: NewStore) -> None:
    store = new_store(database)
    for number in range(10):
        run(talk(store, f"c{number}", 1, "sms"))

    async def all_senders() -> list[Any]:
        now = time.time() + 1
        return list(await asyncio.gather(*(Outbox(database).due(now, limit=4) for _ in range(6))))

    taken = [one.id for found in run(all_senders()) for one in found]
    assert len(taken) == len(set(taken))
    assert len(taken) >= 8  # a sender may step back from what another is just taking


def test_a_turn_and_its_delivery_are_stored_together_or_not_at_all(
    database: Database, new_store: NewStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = new_store(database)
    run(talk(store, "a", 1))
    before = counts(database)
    broken: Callable[..., Any] = insert

    def no_outbox(table: Any) -> Any:
        if table is tables.outbox:
            raise RuntimeError("killed here")
        return broken(table)

    monkeypatch.setattr(ledger, "insert", no_outbox)

    async def turn() -> None:
        pending_delivery.set(PendingDelivery("sms", "+15550100", "m1"))
        await take_turn(store, "a", "m1")

    with pytest.raises(RuntimeError):
        run(turn())
    assert counts(database) == before
