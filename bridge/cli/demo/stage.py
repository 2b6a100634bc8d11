"""The demo's stage: two sandbox shops and the service, each a process, connected through the service's API."""

from __future__ import annotations

import contextlib
import json
import os
import random
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from bridge.cli.api import Api, ApiProblem, NoService, segment, send
from bridge.cli.failing import Failed
from bridge.cli.processes import Child

T = TypeVar("T")
JsonObject = dict[str, Any]

REASON = "seller_cancel_reason_out_of_stock"
MARKET = "US"
READY_SECONDS = 20.0
POLL_SECONDS = 0.05
PORTS = (20_000, 32_000)
SHORT_TIMES: Mapping[str, str] = {
    # A merchant's service waits minutes where a story can wait a moment.
    "BRIDGE_QUIET_PERIOD": "1",
    "BRIDGE_SWEEP_INTERVAL": "3",
    "BRIDGE_ALLOW_PRIVATE_URLS": "true",
}


@dataclass(frozen=True, slots=True)
class Sandbox:
    """One sandbox shop, through its control routes."""

    url: str

    def control(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Content-Type": "application/json"}
        status, text = send(self.url, method, f"/_control/{path}", headers, None if body is None else json.dumps(body))
        if status >= 400:
            raise Failed(f"the sandbox at {self.url} refused {method} {path}: {status} {text}")
        return json.loads(text)


@dataclass
class Stage:
    folder: Path
    port: int
    tiktok: Sandbox
    magento: Sandbox
    channel_shop: str
    """TikTok Shop's id of the demo's shop."""
    shop: str = ""
    """The bridge's id of it."""
    store: str = ""
    """The bridge's id of the Magento connection."""
    shops: list[Child] = field(default_factory=list)
    others: dict[str, Child] = field(default_factory=dict)
    """Further sandboxes, by name."""
    elsewhere: dict[str, str] = field(default_factory=dict)
    """Where those are that the story came by, by name."""
    service: Child | None = None
    password: str = field(default_factory=lambda: "-".join(secrets.token_hex(2) for _ in range(4)))
    """Signs `admin` in to the pages while the demo is up."""

    @classmethod
    @contextlib.contextmanager
    def open(cls, folder: Path, port: int, more: Mapping[str, str]) -> Iterator[Stage]:
        """Everything up, TikTok Shop and Magento connected; everything is stopped at the end, by its process id.

        `more`: names and modules of further sandboxes.
        """
        with contextlib.ExitStack() as stack:
            tiktok = Child("the TikTok Shop sandbox", ["bridge.sandbox.tiktok"], folder / "tiktok.log", environment())
            stack.callback(tiktok.stop)
            magento = Child("the Magento sandbox", ["bridge.sandbox.magento"], folder / "magento.log", environment())
            stack.callback(magento.stop)
            ready = tiktok.first_line()
            channel_shop = next(shop["id"] for shop in ready["shops"] if shop["region"] == MARKET)
            stage = cls(
                folder,
                port or free_port(),
                Sandbox(ready["url"]),
                Sandbox(magento.first_line()["url"].rstrip("/")),
                channel_shop,
                shops=[tiktok, magento],
            )
            stack.callback(stage.stop_service)
            stage.start_service()
            stage._connect(ready)
            # Only now: they load while the first steps wait, and nobody waits for them.
            for name, module in more.items():
                child = Child(f"the {name} sandbox", [module], folder / f"{name.lower()}.log", environment())
                stack.callback(child.stop)
                stage.others[name] = child
                stage.shops.append(child)
            yield stage

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def token_file(self) -> Path:
        return self.data / "api-token"

    @property
    def api(self) -> Api:
        return Api(self.url, self.token_file.read_text().strip(), str(self.token_file))

    @property
    def children(self) -> list[Child]:
        return [*self.shops, *([self.service] if self.service else [])]

    # --- the service ------------------------------------------------------------------------------------------------

    def start_service(self, **more: str) -> float:
        """Start it and wait for its first answer; the seconds that took."""
        own = {
            **SHORT_TIMES,
            "BRIDGE_PORT": str(self.port),
            "BRIDGE_PUBLIC_URL": self.url,
            "BRIDGE_DATA_DIR": str(self.data),
            "BRIDGE_ADMIN_PASSWORD": self.password,
            **more,
        }
        began = time.monotonic()
        service = Child("the service", ["bridge", "serve"], self.folder / "service.log", environment(own))
        self.service = service

        def answers() -> bool:
            if service.code is not None:
                raise Failed(f"the service ended with {service.code}:\n{service.tail()}")
            # Its own word first: somebody else's service may have taken the port meanwhile.
            if f"listening on {self.url}" not in service.said():
                return False
            try:
                return send(self.url, "GET", "/healthz", {}, None)[0] == 200
            except NoService:
                return False

        self.until(answers, "the service answers", READY_SECONDS)
        return time.monotonic() - began

    def stop_service(self) -> None:
        if self.service is not None:
            self.service.stop()
            self.service = None

    def enter(self, name: str) -> tuple[Sandbox, Mapping[str, Any]]:
        """A further sandbox once it is up, and what its first line said."""
        ready: Mapping[str, Any] = self.others[name].first_line()
        self.elsewhere[name] = str(ready["url"]).rstrip("/")
        return Sandbox(self.elsewhere[name]), ready

    # --- connecting -------------------------------------------------------------------------------------------------

    def _connect(self, ready: Mapping[str, Any]) -> None:
        """Both shops through the API, tied, as `bridge connect` and `bridge settings` do it."""
        made = self.magento.control("POST", "integrations", {"name": "Bridge"})
        wanted = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
        credentials = {name: made[name] for name in wanted}
        body: JsonObject = {"kind": "magento", "name": "Store", "url": self.magento.url, "credentials": credentials}
        self.store = self.api.post("/api/v1/connections", body)["id"]
        wanted = ("app_key", "app_secret", "access_token", "refresh_token")
        credentials = {name: ready[name] for name in wanted}
        body = {"kind": "tiktok", "name": "TikTok Shop", "url": self.tiktok.url, "auth_url": self.tiktok.url}
        found = self.api.post("/api/v1/connections", {**body, "credentials": credentials})["shops"]
        self.shop = next(shop["id"] for shop in found if shop["channel_shop_id"] == self.channel_shop)
        self.tie(self.store)

    def tie(self, connection: str, *, one_way: bool = False) -> None:
        """The shop's next orders are made there, and both directions on where there are two."""
        self.api.put(f"/api/v1/shops/{segment(self.shop)}", {"store": {"connection": connection}, "hold_minutes": 0})
        if one_way:
            return
        directions = {
            "store_to_channel": {"enabled": True, "default_reason": REASON},
            "channel_to_store": {"enabled": True, "restock": True},
        }
        self.api.put(f"/api/v1/shops/{segment(self.shop)}/cancellation-sync", directions)

    def doctor(self) -> JsonObject:
        """Have the service read the store's plugin anew."""
        found: JsonObject = self.api.post(f"/api/v1/connections/{segment(self.store)}/doctor")
        return found

    # --- looking ----------------------------------------------------------------------------------------------------

    def order(self, order_id: str) -> JsonObject | None:
        """The bridge's order; None while it is not known."""
        try:
            found: JsonObject = self.api.get(f"/api/v1/orders/{segment(order_id)}")
        except ApiProblem as problem:
            if problem.status == 404:
                return None
            raise
        return found

    def store_order(self, order_id: str) -> JsonObject:
        """The Magento order of a TikTok order. Raises `Failed` unless there is exactly one."""
        found = [one for one in self.magento.control("GET", "state")["orders"] if one["ext_order_id"] == order_id]
        if len(found) != 1:
            raise Failed(f"Magento has {len(found)} orders for TikTok order {order_id}, not one")
        return dict(found[0])

    def channel_order(self, order_id: str) -> JsonObject:
        return dict(self.tiktok.control("GET", f"orders/{order_id}"))

    def salable(self, sku: str) -> float:
        return float(self.magento.control("GET", f"stock/{sku}")["salable"])

    def until(self, look: Callable[[], T], what: str, seconds: float = 15.0) -> T:
        """Ask until it is so. Raises `Failed`."""
        end = time.monotonic() + seconds
        while True:
            found = look()
            if found:
                return found
            if time.monotonic() > end:
                raise Failed(f"waited {seconds:g} s in vain until {what}")
            time.sleep(POLL_SECONDS)


def environment(own: Mapping[str, str] = {}) -> dict[str, str]:
    """Ours without anybody's settings for a real service, and with the demo's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")}
    return {**kept, **own}


def free_port() -> int:
    """Below the range that the system gives to outgoing connections: the service comes back to it after a restart."""
    while True:
        port = random.randrange(*PORTS)  # noqa: S311 -- no secret hangs on it
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
