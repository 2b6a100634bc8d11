"""A house in which somebody has lived: something of each noun, the core's own actions, and remotes that only answer
from this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.bootstrap import PLATFORMS
from bridge.domain.attention import AttentionKind
from bridge.domain.money_proof import MoneyProof, ProofState
from bridge.domain.outcomes import RemoteProblem, Retry
from bridge.ports import Channel, Store
from bridge.storage import api_tokens, attention, audit, changelog, drifts, history, jobs, ledger, money_proofs, orders
from bridge.storage.api_tokens import ApiToken, Scope
from bridge.storage.connections import Connections
from bridge.storage.engine import Database
from bridge.storage.exports import BOOKS
from bridge.storage.secrets import Vault, generate_key
from bridge.storage.users import Role
from bridge.sync.desk import Desk, SyncSettings
from bridge.sync.people import Actions
from bridge.sync.restoring import RestoreChecks
from bridge.web.users import add_user
from tests.integration.web.fakes import FakeClock, FakeGateways, FakeStore
from tests.integration.web.house import House, opened

UNIT = {"unit_id": "1", "seller_sku": "A", "name": "Shirt", "price": "9.99", "channel": "living", "store": "refunded"}
REQUEST = {"cancellation": "c1", "units": ["1"], "shipped": "no", "respond_by": "2026-06-01T10:00:00+00:00"}
THEN = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)


class QuietStore(FakeStore):
    """Answers that it knows no order, and has no list that could be swept."""

    streams = ()

    async def find_orders(self, channel_order_id: str, numbers: Sequence[str]) -> list[Any]:
        return []

    async def read_order(self, store_order_id: str) -> None:
        return None


class QuietGateways(FakeGateways):
    async def channel(self, shop_id: str) -> Channel:
        raise RemoteProblem(Retry("TikTok Shop did not answer"))

    async def store(self, connection_id: str) -> Store:
        return QuietStore("1.0.26")  # type: ignore[return-value] # nothing else of it is asked


@dataclass(frozen=True)
class LivedIn:
    house: House
    ids: Mapping[str, Sequence[str]]
    """By the name of the path parameter: ids of what is there."""
    tokens: Mapping[Scope, str]
    """A token of each scope alone."""


@asynccontextmanager
async def lived_in(db: Database) -> AsyncIterator[LivedIn]:
    connections, gateways = Connections(Vault([generate_key()])), QuietGateways()
    core = Desk(
        db=db,
        connections=connections,
        gateways=gateways,
        clock=FakeClock(),
        settings=SyncSettings(),
        owner="the house",
        wake=lambda: None,
        platforms=PLATFORMS,
    )
    actions = Actions(core)
    more = {"connections": connections, "gateways": gateways, "actions": actions}
    async with opened(db, **more, restore_checks=RestoreChecks(core)) as house:
        try:
            yield await _furnished(house)
        finally:
            await actions.close()


async def _token(conn: AsyncConnection, *, name: str, scope: Scope) -> tuple[ApiToken, str]:
    return await api_tokens.make(conn, name, frozenset({scope}), "the test")


async def _furnished(house: House) -> LivedIn:
    shop_id, store_id = await house.tied_shop()
    channel_id = (await house.shop(shop_id)).connection_id
    empty = await house.connect_magento(url="https://empty.test", name="Nothing on it")
    target = await house.ask("POST", "/api/v1/alert-targets", json={"kind": "webhook", "address": "https://a.test"})
    user = await add_user(house.db, "anna", "a sentence to remember", Role.MANAGER, "the test")

    async def write(conn: AsyncConnection) -> dict[str, list[str]]:
        order = await orders.ensure(conn, shop_id, "576")
        other = await orders.ensure(conn, shop_id, "577")
        await orders.update(
            conn,
            order.id,
            state="held",
            because="A buyer asks to cancel",
            store_connection_id=store_id,
            store_order_id="42",
            store_number="TT-576",
            reading={"units": [UNIT], "channel": {"status": "AWAITING_SHIPMENT"}},
        )
        claim = await ledger.open_claim(
            conn, order_id=order.id, side="channel", kind="cancel", units=["1"], token="t", attempt=1, payload={}
        )
        await ledger.done(conn, claim.id, "c9", "cancelled")
        await changelog.write(conn, order.id, "done", "The store refunded every unit.", {"cancel_id": "c9"})
        for kind, scope in (
            (AttentionKind.BUYER_REQUEST, {"order_id": order.id}),
            (AttentionKind.PARTIAL_REFUND, {"order_id": order.id}),
            (AttentionKind.UNKNOWN_SKU, {"order_id": other.id}),
            (AttentionKind.BRAKE, {"shop_id": shop_id}),
            (AttentionKind.CONNECTION, {"connection_id": store_id}),
        ):
            await attention.raise_item(
                conn,
                kind=kind.value,
                fingerprint="f",
                title="A question",
                because="so it is",
                what_to_do="look",
                facts={"requests": [REQUEST], "skus": ["A"]},
                deadline_at=THEN if kind is AttentionKind.BUYER_REQUEST else None,
                **scope,
            )
        proof = MoneyProof(ProofState.EQUAL, "USD", Decimal("9.99"), Decimal("9.99"), Decimal(0), (), "equal")
        await money_proofs.put(conn, order.id, shop_id, proof)
        await drifts.found(
            conn,
            order_id=order.id,
            shop_id=shop_id,
            side="store",
            connection_id=store_id,
            effect="cancel",
            found_by="sweep",
            because="nobody told",
            changed_at=THEN,
            now=THEN,
        )
        job = await jobs.create(conn, "history", state="done", progress={"shop": shop_id, "days": 30})
        await history.add(
            conn,
            job_id=job.id,
            shop_id=shop_id,
            channel_order_id="576",
            store_order_id="42",
            store_number="TT-576",
            effect="cancel",
            verdict="act",
            because="The store refunded every unit.",
            facts={"units": ["1"]},
        )
        await audit.write(conn, "the test", f"shop {shop_id}", None, {"a": 1})
        items = [item.id for item in (await attention.search(conn, limit=50))[0]]
        return {"order": [order.id, other.id, "576"], "item": items, "job": [job.id]}

    ids = await house.db.write(write)
    tokens: dict[Scope, str] = {}
    token_ids: list[str] = []
    for scope in Scope:
        made, text = await house.db.write(partial(_token, name=f"only {scope}", scope=scope))
        tokens[scope] = text
        token_ids.append(made.id)
    spare, _ = await house.db.write(partial(_token, name="spare", scope=Scope.READ))
    return LivedIn(
        house,
        ids
        | {
            "connection": [store_id, channel_id, empty["id"]],
            "shop": [shop_id],
            "target": [target.json["id"]],
            "user": [user.id, "anna"],
            "token": [spare.id, *token_ids],
            "book": list(BOOKS),
            "kind": ["magento", "shopify", "woocommerce"],
            "app_key": ["app1"],
            "event": ["order-status-change"],
        },
        tokens,
    )
