"""Which pages may talk to the channel, and the headers on all that is served."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from web_client import API, Web, new_id

from milia.channels.web_settings import networks

CLINIC = "https://clinic.example"


@pytest.fixture(scope="module")
def site(serve_web: Callable[..., Web]) -> Web:
    return serve_web(origins=frozenset({CLINIC}))


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://clinic.example", "https://clinic.example.evil.example", "https://clinic.example:444", "null", "file://", "https://", "x"],
)
def test_other_pages_get_nothing(site: Web, origin: str) -> None:
    token = site.open().token
    seen = len(site.agent.seen)
    for method, path, body in (
        ("POST", "conversations", {}),
        ("POST", "messages", {"id": new_id(), "text": "hi"}),
        ("GET", "messages", None),
        ("DELETE", "conversations", None),
    ):
        answer = site.server.request(method, f"{API}/{path}", body, token, {"Origin": origin})
        assert (answer.status, answer.code) == (403, "origin")
        assert "access-control-allow-origin" not in answer.headers
        assert "origin" in answer.headers["vary"].lower()
    assert len(site.agent.seen) == seen


def test_a_listed_page_holds_a_conversation(site: Web) -> None:
    chat = site.open(Origin=CLINIC)
    answer = chat.send("hi", Origin=CLINIC)
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == CLINIC
    assert "access-control-allow-credentials" not in answer.headers
    assert answer.headers["vary"] == "Origin"
    refused = site.server.request("GET", f"{API}/messages", token="x", headers={"Origin": CLINIC})
    assert refused.headers["access-control-allow-origin"] == CLINIC, "the page has to be able to read errors, too"
    assert "Retry-After" in refused.headers["access-control-expose-headers"]


@pytest.mark.parametrize("path", ["conversations", "messages", "feedback"])
def test_preflights(site: Web, path: str) -> None:
    asked = {"Origin": CLINIC, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    answer = site.server.request("OPTIONS", f"{API}/{path}", headers=asked)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == CLINIC
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "Authorization, Content-Type"
    assert "access-control-allow-credentials" not in answer.headers
    evil = site.server.request("OPTIONS", f"{API}/{path}", headers={**asked, "Origin": "https://evil.example"})
    assert not [name for name in evil.headers if name.startswith("access-control-")]


def test_the_servers_own_pages_are_always_allowed(web: Web) -> None:
    own = web.server.url
    answer = web.open(Origin=own).send("hi", Origin=own)
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == own
    headers = {"Origin": "http://127.0.0.1:1"}
    assert web.server.request("POST", f"{API}/conversations", {}, headers=headers).code == "origin"


def test_behind_a_trusted_proxy_the_forwarded_host_is_the_own_one(serve_web: Callable[..., Web], web: Web) -> None:
    headers = {"Origin": "https://bot.example", "X-Forwarded-Host": "bot.example"}
    behind = serve_web(trusted_proxies=networks("x", "127.0.0.1"))
    assert behind.server.request("POST", f"{API}/conversations", {}, headers=headers).status == 201
    assert web.server.request("POST", f"{API}/conversations", {}, headers=headers).status == 403


def test_everything_served_has_security_headers(serve_web: Callable[..., Web], tmp_path: Path) -> None:
    from milia.channels.web_pages import Pages

    (tmp_path / "widget.js").write_text("1", encoding="utf-8")
    web = serve_web(pages=Pages(tmp_path))
    for path in ("/", "/demo", "/widget.js", "/widget/none.js", "/nowhere", f"{API}/messages", f"{API}/nowhere", "/%00", "/demo/../x"):
        answer = web.server.request("GET", path)
        assert answer.headers["x-content-type-options"] == "nosniff", path
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'"), path
        assert "unsafe-eval" not in policy and "script-src 'unsafe" not in policy
        assert answer.headers["referrer-policy"] == "no-referrer", path
        assert "access-control-allow-credentials" not in answer.headers or path in ("/", "/nowhere", "/%00", "/demo/../x")
