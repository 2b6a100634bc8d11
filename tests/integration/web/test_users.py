"""Users through the API: added, changed and removed by id or name; no password comes out again, anywhere."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from bridge.storage import users
from bridge.web import passwords
from tests.integration.pages.browsing import Browser, signed_in
from tests.integration.web.house import House

USERS = "/api/v1/users"
FIRST, SECOND = "a sentence of hers", "another one of hers"


async def stored(house: House, name: str) -> str:
    found = await house.db.read(lambda conn: users.by_name(conn, name))
    assert found is not None
    return found.password


async def audited(house: House) -> list[dict[str, Any]]:
    changes: list[dict[str, Any]] = (await house.ask("GET", "/api/v1/audit?limit=200")).json["changes"]
    return changes[::-1]


async def test_a_users_life_leaves_who_did_what_and_never_a_password(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = [await house.ask("POST", USERS, json={"name": " Anna ", "password": FIRST})]
    anna = said[0].json
    assert said[0].status == 201
    assert (anna["name"], anna["role"], anna["seen_at"]) == ("Anna", "viewer", None)
    assert await passwords.matches(await stored(house, "anna"), FIRST)
    said.append(await house.ask("PATCH", f"{USERS}/{anna['id']}", json={"role": "manager", "password": SECOND}))
    assert (said[-1].status, said[-1].json["role"]) == (200, "manager")
    assert await passwords.matches(await stored(house, "anna"), SECOND)
    said.append(await house.ask("POST", USERS, json={"name": "Ben / B", "password": FIRST, "role": "manager"}))
    ben = said[-1].json
    said.append(await house.ask("PATCH", f"{USERS}/Ben%20%2F%20b", json={"role": "viewer"}))
    assert said[-1].json["role"] == "viewer", "a name in any case, with anything in it, is a user's too"
    said.append(await house.ask("GET", USERS))
    assert [(one["name"], one["role"]) for one in said[-1].json["users"]] == [
        ("Anna", "manager"),
        ("Ben / B", "viewer"),
    ]
    assert set(anna) == {"id", "name", "role", "created_at", "updated_at", "seen_at"}
    assert (await house.ask("DELETE", f"{USERS}/ben%20%2F%20b")).status == 204
    assert (await house.ask("DELETE", f"{USERS}/ben%20%2F%20b")).status == 404
    changes = await audited(house)
    assert [(one["what"], one["before"], one["after"]) for one in changes] == [
        (f"user {anna['id']} added", None, {"name": "Anna", "role": "viewer"}),
        (f"user {anna['id']} role", {"name": "Anna", "role": "viewer"}, {"name": "Anna", "role": "manager"}),
        (f"user {anna['id']} password", {"name": "Anna"}, {"name": "Anna", "password": "changed"}),
        (f"user {ben['id']} added", None, {"name": "Ben / B", "role": "manager"}),
        (f"user {ben['id']} role", {"name": "Ben / B", "role": "manager"}, {"name": "Ben / B", "role": "viewer"}),
        (f"user {ben['id']} removed", {"name": "Ben / B", "role": "viewer"}, None),
    ]
    assert {one["who"][:6] for one in changes} == {"token "}
    everything = "".join(answer.text for answer in said) + str(changes) + caplog.text
    for secret in (FIRST, SECOND, await stored(house, "anna")):
        assert secret not in everything


async def test_what_cannot_be_is_refused_whole(house: House) -> None:
    made = (await house.ask("POST", USERS, json={"name": "anna", "password": FIRST, "role": "manager"})).json
    path = f"{USERS}/{made['id']}"
    taken = await house.ask("POST", USERS, json={"name": "ANNA", "password": SECOND})
    assert (taken.status, taken.json["type"]) == (409, "/problems/in-use")
    last = await house.ask("PATCH", path, json={"role": "viewer", "password": SECOND})
    assert (last.status, last.json["type"]) == (409, "/problems/in-use"), "nobody would be left who may change things"
    assert (await house.ask("DELETE", path)).status == 409
    short = await house.ask("PATCH", path, json={"role": "viewer", "password": "2short"})
    assert (short.status, short.json["errors"][0]["pointer"]) == (422, "#/password")
    assert "2short" not in short.text
    for body in ({}, {"role": None}, {"role": "owner"}, {"password": 1}, {"name": "other"}):
        assert (await house.ask("PATCH", path, json=body)).status == 422, body
    for body in ({"name": "x"}, {"name": " ", "password": FIRST}, {"name": FIRST, "password": FIRST}):
        assert (await house.ask("POST", USERS, json=body)).status == 422, body
    assert (await house.ask("PATCH", f"{USERS}/nobody", json={"role": "viewer"})).status == 404
    assert (await house.ask("GET", USERS, token=False)).status == 401
    assert (await house.ask("GET", USERS)).json["users"] == [made], "nothing was changed, and nobody added"
    assert await passwords.matches(await stored(house, "anna"), FIRST)
    assert [one["what"] for one in await audited(house)] == [f"user {made['id']} added"]


async def test_a_new_password_ends_the_sessions_and_opens_the_pages(house: House) -> None:
    known = await signed_in(house)
    assert (await known.get("/users")).url == "/users"
    assert (await house.ask("PATCH", f"{USERS}/ADMIN", json={"password": SECOND})).status == 200
    assert (await known.get("/users")).url.startswith("/sign-in")
    assert (await Browser(house).sign_in()).status == 422
    assert (await Browser(house).sign_in(password=SECOND)).status == 200
