"""How much time the web channel adds to a message: `python -m milia.evaluation.web_latency [--turns 300]`.

One process, one model, one store: messages go in turn through HTTP and straight to Rasa's agent, each way in
conversations of its own. Prints JSON; ends with 1 when the median of the difference is above the limit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import statistics
import sys
import tempfile
import threading
import time
import uuid
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

MOST_MS = 2.0
TURNS_OF_ONE = 10
QUESTIONS = (
    "What are milia?",
    "how long do they last",
    "can i pop them myself",
    "what causes these white bumps",
    "are they harmful",
    "my baby has white dots on the nose",
    "what can a dermatologist do about them",
    "tell me more",
    "how do i prevent them",
    "thanks",
)


class Served:
    """The whole bot with the web channel, on a port of this machine, in a thread.

    Args:
        model: path of the model archive.
        root: the project folder.
        folder: where conversations are kept.
    """

    def __init__(self, model: Path, root: Path, folder: Path) -> None:
        os.environ.update(
            MILIA_SECRET_KEY=secrets.token_hex(32), MILIA_VAR=str(folder), MILIA_DB="", DATABASE_URL="", MILIA_WEB_ORIGINS=""
        )
        for limit in ("MILIA_WEB_RATE", "MILIA_WEB_ADDRESS_RATE", "MILIA_WEB_ADDRESS_CONVERSATIONS"):
            os.environ[limit] = "1000000"
        from milia.evaluation.bot import Bot
        from milia.storage.tracker_store import ConversationStore

        self.agent: Any = Bot(model, root).agent
        store = ConversationStore(self.agent.domain)
        self.agent.tracker_store = self.agent.processor.tracker_store = store
        self.port = 0
        self.loop = asyncio.new_event_loop()
        self._started = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()
        if not self._started.wait(60):
            raise RuntimeError("the server did not start")

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        import socket

        from rasa import server as rasa_server
        from rasa.core.channels import channel as rasa_channel
        from sanic import Sanic

        from milia.channels.web import WebChannel

        app = Sanic("web_latency", configure_logging=False)
        rasa_server.add_root_route(app)
        rasa_server.configure_cors(app, "")
        rasa_channel.register([WebChannel()], app, route="/webhooks/")
        app.ctx.agent = self.agent
        listening = socket.create_server(("127.0.0.1", 0))
        server: Any = await app.create_server(sock=listening, return_asyncio_server=True, access_log=False)
        await server.startup()
        await server.before_start()
        self.port = listening.getsockname()[1]
        self._started.set()
        await asyncio.Event().wait()

    def bare(self, conversation: str, text: str) -> float:
        """Return the milliseconds of a message that goes straight to the agent."""

        async def handle() -> float:
            from rasa.core.channels.channel import UserMessage

            from milia.channels.collecting import CollectingOutputChannel

            start = time.perf_counter()
            message = UserMessage(
                text, CollectingOutputChannel("web"), conversation, input_channel="web", message_id=uuid.uuid4().hex
            )
            await self.agent.handle_message(message)
            return (time.perf_counter() - start) * 1000

        return asyncio.run_coroutine_threadsafe(handle(), self.loop).result()


class Client:
    """One conversation over one kept-alive connection."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port)
        self._token = self._ask("POST", "conversations", {})["token"]

    def send(self, text: str) -> float:
        """Return the milliseconds of a message, from the request to the reply."""
        start = time.perf_counter()
        self._ask("POST", "messages", {"id": uuid.uuid4().hex, "text": text})
        return (time.perf_counter() - start) * 1000

    def _ask(self, method: str, path: str, body: Any) -> Any:
        headers = {"Content-Type": "application/json"}
        if hasattr(self, "_token"):
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            self._connection.request(method, f"/webhooks/web/{path}", json.dumps(body), headers)
            answer = self._connection.getresponse()
        except OSError:  # the server closes a connection that was idle for some seconds
            self._connection.close()
            self._connection.request(method, f"/webhooks/web/{path}", json.dumps(body), headers)
            answer = self._connection.getresponse()
        data = json.loads(answer.read())
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {data.get('code')}")
        return data


def measure(served: Served, turns: int) -> dict[str, float]:
    """Send messages both ways in turn, the order changing each time; returns medians in milliseconds."""
    through: list[float] = []
    bare: list[float] = []
    client, conversation = Client(served.port), ""
    for number in range(-2 * TURNS_OF_ONE, turns):  # the first ones warm up
        if number % TURNS_OF_ONE == 0:
            client, conversation = Client(served.port), f"bench-{uuid.uuid4().hex}"
        text = QUESTIONS[number % len(QUESTIONS)]
        spent = {}
        for way in ("through", "bare") if number % 2 else ("bare", "through"):
            spent[way] = client.send(text) if way == "through" else served.bare(conversation, text)
        if number >= 0:
            through.append(spent["through"])
            bare.append(spent["bare"])
    return {
        "turns": turns,
        "bare_p50_ms": round(statistics.median(bare), 2),
        "through_p50_ms": round(statistics.median(through), 2),
        "added_p50_ms": round(statistics.median(through) - statistics.median(bare), 2),
        "added_to_the_same_message_p50_ms": round(statistics.median(a - b for a, b in zip(through, bare, strict=True)), 2),
    }


def main() -> int:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=300, help="messages each way")
    parser.add_argument("--model", type=Path, help="model archive (default: the current one)")
    arguments = parser.parse_args()
    from milia.evaluation.replay import find_model

    root = Path.cwd()
    model = find_model(root, arguments.model)
    if model is None:
        return 2
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Served(model, root, Path(folder)), arguments.turns)
        print(json.dumps(found), flush=True)
        # The server's threads would outlive an ordinary end.
        sys.stdout.flush()
    os._exit(0 if found["added_p50_ms"] <= MOST_MS else 1)


if __name__ == "__main__":
    sys.exit(main())
