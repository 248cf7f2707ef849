"""The REST channel: open on one's own machine, closed or behind a key in production."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from web_server import FakeAgent, FakeStored, Server

KEY = "0123456789abcdef0123456789abcdef"
PATH = "/webhooks/rest/webhook"
MESSAGE = {"sender": "me", "message": "hello"}


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Server]]:
    from milia.channels.web_rest import StaffRest

    started: list[Server] = []

    def start(**environment: str) -> Server:
        for name in ("MILIA_ENV", "MILIA_REST_KEY"):
            monkeypatch.setenv(name, environment.get(name, ""))
        started.append(Server(StaffRest.from_credentials(None), FakeAgent(FakeStored())))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def test_on_ones_own_machine_it_is_open_but_not_to_pages(serve: Callable[..., Server]) -> None:
    server = serve()
    assert "Reply 1." in server.request("POST", PATH, MESSAGE).json[0]["text"]
    assert server.request("POST", PATH, MESSAGE, headers={"Origin": server.url}).status == 200
    for origin in ("https://evil.example", "null"):
        assert server.request("POST", PATH, MESSAGE, headers={"Origin": origin}).status == 403
    for body in (b"x", b"[]", b"", b"1"):
        assert server.request("POST", PATH, body).status == 422
    assert len(server.agent.seen) == 2


def test_in_production_it_is_off(serve: Callable[..., Server]) -> None:
    server = serve(MILIA_ENV="production")
    assert server.request("POST", PATH, MESSAGE).status == 404
    assert server.request("GET", "/webhooks/rest/").status == 404
    assert not server.agent.seen


@pytest.mark.parametrize("kind", ["production", ""])
def test_with_a_key_it_is_for_those_who_have_it(serve: Callable[..., Server], kind: str) -> None:
    server = serve(MILIA_ENV=kind, MILIA_REST_KEY=KEY)
    for token in (None, "", KEY[:-1], KEY + "0", "\u00e9"[:0] + "x"):
        assert server.request("POST", PATH, MESSAGE, token).status == 401
    assert not server.agent.seen
    assert server.request("POST", PATH, MESSAGE, KEY).status == 200


def test_a_short_key_is_refused() -> None:
    from milia.channels.web_rest import StaffRest
    from milia.channels.web_settings import SettingError

    with pytest.raises(SettingError, match="MILIA_REST_KEY has 5 characters"):
        StaffRest("short")
