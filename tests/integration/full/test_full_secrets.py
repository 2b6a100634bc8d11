"""No secret leaves the service: in no log line, answer, page, printed object or column of the database."""

from __future__ import annotations

import contextlib
import gc
import io
import logging
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

import pymysql
import pytest
import structlog

from bridge.bootstrap import Service, running
from bridge.logs import configure
from tests.integration.connect.parts import (
    MUGS,
    VALUES,
    ask,
    connect_tiktok,
    grant,
    idle,
    integration,
    magento_body,
    refund_all,
    tiktok_body,
)
from tests.integration.connect.test_connect_activate import activate, add_integration, announce
from tests.integration.connect.test_connect_tiktok import announce as announce_tiktok
from tests.integration.connect.test_connect_tiktok import authorize
from tests.support.stage import SECRET_KEY, TOKEN, Stage, stage


class Seen:
    """Everything that came out, by where it came out."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, str]] = []

    def add(self, where: str, text: str) -> None:
        self.texts.append((where, text))

    def leaks(self, secrets: dict[str, str]) -> list[str]:
        found = []
        for where, text in self.texts:
            for name, secret in secrets.items():
                for form in {secret, quote(secret, safe=""), quote_plus(secret)}:
                    if form in text:
                        at = text.index(form)
                        shown = text[max(0, at - 80) : at] + f"<{name}>" + text[at + len(form) : at + len(form) + 40]
                        found.append(f"{name} in {where}: {shown}")
        return found


@contextlib.contextmanager
def logged(log_format: str) -> Iterator[io.StringIO]:
    """All logging, the libraries' too, at debug level, as the service writes it."""
    lines, kept = io.StringIO(), sys.stderr
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    was = structlog.get_config()
    sys.stderr = lines
    try:
        configure(log_format, "debug")
        yield lines
    finally:
        sys.stderr = kept
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.configure(**was)


ALERTING = {
    "webhook secret": "whsec_" + "c2VjcmV0IG9mIHRoZSB3ZWJob29rIHJlY2VpdmVy" + "AAAA",
    "webhook path": "path-that-is-a-secret-0123",
    "mail password": "mail-password-0123456789",
}


async def alerting(play: Stage, seen: Seen) -> None:
    """Targets that fail in every way: their addresses and passwords are in what goes wrong."""
    nobody = "http://127.0.0.1:9"
    path, secret = ALERTING["webhook path"], ALERTING["webhook secret"]
    for body in (
        {"kind": "webhook", "address": f"{nobody}/{path}?key={path}", "secret": secret},
        {"kind": "webhook", "address": f"{play.magento.url}/{path}", "secret": secret},
        {"kind": "webhook", "address": f"http://me:{path}@127.0.0.1/", "secret": secret},
        {"kind": "webhook", "address": nobody, "secret": f"{secret}!"},
        {"kind": "email", "address": "ops@shop.test"},
    ):
        await say(play, seen, "POST", "/api/v1/alert-targets", body)
    targets = (await play.api("GET", "alert-targets"))["targets"]
    assert len(targets) == 3
    for target in targets:
        await say(play, seen, "POST", f"/api/v1/alert-targets/{target['id']}/test", {})
        assert not (await play.api("POST", f"alert-targets/{target['id']}/test", {}))["delivered"]


def secrets_of(play: Stage, more: dict[str, str]) -> dict[str, str]:
    found = {"api token": TOKEN, "secret key": SECRET_KEY, "app secret": play.tiktok_box.app.secret, **more}
    for number, pair in enumerate(play.tiktok_box.tokens.grants()):
        found[f"TikTok access token {number}"] = pair.access_token
        found[f"TikTok refresh token {number}"] = pair.refresh_token
    for one in play.magento_box.integrations.all.values():
        found[f"consumer key {one.id}"] = one.consumer_key
        found[f"consumer secret {one.id}"] = one.consumer_secret
        found[f"verifier {one.id}"] = one.verifier or "no verifier of this one"
        if one.token is not None:
            found[f"access token {one.id}"] = one.token.token
            found[f"access token secret {one.id}"] = one.token.secret
    found |= ALERTING
    password = urlsplit(play.environment["BRIDGE_DATABASE_URL"]).password
    if password:
        found["database password"] = password
    return found


async def read_everything(play: Stage, seen: Seen) -> None:
    paths = [
        "connections",
        "shops",
        "orders",
        "attention?state=all",
        "audit?limit=200",
        "alert-targets",
        "alerts?limit=200",
        "openapi.json",
    ]
    for listed, name in (("connections", "connections"), ("shops", "shops"), ("orders", "orders")):
        answer = await play.api("GET", listed)
        paths += [f"{name}/{one['id']}" for one in answer[name]]
    for path in paths:
        said = await ask(play, "GET", f"/api/v1/{path}")
        seen.add(f"GET {path}", said.text)
    for path in ("/metrics", "/healthz", "/readyz"):
        said = await ask(play, "GET", path, token=False)
        seen.add(path, said.text + str(said.headers))


