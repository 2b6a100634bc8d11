"""From nothing to a synchronised shop with commands alone, against the sandboxes that `bridge sandbox` runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.sandbox import BOXES
from tests.e2e.conftest import Run, Served, clean_environment

US = "7495000000000000001"
FREE_PORTS = [part for box in BOXES for part in (f"--{box.name}-port", "0")]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What `bridge sandbox --json` said."""
    folder = tmp_path_factory.mktemp("sandbox")
    with subprocess.Popen(
        [sys.executable, "-m", "bridge", "sandbox", "--json", *FREE_PORTS],
        env=clean_environment(TMPDIR=str(folder)),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        text = ""
        try:
            while not text.endswith("\n}\n"):
                line = process.stdout.readline()
                assert line, text
                text += line
            yield json.loads(text)
        finally:
            process.terminate()
            assert process.wait(20) == 0
    assert list(folder.iterdir()) == []


@pytest.fixture
def own(serve: Callable[..., Served]) -> Served:
    started = serve(BRIDGE_ALLOW_PRIVATE_URLS="true", BRIDGE_QUIET_PERIOD="0.5")
    started.answering()
    return started


@pytest.fixture
def asked(bridge: Run, own: Served) -> Run:
    return lambda *arguments, **more: bridge(*arguments, **{"BRIDGE_URL": own.url, **more})


def control(url: str, path: str, body: Any = None, method: str = "POST") -> Any:
    request = urllib.request.Request(
        f"{url.rstrip('/')}/_control/{path}",
        None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def _integration(url: str, **more: Any) -> dict[str, str]:
    made = control(url, "integrations", {"name": "Bridge", **more})
    fields = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
    return {f"MAGENTO_{name.upper()}": made[name] for name in fields if made[name]}


def test_a_merchant_connects_both_sides_and_reads_an_orders_story(sandbox: dict[str, Any], asked: Run) -> None:
    magento, tiktok = sandbox["magento"]["url"], sandbox["tiktok"]
    secrets = _integration(magento)
    admin = f"{magento}/backend_x1"
    done = asked("connect", "magento", "--url", magento, "--admin-url", f"{admin}/", "--json", **secrets)
    assert done.returncode == 0, done.stderr
    store = json.loads(done.stdout)
    assert (store["state"], store["admin_url"]) == ("connected", admin)

    fields = ("app_key", "app_secret", "access_token", "refresh_token")
    grant = {f"TIKTOK_{name.upper()}": tiktok[name] for name in fields}
    done = asked("connect", "tiktok", "--url", tiktok["url"], "--auth-url", tiktok["url"], **grant)
    assert done.returncode == 0, done.stderr
    for value in (*secrets.values(), *(tiktok[name] for name in fields[1:])):
        assert value not in done.stdout + done.stderr

    done = asked("settings", "set", US, "--store", store["id"], "--hold-minutes", "0")
    assert done.returncode == 0, done.stderr
    assert store["id"] in done.stdout
    done = asked("settings", "cancellation-sync", US, "--store-to-tiktok")
    assert done.returncode == 1
    assert "default_reason" in done.stderr
    reasons = json.loads(asked("settings", "reasons", US, "--json").stdout)["reasons"]
    done = asked(
        "settings", "cancellation-sync", US, "--store-to-tiktok", "--default-reason", reasons[0]["key"], "--no-restock"
    )
    assert done.returncode == 0, done.stderr
    assert "restock no" in done.stdout

    control(magento, "products", [{"sku": "MUG", "price": 10, "qty": 5}])
    line = {"seller_sku": "MUG", "quantity": 1, "sale_price": "10.00"}
    placed = control(tiktok["url"], "orders", {"shop_id": US, "lines": [line]})
    order = str((placed.get("order") or placed)["id"])
    found = _until(lambda: _settled(asked, order))
    story = asked("orders", "show", order)
    assert story.returncode == 0
    for word in (
        order,
        found["store_number"],
        found["id"],
        "MUG",
        "living",
        *(e["because"] for e in found["changelog"]),
    ):
        assert word in story.stdout
    assert order in asked("orders", "--query", order[:12]).stdout
    assert "is invoiced" in story.stdout

    assert asked("settle", order).returncode == 0
    done = asked("orders", "link", order, "000000001")
    assert done.returncode == 1
    assert "already tied" in done.stderr
    done = asked("doctor")
    assert done.returncode == 0, done.stdout
    assert "reports version 1.0.26" in done.stdout
    listed = json.loads(asked("doctor", "--json").stdout)["findings"]
    store = next(place for place in listed if place.startswith("magento: "))
    name = store.removeprefix("magento: ").rpartition(" (")[0]
    done = asked("doctor", name.upper(), "--no-mend", "--json")
    assert (done.returncode, list(json.loads(done.stdout)["findings"])) == (0, [store]), done.stdout
    done = asked("doctor", "nobody")
    assert done.returncode == 1
    assert "there is no connection 'nobody'" in done.stderr
    assert name in done.stderr


def test_activate_completes_an_announced_store(sandbox: dict[str, Any], own: Served, tmp_path: Path) -> None:
    magento = sandbox["magento"]["url"]
    with subprocess.Popen(
        [sys.executable, "-m", "bridge", "connect", "magento", "--url", magento, "--wait", "30"],
        env=clean_environment(BRIDGE_DATA_DIR=str(tmp_path / "data"), BRIDGE_URL=own.url, PYTHONUNBUFFERED="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = [process.stdout.readline() for _ in range(4)]
        addresses = [line.split()[-1] for line in lines if "URL" in line]
        assert addresses == [f"{own.url}/oauth/magento/callback", f"{own.url}/oauth/magento/identity"]
        body = {"name": "Bridge", "callback_url": addresses[0], "identity_url": addresses[1]}
        opened = control(magento, "activate", body)["identity_url"]
        with urllib.request.urlopen(opened, timeout=20) as page:  # what the merchant's browser opens
            assert page.status == 200
        out, err = process.communicate(timeout=40)
    assert process.returncode == 0, err
    assert "is connected" in out


def test_a_seller_without_tokens_gets_a_link_to_authorize(sandbox: dict[str, Any], asked: Run) -> None:
    tiktok = sandbox["tiktok"]
    given = {"TIKTOK_APP_KEY": tiktok["app_key"], "TIKTOK_APP_SECRET": tiktok["app_secret"]}
    done = asked(
        *("connect", "tiktok", "--service-id", tiktok["service_id"]),
        *("--url", tiktok["url"], "--auth-url", tiktok["url"]),
        **given,
    )
    assert done.returncode == 0, done.stderr
    assert "/oauth/tiktok/start" in done.stdout


def test_what_the_store_refuses_is_told(sandbox: dict[str, Any], asked: Run) -> None:
    wrong = dict.fromkeys(_integration(sandbox["magento"]["url"]), "a" * 32)
    done = asked("connect", "magento", "--url", sandbox["magento"]["url"], **wrong)
    assert done.returncode == 1
    assert "Not connected" in done.stderr
    assert "a" * 32 not in done.stderr

    amazon = sandbox["amazon"]
    grant = {f"AMAZON_{name.upper()}": amazon[name] for name in ("client_id", "client_secret", "refresh_token")}
    where = ("--region", amazon["url"], "--token-url", amazon["token_url"])
    done = asked("connect", "amazon", *where, **{**grant, "AMAZON_CLIENT_SECRET": "a" * 32})
    assert done.returncode == 1
    assert "client id and secret" in done.stderr
    assert "a" * 32 not in done.stderr
    done = asked("connect", "amazon", *where, "--shipping-speed", "Overnight", **grant)
    assert "shipping_speed must be one of Standard, Expedited, Priority" in done.stderr
    done = asked("connect", "amazon", *where, "--shipping-speed", "expedited", "--no-scan", **grant)
    assert done.returncode == 0, done.stderr
    assert "Fulfillment Outbound 2020-07-01 is spoken" in done.stdout
    assert "bridge settings set SHOP --store" in done.stdout
    for value in grant.values():
        assert value not in done.stdout + done.stderr


def _settled(asked: Run, order: str) -> Any:
    done = asked("orders", "show", order, "--json")
    found = json.loads(done.stdout) if done.returncode == 0 else None
    return found if found and found["state"] == "settled" and found["store_number"] else None


def _until(look: Callable[[], Any], seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
    raise AssertionError(f"not so after {seconds} s (process {os.getpid()})")
