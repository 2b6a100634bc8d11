from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.storage.secrets import Vault
from tests.e2e.conftest import Run, clean_environment

SECRET_NAMES = {
    "app_secret",
    "access_token",
    "refresh_token",
    # The plugin signs its deliveries with the consumer key: it is as secret as the others.
    "consumer_key",
    "consumer_secret",
    "access_token_secret",
    "client_secret",
    "webhook_secret",
}


@dataclass
class Played:
    code: int
    out: str
    err: str
    seconds: float
    folder: Path


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """The whole demo, once. Settings of a real service are around, and must not reach it."""
    folder = tmp_path_factory.mktemp("demo")
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "bridge", "demo", "--exit", "--folder", str(folder / "kept")],
        env=clean_environment(BRIDGE_DATABASE_URL="mysql://nobody@127.0.0.1:1/none", BRIDGE_API_TOKEN="x" * 20),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return Played(done.returncode, done.stdout, done.stderr, time.monotonic() - began, folder / "kept")


def test_every_step_comes_out_as_told(played: Played) -> None:
    assert played.code == 0, played.out + played.err
    assert played.err == ""
    assert len(re.findall(r"^\d+\. ", played.out, re.MULTILINE)) == 10
    assert len(re.findall(r"^   ✓ [0-9.]+ s$", played.out, re.MULTILINE)) == 10
    assert "All 10 steps came out as told" in played.out
    assert played.seconds < 40


def test_each_step_says_what_it_saw_decided_and_why(played: Played) -> None:
    for line in (
        "counts as paid: 48.00 invoiced",
        "the whole order is cancelled on TikTok Shop",
        "MUG-BLUE: 47 salable before, 50 after: 3 came back",
        "1 unit is refunded by quantity",
        "12.00 were refunded: one mug, no shipping",
        "the order lives on TikTok Shop",
        "not restocked: Restock needs plugin version 1.0.20 or above",
        "POSTER-A2: 29 salable before, 29 after: refunded, and not restocked",
        "nobody told the bridge of the credit memo",
        "was ended by SIGKILL",
        "found by a look: credit memo",
        "2 came back, once",
        "is there, 19.00 USD; stock: Shopify took the units with the order",
        "is there, 19.00 USD; stock: WooCommerce takes the units of a paid order",
        "Shopify shows it as cancelled, reason Other, staff note “TikTok cancellation",
        "a person is asked, because 1 of 1 unit cancelled on TikTok Shop and not cancelled in the store, but Amazon is",
        "Amazon shows it as Cancelled, no unit sent",
        "WooCommerce shows one refund, no payment service asked, reason “TikTok cancellation",
    ):
        assert line in played.out, played.out
    assert re.search(r"^ +seen  creditmemos/update \d+ arrived", played.out, re.MULTILINE)


def test_no_secret_is_in_anything_it_wrote_but_the_key_files_and_the_sealed_database(played: Played) -> None:
    data = played.folder / "data"
    key, token = (data / "secret.key").read_text().strip(), (data / "api-token").read_text().strip()
    secrets = {key, token}
    with sqlite3.connect(data / "bridge.sqlite3") as database:
        rows = database.execute("SELECT credentials FROM connections").fetchall()
    database.close()
    for (sealed,) in rows:
        secrets |= {value for name, value in Vault([key]).open(sealed).items() if name in SECRET_NAMES}
    assert len(secrets) == 2 + 4 + 3 + 2 + 3 + 3
    logs = {path: path.read_text() for path in played.folder.glob("*.log")}
    assert len(logs[played.folder / "service.log"]) > 1000
    written = [*((str(path), text) for path, text in logs.items()), ("stdout", played.out), ("stderr", played.err)]
    for secret in secrets:
        assert len(secret) >= 8
        for name, text in written:
            assert secret not in text, f"a secret is in {name}"
        for path in data.glob("bridge.sqlite3*"):
            assert secret.encode() not in path.read_bytes(), f"a secret is open in {path.name}"


def test_the_service_logs_one_json_object_a_line(played: Played) -> None:
    lines = (played.folder / "service.log").read_text().splitlines()
    # What is for the eyes of whoever started it begins with the program's name.
    events = [json.loads(line)["event"] for line in lines if not line.startswith("bridge: ")]
    assert events.count("service.started") == 3
    assert "order.decided" in events


def test_it_starts_from_nothing(bridge: Run, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "something").touch()
    done = bridge("demo", "--exit", "--folder", str(tmp_path / "used"))
    assert done.returncode == 2
    assert "is not empty" in done.stderr


def test_a_step_that_does_not_come_out_ends_it_with_1(tmp_path: Path) -> None:
    """The same program with one wrong expectation: the sandbox's plugin cannot be the old one."""
    program = (
        "import sys, bridge.cli.demo.story as story; story.OLD_PLUGIN = '1.0.21'; sys.argv[1:] = ['demo', '--exit'];"
        "from bridge.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=clean_environment(),
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 1
    assert "step 5" in done.stderr
    assert "did not come out as told" in done.stderr
    assert "refunded, and not restocked; found: 30 salable" in done.stderr
