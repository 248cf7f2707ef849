"""No line of a log holds what people write, who they are, or a key; what an operator needs stays."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from milia.observability import logs
from milia.observability.log_privacy import secrets_of
from milia.observability.turns import turn
from milia.storage.database import Database
from milia.storage.encryption import TextCipher
from milia.storage.errors import StorageUnavailable

TEXT = "I am Roberta Quill, 415-555-0134, roberta@example.org"
SECRET = "9f3c7a1e5b8d2460aa11ee77cc33bb55"
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILIA_SECRET_KEY", SECRET)
    monkeypatch.setenv("DATABASE_URL", "postgresql://milia:hunter22@db.example/milia")


@pytest.fixture
def log(environment: None) -> Iterator[Lines]:
    """Every logger of the process writes JSON here; afterwards all is as it was."""
    stream, root = io.StringIO(), logging.getLogger()
    before = root.handlers[:], root.level, threading.excepthook, warnings.showwarning
    kept = structlog.get_config()
    logs.configure({"MILIA_LOG_FORMAT": "json", "MILIA_LOG_LEVEL": "debug"}, stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level, threading.excepthook = before[0], before[1], before[2]
    logging.captureWarnings(False)
    warnings.showwarning = before[3]
    structlog.configure(**kept)


def fail(text: str = TEXT) -> None:
    raise ValueError(f"cannot read {text!r}")


def speak() -> None:
    """Log a message in all the ways in which libraries do."""
    logger = logging.getLogger("rasa.core.processor")
    logger.debug("Received user message %r", TEXT)
    logger.info(f"Received user message {TEXT!r}")
    logger.error("Failed on %s", {"text": TEXT})
    structured = structlog.get_logger("rasa.core.lock_store")
    structured.warning("processor.message.parse", text=TEXT, event_info=f"Parsed {TEXT}", nested={"a": [TEXT]})
    structured.warning(TEXT)
    try:
        fail()
    except ValueError:
        logger.exception(f"Encountered an exception at {TEXT}")
        structured.exception("processor.failed", user_text=TEXT)
    logging.getLogger("sanic.error").error(f"Exception occurred while handling uri: 'http://127.0.0.1/x?text={TEXT}&token={SECRET}'")
    logging.getLogger("py.warnings").error(f"UserWarning: {TEXT}")
    logging.getLogger().error(TEXT)
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


def test_once_people_are_served_no_line_holds_what_they_write(log: Lines, capfd: pytest.CaptureFixture[str]) -> None:
    logs.people_are_served()
    with turn("web") as running:
        speak()
    lines = log()
    assert len(lines) >= 11
    everything = json.dumps(lines) + "".join(capfd.readouterr())
    for part in ("Roberta", "Quill", "415", "0134", "example.org", SECRET, "cannot read"):
        assert part not in everything, part
    assert {line["turn"] for line in lines if line["logger"] != "milia.threads"} == {running.id}


def test_an_operator_still_learns_where_and_of_what_kind(log: Lines) -> None:
    logs.people_are_served()
    speak()
    lines = log()
    failed = next(line for line in lines if line.get("error") == "ValueError")
    assert failed["level"] == "error" and failed["logger"] == "rasa.core.processor"
    assert failed["event"].endswith(".py:" + failed["event"].rpartition(":")[2]) and "test_log_privacy" in failed["event"]
    assert any(" fail" in place for place in failed["at"])
    assert any(line["event"] == "processor.message.parse" for line in lines)
    assert any(line["logger"] == "milia.threads" and line["error"] == "ValueError" for line in lines)


def test_the_bots_own_lines_stay_but_never_the_text_of_an_error(log: Lines) -> None:
    logs.people_are_served()
    own = logging.getLogger("milia.storage.database")
    own.warning("the purge is put off: %s", StorageUnavailable("the database does not answer"))
    try:
        fail()
    except ValueError:
        own.exception("the purge failed")
    structlog.get_logger("milia.turns").info("turn", ms=12.5, steps_ms={"store": 1.0})
    first, second, third = log()
    assert first["event"] == "the purge is put off: the database does not answer"
    assert (second["event"], second["error"]) == ("the purge failed", "ValueError")
    assert "Roberta" not in json.dumps(second)
    assert (third["ms"], third["steps_ms"]) == (12.5, {"store": 1.0})


def test_a_line_of_a_database_thread_belongs_to_its_turn(log: Lines, tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/milia.db", TextCipher(()))

    async def work() -> str:
        with turn("web") as running:
            await database.run(lambda _: logging.getLogger("milia.storage.x").warning("slow"))
            return running.id

    try:
        identifier = asyncio.run(work())
    finally:
        database.close()
    (line,) = [line for line in log() if line["event"] == "slow"]
    assert line["turn"] == identifier


def test_before_anybody_is_served_lines_say_what_an_operator_has_to_know(log: Lines) -> None:
    logging.getLogger("rasa.core.agent").error("Could not load model: no such file")
    try:
        fail("the file")
    except ValueError:
        logging.getLogger("rasa").exception("failed")
    first, second = log()
    assert first["event"] == "Could not load model: no such file"
    assert second["says"] == "cannot read 'the file'"


@pytest.mark.parametrize("served", [False, True])
def test_keys_and_passwords_are_in_no_line_at_any_time(log: Lines, served: bool) -> None:
    if served:
        logs.people_are_served()
    logger = logging.getLogger("milia.x")
    logger.error("connecting to postgresql://milia:hunter22@db.example/milia with %s", SECRET)
    logger.error("refused https://api.example/send?token=abc")
    logger.error("redis://:letmein@cache.example:6379/0 is away")
    logging.getLogger("rasa").error("key %s", SECRET)
    structlog.get_logger("milia.x").error("x", nested={"key": [SECRET]}, address="http://u:pw@h/")
    everything = json.dumps(log())
    for part in (SECRET, "hunter22", "token=abc", "letmein", "u:pw"):
        assert part not in everything, part
    assert "db.example" in everything or served


def test_what_is_secret_is_known_by_its_name() -> None:
    environment = {
        "MILIA_SECRET_KEY": "aaaaaaaa1", "MILIA_DATA_KEY": "bbbbbbbb1, cccccccc1", "MILIA_SLACK_BOT_TOKEN": "xoxb-ddd",
        "MILIA_TWILIO_ACCOUNT_SID": "ACeeeeee", "DATABASE_URL": "postgresql://u:p@h/x", "OTEL_EXPORTER_OTLP_HEADERS": "k=ffffff",
        "MILIA_METRICS_KEY": "gggggggg", "MILIA_PORT": "5005555", "MILIA_TOKEN_EMPTY": "", "PATH": "/usr/bin:/bin", "A_KEY": "short",
    }  # fmt: skip
    found = secrets_of(environment)
    assert {"aaaaaaaa1", "bbbbbbbb1", "cccccccc1", "xoxb-ddd", "ACeeeeee", "postgresql://u:p@h/x", "k=ffffff", "gggggggg"} <= set(found)
    assert not {"5005555", "", "/usr/bin:/bin", "short"} & set(found)
    assert found == sorted(found, key=len, reverse=True), "a key that begins like another must not leave the rest of it"


@pytest.mark.parametrize(
    ("environment", "form"),
    [({}, "text"), ({"MILIA_ENV": "production"}, "json"), ({"MILIA_ENV": "production", "MILIA_LOG_FORMAT": "text"}, "text")],
)
def test_lines_are_for_a_person_here_and_for_programs_in_production(environment: dict[str, str], form: str) -> None:
    assert logs.format_of(environment) == form


@pytest.mark.parametrize(("name", "value"), [("MILIA_LOG_FORMAT", "xml"), ("MILIA_LOG_LEVEL", "loud")])
def test_a_setting_of_the_log_that_is_not_allowed_is_refused(name: str, value: str) -> None:
    with pytest.raises(logs.LogSettingError, match=f"{name}='{value}' is not allowed: "):
        logs.configure({name: value})


def test_a_line_for_a_person_is_one_line_and_hides_the_same(environment: None) -> None:
    stream, root = io.StringIO(), logging.getLogger()
    before, kept, hook = root.handlers[:], structlog.get_config(), threading.excepthook
    level = root.level
    try:
        logs.configure({"MILIA_LOG_FORMAT": "text"}, stream)
        logs.people_are_served()
        logging.getLogger("rasa").error(TEXT)
        with turn("web") as running:
            structlog.get_logger("milia.turns").info("turn", ms=1.5)
    finally:
        root.handlers[:], threading.excepthook = before, hook
        root.setLevel(level)
        structlog.configure(**kept)
        logging.captureWarnings(False)
    first, second = stream.getvalue().splitlines()
    assert "Roberta" not in first and "withheld=True" in first
    assert "turn" in second and "ms=1.5" in second and running.id in second


def test_warnings_and_worse_are_counted_by_level(log: Lines) -> None:
    before = {level: logs.LOG_RECORDS.labels(level)._value.get() for level in ("warning", "error")}
    logging.getLogger("milia.x").warning("a")
    logging.getLogger("rasa").error("b")
    logging.getLogger("milia.x").info("c")
    assert {level: logs.LOG_RECORDS.labels(level)._value.get() - before[level] for level in before} == {"warning": 1, "error": 1}
