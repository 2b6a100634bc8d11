"""A year of several busy shops, as rows: what the pages are measured on.

Orders come through the whole year, their entries and attempts within hours of each; ids sort by time as real ones do.
One in twenty is cancelled, three in a hundred never reached the store, some wait, two thousand wait for a person.
"""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

DAY: Final = 86_400_000
SPAN: Final = 365 * DAY
OPEN_ITEMS: Final = 2_000
LONG_STORY, LONGEST_STORY = 400, 500
"""Entries of two orders, the newest but one and the newest."""
MANY_UNITS: Final = 200
"""Of the newest."""
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS: Final = ["".join(pair) for pair in itertools.product(_ALPHABET, repeat=2)]

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "orders": (
        *("id", "shop_id", "channel_order_id", "state", "because", "store_connection_id", "store_view"),
        *("store_order_id", "store_number", "plan", "create_sent_at", "origin", "reserved", "reserved_because"),
        *("repair_tried", "row_ids", "forced", "reading", "channel_created_at", "settled_at", "waiting_since"),
        *("waits_for", "swept_at", "created_at", "updated_at"),
    ),
    "changelog": ("id", "order_id", "at", "event", "because", "facts"),
    "ledger": (
        *("id", "order_id", "shop_id", "side", "kind", "units", "units_key", "attempt", "token", "state", "payload"),
        *("claimed_at", "acted_at", "ended_at", "reference", "because"),
    ),
    "inbox": (
        *("id", "connection_id", "topic", "subject", "note", "work_key", "generation", "noted_generation"),
        *("first_at", "last_at"),
    ),
    "attention": (
        *("id", "scope", "kind", "order_id", "shop_id", "connection_id", "fingerprint", "title", "because"),
        *("what_to_do", "facts", "state", "note", "deadline_at", "opened_at", "episode", "created_at", "updated_at"),
    ),
    "drifts": (
        *("id", "order_id", "shop_id", "side", "connection_id", "effect", "found_by", "because", "changed_at"),
        *("found_at", "healed_at"),
    ),
    "money_proofs": (
        *("order_id", "shop_id", "state", "currency", "channel_amount", "store_amount", "difference", "lines"),
        *("because", "updated_at"),
    ),
    "audit": ("id", "at", "who", "what", "value_before", "value_after"),
}


@dataclass(frozen=True, slots=True)
class Tied:
    """A shop, its connection, and the store that takes its orders."""

    shop: str
    connection: str
    store: str


def channel_order_id(number: int) -> str:
    """Of the order with this number."""
    return str(576_000_000_000_000_000 + number * 7_919)


def store_number(number: int) -> str:
    return f"TT-{channel_order_id(number)}"


def _id(prefix: str, at: int, number: int) -> str:
    """As `new_id` spells it, with a number where that has chance."""
    place = [(at >> shift) & 1023 for shift in (40, 30, 20, 10, 0)]
    return f"{prefix}_{''.join(_PAIRS[one] for one in place)}{number:016d}"


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


_SKUS: Final = [
    (f"SKU-{number:04d}-{size}", f"Cotton shirt no. {number}, {size}, colour as pictured", f"{9 + number % 40}.99")
    for number in range(200)
    for size in ("S", "M", "L")
]
_ATTENTION: Final = (
    ("unknown_sku", "A SKU is unknown in the store", "The store has no SKU %s.", False),
    ("partial_refund", "The store refunded a part of an order", "1 of 2 units is refunded: %s.", False),
    ("buyer_request", "A buyer asks to cancel", "The buyer asks to cancel %s.", True),
    ("cannot_refund", "The store does not allow the refund", "The invoice of %s is not paid.", False),
    ("no_reason", "None of the listed reasons is valid", "TikTok takes none of the listed reasons for %s.", False),
)
_STORY: Final = (
    ("arrived", "TikTok Shop told of the order.", {"topic": "ORDER_STATUS_CHANGE"}),
    ("created", "The store order was made.", {"effect": "create", "attempt": 1}),
    ("imported", "The store order is invoiced.", {"effect": "invoice"}),
    ("read", "Both sides were read.", {"channel": "AWAITING_SHIPMENT", "store": "processing"}),
    ("settled", "Both sides agree, unit by unit; there is nothing to do.", {"equal": True}),
)


