"""How a connection stands, for people: what it waits for, what does not happen meanwhile, and what is next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.ports import Platform
from bridge.storage import shops
from bridge.storage.connections import Connection
from bridge.storage.shops import Shop
from bridge.web.api.models import ConnectionOut
from bridge.web.desk import WebDesk
from bridge.web.oauth_magento import addresses_of
from bridge.web.pages.cancellation_sync import PATH as SYNC
from bridge.web.states import State


@dataclass(frozen=True, slots=True)
class Link:
    path: str
    words: str
    text: str = ""
    """What is said beside it."""


@dataclass(frozen=True, slots=True)
class Standing:
    activate: tuple[str, ...] = ()
    """Steps in the store's admin, where the store connects itself."""
    pasted: tuple[tuple[str, str], ...] = ()
    """Words and address, to be pasted there."""
    authorizes: bool = False
    """A seller authorizes it in a browser."""
    meanwhile: tuple[str, ...] = ()
    """What does not happen until it is authorized again."""
    again: str = ""
    """How that is done."""
    next: tuple[Link, ...] = field(default=())


async def standing_of(desk: WebDesk, one: ConnectionOut, connection: Connection, base: str) -> Standing:
    platform = desk.platforms.get(one.kind)
    if platform is None:
        return Standing()

    async def read(conn: AsyncConnection) -> tuple[list[Shop], list[Connection]]:
        return await shops.all(conn), await desk.connections.all(conn)

    of_all, others = await desk.db.read(read)
    itself = one.kind in desk.handshakes
    return Standing(
        activate=platform.asks.activate if itself else (),
        pasted=_pasted(connection, base) if itself else (),
        authorizes=one.kind in desk.authorizations,
        meanwhile=_meanwhile(platform, one) if one.state == State.REAUTH else (),
        again=platform.asks.again,
        next=tuple(_next(desk.platforms, platform, one, of_all, others)) if one.state == State.CONNECTED else (),
    )


def _pasted(connection: Connection, base: str) -> tuple[tuple[str, str], ...]:
    found = addresses_of(connection, base)
    words = {"callback_url": "Callback URL", "identity_url": "Identity link URL"}
    return tuple((words.get(name, name), address) for name, address in found.items())


def _meanwhile(platform: Platform, one: ConnectionOut) -> tuple[str, ...]:
    if platform.side == "channel":
        return (
            f"New orders of {platform.name} are not created in the store.",
            f"Refunds in the store do not cancel on {platform.name}; cancellations there are not booked in the store.",
            (
                "Buyers' requests are not answered, while their deadlines run: answer those that cannot wait in "
                f"{platform.name}'s own admin."
            ),
        )
    found = (
        f"Nothing is created, cancelled or refunded in {one.name}, and no stock is put back.",
        "Cancelled orders may be sent all the same: look before goods leave the house.",
    )
    return (
        found if platform.one_way else (*found, f"What is refunded in {one.name} is not cancelled where it was sold.")
    )


def _next(
    platforms: Mapping[str, Platform],
    platform: Platform,
    one: ConnectionOut,
    of_all: Sequence[Shop],
    others: Sequence[Connection],
) -> list[Link]:
    """What ties a shop to a store, or the other half that is missing."""
    if platform.side == "channel":
        stores = [each for each in others if _side(platforms, each.kind) == "store" and each.state != State.ANNOUNCED]
        untied = [shop for shop in of_all if shop.connection_id == one.id and shop.settings.store is None]
        if untied and not stores:
            return [Link("/connections/new", "Add the store", "Its orders need a store that takes them.")]
        return [_tie(shop, "its orders go to no store yet") for shop in untied]
    if not of_all:
        return [Link("/connections/new", "Add the shop whose orders it takes", "Nothing is sold through it yet.")]
    if any(shop.settings.store is not None and shop.settings.store.connection == one.id for shop in of_all):
        return []
    return [_tie(shop, "") for shop in of_all if shop.settings.store is None]


def _tie(shop: Shop, text: str) -> Link:
    name = shop.name or shop.channel_shop_id
    return Link(f"{SYNC}/{shop.id}", f"Choose the store of {name}", text)


def _side(platforms: Mapping[str, Platform], kind: str) -> str:
    return platforms[kind].side if kind in platforms else ""
