"""Every route of the table is tried by everybody: nobody, each role, a forged request. What is forbidden is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from milia.staff.routes import PREFIX, ROUTES, Route
from milia.staff.users import Role

if TYPE_CHECKING:
    from staff_server import Person, StaffServer

ROOT = Path(__file__).resolve().parents[2]
PROTECTED = [route for route in ROUTES if route.role is not None]
# What the route needs so that a role that may is served, or told that the thing is not there: never 401 or 403.
ALLOWED = {200, 201, 202, 204, 404, 409, 413, 422, 503}


def path_of(route: Route) -> str:
    return re.sub(r"\{\w+\}", "9", route.path)


def test_every_route_is_refused_without_a_login(staff: Callable[[str], Person]) -> None:
    server = staff("admin").server
    for route in PROTECTED:
        answer = server.request(route.method, f"{PREFIX}{path_of(route)}", {} if route.method != "GET" else None)
        assert (answer.status, answer.code) == (401, "login-needed"), route
        forged = server.request(route.method, f"{PREFIX}{path_of(route)}", None, {"Cookie": "milia_staff=guessed"})
        assert (forged.status, forged.code) == (401, "login-needed"), route


@pytest.mark.parametrize("role", Role, ids=lambda role: role.id)
def test_every_route_is_refused_to_the_roles_below_it_and_to_no_other(staff: Callable[[str], Person], role: Role) -> None:
    person = staff(role.id)
    for route in PROTECTED:
        if route.handler == "logout":  # would end the login of the next requests
            continue
        assert route.role is not None
        answer = person.send(route.method, path_of(route), None if route.method == "GET" else {})
        if role < route.role:
            assert (answer.status, answer.code) == (403, "role"), route
            assert answer.json["needs"] == route.role.id, route
        else:
            assert answer.status in ALLOWED, (route, answer.status, answer.body)


def test_every_route_that_changes_something_is_refused_without_the_csrf_token(staff: Callable[[str], Person]) -> None:
    person = staff("admin")
    for route in PROTECTED:
        if route.method != "GET":
            for token in ("", "guessed", None):
                headers = {"Cookie": person.cookie} | ({} if token is None else {"X-CSRF-Token": token})
                answer = person.server.request(route.method, f"{PREFIX}{path_of(route)}", {}, headers)
                assert (answer.status, answer.code) == (403, "csrf"), route


def test_every_route_is_refused_to_pages_of_other_sites(staff: Callable[[str], Person]) -> None:
    person = staff("admin")
    for route in ROUTES:
        answer = person.send(route.method, path_of(route), None, Origin="https://elsewhere.example")
        assert (answer.status, answer.code) == (403, "origin"), route
        null = person.send(route.method, path_of(route), None, Origin="null")
        assert (null.status, null.code) == (403, "origin"), route


def test_the_route_table_is_the_contract() -> None:
    contract = yaml.safe_load((ROOT / "docs" / "openapi" / "staff.yml").read_text(encoding="utf-8"))
    documented = {
        (method.upper(), path, one["operationId"], one["x-role"])
        for path, methods in contract["paths"].items()
        for method, one in methods.items()
    }
    served = {(one.method, f"{PREFIX}{one.path}", one.handler, one.role.id if one.role else None) for one in ROUTES}
    assert served == documented


def test_another_method_and_another_path_are_refused(staff: Callable[[str], Person]) -> None:
    person = staff("admin")
    wrong = person.send("PUT", "/users", {})
    assert (wrong.status, wrong.code) == (405, "method")
    assert set(wrong.headers["allow"].split(", ")) == {"GET", "POST"}
    assert (person.get("/nothing").status, person.get("/nothing").code) == (404, "not-found")


def test_the_console_is_off_until_somebody_is_set_up(serve_staff: Callable[..., StaffServer]) -> None:
    server = serve_staff()
    for route in ROUTES:
        answer = server.request(route.method, f"{PREFIX}{path_of(route)}", {} if route.method != "GET" else None)
        assert (answer.status, answer.code) == (404, "console-off"), route
