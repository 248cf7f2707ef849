"""The web channel on a server of its own, with a fake bot behind it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from milia.channels.keys import Keys

if TYPE_CHECKING:
    from web_client import Web
    from web_server import Server

SECRET = secrets.token_bytes(48)


@pytest.fixture(scope="session")
def serve_web() -> Iterator[Callable[..., Web]]:
    """Starts the channel with settings: `serve_web(rate=3, ...)`."""
    # Loads Rasa: seconds that the platforms' tests of this folder need not wait.
    from web_client import Web
    from web_server import FakeAgent, FakeStored, Server

    from milia.channels.web import WebChannel
    from milia.channels.web_settings import WebSettings

    started: list[Server] = []
    wide = WebSettings(rate=100_000, address_rate=1_000_000, address_conversations=1_000_000, conversations=1_000_000)

    def serve(pages: Any = None, **settings: Any) -> Web:
        stored = FakeStored()
        agent = FakeAgent(stored)
        keys = Keys(SECRET)
        said: dict[tuple[str, str], bool] = {}

        async def feedback(conversation: str, message: str, helpful: bool) -> bool:
            if await stored.reply_to(conversation, message) is None:
                return False
            said[conversation, message] = helpful
            return True

        chosen = replace(wide, **settings)
        channel = WebChannel(chosen, keys, lambda: stored, feedback, pages)
        server = Server(channel, agent)
        started.append(server)
        return Web(server, agent, stored, keys, said)

    yield serve
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def _shared(serve_web: Callable[..., Web]) -> Web:
    return serve_web()


@pytest.fixture
def web(_shared: Web) -> Web:
    """The channel without narrow limits, its bot as it was made."""
    _shared.agent.reset()
    _shared.stored.of.clear()
    _shared.stored.down = False
    _shared.feedback.clear()
    return _shared
