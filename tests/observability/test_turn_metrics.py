"""Metrics tell what happened in turns, by names that the content has, and nothing that a person wrote or is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY, generate_latest
from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.shared.core.events import ActionExecutionRejected, BotUttered, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import RasaException
from rasa.utils.endpoints import ClientResponseError

from milia.channels.collecting import CollectingOutputChannel
from milia.evaluation.bot import Bot, InProcessActions
from milia.evaluation.replay import find_model
from milia.observability import instrument, metrics, tracing
from milia.observability.turns import HEADER, RunningTurn
from milia.sign_catalog import Level
from milia.storage.database import Database
from milia.storage.encryption import TextCipher
from milia.storage.errors import ConversationChanged, StorageUnavailable, TurnAlreadyStored
from milia.storage.tracker_store import ConversationStore

ROOT = Path(__file__).resolve().parents[2]
WATCHED = tuple((owner, name) for owner, name, _ in instrument.changes())
NAME, PHONE = "Roberta Quill", "415-555-0134"


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


class Increase:
    """What a metric has gained since this was made."""

    def __init__(self, name: str, **labels: str) -> None:
        self._name, self._labels, self._before = name, labels, value(name, **labels)

    def __eq__(self, other: object) -> bool:
        return value(self._name, **self._labels) - self._before == other

    def __repr__(self) -> str:
        return f"{self._name}{self._labels}: {value(self._name, **self._labels) - self._before}"


class Actions(InProcessActions):
    """The action code in this process; keeps the headers of calls, and fails when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.headers: list[dict[str, str]] = []
        self.error: BaseException | None = None

    async def request(self, method: str = "post", **kwargs: Any) -> Any:
        self.headers.append(dict(kwargs.pop("headers", {})))
        if self.error is not None:
            raise self.error
        return await super().request(method, **kwargs)


class Watched:
    """The bot on a real store, watched, with its spans."""

    def __init__(self, folder: Path) -> None:
        model = find_model(ROOT)
        assert model is not None, "no trained model: run `make train`"
        self.actions = Actions()
        self.bot = Bot(model, ROOT, actions=self.actions)
        self.database = Database.open(f"sqlite:///{folder}/milia.db", TextCipher(()))
        store = ConversationStore(self.bot.agent.domain, database=self.database)
        self.bot.agent.tracker_store = self.bot.agent.processor.tracker_store = store  # type: ignore[union-attr]
        self.spans = InMemorySpanExporter()
        self.number = 0

    def say(self, text: str, channel: str = "web", conversation: str = "", message: str = "") -> list[Any]:
        self.number += 1
        out = CollectingOutputChannel(channel)
        one = UserMessage(
            text, out, conversation or f"c{self.number}", input_channel=channel, message_id=message or f"m{self.number}"
        )
        self.bot._loop.run_until_complete(self.bot.agent.handle_message(one))
        return list(out.messages)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    patch = pytest.MonkeyPatch()
    patch.setenv("MILIA_SECRET_KEY", "9f3c7a1e5b8d2460aa11ee77cc33bb55")
    for owner, name in (*WATCHED, (Actions, "request")):
        patch.setattr(owner, name, getattr(owner, name))  # what is wrapped below is taken back
    patch.setattr(Agent, instrument._MARK, False, raising=False)
    world = Watched(tmp_path_factory.mktemp("store"))
    instrument.watch_rasa()
    Actions.request = instrument._with_turn_id(Actions.request)  # type: ignore[method-assign]  # it does not call its base
    tracing.start("milia-test", world.spans)
    yield world
    tracing.stop()
    patch.undo()
    world.database.close()


# ------------------------------------------------------------------------------------------------------------ a whole turn
@pytest.mark.model
def test_a_turn_is_counted_with_its_topic_level_and_steps(watched: Watched) -> None:
    gained = [
        Increase("milia_turns_total", channel="web", outcome="answered"),
        Increase("milia_turn_seconds_count", channel="web"),
        Increase("milia_topics_total", topic="definition"),
        Increase("milia_levels_total", level="provider_routine"),
        *(Increase("milia_step_seconds_count", step=name) for name in ("understanding", "policy", "action", "store")),
    ]
    assert watched.say("what are milia?")
    assert gained == [1] * 8
    assert value("milia_turns_in_progress") == 0


