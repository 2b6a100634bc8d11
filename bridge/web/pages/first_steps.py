"""From nothing to a shop in sync: four steps, and which of them are done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.storage.connections import Connection
from bridge.storage.shops import Shop
from bridge.web.desk import WebDesk
from bridge.web.pages.cancellation_sync import PATH as SYNC
from bridge.web.states import State


@dataclass(frozen=True, slots=True)
class Step:
    title: str
    text: str
    path: str
    words: str
    """Of the link to where it is done."""
    is_done: bool


def first_steps(desk: WebDesk, connections: Sequence[Connection] = (), of_all: Sequence[Shop] = ()) -> list[Step]:
    """Empty when everything was done once."""
    working = [one for one in connections if one.state != State.ANNOUNCED and one.kind in desk.platforms]
    stores = {one.id: desk.platforms[one.kind] for one in working if desk.platforms[one.kind].side == "store"}
    tied = [shop for shop in of_all if shop.settings.store is not None and shop.settings.store.connection in stores]
    channels = [one for one in desk.platforms.values() if one.side == "channel"]
    selling = " or ".join(one.name for one in channels)
    add = f"/connections/new/{channels[0].kind}" if len(channels) == 1 else "/connections/new"
    is_on = any(
        shop.settings.cancellation_sync.store_to_channel.enabled
        or stores[shop.settings.store.connection if shop.settings.store else ""].one_way
        for shop in tied
    )
    steps = [
        Step(
            f"Add {selling}",
            "Where you sell. The seller authorizes it in a browser.",
            add,
            f"Add {selling}",
            len(working) > len(stores),
        ),
        Step(
            "Add your store",
            "What makes the orders and gives back the money, or who sends the parcels.",
            "/connections/new",
            "Add your store",
            bool(stores),
        ),
        Step(
            "Tie the shop to the store",
            "Begin with dry run: everything is looked at and written down, nothing is done.",
            SYNC,
            "Open Channel settings",
            bool(tied),
        ),
        Step(
            "Switch on cancellation sync",
            "What is cancelled on one side is then cancelled on the other.",
            SYNC,
            "Open Cancellation sync",
            is_on,
        ),
    ]
    return [] if all(one.is_done for one in steps) else steps
