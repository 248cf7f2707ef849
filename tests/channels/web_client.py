"""A conversation as a widget would hold it, and the channel with what stands behind it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from web_server import Answer, FakeAgent, FakeStored, Server

from milia.channels.keys import Keys

API = "/webhooks/web"


@dataclass
class Chat:
    """One conversation, as a widget would hold it."""

    server: Server
    token: str
    conversation: str

    def send(self, text: str, id: str | None = None, **headers: str) -> Answer:
        return self.server.request("POST", f"{API}/messages", {"id": id or new_id(), "text": text}, self.token, headers)

    def press(self, payload: str, id: str | None = None) -> Answer:
        return self.server.request("POST", f"{API}/messages", {"id": id or new_id(), "payload": payload}, self.token)

    def history(self, query: str = "") -> Answer:
        return self.server.request("GET", f"{API}/messages{query}", token=self.token)

    def delete(self) -> Answer:
        return self.server.request("DELETE", f"{API}/conversations", token=self.token)


@dataclass
class Web:
    """The channel with what stands behind it."""

    server: Server
    agent: FakeAgent
    stored: FakeStored
    keys: Keys
    feedback: dict[tuple[str, str], bool]

    def open(self, **headers: str) -> Chat:
        answer = self.server.request("POST", f"{API}/conversations", {}, headers=headers)
        assert answer.status == 201, answer.body
        return Chat(self.server, answer.json["token"], answer.json["conversation"])


def new_id() -> str:
    return str(uuid.uuid4())