@pytest.mark.model
def test_an_emergency_is_counted_by_its_level_and_calls_no_action_server(watched: Watched) -> None:
    urgent, actions = Increase("milia_levels_total", level="emergency_now"), Increase("milia_step_seconds_count", step="action")
    watched.say("my newborn has a temperature of 39 and is very drowsy")
    assert (urgent, actions) == (1, 0)


@pytest.mark.model
def test_what_did_not_get_its_answer_is_counted_by_why(watched: Watched) -> None:
    unclear, unavailable = (Increase("milia_fallbacks_total", kind=kind) for kind in ("not_understood", "unavailable"))
    failed = Increase("milia_action_failures_total", kind="connection")
    watched.say("hmpf brzl grmbl")
    assert unclear == 1
    watched.actions.error = aiohttp.ClientConnectionError("refused")
    watched.say("how long do milia last?")
    watched.actions.error = None
    assert (failed, unavailable) == (1, 1)


@pytest.mark.model
def test_an_error_is_counted_by_kind_and_a_repeated_message_is_none(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    repeated = Increase("milia_turns_total", channel="web", outcome="repeated")
    failed = Increase("milia_turns_total", channel="web", outcome="failed")
    kind = Increase("milia_errors_total", kind="store_unavailable")
    watched.say("what are milia?", conversation="twice", message="same")
    with pytest.raises(TurnAlreadyStored):
        watched.say("what are milia?", conversation="twice", message="same")
    assert (repeated, failed, kind) == (1, 0, 0)

    async def away(*_: Any, **__: Any) -> None:
        raise StorageUnavailable("away")

    monkeypatch.setattr(watched.database, "run", away)
    with pytest.raises(StorageUnavailable):
        watched.say("what are milia?")
    assert (failed, kind) == (1, 1)
    assert value("milia_turns_in_progress") == 0


@pytest.mark.model
def test_no_metric_holds_what_people_write_or_who_they_are(watched: Watched) -> None:
    """Also not on the REST channel, where the client chooses sender and channel."""
    watched.say(f"I am {NAME}, call {PHONE}", channel=NAME, conversation=PHONE, message="m-secret")
    watched.say(f'/ask_definition{{"who": "{NAME}"}}', channel="rest")
    watched.say(f"/{NAME}", channel="rest")
    exposed = generate_latest().decode()
    for part in ("Roberta", "Quill", "415", "m-secret"):
        assert part not in exposed.replace("milia_", ""), part
    assert value("milia_turns_total", channel="other", outcome="answered") >= 1


@pytest.mark.model
def test_a_trace_has_a_span_a_step_and_no_text(watched: Watched) -> None:
    watched.spans.clear()
    watched.actions.headers.clear()
    watched.say(f"I am {NAME}, {PHONE}. what are milia?")
    spans = watched.spans.get_finished_spans()
    turn = next(span for span in spans if span.name == "turn")
    assert {"turn", "understanding", "policy", "action", "store"} == {span.name for span in spans}
    assert {span.context.trace_id for span in spans} == {turn.context.trace_id}, "all in one trace"
    assert all(span.parent and span.parent.span_id == turn.context.span_id for span in spans if span is not turn)
    everything = " ".join(span.to_json() for span in spans)
    assert "Roberta" not in everything and PHONE not in everything
    assert set(turn.attributes or ()) == {"milia.channel", "milia.turn"}
    (headers,) = watched.actions.headers
    assert headers[HEADER] == (turn.attributes or {})["milia.turn"]
    assert f"{turn.context.trace_id:032x}" in headers["traceparent"]


@pytest.mark.model
def test_a_span_of_an_error_holds_its_kind_alone(watched: Watched) -> None:
    watched.spans.clear()
    watched.actions.error = ValueError(f"cannot read {NAME}")
    watched.say("how long do milia last?")
    watched.actions.error = None
    action = next(span for span in watched.spans.get_finished_spans() if span.name == "action")
    assert (action.status.description, action.events) == ("ValueError", ())
    assert NAME not in action.to_json()


@pytest.mark.model
def test_each_turn_has_an_id_of_its_own_that_is_not_the_senders(watched: Watched) -> None:
    watched.actions.headers.clear()
    for _ in range(3):
        watched.say("what are milia?", conversation="one-sender")
    ids = [headers[HEADER] for headers in watched.actions.headers]
    assert len(set(ids)) == 3 and all(len(one) == 32 and "sender" not in one for one in ids)


# ------------------------------------------------------------------------------------------------------------ single parts
def record(**changes: Any) -> dict[str, Any]:
    return {"topics": [], "level": "provider_routine", **changes}


def tracker_of(*events: Any) -> DialogueStateTracker:
    return DialogueStateTracker.from_events("c", [UserUttered("before"), *events])


def test_names_that_are_not_the_contents_are_counted_as_other() -> None:
    other_topic, other_level = Increase("milia_topics_total", topic="other"), Increase("milia_levels_total", level="other")
    metrics.note_reply(record(topics=[NAME, PHONE], level=NAME))
    metrics.note_reply(record(level=None))
    assert (other_topic, other_level) == (2, 2)
    assert metrics.channel_label(NAME) == metrics.channel_label(None) == "other"
    assert NAME not in generate_latest().decode()


def test_only_the_last_turn_is_counted() -> None:
    routine = Increase("milia_levels_total", level="provider_routine")
    said = BotUttered("x", metadata={"milia": record()})
    assert instrument.count_replies(tracker_of(said, said, UserUttered("now"), said))
    assert not instrument.count_replies(tracker_of(said, UserUttered("now")))
    assert routine == 1


def test_rejected_actions_and_misses_are_fallbacks() -> None:
    rejected, miss = (Increase("milia_fallbacks_total", kind=kind) for kind in ("rejected", "not_understood"))
    instrument.count_replies(tracker_of(ActionExecutionRejected("action_answer"), SlotSet("miss", 2), SlotSet("miss", 0)))
    assert (rejected, miss) == (1, 1)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (asyncio.TimeoutError(), "timeout"),
        (ClientResponseError(500, "x", "y"), "status"),
        (aiohttp.ClientConnectionError(), "connection"),
        (RasaException("x"), "other"),
    ],
)
def test_a_failed_call_has_the_kind_of_its_cause(error: BaseException, kind: str) -> None:
    wrapped = RasaException("failed to execute")
    wrapped.__cause__ = error
    assert instrument.failure_kind(error) == instrument.failure_kind(wrapped) == kind
    assert kind in metrics.FAILURE_KINDS


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (StorageUnavailable("x"), "store_unavailable"),
        (ConversationChanged("x"), "conversation_changed"),
        (asyncio.CancelledError(), "cancelled"),
        (ValueError(NAME), "other"),
    ],
)
def test_an_error_has_the_kind_of_its_class(error: BaseException, kind: str) -> None:
    assert metrics.error_kind(error) == kind
    assert kind in metrics.ERROR_KINDS


def test_a_turn_without_steps_has_a_time_and_no_step() -> None:
    before = {step: value("milia_step_seconds_count", step=step) for step in metrics.STEPS}
    silent = Increase("milia_turns_total", channel="other", outcome="silent")
    metrics.note_turn(RunningTurn("0" * 32), 0.01, metrics.SILENT)
    assert silent == 1
    assert {step: value("milia_step_seconds_count", step=step) for step in metrics.STEPS} == before


def test_there_is_a_level_for_each_that_the_bot_knows() -> None:
    exposed = generate_latest().decode()
    for level in Level:
        assert f'milia_levels_total{{level="{level.id}"}}' in exposed


def test_without_a_collector_nothing_is_traced_and_no_package_loaded() -> None:
    import subprocess
    import sys

    code = (
        "import os, sys\nos.environ.pop('OTEL_EXPORTER_OTLP_ENDPOINT', None)\nfrom milia.observability import tracing\n"
        "tracing.start('x')\nwith tracing.span('a', turn='b'): pass\nassert tracing.headers() == {}\n"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