async def say(play: Stage, seen: Seen, method: str, path: str, body: Any = None, **more: Any) -> None:
    said = await ask(play, method, path, json=body, **more)
    seen.add(f"{method} {path.partition('?')[0]}", said.text + str(said.headers))


async def scenario(play: Stage, service: Service, seen: Seen) -> dict[str, str]:
    """Connecting in every way, orders both ways, and much that goes wrong."""
    values = await integration(play)
    # wrong credentials, of each kind
    for name in VALUES:
        body = magento_body(play, {**values, name: "wrongvalue0123456789wrongvalue01"})
        await say(play, seen, "POST", "/api/v1/connections", body)
        body = magento_body(play, values)
        body["credentials"][name] = values[name] + " é"
        await say(play, seen, "POST", "/api/v1/connections", body)
        body["credentials"][name] = {"nested": values[name]}
        await say(play, seen, "POST", "/api/v1/connections", body)
    await say(play, seen, "POST", "/api/v1/connections", {"kind": "magento", "credentials": values["consumer_secret"]})
    await say(play, seen, "POST", "/api/v1/connections", {"kind": values["consumer_secret"], "credentials": values})
    tokens = await grant(play)
    for name, value in (
        ("app_secret", "wrongsecretwrongsecret0123456789"),
        ("access_token", "ROW_wrong-token-1234567"),
    ):
        body = tiktok_body(play, tokens)
        body["credentials"][name] = value
        await say(play, seen, "POST", "/api/v1/connections", body)
    body = tiktok_body(play, tokens)
    body["credentials"]["unknown"] = tokens["access_token"]
    await say(play, seen, "POST", "/api/v1/connections", body)
    # down while connecting: the exceptions of the HTTP client carry addresses
    await play.tiktok.fault(kind="cut", path="token|authorization", times=2)
    await say(play, seen, "POST", "/api/v1/connections", tiktok_body(play, tokens))
    # by Activate, late and right
    announced = await announce(play)
    seen.add("announce", str(announced))
    number = await add_integration(play, announced)
    await play.magento.fault(kind="fail", path="oauth/token/access", status=500, body="<html>")
    told = await activate(play, number)
    page = await ask(play, "GET", told["identity_url"], token=False)
    seen.add("identity page", page.text + str(page.headers))
    await activate(play, number)

    async def connected() -> bool:
        return bool((await play.api("GET", f"connections/{announced['id']}"))["state"] == "connected")

    await play.until(connected, "the store is connected")
    # by the browser
    made = await announce_tiktok(play)
    page = await authorize(play, made["authorize_url"])
    seen.add("authorized page", page.text + str(page.headers))
    link = urlsplit(made["authorize_url"]).query.partition("link=")[2]
    again = await connect_tiktok(play)
    play.store_id, play.tiktok_id = announced["id"], again["id"]
    shop = next(one for one in again["shops"] if one["region"] == "US")
    play.shop_id, play.channel_shop_id = shop["id"], shop["channel_shop_id"]
    await play.product("MUG")
    await play.api("PUT", f"shops/{play.shop_id}", {"store": {"connection": play.store_id}, "hold_minutes": 0})
    sync = {"store_to_channel": {"enabled": True, "default_reason": "seller_cancel_reason_out_of_stock"}}
    await play.api("PUT", f"shops/{play.shop_id}/cancellation-sync", sync)
    # orders, both ways, with trouble on the way
    first, second = await play.place(MUGS), await play.place(MUGS)
    for order_id in (first, second):
        await play.imported(order_id)
    await play.tiktok.control("POST", "tokens/expire")
    await play.tiktok.fault(kind="fail", path="token/refresh", status=500, body="<html>")
    await refund_all(play, first)
    await play.tiktok.control("POST", f"orders/{second}/cancel", {"role": "SYSTEM", "pending": False})
    await play.magento.fault(kind="cut", method="POST", path="refund")
    for order_id in (first, second):
        order = await play.order(order_id) or {}
        await play.api("POST", f"orders/{order['id']}/settle", {})
    for order_id in (first, second):
        await play.settled(order_id, "both books agree: all", 30)
    await alerting(play, seen)
    # revoked, and looked at by doctor
    await play.magento.control("PATCH", "integrations", {"integration": number, "revoke": True})
    await say(play, seen, "POST", f"/api/v1/connections/{play.store_id}/doctor")
    before = secrets_of(play, {})
    await play.tiktok.control("POST", "tokens/revoke")
    await say(play, seen, "POST", f"/api/v1/connections/{play.tiktok_id}/doctor")
    # wrong signatures, wrong tokens, broken requests
    key = f"/hooks/tiktok/{play.tiktok_box.app.key}/order-status-change"
    await say(play, seen, "POST", key, {"type": 1}, token=False, headers={"Authorization": "0" * 64})
    await say(play, seen, "GET", "/api/v1/orders", token=False, headers={"Authorization": f"Bearer {TOKEN}x"})
    await say(play, seen, "GET", f"/api/v1/orders/{TOKEN[:5]}-nothing")

    # a mistake of our own: what nobody foresaw
    async def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError(f"carries {before['api token']} and {values['consumer_secret']}")

    order = await play.order(first) or {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service.actions, "settle", broken)  # the edge must not repeat its words
        await say(play, seen, "POST", f"/api/v1/orders/{order['id']}/settle", {})
    await idle(play)
    await read_everything(play, seen)
    return before | {"one-time link": link, "values": values["access_token_secret"]}