class Crowd:
    """Rows of `orders` orders, table by table, up to now: the same each time, but for the times."""

    def __init__(self, shops: list[Tied], orders: int, now: int | None = None) -> None:
        self.shops = shops
        self.orders = orders
        self.now = now or int(time.time() * 1000)
        self._chance = random.Random(7)
        self._numbers = itertools.count(1)
        self._every_open = max(1, orders // OPEN_ITEMS)

    def chunks(self, size: int = 20_000) -> Iterator[dict[str, list[tuple[Any, ...]]]]:
        """Table → rows, in the order of `COLUMNS`."""
        for begin in range(0, self.orders, size):
            rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in COLUMNS}
            for number in range(begin, min(begin + size, self.orders)):
                self._order(rows, number)
            yield rows

    def time_of(self, number: int) -> int:
        """The last order came a minute ago."""
        return self.now - 60_000 - (self.orders - 1 - number) * (SPAN // self.orders)

    def order_id(self, number: int) -> str:
        return _id("ord", self.time_of(number), number)

    def _next(self, prefix: str, at: int) -> str:
        return _id(prefix, at, next(self._numbers))

    def _order(self, rows: dict[str, list[tuple[Any, ...]]], number: int) -> None:
        at, chance = self.time_of(number), self._chance.random()
        tied = self.shops[number % len(self.shops)]
        order, sale = self.order_id(number), channel_order_id(number)
        is_held = number % self._every_open == 0
        is_cancelled, is_foreign = chance < 0.05, 0.05 <= chance < 0.08
        state = "held" if is_held else "not_imported" if is_foreign else "waiting" if chance > 0.9997 else "settled"
        pieces = self._units(number, is_cancelled=is_cancelled)
        store_id = None if is_foreign else str(1_000_000 + number)
        ended = min(at + 3_600_000, self.now)
        reading = _json(
            {
                "read_at": "2026-05-04T10:11:12.123456+00:00",
                "channel": {"status": "CANCELLED" if is_cancelled else "COMPLETED", "total": "29.97"}
                | {"updated_at": "2026-05-04T10:11:12+00:00", "cancellations_updated_at": None, "cancellations": []},
                "store": {"number": store_number(number), "state": "processing", "view": "en", "total": "29.97"}
                | {"refunded": "0.00", "updated_at": "2026-05-04T10:11:12+00:00", "memos": []},
                "units": pieces,
            }
        )
        plan = self._plan(number, pieces, has_body=self.now - at < 180 * DAY)
        rows["orders"].append(
            (
                *(order, tied.shop, sale, state, "Both sides agree." if state == "settled" else "It waits."),
                *(tied.store, "en", store_id, None if is_foreign else store_number(number), plan, at + 2_000),
                *("created", "yes", "", 0, _json({"1": store_id}), "{}", reading, at, ended),
                *(ended if state == "waiting" else None, "pending" if state == "waiting" else None, ended, at, ended),
            )
        )
        self._attempts(rows, order, tied, at, pieces, is_cancelled=is_cancelled, is_foreign=is_foreign)
        self._story(rows, order, number, at)
        if self.now - at < 30 * DAY:
            self._arrivals(rows, tied, sale, at)
        if is_held or number % 33 == 1:
            self._question(rows, order, tied, sale, at, is_open=is_held)
        if number % 500 == 3:
            self._others(rows, order, tied, at)

    def _units(self, number: int, *, is_cancelled: bool) -> list[dict[str, str]]:
        count = MANY_UNITS if number == self.orders - 1 else 1 + number % 3
        told = []
        for place in range(count):
            sku, name, price = _SKUS[(number + place) % len(_SKUS)]
            side = "cancelled" if is_cancelled else "living"
            told.append(
                {"unit_id": f"{number:015d}{place:03d}", "seller_sku": sku, "name": name, "price": price}
                | {"channel": side, "store": "refunded" if is_cancelled else "living", "because": ""}
            )
        return told

    @staticmethod
    def _plan(number: int, pieces: list[dict[str, str]], *, has_body: bool) -> str:
        return _json(
            {
                "number": store_number(number),
                "view": "en",
                "body": "x" * 600 if has_body else "",
                "rows": [[f"r{n}", one["seller_sku"], one["price"], 1] for n, one in enumerate(pieces)],
                "unit_map": {one["unit_id"]: [[f"r{n}", 1]] for n, one in enumerate(pieces)},
                "total": "29.97",
                "currency": "USD",
                "salable_before": None,
                "notes": [],
            }
        )

    def _attempts(
        self,
        rows: dict[str, list[tuple[Any, ...]]],
        order: str,
        tied: Tied,
        at: int,
        pieces: list[dict[str, str]],
        *,
        is_cancelled: bool,
        is_foreign: bool,
    ) -> None:
        units = _json([one["unit_id"] for one in pieces])
        asked: list[tuple[str, str, str, int]] = []
        if not is_foreign:
            asked.append(("store", "create", "done", at + 2_000))
        if is_cancelled:
            side, kind = ("store", "refund") if self._chance.random() < 0.6 else ("channel", "cancel")
            later = min(at + int(self._chance.random() * 5 * DAY), self.now - 30_000)
            if self._chance.random() < 0.05:
                asked.append((side, kind, "void", later - 1_000))
            asked.append((side, kind, "done", later))
        for place, (side, kind, state, claimed) in enumerate(asked, 1):
            ended = claimed + int(self._chance.expovariate(1 / 4_000)) + 300
            token = f"{next(self._numbers):064x}"
            rows["ledger"].append(
                (
                    *(self._next("clm", claimed), order, tied.shop, side, kind, units, token, place, token, state),
                    *('{"order":"1","total":"29.97","lines":[]}', claimed, claimed + 80, ended, "1000123", ""),
                )
            )

    def _story(self, rows: dict[str, list[tuple[Any, ...]]], order: str, number: int, at: int) -> None:
        left = self.orders - 1 - number
        length = {0: LONGEST_STORY, 1: LONG_STORY}.get(left, len(_STORY))
        for place in range(length):
            event, because, facts = _STORY[place % len(_STORY)]
            then = min(at + place * 40_000 // max(1, length // 100), self.now)
            rows["changelog"].append(
                (self._next("log", then), order, then, event, because, _json(facts | {"step": place}))
            )

    def _arrivals(self, rows: dict[str, list[tuple[Any, ...]]], tied: Tied, sale: str, at: int) -> None:
        for place, (connection, topic) in enumerate(
            [(tied.connection, "order-status-change")] * 3 + [(tied.store, "orders/update")] * 2
        ):
            then = min(at + place * 60_000, self.now)
            rows["inbox"].append(
                (
                    *(f"{next(self._numbers):064x}", connection, topic, sale, "AWAITING_SHIPMENT"),
                    *(f"order:{tied.shop}:{sale}", 1, 1, then, then),
                )
            )

    def _question(
        self, rows: dict[str, list[tuple[Any, ...]]], order: str, tied: Tied, sale: str, at: int, *, is_open: bool
    ) -> None:
        kind, title, because, has_deadline = _ATTENTION[next(self._numbers) % len(_ATTENTION)]
        deadline = self.now + int(self._chance.random() * 2 * DAY) if has_deadline else None
        item = self._next("att", at)
        rows["attention"].append(
            (
                *(item, f"order:{order}", kind, order, tied.shop, tied.connection, item[-16:], title, because % sale),
                *("Look at both sides, then settle the order.", _json({"order": sale, "units": ["1"]})),
                *("open" if is_open else "closed", "", deadline, at, 1, at, at),
            )
        )

    def _others(self, rows: dict[str, list[tuple[Any, ...]]], order: str, tied: Tied, at: int) -> None:
        rows["drifts"].append(
            (
                *(self._next("drf", at), order, tied.shop, "store", tied.store, "cancel", "sweep"),
                *("A credit memo was made and nothing told of it.", at, min(at + 300_000, self.now), self.now),
            )
        )
        rows["money_proofs"].append((order, tied.shop, "equal", "USD", "29.97", "29.97", "0.00", "[]", "Equal.", at))
        rows["audit"].append(
            (
                *(self._next("aud", at), at, "user admin", f"shop {tied.shop} cancellation_sync"),
                *('{"restock":false,"enabled":true}', '{"restock":true,"enabled":true}'),
            )
        )
