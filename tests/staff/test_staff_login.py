"""Logging in and out: cookies, lockout, idle expiry, passwords, users, and the audit log of all that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from milia.staff import passwords
from milia.staff.sessions import Sessions
from milia.staff.settings import StaffSettings
from milia.staff.users import FAILURES, LOCK_SECONDS, LastAdmin, Locked, Role, UserError, Users
from milia.storage.database import Database
from milia.storage.tables import staff_session, staff_user

if TYPE_CHECKING:
    from staff_server import Person, StaffServer

GOOD = "a long enough password"


def run(work: Any) -> Any:
    return asyncio.run(work)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_login_gives_a_cookie_that_no_script_and_no_other_site_gets(staff: Callable[[str], Person]) -> None:
    server = staff("viewer").server
    answer = server.request("POST", "/staff/api/login", {"name": "the.viewer", "password": GOOD})
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/staff"} <= set(cookie.split("; "))
    assert "Secure" not in cookie  # plain HTTP on this machine
    assert answer.json["user"] == {"name": "the.viewer", "role": "viewer"}
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers


def test_over_tls_the_cookie_is_secure(serve_staff: Callable[..., StaffServer], people: dict[str, str]) -> None:
    server = serve_staff(tls=True)
    answer = server.request("POST", "/staff/api/login", {"name": people["viewer"], "password": GOOD})
    assert "Secure" in answer.headers["set-cookie"].split("; ")


def test_a_proxy_that_is_not_trusted_cannot_say_that_it_spoke_tls(staff: Callable[[str], Person]) -> None:
    person = staff("viewer")
    body = {"name": "the.viewer", "password": GOOD}
    answer = person.server.request("POST", "/staff/api/login", body, {"X-Forwarded-Proto": "https"})
    assert "Secure" not in answer.headers["set-cookie"]


def test_an_unknown_name_is_told_the_same_as_a_wrong_password(staff: Callable[[str], Person]) -> None:
    server = staff("viewer").server
    answers = [
        server.request("POST", "/staff/api/login", {"name": name, "password": "wrong password 1"})
        for name in ("the.viewer", "nobody", "' OR 1=1 --", "")
    ]
    assert {(one.status, one.body) for one in answers} == {(401, answers[0].body)}
    assert answers[0].code == "login-failed"


def test_no_password_is_stored_and_no_cookie(staff: Callable[[str], Person], database: Database) -> None:
    person = staff("viewer")
    stored = database.run_now(lambda c: c.execute(select(staff_user.c.password)).scalars().all())
    assert all(one.startswith("$argon2id$") for one in stored)
    tokens = database.run_now(lambda c: c.execute(select(staff_session.c.token)).scalars().all())
    assert person.cookie.partition("=")[2] not in tokens


def test_wrong_passwords_lock_a_name_each_time_for_longer_and_the_right_one_does_not_help(database: Database) -> None:
    clock = Clock()
    users = Users(database, clock)
    run(users.add("ann", Role.VIEWER, GOOD))
    for seconds in LOCK_SECONDS[:2]:
        for _ in range(FAILURES):
            assert run(users.login("ann", "wrong password 1")) is None
        with pytest.raises(Locked) as locked:
            run(users.login("ann", GOOD))
        assert locked.value.seconds == seconds
        clock.now += seconds + 1
    assert run(users.login("ann", GOOD)).name == "ann"
    # and a right one forgets the wrong ones before it
    for _ in range(FAILURES - 1):
        run(users.login("ann", "wrong password 1"))
    assert run(users.login("ann", GOOD)).name == "ann"
    assert run(users.login("ann", "wrong password 1")) is None
    assert run(users.login("ann", GOOD)).name == "ann"


def test_wrong_passwords_at_the_same_moment_are_all_counted(database: Database) -> None:
    users = Users(database)

    async def attack() -> None:
        await users.add("ann", Role.VIEWER, GOOD)
        await asyncio.gather(*(users.login("ann", f"wrong password {n}") for n in range(FAILURES)))
        with pytest.raises(Locked):
            await users.login("ann", GOOD)

    run(attack())


def test_a_locked_name_is_told_how_long_and_an_admin_can_unlock_it(staff: Callable[[str], Person]) -> None:
    admin = staff("admin")
    body = {"name": "the.viewer", "password": "wrong password 1"}
    for _ in range(FAILURES):
        assert admin.server.request("POST", "/staff/api/login", body).status == 401
    locked = admin.server.request("POST", "/staff/api/login", {**body, "password": GOOD})
    assert (locked.status, locked.code) == (429, "locked")
    assert 0 < int(locked.headers["retry-after"]) <= LOCK_SECONDS[0]
    assert admin.send("PATCH", "/users/the.viewer", {"unlock": True}).json["locked_until"] is None
    assert admin.server.request("POST", "/staff/api/login", {**body, "password": GOOD}).status == 200


def test_one_address_cannot_try_many_names(staff: Callable[[str], Person]) -> None:
    server = staff("viewer").server
    codes = [
        server.request("POST", "/staff/api/login", {"name": f"name{n}", "password": "wrong password 1"}).status for n in range(25)
    ]
    assert codes[0] == 401 and codes[-1] == 429


def test_a_login_ends_when_nothing_is_asked_for_and_after_the_longest_time(database: Database) -> None:
    clock = Clock()
    sessions = Sessions(database, StaffSettings(idle_seconds=600, longest_seconds=3000), clock)
    run(Users(database, clock).add("ann", Role.VIEWER, GOOD))
    token, _ = run(sessions.begin("ann", Role.VIEWER))
    for _ in range(5):  # asking keeps it
        clock.now += 500
        assert run(sessions.read(token)) is not None
    clock.now += 601
    assert run(sessions.read(token)) is None
    token, _ = run(sessions.begin("ann", Role.VIEWER))
    for _ in range(10):
        clock.now += 301
        alive = run(sessions.read(token))
    assert alive is None


def test_logging_out_ends_the_login_on_the_server(staff: Callable[[str], Person]) -> None:
    person = staff("viewer")
    assert person.get("/session").status == 200
    answer = person.post("/logout")
    assert answer.status == 204 and "Max-Age=0" in answer.headers["set-cookie"]
    assert person.get("/session").code == "login-needed"


def test_a_new_password_ends_the_other_logins(staff: Callable[[str], Person]) -> None:
    from staff_server import Person

    one, other = staff("viewer"), staff("viewer")
    wrong = one.post("/password", {"old": "wrong password 1", "new": "another long password"})
    assert (wrong.status, wrong.code) == (401, "login-failed")
    short = one.post("/password", {"old": GOOD, "new": "short"})
    assert (short.status, short.json["faults"]) == (422, ["the password has 5 characters; allowed: 12 to 1024"])
    answer = one.post("/password", {"old": GOOD, "new": "another long password"})
    assert answer.status == 204
    assert other.get("/session").code == "login-needed"
    again = Person(one.server, one.name, answer.headers["set-cookie"].partition(";")[0], answer.headers["x-csrf-token"])
    assert again.get("/session").status == 200
    assert Person.login(one.server, one.name, "another long password")


def test_removing_a_user_or_lowering_the_role_holds_at_once(staff: Callable[[str], Person]) -> None:
    admin, editor = staff("admin"), staff("editor")
    assert editor.post("/tests/draft", {}).status == 422
    assert admin.send("PATCH", f"/users/{editor.name}", {"role": "viewer"}).status == 200
    assert editor.post("/tests/draft", {}).code == "role"
    assert admin.send("DELETE", f"/users/{editor.name}").status == 204
    assert editor.get("/session").code == "login-needed"


def test_the_last_admin_stays(staff: Callable[[str], Person], database: Database) -> None:
    admin = staff("admin")
    for answer in (admin.send("DELETE", "/users/the.admin"), admin.send("PATCH", "/users/the.admin", {"role": "viewer"})):
        assert (answer.status, answer.code) == (409, "not-allowed-here")
        assert "last admin" in answer.json["detail"]
    with pytest.raises(LastAdmin):
        run(Users(database).remove("the.admin"))


@pytest.mark.parametrize(
    ("form", "fault"),
    [
        ({"name": "Ann Lee", "role": "viewer", "password": GOOD}, "name 'Ann Lee' is not allowed"),
        ({"name": "ann", "role": "boss", "password": GOOD}, "unknown role 'boss'; allowed: viewer, editor, admin"),
        ({"name": "ann", "role": "viewer", "password": "x" * 11}, "has 11 characters; allowed: 12 to 1024"),
        ({"name": "ann", "role": "viewer", "password": "abababababab"}, "fewer than 5 different characters"),
        ({"name": "an-honest-name", "role": "viewer", "password": "An-Honest-Name1"}, "the password is the user's name"),
    ],
)
def test_a_user_that_is_not_allowed_is_refused_with_what_is(staff: Callable[[str], Person], form: Any, fault: str) -> None:
    answer = staff("admin").post("/users", form)
    assert answer.status == 422
    assert fault in answer.json["faults"][0]


def test_the_audit_log_tells_who_did_what_and_no_passwords(staff: Callable[[str], Person]) -> None:
    admin = staff("admin")
    admin.post("/users", {"name": "ann", "role": "editor", "password": GOOD})
    admin.server.request("POST", "/staff/api/login", {"name": "My secret Passw0rd!", "password": "wrong password 1"})
    admin.send("DELETE", "/users/ann")
    answer = admin.get("/audit?limit=2")
    rows = answer.json["rows"]
    assert [(row["what"], row["user"]) for row in rows] == [("user.remove", "the.admin"), ("login.failed", "?")]
    older = admin.get(f"/audit?cursor={answer.json['next']}&limit=1").json["rows"]
    assert (older[0]["what"], older[0]["detail"]) == ("user.add", "ann as editor")
    assert [row["what"] for row in admin.get("/audit?what=login&user=the.admin").json["rows"]] == ["login"]
    everything = admin.get("/audit").body
    assert GOOD.encode() not in everything and b"Passw0rd" not in everything


def test_names_that_cannot_be_are_refused(database: Database) -> None:
    with pytest.raises(UserError):
        run(Users(database).add("", Role.VIEWER, GOOD))
    with pytest.raises(UserError):
        run(Users(database).add("a" * 65, Role.VIEWER, GOOD))
    with pytest.raises(passwords.PasswordError):
        run(Users(database).add("ann", Role.VIEWER, "x" * 2000))
