"""The whole service tells people: by its own mail settings, over restarts, and over a death right after sending."""

from __future__ import annotations

import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.receiving import mailbox, receiver
from tests.support.stage import Stage, stage

CUP = {"seller_sku": "CUP-TT", "quantity": 1, "sale_price": "10.00"}


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def sent(play: Stage, number: int) -> list[dict[str, Any]]:
    async def look() -> list[dict[str, Any]]:
        found = (await play.api("GET", "alerts?state=sent"))["alerts"]
        return found if len(found) >= number else []

    found: list[dict[str, Any]] = await play.until(look, f"{number} alerts are sent", 20)
    return found


async def test_an_order_that_waits_is_told_by_mail_once_over_restarts(dark: Stage) -> None:
    async with mailbox() as box:
        settings = {"smtp_url": f"smtp://127.0.0.1:{box.port}", "smtp_from": "bridge@shop.test"}
        async with dark.inside(**settings):
            await dark.connect()
            made = await dark.api("POST", "alert-targets", {"kind": "email", "address": "ops@shop.test"}, expect=201)
            said = await dark.api("POST", f"alert-targets/{made['id']}/test", {})
            assert said["delivered"], said
            order_id = await dark.place(CUP)
            await dark.settled(order_id, "no product with SKU")
            await sent(dark, 1)
        async with dark.inside(**settings):
            order = await dark.order(order_id) or {}
            await dark.api("POST", f"orders/{order['id']}/settle", {})
            await dark.settled(order_id, "no product with SKU")
            second = await dark.place(CUP)
            await dark.api("POST", "sweeps", {})
            await dark.settled(second, "no product with SKU")

            async def queued() -> bool:
                return len((await dark.api("GET", "alerts"))["alerts"]) == 2

            await dark.until(queued, "the second order's alert waits for its minute")
        assert [mail["Subject"] for mail in box.mails] == [
            "[bridge] Test: alerts arrive here",
            f"[bridge] A seller SKU is not in the store: order {order_id}",
        ]


async def test_killed_between_sending_and_writing_it_down_the_same_message_is_sent_again(dark: Stage) -> None:
    async with receiver() as hook:
        async with dark.inside():
            await dark.connect()
            body = {"kind": "webhook", "address": f"{hook.url}/path"}
            hook.secret = (await dark.api("POST", "alert-targets", body, expect=201))["secret"]
        await dark.start(free_port(), BRIDGE_KILL_POINT="alert.sent")
        order_id = await dark.place(CUP)
        await dark.api("POST", "sweeps", {})  # it listens elsewhere now: its messages are lost
        await dark.ended()
        assert len(hook.got) == 1
        await dark.leases_run_out()
        await dark.start(free_port())

        async def again() -> bool:
            return len(hook.got) == 2

        await dark.until(again, "the message comes again, after the dead one's lease", 20)
        assert hook.got[0]["id"] == hook.got[1]["id"]
        assert hook.got[0]["raw"] == hook.got[1]["raw"]
        assert order_id in str(hook.got[0])
        await sent(dark, 1)
        assert hook.refused == []
        assert await dark.terminate() == 0


async def test_a_plugin_that_breaks_refunds_is_told_and_closed_when_it_is_mended(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.sync.capabilities.WHILE_BROKEN", timedelta(seconds=0.2))
    async with stage(tmp_path, sqlite_url, plugin="1.0.25") as play, play.inside():
        await play.connect()
        await play.product("MUG")
        order_id = await play.place({"seller_sku": "MUG", "quantity": 1, "sale_price": "10.00"})
        await play.imported(order_id)

        async def asked() -> list[Any]:
            return list((await play.api("GET", f"attention?kind=plugin_version&connection={play.store_id}"))["items"])

        [item] = await play.until(asked, "the plugin's version is asked about")
        assert item["facts"] == {"reported": "1.0.25", "cannot": ["refunds"]}
        await play.magento.control("POST", "settings", {"plugin": "1.0.26"})
        order = await play.order(order_id) or {}

        async def mended() -> bool:
            await play.api("POST", f"orders/{order['id']}/settle", {})
            return not await asked()

        await play.until(mended, "read again, it is right")


async def test_the_channels_warning_is_told_where_no_date_is_known(play: Stage) -> None:
    await play.tiktok.control("POST", "tokens/warn")

    async def asked() -> list[Any]:
        return list((await play.api("GET", "attention?kind=token_expires"))["items"])

    [item] = await play.until(asked, "the authorization's end is asked about")
    assert item["connection"] == play.tiktok_id
