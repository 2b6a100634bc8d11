"""Commands as an operator runs them; mistakes are told."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from bridge.cli import app
from tests.e2e.conftest import Run, Served
from tests.support.commands import COMMANDS


def test_the_program_itself_answers_with_help(bridge: Run) -> None:
    done = bridge("--help")
    assert done.returncode == 0
    for name in COMMANDS:
        if name.count(" ") == 1:
            assert f"\n  {name.split()[1]} " in done.stdout


@pytest.mark.parametrize("version", ["1.0.17", "1.0.19", "1.0.25", "1.0.26", "2.0", "nonsense"])
def test_version_check_says_what_the_route_says(served: Served, version: str) -> None:
    done = CliRunner().invoke(app, ["version-check", version, "--json"])
    assert done.exit_code == 0, done.output
    with urllib.request.urlopen(f"{served.url}/plugin/version-check?version={version}") as answer:
        assert done.stdout.encode() == answer.read() + b"\n"
    for_people = CliRunner().invoke(app, ["version-check", version])
    found = json.loads(done.stdout)
    assert found["restock"]["because"] in for_people.stdout
    for warning in found["warnings"]:
        assert warning in for_people.stdout


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    one = Served(tmp_path_factory.mktemp("served"))
    one.answering()
    yield one
    one.stop()


@pytest.fixture
def asked(bridge: Run, served: Served) -> Callable[..., Any]:
    """A command of the running service."""
    return lambda *arguments, **more: bridge(
        *arguments, **{"BRIDGE_URL": served.url, "BRIDGE_API_TOKEN": served.token(), **more}
    )


def test_the_token_is_found_in_the_data_folder(bridge: Run, served: Served) -> None:
    done = bridge("orders", "--json", BRIDGE_DATA_DIR=str(served.folder / "data"), BRIDGE_URL=served.url)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"orders": [], "next": None})


def test_a_wrong_token_is_said_to_be_wrong_and_where_it_came_from(asked: Run) -> None:
    done = asked("orders", BRIDGE_API_TOKEN="another-token-0123456789")
    assert done.returncode == 1
    assert "A valid API token is needed" in done.stderr
    assert "BRIDGE_API_TOKEN is not the one" in done.stderr
    assert "another-token" not in done.stderr


def test_no_service_says_how_to_start_one(bridge: Run) -> None:
    done = bridge("orders", "--url", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert "no service answers at http://127.0.0.1:9" in done.stderr
    assert "bridge serve" in done.stderr


def test_an_error_says_what_where_and_what_to_do(asked: Run) -> None:
    done = asked("orders", "show", "nope")
    assert done.returncode == 1
    assert done.stderr == (
        "bridge: There is no such thing\n  There is no order of this id, neither ours nor TikTok Shop's.\n"
    )
    done = asked("orders", "--state", "strange")
    assert done.returncode == 1
    assert "at state: must be one of" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("orders", "show"),
        ("orders", "--limit", "0"),
        ("nonsense",),
        ("version-check",),
        ("version-check", "1.0.26", "--connection", "con_1"),
        ("connect", "tiktok", "--app-key", "abc"),
        ("settings", "--url", "ftp://example.com"),
    ],
)
def test_what_is_asked_in_a_wrong_way_ends_with_2(bridge: Run, arguments: tuple[str, ...]) -> None:
    done = bridge(*arguments)
    assert done.returncode == 2, done.stderr
    assert done.stderr


def test_a_wrong_setting_is_named(bridge: Run) -> None:
    done = bridge("orders", BRIDGE_PORT="many")
    assert done.returncode == 2
    assert "BRIDGE_PORT" in done.stderr


def test_empty_lists_say_so(asked: Run) -> None:
    assert asked("orders").stdout == "No order yet.\n"
    assert asked("attention").stdout == "Nothing waits for a person.\n"
    assert "bridge connect tiktok" in asked("settings").stdout


def test_a_sweep_is_waited_for(asked: Run) -> None:
    done = asked("sweep", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "done"


def test_doctor_looks_at_everything(asked: Run, bridge: Run, served: Served) -> None:
    done = asked("doctor", "--json", BRIDGE_DATA_DIR=str(served.folder / "data"))
    found = json.loads(done.stdout)
    assert (done.returncode, found["ok"]) == (0, True), done.stdout
    codes = {one["code"] for place in found["findings"].values() for one in place}
    assert codes >= {
        "running",
        "ready",
        "workers",
        "database_durable",
        "secret_key",
        "disk",
        "backlog_none",
        "nobody_told",
        "none",
    }
    done = bridge("doctor", BRIDGE_URL="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "no service answers" in done.stdout


def test_a_new_key_is_one_that_works(bridge: Run) -> None:
    key = bridge("doctor", "--new-key").stdout.strip()
    done = bridge("migrate", "--json", BRIDGE_SECRET_KEY=key)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"migrated": True})
    assert json.loads(bridge("migrate", "--json").stdout) == {"migrated": False}


def test_announcing_a_store_prints_the_two_addresses_to_paste(asked: Run, serve: Callable[..., Served]) -> None:
    own = serve(BRIDGE_PUBLIC_URL="https://bridge.example.com")
    own.answering()
    done = asked(
        "connect",
        "magento",
        "--url",
        "https://shop.example.com/",
        "--bridge-url",
        own.url,
        BRIDGE_API_TOKEN=own.token(),
    )
    assert done.returncode == 0, done.stderr
    assert "https://bridge.example.com/oauth/magento/callback" in done.stdout
    assert "https://bridge.example.com/oauth/magento/identity" in done.stdout
