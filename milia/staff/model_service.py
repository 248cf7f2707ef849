"""Puts another model in service while the server runs, as Rasa's `PUT /model` does, but only once the model has answered.

Turns in progress end with the model that they began with. It is this server's model: others that serve beside it keep theirs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rasa.core.channels.channel import UserMessage
from rasa.core.nlg.generator import NaturalLanguageGenerator
from rasa.core.processor import MessageProcessor
from rasa.utils.endpoints import read_endpoint_config

from milia import in_service
from milia.staff.jobs import Busy

logger = logging.getLogger(__name__)

_TRIED = "how long do milia last"


class ModelRefused(Exception):
    """A model that does not load, or does not understand a message; the message says why."""


class ModelService:
    """The model of this server.

    Args:
        agent: returns Rasa's agent.
        root: the project's folder.
    """

    def __init__(self, agent: Callable[[], Any], root: Path) -> None:
        self._agent, self._root = agent, root
        self._changing = asyncio.Lock()

    async def put(self, model: Path, present: str) -> None:
        """Load a model beside the running one, ask it something, and let it take over.

        Args:
            model: the archive.
            present: name of the archive of the present inputs.

        Raises:
            Busy: Another one is being put in service.
            ModelRefused: It cannot serve; the running one goes on.
        """
        if self._changing.locked():
            raise Busy
        async with self._changing:
            agent = self._agent()
            before = Path(str(getattr(agent.processor, "model_filename", ""))).name
            try:
                processor = await asyncio.get_running_loop().run_in_executor(None, self._load, agent, model)
            except Exception as error:  # whatever is wrong with the archive, the running model is untouched
                logger.error("A model was not put in service: %s", type(error).__name__)
                raise ModelRefused(f"{model.name}: {type(error).__name__}: {str(error)[:300]}") from error
            # What `Agent.load_model` sets, without a moment in which only some of it is new.
            agent.processor, agent.domain, agent.nlg = processor, processor.domain, processor.nlg
            agent.tracker_store.domain = processor.domain
            try:
                in_service.choose(self._root, model.name, before, present)
            except OSError as error:  # it serves all the same, until the server ends
                logger.warning("it is not kept which model serves: %s", error)

    def _load(self, agent: Any, model: Path) -> MessageProcessor:
        processor = MessageProcessor(
            model_path=str(model),
            tracker_store=agent.tracker_store,
            lock_store=agent.lock_store,
            action_endpoint=agent.action_endpoint,
            generator=agent.nlg,
            http_interpreter=agent.http_interpreter,
        )
        # Warnings are said from the list of signs as the files have it now.
        endpoint = read_endpoint_config(str(self._root / "endpoints.yml"), "nlg")
        processor.nlg = NaturalLanguageGenerator.create(endpoint, processor.domain)
        understood = asyncio.run(processor.parse_message(UserMessage(_TRIED)))
        if not (understood.get("intent") or {}).get("name"):
            raise ValueError("it does not understand a message")
        return processor
