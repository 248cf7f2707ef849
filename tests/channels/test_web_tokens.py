"""Tokens: only those that this installation signed, for this purpose, in their time, for their own conversation."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable

import jwt
import pytest
from web_client import API, Web

from milia.channels.keys import PLATFORM_ID, RECIPIENT, WEB_TOKEN, Keys, SecretError
from milia.channels.web_problems import Problem
from milia.channels.web_tokens import LONGEST_SECONDS, Tokens

KEYS = Keys(bytes(range(64)))
OTHER = Keys(bytes(range(1, 65)))
HOUR = 3_600


class Clock:
    def __init__(self, now: float = 1_000_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def encoded(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def claims(**changed: object) -> dict[str, object]:
    now = int(time.time())
    good = {"iss": "milia", "aud": "milia-web", "sub": "web-x", "iat": now, "exp": now + HOUR, "opened": now}
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def signed(key: bytes | None = None, algorithm: str = "HS256", **changed: object) -> str:
    return jwt.encode(claims(**changed), KEYS.derive(WEB_TOKEN) if key is None else key, algorithm=algorithm)


def test_a_token_names_its_conversation() -> None:
    tokens = Tokens(KEYS, 24)
    session = tokens.open()
    assert tokens.read(f"Bearer {tokens.token(session)}") == session
    assert tokens.read(f"bearer  {tokens.token(session)}").conversation == session.conversation
    assert len({tokens.open().conversation for _ in range(100)}) == 100
    assert len(session.conversation) >= 36


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "Token abc", "abc"])
def test_no_token(header: str | None) -> None:
    with pytest.raises(Problem) as problem:
        Tokens(KEYS, 24).read(header)
    assert problem.value.code == "token-missing"
    assert problem.value.headers["WWW-Authenticate"].startswith("Bearer")


FORGED: dict[str, Callable[[], str]] = {
    "another secret": lambda: signed(OTHER.derive(WEB_TOKEN)),
    "the secret itself": lambda: signed(bytes(range(64))),
    "a key of another purpose": lambda: signed(KEYS.derive(RECIPIENT)),
    "no algorithm": lambda: f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{encoded(claims())}.",
    "no signature": lambda: signed().rpartition(".")[0] + ".",
    "another algorithm": lambda: signed(algorithm="HS512"),
    "another audience": lambda: signed(aud="milia-staff"),
    "no audience": lambda: signed(aud=None),
    "another issuer": lambda: signed(iss="evil"),
    "no time": lambda: signed(exp=None),
    "no conversation": lambda: signed(sub=None),
    "no opening": lambda: signed(opened=None),
    "a time that is none": lambda: signed(opened="soon"),
    "a changed conversation": lambda: ".".join(
        (signed().split(".")[0], encoded(claims(sub="web-other")), signed().split(".")[2])
    ),
    "too long": lambda: signed(sub="x" * 2_000),
    "nested": lambda: f"{encoded(b'[' * 700)}.{encoded(claims())}.x",
    "text": lambda: "eyJ.eyJ.eyJ",
    "no base64": lambda: "a.b.c",
    "other signs": lambda: "\u00e9\u00e9.\u00e9.\u00e9",
    "blanks": lambda: f"{signed()} {signed()}",
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_forged_token(kind: str) -> None:
    with pytest.raises(Problem) as problem:
        Tokens(KEYS, 24).read(f"Bearer {FORGED[kind]()}")
    assert problem.value.code == "token-invalid"


def test_the_control_of_the_forged_ones_is_good() -> None:
    assert Tokens(KEYS, 24).read(f"Bearer {signed()}").conversation == "web-x"


def test_a_token_ends_and_slides_but_not_for_ever() -> None:
    clock = Clock()
    tokens = Tokens(KEYS, 24, clock)
    session = tokens.open()
    header = f"Bearer {tokens.token(session)}"
    assert not tokens.due(session)
    clock.now += HOUR + 1
    assert tokens.due(session)
    renewed = tokens.renewed(session)
    assert renewed.conversation == session.conversation and renewed.expires > session.expires
    clock.now += 23 * HOUR
    with pytest.raises(Problem) as problem:
        tokens.read(header)
    assert problem.value.code == "token-expired"
    while clock.now < session.opened + LONGEST_SECONDS - 1:
        renewed = tokens.renewed(tokens.read(f"Bearer {tokens.token(renewed)}"))
        clock.now = min(clock.now + 23 * HOUR, session.opened + LONGEST_SECONDS - 1)
    clock.now += 1
    with pytest.raises(Problem) as problem:
        tokens.read(f"Bearer {tokens.token(renewed)}")
    assert problem.value.code == "token-expired"


def test_a_foreign_token_opens_its_own_conversation_only(web: Web) -> None:
    mine, other = web.open(), web.open()
    mine.send("hello", "my-message-1")
    assert other.history().json["messages"] == []
    other.delete()
    assert [turn["id"] for turn in mine.history().json["messages"]] == ["my-message-1"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "messages"), ("GET", "messages"), ("POST", "feedback"), ("DELETE", "conversations")],
)
def test_every_endpoint_but_the_first_needs_a_token(web: Web, method: str, path: str) -> None:
    for token in (None, "x.y.z", signed(OTHER.derive(WEB_TOKEN))):
        answer = web.server.request(method, f"{API}/{path}", {"id": "message-1", "text": "hi"}, token)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"].startswith("application/problem+json")
    assert not web.agent.seen


def test_the_address_carries_no_token(web: Web) -> None:
    chat = web.open()
    answer = web.server.request("GET", f"{API}/messages?token={chat.token}&access_token={chat.token}")
    assert (answer.status, answer.code) == (401, "token-missing")


def test_keys_differ_by_purpose_and_secret_and_stay_the_same() -> None:
    found = {keys.derive(purpose) for keys in (KEYS, OTHER) for purpose in (WEB_TOKEN, RECIPIENT, PLATFORM_ID)}
    assert len(found) == 6
    assert Keys(bytes(range(64))).derive(WEB_TOKEN) == KEYS.derive(WEB_TOKEN)
    assert KEYS.fernet(RECIPIENT).decrypt(Keys(bytes(range(64))).fernet(RECIPIENT).encrypt(b"x")) == b"x"
    assert KEYS.keyed_hash(PLATFORM_ID, "U1") != OTHER.keyed_hash(PLATFORM_ID, "U1") != KEYS.keyed_hash(PLATFORM_ID, "U2")


@pytest.mark.parametrize("value", ["", "short", "a" * 64, "changeme" * 3])
def test_a_secret_of_no_use_is_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(SecretError) as error:
        Keys.from_environment({"MILIA_SECRET_KEY": value})
    assert "openssl rand -hex 32" in str(error.value)
    assert not value or value not in str(error.value)
