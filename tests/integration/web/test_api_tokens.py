"""API tokens that people made: shown once, held to their scopes, ended at once; their texts are kept nowhere."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from sqlalchemy import text

from bridge.storage import api_tokens
from bridge.storage.api_tokens import Scope
from bridge.web.routes import ROUTES
from tests.integration.web.house import Answered, House

TOKENS = "/api/v1/tokens"


async def made(house: House, name: str, *scopes: str) -> dict[str, Any]:
    answer = await house.ask("POST", TOKENS, json={"name": name, "scopes": list(scopes)})
    assert answer.status == 201, answer.text
    found: dict[str, Any] = answer.json
    return found


async def ask_with(house: House, token: str, method: str, path: str, **more: Any) -> Answered:
    return await house.ask(method, path, token=False, headers={"Authorization": f"Bearer {token}"}, **more)


async def test_a_tokens_life_is_audited_and_its_text_is_kept_nowhere(
    each_house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    house = each_house
    one = await made(house, " stock report ", "act")
    secret = one["token"]
    assert secret.startswith("bridge_")
    assert len(secret) > 40
    assert (one["name"], one["scopes"], one["last_used_at"]) == ("stock report", ["act", "read"], None)
    shops = await ask_with(house, secret, "GET", "/api/v1/shops")
    assert shops.status == 200
    listed = await house.ask("GET", TOKENS)
    [shown] = listed.json["tokens"]
    assert (shown["id"], shown["token"], shown["ended_at"]) == (one["id"], None, None)
    assert shown["last_used_at"] is not None
    swept = await ask_with(house, secret, "POST", "/api/v1/sweeps", json={"kind": "x"})
    assert swept.status in {409, 422}, "it may act: what is wrong is the body"
    taken = await house.ask("POST", TOKENS, json={"name": "Stock REPORT", "scopes": ["read"]})
    assert (taken.status, taken.json["type"]) == (409, "/problems/in-use")
    assert (await house.ask("DELETE", f"{TOKENS}/{one['id']}")).status == 204
    assert (await house.ask("DELETE", f"{TOKENS}/{one['id']}")).status == 204, "ended before is no mistake"
    assert (await house.ask("DELETE", f"{TOKENS}/tok_x")).status == 404
    refused = await ask_with(house, secret, "GET", "/api/v1/shops")
    assert (refused.status, refused.json["type"]) == (401, "/problems/token-required")
    again = await made(house, "stock report", "read")
    assert [one["name"] for one in (await house.ask("GET", TOKENS)).json["tokens"]] == ["stock report"] * 2
    assert (await house.ask("GET", TOKENS)).json["tokens"][0]["id"] == again["id"], "those that live come first"
    audited = (await house.ask("GET", "/api/v1/audit")).json["changes"][::-1]
    assert [change["what"] for change in audited] == [
        f"token stock report {done}" for done in ("made", "ended", "made")
    ]
    kept = str(await house.rows("SELECT * FROM api_tokens")) + str(audited) + listed.text + caplog.text
    for one_secret in (secret, again["token"]):
        assert one_secret not in kept


async def test_every_route_needs_its_scope_and_says_which(house: House) -> None:
    tokens = {
        scope: (await made(house, scope.value, scope.value))["token"]
        for scope in (Scope.READ, Scope.ACT, Scope.CONFIGURE)
    }
    assert house.app is not None
    routes = [route for route in house.app[ROUTES].routes if route.token]
    acts = {route.path for route in routes if route.scope is Scope.ACT}
    ends = ("settle", "link", "dismiss", "approve", "reject", "cancel-lines", "sweeps", "history", "apply")
    assert acts == {route.path for route in routes if route.method == "POST" and route.path.endswith(ends)}
    assert {route.scope for route in routes if route.method == "GET"} == {Scope.READ}
    for route in routes:
        path = re.sub(r"{\w+}", "x", route.path)
        for scope, token in tokens.items():
            if route.scope in {scope, Scope.READ}:
                continue
            refused = await ask_with(house, token, route.method, path)
            assert (refused.status, refused.json["type"]) == (403, "/problems/scope-missing"), (scope, route.path)
            assert refused.json["scope"] == route.scope.value
            assert f"`{route.scope.value}`" in refused.json["detail"]
    for token in tokens.values():
        assert (await ask_with(house, token, "GET", "/api/v1/orders")).status == 200
    assert (await ask_with(house, tokens[Scope.ACT], "POST", "/api/v1/orders/x/settle", json={})).status == 404
    assert (await ask_with(house, tokens[Scope.CONFIGURE], "PUT", "/api/v1/shops/x", json={})).status == 404
    store = (await house.connect_magento())["id"]
    by_read = await ask_with(house, tokens[Scope.READ], "GET", f"/oauth/tiktok/start?connection={store}")
    assert by_read.status == 403, "an authorization is begun by who may configure"


async def test_nobody_gives_a_scope_that_they_have_not(house: House) -> None:
    token = (await made(house, "installer", "configure"))["token"]
    refused = await ask_with(house, token, "POST", TOKENS, json={"name": "more", "scopes": ["read", "act"]})
    assert (refused.status, refused.json["scope"]) == (403, "act")
    allowed = await ask_with(house, token, "POST", TOKENS, json={"name": "same", "scopes": ["configure"]})
    assert allowed.status == 201
    assert re.fullmatch(r"token [0-9a-f]{8} \(installer\)", allowed.json["made_by"])
    for body in ({"name": "x"}, {"name": "x", "scopes": []}, {"name": " ", "scopes": ["read"]}):
        assert (await house.ask("POST", TOKENS, json=body)).status == 422, body
    assert (await house.ask("POST", TOKENS, json={"name": "x", "scopes": ["everything"]})).status == 422
    assert len((await house.ask("GET", TOKENS)).json["tokens"]) == 2


async def test_the_last_use_is_written_at_most_hourly_and_unknown_scopes_allow_nothing(house: House) -> None:
    one = await made(house, "report", "read")

    async def last_used() -> Any:
        return (await house.db.read(api_tokens.listed))[0].last_used_at

    async def change(sql: str) -> None:
        await house.db.write(lambda conn: conn.execute(text(sql)))

    await ask_with(house, one["token"], "GET", "/api/v1/shops")
    await change("UPDATE api_tokens SET last_used_at = last_used_at - 3000000")
    before = await last_used()
    await ask_with(house, one["token"], "GET", "/api/v1/shops")
    assert await last_used() == before, "50 minutes ago is near enough"
    await change("UPDATE api_tokens SET last_used_at = last_used_at - 700000")
    await ask_with(house, one["token"], "GET", "/api/v1/shops")
    assert await last_used() > before
    await change("""UPDATE api_tokens SET scopes = '["rule"]'""")
    assert (await ask_with(house, one["token"], "GET", "/api/v1/shops")).status == 403
    assert (await ask_with(house, "bridge_unknown", "GET", "/api/v1/shops")).status == 401
