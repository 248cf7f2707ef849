"""Limits: past each there is a sentence, a status and a time to wait, and nothing reached the bot."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable

import pytest
from web_client import API, Chat, Web, new_id

from milia.channels.web_limits import SlidingWindow, client_address
from milia.channels.web_settings import SettingError, WebSettings, in_production, networks


def test_a_long_text_is_refused_in_words_and_not_lost_half_way(serve_web: Callable[..., Web]) -> None:
    web = serve_web(text_length=50)
    chat = web.open()
    assert chat.send("\U0001f600" * 50).status == 200, "characters are counted, not bytes"
    answer = chat.send("x" * 51)
    assert (answer.status, answer.code) == (413, "text-too-long")
    assert (answer.json["limit"], answer.json["length"]) == (50, 51)
    assert "51 characters" in answer.json["detail"] and "911" in answer.json["detail"]
    assert len(web.agent.seen) == 1


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body_is_refused(web: Web, chunked: bool) -> None:
    chat = web.open()
    body = json.dumps({"id": new_id(), "text": "hi", "x": "y" * 70_000}).encode()
    data: object = iter([body[:40_000], body[40_000:]]) if chunked else body
    answer = web.server.request("POST", f"{API}/messages", data, chat.token)
    assert (answer.status, answer.code) == (413, "body-too-large")
    assert answer.json["detail"]


def test_a_body_that_says_it_is_huge_is_refused_before_it_comes(web: Web) -> None:
    chat = web.open()
    answer = web.server.request("POST", f"{API}/messages", b"{}", chat.token, {"Content-Length": "9000000000"})
    assert (answer.status, answer.code) == (413, "body-too-large")


def test_a_conversation_has_a_rate_of_its_own(serve_web: Callable[..., Web]) -> None:
    web = serve_web(rate=3)
    one, other = web.open(), web.open()
    assert [one.send("hi").status for _ in range(5)] == [200, 200, 200, 429, 429]
    answer = one.send("hi")
    assert answer.code == "too-many-messages"
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.json["retry_after"] == int(answer.headers["retry-after"])
    assert other.send("hi").status == 200
    assert one.history().status == 200, "reading is not writing"


def test_an_address_has_a_rate_over_its_conversations(serve_web: Callable[..., Web]) -> None:
    web = serve_web(address_rate=6)
    chats = [web.open(), web.open()]
    assert [chats[n % 2].send("hi").status for n in range(5)] == [200] * 4 + [429]
    assert web.server.request("POST", f"{API}/conversations").status == 429


def test_an_address_opens_so_many_conversations(serve_web: Callable[..., Web]) -> None:
    web = serve_web(address_conversations=2)
    web.open()
    web.open()
    answer = web.server.request("POST", f"{API}/conversations")
    assert (answer.status, answer.code) == (429, "too-many-conversations")
    assert int(answer.headers["retry-after"]) > 3_000


def test_a_server_opens_so_many_conversations(serve_web: Callable[..., Web]) -> None:
    web = serve_web(conversations=1)
    web.open()
    answer = web.server.request("POST", f"{API}/conversations")
    assert (answer.status, answer.code) == (503, "busy")
    assert int(answer.headers["retry-after"]) >= 1


def test_turns_in_progress_are_bounded(serve_web: Callable[..., Web]) -> None:
    web = serve_web(turns=2)
    chats = [web.open() for _ in range(4)]
    web.agent.delay = 0.8
    threads = [threading.Thread(target=chat.send, args=("hi",)) for chat in chats[:2]]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    answer = chats[2].send("hi")
    assert (answer.status, answer.code) == (503, "busy")
    assert int(answer.headers["retry-after"]) >= 1
    assert "dermatology provider" in answer.json["detail"] and "911" in answer.json["detail"]
    for thread in threads:
        thread.join()
    assert chats[2].send("hi").status == 200
    assert len(web.agent.seen) == 3


def test_forwarded_addresses_count_only_from_a_trusted_proxy(serve_web: Callable[..., Web]) -> None:
    def opened(web: Web, address: str) -> int:
        return web.server.request("POST", f"{API}/conversations", headers={"X-Forwarded-For": address}).status

    trusting = serve_web(address_conversations=1, trusted_proxies=networks("x", "127.0.0.0/8"))
    assert [opened(trusting, address) for address in ("203.0.113.1", "203.0.113.2", "203.0.113.1")] == [201, 201, 429]
    # What the client itself put in front of what the proxy saw does not count.
    assert opened(trusting, "198.51.100.7, 203.0.113.2") == 429
    plain = serve_web(address_conversations=1)
    assert [opened(plain, address) for address in ("203.0.113.1", "203.0.113.2")] == [201, 429]


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", "1.2.3.4", "203.0.113.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.7", "1.2.3.4"),
        ("10.0.0.1", "1.2.3.4, nonsense", "10.0.0.1"),
        ("::ffff:10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("2001:db8::1", "", "2001:db8::/64"),
        ("2001:db8::2:3", "", "2001:db8::/64"),
        ("", "", "unknown"),
    ],
)
def test_the_address_that_counts(peer: str, forwarded: str, address: str) -> None:
    assert client_address(peer, forwarded, networks("x", "10.0.0.0/8")) == address


def test_a_window_slides_and_forgets() -> None:
    now = [0.0]
    window = SlidingWindow(2, 10, lambda: now[0], keys=2)
    assert [window.wait("a"), window.wait("a"), window.wait("a")] == [0, 0, 10]
    now[0] = 4.0
    assert window.wait("a") == 6
    now[0] = 10.0
    assert window.wait("a") == 0
    window.wait("b")
    window.wait("c")
    assert window.wait("b") == 0 and len(window._events) == 2


def test_settings_are_read_and_refused_by_name() -> None:
    found = WebSettings.from_environment(
        {
            "MILIA_WEB_ORIGINS": "https://Clinic.example, http://localhost:8080/,https://a.example:443",
            "MILIA_WEB_RATE": "7",
            "MILIA_TRUSTED_PROXIES": "10.0.0.5, fd00::/8",
        }
    )
    assert found.origins == {"https://clinic.example", "http://localhost:8080", "https://a.example"}
    assert found.rate == 7 and len(found.trusted_proxies) == 2
    assert WebSettings.from_environment({}) == WebSettings()
    for name, value in (
        ("MILIA_WEB_ORIGINS", "*"), ("MILIA_WEB_ORIGINS", "clinic.example"), ("MILIA_WEB_ORIGINS", "https://a.example/path"),
        ("MILIA_WEB_ORIGINS", "null"), ("MILIA_WEB_ORIGINS", "https://*.example"), ("MILIA_WEB_RATE", "0"), ("MILIA_WEB_RATE", "many"),
        ("MILIA_WEB_TOKEN_HOURS", "169"), ("MILIA_WEB_TEXT_LENGTH", "\u0663"), ("MILIA_TRUSTED_PROXIES", "proxy"),
    ):  # fmt: skip
        with pytest.raises(SettingError, match=name):
            WebSettings.from_environment({name: value})
    assert in_production({"MILIA_ENV": " Production "}) and not in_production({})


def test_a_retry_after_a_limit_gets_its_reply(serve_web: Callable[..., Web]) -> None:
    web = serve_web(turns=1)
    chats: list[Chat] = [web.open(), web.open()]
    web.agent.delay = 0.3
    thread = threading.Thread(target=chats[0].send, args=("hi",))
    thread.start()
    time.sleep(0.1)
    identifier = new_id()
    assert chats[1].send("hi", identifier).status == 503
    thread.join()
    assert chats[1].send("hi", identifier).status == 200