def stored_texts(url: str) -> Iterator[tuple[str, str]]:
    """Every column of every row of the database but the sealed ones, as text."""
    parts = urlsplit(url)
    if parts.scheme.startswith("sqlite"):
        connection: Any = sqlite3.connect(url.removeprefix("sqlite:///"))
        names = "SELECT name FROM sqlite_master WHERE type = 'table'"
    else:
        connection = pymysql.connect(
            host=parts.hostname,
            port=parts.port or 3306,
            user=parts.username,
            password=parts.password or "",
            database=parts.path.strip("/"),
        )
        names = "SHOW TABLES"
    with contextlib.closing(connection), contextlib.closing(connection.cursor()) as cursor:
        cursor.execute(names)
        for (table,) in list(cursor.fetchall()):
            cursor.execute(f"SELECT * FROM {table}")
            columns = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for column, value in zip(columns, row, strict=True):
                    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
                    yield f"{table}.{column}", text


@pytest.mark.parametrize(
    ("database_url", "log_format"), [("sqlite", "console"), ("mariadb", "json")], indirect=["database_url"]
)
@pytest.mark.both_databases
async def test_no_secret_comes_out_anywhere(tmp_path: Path, database_url: str, log_format: str) -> None:
    seen = Seen()
    with logged(log_format) as lines:
        async with stage(tmp_path, database_url) as play:
            mail = f"smtp://me:{ALERTING['mail password']}@127.0.0.1:9"
            async with running(play.config(port=0, smtp_url=mail, smtp_from="bridge@shop.test")) as service:
                play.url = f"http://127.0.0.1:{service.port}"
                secrets = await scenario(play, service, seen)
            secrets |= secrets_of(play, secrets)
            gc.collect()
    written = lines.getvalue()
    assert "order.decided" in written, "the log was not captured"
    assert "request_failed" in written, "the mistake was not logged"
    assert len(written.splitlines()) > 50
    for line in written.splitlines():
        seen.add("log", line)
    rows = 0
    for where, text in stored_texts(database_url):
        seen.add(where, text)
        rows += 1
    assert rows > 500
    assert len(secrets) > 15
    assert seen.leaks(secrets) == []
    if database_url.startswith("sqlite"):
        base = Path(database_url.removeprefix("sqlite:///"))
        for file in base.parent.glob(base.name + "*"):
            raw = file.read_bytes()
            assert [name for name, secret in secrets.items() if secret.encode() in raw] == [], file.name


async def test_the_search_finds_what_does_leak() -> None:
    """The check above can fail: it sees a secret plain and percent-encoded."""
    seen = Seen()
    seen.add("log", "GET https://x/?sign=a%2Bb%2F1")
    seen.add("log", "password is a+b/1")
    assert len(seen.leaks({"one": "a+b/1"})) == 2


async def test_what_is_printed_of_objects_holds_no_secret(tmp_path: Path, sqlite_url: str) -> None:
    async with stage(tmp_path, sqlite_url) as play, running(play.config(port=0)) as service:
        play.url = f"http://127.0.0.1:{service.port}"
        await play.connect()
        secrets = secrets_of(play, {})
        connections = await service.db.read(service.desk.connections.all)
        seen = Seen()
        for thing in (service, service.config, service.desk, service.actions, service.workers, *connections):
            seen.add(type(thing).__name__, f"{thing!r} {thing}")
        shop = next(iter(await service.db.read(_shops)))
        for gateway in (
            await service.desk.gateways.channel(shop),
            await service.desk.gateways.store(play.store_id),
        ):
            seen.add(type(gateway).__name__, repr(gateway))
        assert seen.leaks(secrets) == []


async def _shops(conn: Any) -> list[str]:
    from bridge.storage import shops

    return [shop.id for shop in await shops.all(conn)]
