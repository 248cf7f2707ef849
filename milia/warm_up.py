"""A Rasa server begins to listen only once it has answered a message: the first one loads what later ones find, which takes seconds.

Nobody's conversation: nothing of it is stored, locked, counted or published.
"""

from __future__ import annotations

import functools
import logging
import uuid
from typing import Any

import rasa.core.run
from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage

from milia.channels.collecting import CollectingOutputChannel
from milia.storage.tracker_store import WARM_UP

logger = logging.getLogger(__name__)

MESSAGES = ("hello", "what are milia?")
_MARK = "_milia_warms_up"


def warm_up_before_serving() -> None:
    """Let Rasa's server answer a message after it loaded its model, before it listens; calling it again does nothing."""
    load = rasa.core.run.load_agent_on_start
    if getattr(load, _MARK, False):
        return

    @functools.wraps(load)
    async def load_and_answer(*arguments: Any, **named: Any) -> Agent:
        agent = await load(*arguments, **named)
        await answer(agent)
        return agent

    setattr(load_and_answer, _MARK, True)
    rasa.core.run.load_agent_on_start = load_and_answer


async def answer(agent: Agent) -> None:
    """Answer messages of nobody; a failure is logged, and shows on the readiness page if it stays."""
    if not agent.is_ready():
        return
    for text in MESSAGES:
        output = CollectingOutputChannel("web")
        try:
            # Not by the agent: that takes the lock, and its turns are counted.
            await agent.processor.handle_message(UserMessage(text, output, f"{WARM_UP}{uuid.uuid4().hex}", input_channel="web"))
        except Exception as error:
            logger.warning("The server could not answer a first message: %s", type(error).__name__)
