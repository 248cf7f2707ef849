"""Watches Rasa's own classes at work: counts and times turns and their steps, and hands the turn's id on.

Rasa 3.6 has no hooks for that (its tracing is not part of the open-source release), so methods are wrapped, once a process. 3.6.21
is the last open-source release: what is wrapped does not move. Nothing here changes what a method does or returns.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog
from rasa.core.actions.action import RemoteAction
from rasa.core.agent import Agent
from rasa.core.processor import MessageProcessor
from rasa.shared.core.events import ActionExecutionRejected, BotUttered, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from milia.action_calls import failure_kind
from milia.nlg import UNAVAILABLE
from milia.observability import metrics, tracing
from milia.observability.turns import ACTION, HEADER, POLICY, STORE, UNDERSTANDING, running_turn, step, turn
from milia.storage.errors import TurnAlreadyStored
from milia.storage.tracker_store import ConversationStore

Method = Callable[..., Any]

logger = structlog.get_logger("milia.turns")

_TOPICS = Path(__file__).resolve().parents[2] / "data" / "content" / "topics"
_FALLBACKS = {UNAVAILABLE: metrics.UNAVAILABLE, "utter_english_only": metrics.OTHER_LANGUAGE}
_MARK = "_milia_watched"


def watch_rasa() -> None:
    """Watch the turns of this process; calling it again does nothing."""
    if getattr(Agent, _MARK, False):
        return
    setattr(Agent, _MARK, True)
    metrics.allow_topics(path.stem for path in _TOPICS.glob("*.yml"))
    for owner, method, change in changes():
        original = getattr(owner, method)
        setattr(owner, method, functools.wraps(original)(change(original)))


def changes() -> tuple[tuple[type, str, Callable[[Method], Method]], ...]:
    """Return what is wrapped: the class, the method, and by what."""
    return (
        (MessageProcessor, "parse_message", functools.partial(_timed, name=UNDERSTANDING)),
        (MessageProcessor, "_predict_next_with_tracker", functools.partial(_timed_now, name=POLICY)),
        (MessageProcessor, "save_tracker", _counting),
        (ConversationStore, "retrieve", functools.partial(_timed, name=STORE)),
        (ConversationStore, "save", functools.partial(_timed, name=STORE)),
        (RemoteAction, "run", _action),
        (EndpointConfig, "request", _with_turn_id),
        (Agent, "handle_message", _turn),
    )


def _timed(method: Method, name: str) -> Method:
    async def timed(*arguments: Any, **named: Any) -> Any:
        with step(name), tracing.span(name):
            return await method(*arguments, **named)

    return timed


def _timed_now(method: Method, name: str) -> Method:
    def timed(*arguments: Any, **named: Any) -> Any:
        with step(name), tracing.span(name):
            return method(*arguments, **named)

    return timed


def _turn(handle: Callable[..., Awaitable[Any]]) -> Method:
    async def handle_message(agent: Agent, message: Any) -> Any:
        with turn(metrics.channel_label(message.input_channel)) as running:
            began, outcome, failed = time.perf_counter(), metrics.SILENT, {}
            metrics.IN_PROGRESS.inc()
            try:
                with tracing.span("turn", channel=running.channel, turn=running.id):
                    result = await handle(agent, message)
                outcome = metrics.ANSWERED if running.replied else metrics.SILENT
                return result
            except TurnAlreadyStored:
                outcome = metrics.REPEATED
                raise
            except BaseException as error:
                outcome, failed = metrics.FAILED, {"error": type(error).__name__}
                metrics.ERRORS.labels(metrics.error_kind(error)).inc()
                raise
            finally:
                metrics.IN_PROGRESS.dec()
                seconds = time.perf_counter() - began
                metrics.note_turn(running, seconds, outcome)
                steps = {name: round(spent * 1000, 1) for name, spent in running.seconds.items()}
                ms = round(seconds * 1000, 1)
                logger.info("turn", channel=running.channel, outcome=outcome, ms=ms, steps_ms=steps, **failed)

    return handle_message


def _counting(save: Callable[..., Awaitable[Any]]) -> Method:
    async def save_tracker(processor: MessageProcessor, tracker: DialogueStateTracker) -> Any:
        result = await save(processor, tracker)
        running = running_turn()
        if running is not None:
            running.replied = count_replies(tracker)
        return result

    return save_tracker


def count_replies(tracker: DialogueStateTracker) -> bool:
    """Count what the last turn of a stored tracker was about; returns whether the bot said anything."""
    spoke = False
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            break
        if isinstance(event, BotUttered):
            spoke = True
            said = event.metadata or {}
            if isinstance(said.get("milia"), dict):
                metrics.note_reply(said["milia"])
            if said.get("utter_action") in _FALLBACKS:
                metrics.FALLBACKS.labels(_FALLBACKS[said["utter_action"]]).inc()
        elif isinstance(event, ActionExecutionRejected):
            metrics.FALLBACKS.labels(metrics.REJECTED).inc()
        elif isinstance(event, SlotSet) and event.key == "miss" and event.value:
            metrics.FALLBACKS.labels(metrics.NOT_UNDERSTOOD).inc()
    return spoke


def _action(run: Callable[..., Awaitable[Any]]) -> Method:
    async def run_action(*arguments: Any, **named: Any) -> Any:
        with step(ACTION), tracing.span(ACTION):
            try:
                return await run(*arguments, **named)
            except Exception as error:
                metrics.ACTION_FAILURES.labels(failure_kind(error)).inc()
                raise

    return run_action


def _with_turn_id(request: Callable[..., Awaitable[Any]]) -> Method:
    async def send(endpoint: EndpointConfig, *arguments: Any, **named: Any) -> Any:
        running = running_turn()
        if running is not None:
            named["headers"] = {**(named.get("headers") or {}), HEADER: running.id, **tracing.headers()}
        return await request(endpoint, *arguments, **named)

    return send
