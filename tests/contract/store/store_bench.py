"""What the suite for stores (`test_every_store.py`) asks of a platform: one bench for each.

A bench opens one store of its platform on that platform's sandbox and says how things are arranged there. Whatever the
suite judges it asks through `bridge.ports`. To add a platform: subclass `BoxBench` in `KIND_bench.py`, write an async
context manager that yields one on a fresh sandbox with 100 units at 50 of each of two SKUs, and name it in `BENCHES`
(`benches.py`). Fill in:

- the fields: address, credentials as stored, connector, door (None where nothing is delivered), open store, SKUs;
- `faults`: which call of the sandbox is meant by `create`, `refund` (whole), `part` and `read`, as the fields of its
  `POST /_control/faults` (`method`, `path`, `containing`); without `part` where there are no partial refunds;
- `unheard`: patterns in its answers about a living order, each with a word no version ever had in its place; the app is
  served through `rewords.around`;
- `again`: the same store through another client that remembers nothing;
- `wrong`: credentials as a person gives them that are not accepted; `secrets`: everything that must be seen nowhere;
- `revoke`: the store accepts our credentials no more, renewed or not;
- `made`: how many orders the sandbox holds;
- `take_back`: a person in the store refunds or cancels all of an order, without our mark;
- `short_pages`: a sweep's pages hold only so many rows meanwhile;
- `wake_deliveries` where the bench holds them back, `is_greeting` where a sender tries the address first;
- `restock_is_chosen = False` where units always go back to stock.

What a platform cannot do at all it says in its capabilities, and the suite then asks for the clear refusal.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.domain.channel_order import ChannelOrder
from bridge.domain.outcomes import AlreadyDone, Done, Outcome
from bridge.domain.plans import OrderPlan, RefundRequest
from bridge.domain.settings import ShopSettings, Tie
from bridge.domain.store_order import StoreOrder
from bridge.domain.tokens import mark
from bridge.ports import Connector, Door, Platform, Store
from tests.support.letterbox import Delivery
from tests.unit.magento.orders import Line, order_of

TOKEN = "0123456789abcdef"
SECONDS = 10.0
_RUN = itertools.count(int(time.time()) * 1000)


@dataclass(kw_only=True)
class StoreBench:
    """A store of the platform, on its sandbox or a real one."""

    platform: ClassVar[Platform]
    restock_is_chosen: ClassVar[bool] = True
    """False: units go back to stock whatever is asked."""

    url: str
    session: aiohttp.ClientSession
    credentials: dict[str, Any]
    store: Store
    sku: str
    other_sku: str = ""
    currency: str = "USD"
    view: str = ""
    settings: ShopSettings = field(default_factory=lambda: ShopSettings(store=Tie(connection="c1")))

    def order(self, *lines: Line, order_id: str = "", **amounts: Any) -> ChannelOrder:
        """A channel order of a number that this store has never seen."""
        number = order_id or f"5764{next(_RUN):014d}"
        return order_of(lines or [self.line("50"), self.line("50")], order_id=number, currency=self.currency, **amounts)

    def line(self, price: str, seller: str = "0", tax: str = "0", *, sku: str = "") -> Line:
        return Line(sku or self.sku, Decimal(price), Decimal(seller), Decimal(0), Decimal(tax))

    async def plan(self, order: ChannelOrder, sku_map: Mapping[str, str] | None = None) -> OrderPlan:
        found = await self.store.plan_order(order, self.settings, sku_map or {})
        assert isinstance(found, OrderPlan), found
        return found

    async def create(self, order: ChannelOrder | None = None, *, invoice: bool = True) -> StoreOrder:
        """An order of ours, paid as the platform knows it."""
        made = await self.store.create_order(await self.plan(order or self.order(shipping="5")))
        assert isinstance(made, Done), made
        if invoice:
            assert isinstance(await self.store.invoice_order(made.reference, reserve=False), Done | AlreadyDone)
        return await self.read(made.reference)

    async def read(self, order_id: str) -> StoreOrder:
        found = await self.store.read_order(order_id)
        assert found is not None
        return found

    async def stock(self, sku: str = "") -> Decimal | None:
        """None where the store does not tell."""
        told = await self.store.salable(self.view, [sku or self.sku])
        return None if told is None else told[sku or self.sku]

    async def shown(self, order: StoreOrder, outcome: Outcome, quantities: Mapping[str, int]) -> StoreOrder:
        """The order once these units are gone from it beside those that were; the store may work on that for a while.

        Asserts that it says so meanwhile.
        """
        reference = outcome.reference if isinstance(outcome, Done) else ""
        wanted = {row.id: row.gone + quantities.get(row.id, 0) for row in order.rows}
        async with asyncio.timeout(SECONDS):
            while True:
                read = await self.read(order.id)
                if {row.id: row.gone for row in read.rows} == wanted:
                    return read
                step = await self.store.progress(order.id, reference)
                assert step is None or step.state == "working", step
                await asyncio.sleep(0.02)


class Rewords:
    """Changes words in what a sandbox answers, as a newer version of the vendor's might."""

    def __init__(self) -> None:
        self.words: Mapping[str, str] = {}
        """Patterns, and what stands in their place."""
        self.changed = 0

    def around(self, app: web.Application) -> web.Application:
        app.middlewares.append(self._reword)
        return app

    @web.middleware
    async def _reword(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        if isinstance(answer, web.Response) and isinstance(answer.body, bytes) and "/_control/" not in request.path:
            text = answer.body.decode()
            for pattern, word in self.words.items():
                text, count = re.subn(pattern, word, text)
                self.changed += count
            answer.body = text.encode()
        return answer


@dataclass(kw_only=True)
class BoxBench(StoreBench, ABC):
    """One on its sandbox, where things can be made to go wrong."""

    faults: ClassVar[Mapping[str, Mapping[str, str]]]
    unheard: ClassVar[Mapping[str, str]]
    rewords: Rewords

    connector: Connector
    door: Door | None = None

    @property
    @abstractmethod
    def secrets(self) -> tuple[str, ...]: ...

    @property
    @abstractmethod
    def wrong(self) -> Mapping[str, Any]: ...

    @abstractmethod
    def again(self) -> Store: ...

    @abstractmethod
    async def revoke(self) -> None: ...

    @abstractmethod
    def made(self) -> int: ...

    @abstractmethod
    async def take_back(self, order: StoreOrder) -> None: ...

    @abstractmethod
    def short_pages(self, rows: int) -> AbstractContextManager[Any]: ...

    async def wake_deliveries(self) -> None:
        """Let the sandbox send what it held back."""

    def is_greeting(self, came: Delivery) -> bool:
        """Whether it only tries whether somebody is there, unsigned, as some senders do when they are registered."""
        return False

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        async with self.session.request(method, f"{self.url}/_control/{path}", json=body) as answer:
            text = await answer.text()
            assert answer.status in {200, 201}, text
            return json.loads(text)

    async def fault(self, kind: str, call: str, **more: Any) -> None:
        """The next such call fails in this way (`bridge/sandbox/faults.py`)."""
        await self.control("POST", "faults", {"kind": kind, **self.faults[call], **more})


def refund(
    order: StoreOrder, quantities: Mapping[str, int] | None = None, *, restock: bool = True, token: str = TOKEN
) -> RefundRequest:
    """Named rows, or everything that is left where none is named."""
    wanted = quantities or {row.id: row.left for row in order.rows if row.left}
    comment = f"TikTok cancellation 4035: no longer needed {mark(token)}"
    rows = frozenset(wanted) if restock else frozenset[str]()
    return RefundRequest(token, comment, wanted, everything=not quantities, restock_rows=rows)
