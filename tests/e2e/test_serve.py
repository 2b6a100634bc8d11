"""How long starting and stopping take; so these have the machine to themselves."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e.conftest import Served
from tests.support.mariadb import free_port
from tests.support.stage import Stage, stage

Serve = Callable[..., Served]


LIBRARIES = "import aiohttp, aiomysql, cryptography.fernet, pydantic_settings, sqlalchemy.ext.asyncio, typer, uvloop"


def test_it_starts_in_a_small_multiple_of_loading_its_libraries(serve: Serve) -> None:
    """Seconds are measured by `make bench`; what holds on any machine, also a busy one, is the ratio of one moment."""
    starts, loads = [], []
    for _ in range(3):  # the first one makes the database, and fills the caches
        one = serve()
        starts.append(one.answering())
        assert one.stop() == 0, one.log.read_text()
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", LIBRARIES], check=True, timeout=60)
        loads.append(time.monotonic() - began)
    assert min(starts[1:]) < 4 * min(loads), (starts, loads)


def test_an_idle_service_stops_at_once(serve: Serve) -> None:
    one = serve()
    one.answering()
    began = time.monotonic()
    assert one.stop() == 0
    assert time.monotonic() - began < 5
    assert '"service.stopping"' in one.log.read_text()


async def test_a_service_at_work_stops_within_ten_seconds_and_nothing_is_done_twice(tmp_path: Path) -> None:
    async with stage(tmp_path, f"sqlite:///{tmp_path / 'bridge.db'}") as play:
        port = free_port()
        await play.start(port)
        await play.product("MUG", quantity=10)
        await play.connect()
        after = await play.magento.last_call()
        # The store takes longer than a stop may take: its answer is lost, its effect is not.
        await play.magento.fault(kind="slow", method="POST|PUT", path="/orders", seconds=12)
        order = await play.place({"seller_sku": "MUG", "quantity": 2, "sale_price": "10.00"})
        assert await play.magento.calls(path="/orders", method="POST|PUT", after=after, wait=10)
        began = time.monotonic()
        assert await play.terminate() == 0, "\n".join(play.logs)
        assert time.monotonic() - began < 10
        await play.start(port)
        await play.until(lambda: _is_paid(play, order), "the order is invoiced", 40)
        assert float((await play.stock("MUG"))["salable"]) == 8


async def _is_paid(play: Stage, order: str) -> bool:
    found = await play.order(order)
    return bool(found and found["state"] == "settled" and await play.store_order(order))
