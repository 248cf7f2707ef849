"""The staff console on a real HTTP server, with or without a model behind it, and people who are logged in."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema
import yaml
from served_app import Answer, ServedApp, rasa_app

from milia.staff.channel import StaffChannel
from milia.staff.routes import at

ROOT = Path(__file__).resolve().parents[2]
API = "/staff/api"
PASSWORD = "a long enough password"


class StaffServer(ServedApp):
    """Serves the console until `stop`."""

    def __init__(self, channel: StaffChannel, agent: Any = None) -> None:
        self.channel = channel
        super().__init__(rasa_app("staff", [channel], agent or SimpleNamespace(processor=None)))

    def request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, timeout: float = 60
    ) -> Answer:
        """Send one request, and hold the answer against the contract."""
        found = super().request(method, path, body, headers, timeout)
        check_contract(method, path, found)
        return found


@lru_cache(maxsize=1)
def contract() -> dict[str, Any]:
    """Return docs/openapi/staff.yml."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "openapi" / "staff.yml").read_text(encoding="utf-8"))
    return found


def check_contract(method: str, path: str, answer: Answer) -> None:
    """Hold every answer of every test against the contract: its status, and its form."""
    for route, _ in at(unquote(urlsplit(path).path)):
        if route.method != method:
            continue
        responses = contract()["paths"][f"{API}{route.path}"][method.lower()]["responses"]
        assert str(answer.status) in responses, (method, path, answer.status, answer.body)
        response = responses[str(answer.status)]
        if "$ref" in response:
            response = contract()["components"]["responses"][response["$ref"].rpartition("/")[2]]
        kind = answer.headers.get("content-type", "").partition(";")[0]
        content = response.get("content") or {}
        assert (kind in content) or (not content and not answer.body), (method, path, kind, list(content))
        if kind.endswith(("/json", "+json")):
            resolver = jsonschema.RefResolver("", contract())
            schema = content[kind]["schema"]
            jsonschema.Draft202012Validator(schema, resolver=resolver).validate(answer.json)


@dataclass
class Person:
    """Somebody who is logged in."""

    server: StaffServer
    name: str
    cookie: str = ""
    csrf: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def login(cls, server: StaffServer, name: str, password: str = PASSWORD) -> Person:
        answer = server.request("POST", f"{API}/login", {"name": name, "password": password})
        assert answer.status == 200, answer.body
        cookie = answer.headers["set-cookie"].partition(";")[0]
        return cls(server, name, cookie, answer.json["csrf"])

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        sent = {"Cookie": self.cookie, "X-CSRF-Token": self.csrf, **{k.replace("_", "-"): v for k, v in headers.items()}}
        return self.server.request(method, f"{API}{path}", body, sent)

    def get(self, path: str) -> Answer:
        return self.send("GET", path)

    def ended(self, job: str) -> dict[str, Any]:
        """Wait for the end of a run, and return it."""
        for _ in range(200):
            found: dict[str, Any] = self.get(f"/jobs/{job}").json
            if found["state"] not in ("waiting", "loading", "running"):
                return found
            time.sleep(0.1)
        raise AssertionError(f"the run did not end: {found['state']}, {found['done']} of {found['total']}")

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.send("POST", path, {} if body is None else body, **headers)
