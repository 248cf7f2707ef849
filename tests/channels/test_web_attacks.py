"""A thousand generated requests get no error of the server's, nobody else's words, and force no intent."""

from __future__ import annotations

import json
import logging
import os
import socket
from collections import Counter

import pytest
from web_attacks import TYPED, attacks
from web_client import Web

# FUZZ_REQUESTS=20000 tries for longer.
FEW = 1_050
COUNT = int(os.environ.get("FUZZ_REQUESTS", FEW))
SECRET_TEXT = "The victim's own words 7f3a"
PAYLOAD = "/victims_button"


def test_a_thousand_attacks(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    victim = web.open()
    web.agent.buttons = [{"title": "The victim's button", "payload": PAYLOAD}]
    victim.send(SECRET_TEXT, "victims-message-1")
    web.agent.buttons = []
    before = list(web.stored.of[victim.conversation])
    seen_before = len(web.agent.seen)
    mine = [web.open()]

    def token() -> str:
        if len(web.stored.of.get(mine[0].conversation, ())) > 30:
            mine[0] = web.open()
        return mine[0].token

    statuses: Counter[tuple[str, int]] = Counter()
    with caplog.at_level(logging.WARNING):
        for attack in attacks(COUNT, victim.conversation, "victims-message-1", PAYLOAD, token):
            answer = web.server.request(attack.method, attack.path, attack.body, headers=attack.headers)
            statuses[attack.kind, answer.status] += 1
            assert answer.status < 500, attack
            assert SECRET_TEXT.encode() not in answer.body, attack
            assert b"victim" not in answer.body.replace(b"victims_button", b"").lower() or attack.own, attack
            assert attack.own or attack.kind == "wandering" or answer.status >= 400, attack
            if answer.status >= 400 and answer.body and attack.path.startswith("/webhooks/web/") and ".." not in attack.path:
                assert answer.headers["content-type"] == "application/problem+json", attack
                problem = json.loads(answer.body)
                assert problem["status"] == answer.status and problem["detail"], attack
                assert "Traceback" not in problem["detail"]

    assert sum(statuses.values()) == COUNT
    assert {kind for kind, _ in statuses} == {"forged", "replayed", "oversized", "malformed", "injected", "pressed", "wandering"}
    assert web.stored.of[victim.conversation] == before, "the victim's conversation is as it was"
    reached = web.agent.seen[seen_before:]
    assert len(reached) > 50, "texts of the attacker's own conversation do reach the bot"
    for message in reached:
        assert message.sender_id != victim.conversation
        assert not (message.text or "").startswith("/"), "no typed text is an intent"
        assert (message.text or "").strip() == message.text
        assert (message.input_channel, message.metadata, message.parse_data) == ("web", None, None)
    assert not [record for record in caplog.records if "failed" in record.message], "no attack met a fault"
    assert SECRET_TEXT not in caplog.text


def test_the_generator_tries_what_it_should() -> None:
    made = list(attacks(FEW, "web-victim", "victims-message-1", PAYLOAD, lambda: "aaaa.bbbb.cccc"))
    assert made == list(attacks(FEW, "web-victim", "victims-message-1", PAYLOAD, lambda: "aaaa.bbbb.cccc"))
    bodies = b"".join(attack.body or b"" for attack in made).decode("latin-1")
    assert all(json.dumps(text)[1:-1] in bodies for text in TYPED)
    assert len({(attack.path, attack.body, tuple(attack.headers.items())) for attack in made}) > FEW * 0.7


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /webhooks/web/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /webhooks/web/messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nzz\r\n",
        b"POST /webhooks/web/messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
        b"POST /webhooks/web/messages HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /webhooks/web/messages HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n",
        b"GET /webhooks/web/messages HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET " + b"/" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"TRACE /webhooks/web/messages HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /webhooks/web/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\nOrigin: \xff\r\n\r\n",
    ],
)
def test_broken_http_gets_no_500_and_the_server_goes_on(web: Web, raw: bytes) -> None:
    with socket.create_connection(("127.0.0.1", web.server.port), timeout=5) as connection:
        connection.sendall(raw)
        connection.settimeout(1)
        try:
            answer = connection.recv(4_000)
        except TimeoutError:
            answer = b""
    assert b" 500 " not in answer.split(b"\r\n")[0]
    assert web.open().send("hello").status == 200
