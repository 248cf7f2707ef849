"""The server does what docs/openapi/web.yml says, for requests that fit it and for those that do not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CHECKS
from web_client import API, Chat, Web

from milia.channels.web_problems import CODES

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docs" / "openapi" / "web.yml"
schema = schemathesis.openapi.from_path(FILE)

# A well-formed payload that was not offered, or a text of control characters, is refused: no schema can tell these.
NOT_DECIDED_BY_THE_SCHEMA = {"positive_data_acceptance"}
CHECKED = [check for name in CHECKS.get_all_names() if name not in NOT_DECIDED_BY_THE_SCHEMA for check in CHECKS.get_by_names([name])]


@pytest.fixture
def chat(web: Web) -> Chat:
    chat = web.open()
    chat.send("hello", "a-message-1")
    return chat


@schema.parametrize()
@settings(
    max_examples=max(40, int(os.environ.get("FUZZ_REQUESTS", "0")) // 20),
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_documented(case: schemathesis.Case, web: Web) -> None:
    chat = web.open()
    chat.send("hello", "a-message-1")
    case.call_and_validate(base_url=web.server.url, headers={"Authorization": f"Bearer {chat.token}"}, checks=CHECKED)


def test_a_whole_conversation_is_as_documented(web: Web, chat: Chat) -> None:
    """The answers of the other tests' kind, each against the schema of its operation and status."""
    web.agent.buttons = [{"title": "Check my bumps", "payload": "/start_check"}]
    answers = [
        ("POST", "conversations", web.server.request("POST", f"{API}/conversations")),
        ("POST", "messages", chat.send("hi")),
        ("POST", "messages", chat.press("/start_check")),
        ("POST", "messages", chat.send("delete my conversation")),
        ("POST", "messages", chat.press("/nothing")),
        ("GET", "messages", chat.history()),
        ("POST", "feedback", web.server.request("POST", f"{API}/feedback", {"id": "other-message", "helpful": True}, chat.token)),
        ("DELETE", "conversations", chat.delete()),
        ("DELETE", "conversations", chat.delete()),
    ]
    assert [answer.status for _, _, answer in answers] == [201, 200, 200, 200, 422, 200, 404, 200, 401]
    for method, path, answer in answers:
        validate(f"{API}/{path}", method, answer.status, answer.json)


def test_the_document_knows_every_code_and_no_other() -> None:
    document = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    assert set(document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]) == set(CODES)
    described = (ROOT / "docs" / "widget-api.md").read_text(encoding="utf-8")
    assert not [code for code in CODES if f"`{code}`" not in described]


def validate(path: str, method: str, status: int, body: object) -> None:
    from jsonschema import Draft202012Validator, RefResolver

    document = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    response = document["paths"][path][method.lower()]["responses"][str(status)]
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    (content,) = response["content"].values()
    Draft202012Validator(content["schema"], resolver=RefResolver("", document)).validate(body)
