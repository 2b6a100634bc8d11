"""Starting, stopping and refusing to start."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.e2e.conftest import Run, Served
from tests.support.mariadb import MariaDB, free_port
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


def test_a_second_service_on_the_same_file_is_refused(serve: Serve, bridge: Run) -> None:
    one = serve()
    one.answering()
    done = bridge("serve", BRIDGE_PORT=str(free_port()))
    assert done.returncode == 1
    assert f"already served by process {one.process.pid}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_named(serve: Serve, bridge: Run, tmp_path: Path) -> None:
    one = serve()
    one.answering()
    done = bridge("serve", BRIDGE_PORT=str(one.port), BRIDGE_DATA_DIR=str(tmp_path / "other"))
    assert done.returncode == 1
    assert f"127.0.0.1:{one.port}" in done.stderr
    assert "BRIDGE_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_secret_key_is_refused(serve: Serve, bridge: Run) -> None:
    one = serve(BRIDGE_SECRET_KEY=Fernet.generate_key().decode())
    one.answering()
    assert one.stop() == 0
    wrong = Fernet.generate_key().decode()
    done = bridge("serve", BRIDGE_PORT="0", BRIDGE_SECRET_KEY=wrong)
    assert done.returncode == 1
    assert "no secret key opens what is stored" in done.stderr
    assert wrong not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_database_needs_a_secret_key_that_was_given(bridge: Run) -> None:
    done = bridge("serve", BRIDGE_PORT="0", BRIDGE_DATABASE_URL="mysql://bridge:hidden-word@127.0.0.1:1/bridge")
    assert done.returncode == 1
    assert "BRIDGE_SECRET_KEY is not set" in done.stderr
    assert "hidden-word" not in done.stderr


def test_a_database_that_is_not_there_is_named_without_its_password(bridge: Run) -> None:
    done = bridge(
        "serve",
        BRIDGE_PORT="0",
        BRIDGE_SECRET_KEY=Fernet.generate_key().decode(),
        BRIDGE_DATABASE_URL="mysql://bridge:hidden-word@127.0.0.1:1/bridge",
    )
    assert done.returncode == 1
    assert "127.0.0.1:1/bridge cannot be used" in done.stderr
    assert "hidden-word" not in done.stderr
    assert "Traceback" not in done.stderr


async def test_two_services_share_one_server_database(tmp_path: Path, mariadb: MariaDB, mariadb_url: str) -> None:
    key = Fernet.generate_key().decode()
    ports = [free_port(), free_port()]
    own = {"BRIDGE_DATABASE_URL": mariadb_url, "BRIDGE_SECRET_KEY": key, "BRIDGE_API_TOKEN": "e2e-token-0123456789"}
    services = []
    for number, _port in enumerate(ports):
        folder = tmp_path / str(number)
        folder.mkdir()
        services.append(Served(folder, **own))
    try:
        for one in services:
            await asyncio.to_thread(one.answering)
    finally:
        codes = [one.stop() for one in services]
    assert codes == [0, 0], services[0].log.read_text() + services[1].log.read_text()


@pytest.mark.parametrize("name", ["secret.key", "api-token"])
def test_generated_keys_are_the_owners_alone(serve: Serve, name: str, tmp_path: Path) -> None:
    one = serve()
    one.answering()
    assert (tmp_path / "data" / name).stat().st_mode & 0o077 == 0
