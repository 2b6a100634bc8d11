"""Refusing to start, with what to do; and what a start leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.e2e.conftest import Run, Served
from tests.support.mariadb import MariaDB, free_port

Serve = Callable[..., Served]


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
