"""A crowd of deliveries goes first, and holds no work up for long."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bridge.bootstrap import running
from bridge.storage.engine import Database
from bridge.storage.inbox import Arrival
from bridge.storage.inbox_writer import CROWD, InboxWriter
from tests.integration.sync.test_settle import MUGS
from tests.support.stage import Stage


async def test_many_arrivals_at_once_are_a_crowd_and_one_is_none(database: Database) -> None:
    inbox = InboxWriter(database, lambda _keys: None)
    inbox.start()

    def arrival(number: int) -> Arrival:
        return Arrival("con_1", f"d{number}", "topic", str(number), "", f"hint:con_1:topic::{number}")

    await inbox.put(arrival(0))
    assert not inbox.is_crowded
    await asyncio.gather(*(inbox.put(arrival(number)) for number in range(10 * CROWD)))
    assert inbox.is_crowded
    await inbox.close()


async def test_work_is_done_beside_a_crowd_that_does_not_end(dark: Stage) -> None:
    async with running(dark.config(port=0)) as service:
        crowded = replace(service.desk, is_crowded=lambda: True)
        service.workers._desk = crowded
        dark.url = f"http://127.0.0.1:{service.port}"
        await dark.connect()
        await dark.product("MUG")
        await dark.imported(await dark.place(MUGS))
