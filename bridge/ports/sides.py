"""The two sides of an order, a channel and a store, and how each tells what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, Protocol, runtime_checkable

from bridge.domain.capabilities import StoreCapabilities
from bridge.domain.channel_order import ChannelOrder
from bridge.domain.outcomes import Outcome
from bridge.domain.plans import CannotPlan, OrderPlan, RefundRequest
from bridge.domain.settings import ShopSettings
from bridge.domain.store_order import StoreOrder


@dataclass(frozen=True, slots=True)
class Changed:
    """One thing that changed on the other side."""

    order_id: str
    """The remote's own order id."""
    updated_at: datetime
    other_id: str = ""
    """The counterpart's order id where the remote keeps it (Magento: `ext_order_id`)."""
    number: str = ""
    note: str = ""
    """The order's customer note."""


@dataclass(frozen=True, slots=True)
class ChangedPage:
    items: tuple[Changed, ...]
    next_page: str | None
    """Opaque place to go on from; None at the end."""
    left: int | None = None
    """About how many rows follow this page's, as the remote counts now; None where it does not say."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One list that a sweep reads: `orders`, `cancellations`, `creditmemos`."""

    name: str
    overlap: timedelta


class Sweepable(Protocol):
    @property
    def streams(self) -> tuple[Stream, ...]: ...

    async def newest(self, stream: str) -> datetime | None:
        """The greatest remote `updated_at` now; None when the list is empty."""
        ...

    async def changed(self, stream: str, since: datetime, page: str | None) -> ChangedPage:
        """What changed at or after `since`, stable while rows move: nothing is left out, repeats are allowed."""
        ...


@dataclass(frozen=True, slots=True)
class LineReasons:
    """With which reasons the channel cancels certain lines of an order now."""

    keys: tuple[str, ...]
    because: str = ""
    """Why there is none."""


@dataclass(frozen=True, slots=True)
class RejectReason:
    key: str
    text: str
    """For people, in the channel's words."""


class Channel(Sweepable, Protocol):
    """One TikTok Shop."""

    async def read_order(self, order_id: str) -> ChannelOrder | None: ...

    async def cancel_reasons(self, order: ChannelOrder) -> tuple[str, ...] | None:
        """Reason keys the channel accepts for cancelling this order now; None where it does not tell."""
        ...

    async def line_cancel_reasons(self, order: ChannelOrder, unit_ids: frozenset[str]) -> LineReasons:
        """Reason keys the channel accepts for cancelling just these units now; none where it does not do that."""
        ...

    async def cancel_order(self, order: ChannelOrder, reason: str, unit_ids: frozenset[str] | None) -> Outcome:
        """Cancel the whole order, or (where allowed) the units named."""
        ...

    async def approve_cancellation(self, cancellation_id: str, token: str) -> Outcome:
        """Approve a buyer's request. `token` is the idempotency key: another one for each request and attempt."""
        ...

    async def reject_cancellation(self, cancellation_id: str, reason: str, comment: str, token: str) -> Outcome:
        """Reject a buyer's request with one of `reject_reasons`; the buyer is shown `comment`."""
        ...

    async def reject_reasons(self, cancellation_id: str) -> tuple[RejectReason, ...]:
        """With what this request may be rejected, asked now. Raises `RemoteProblem`."""
        ...


@dataclass(frozen=True, slots=True)
class StoreView:
    code: str
    id: str
    website: str
    currency: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a store is with a refund it took and works on by itself."""

    state: Literal["working", "failed"]
    because: str


class Store(Sweepable, Protocol):
    """One store, seen through one connection."""

    async def capabilities(self) -> StoreCapabilities:
        """Read the plugin's version report now."""
        ...

    async def resolve(self, topic: str, subject: str) -> str | None:
        """The store order id behind a delivery: `creditmemos/update` 7 → the memo's order. None: nothing there yet."""
        ...

    async def read_order(self, order_id: str) -> StoreOrder | None: ...

    async def find_orders(
        self, channel_order_id: str, numbers: Sequence[str], notes: Sequence[str] = (), since: datetime | None = None
    ) -> tuple[StoreOrder, ...]:
        """Orders, in all store views, that keep this channel order id, carry one of these numbers, or (of those made
        from `since` on) hold one of these texts in their customer note, not as a part of a longer number.

        A store that has to read its orders one by one to find what they keep reads those touched from `since` on.
        """
        ...

    async def plan_order(
        self, order: ChannelOrder, settings: ShopSettings, sku_map: Mapping[str, str]
    ) -> OrderPlan | CannotPlan:
        """How this order would be created for its living units: rows, amounts, salable quantities. Changes nothing.

        `sku_map`: seller SKU → store SKU where they differ.
        """
        ...

    async def salable(self, view: str, skus: Sequence[str]) -> Mapping[str, Decimal] | None:
        """Salable quantity per SKU now; None where the store cannot tell."""
        ...

    async def create_order(self, plan: OrderPlan) -> Outcome:
        """`Done.reference` is the store order id; `Done.facts["reserved"]` is `yes`, `no` or absent (no header), and
        `reserved_because` says why where no plugin reports it.

        `AlreadyDone` when an order of that number exists: find it.
        """
        ...

    async def invoice_order(self, order_id: str, *, reserve: bool) -> Outcome:
        """Invoice the whole order. `reserve` takes its stock on this call (only for an order known to be unreserved);
        `Done.facts["reserved"]` as for the create.
        """
        ...

    async def refund_order(self, order: StoreOrder, request: RefundRequest) -> Outcome:
        """One offline credit memo. `Done.reference` is its id, or names what the store works on (`progress`)."""
        ...

    async def progress(self, order_id: str, reference: str) -> Progress | None:
        """A refund that was taken and does not show yet; None where the store does such things at once."""
        ...


@runtime_checkable
class Tended(Protocol):
    """A store whose platform forgets by itself what it was asked to tell."""

    async def tend(self) -> Sequence[str]:
        """See that its messages are still asked for, and ask again for those that are not; called once an hour.

        What is missing all the same, in sentences. Raises `RemoteProblem`.
        """
        ...


@runtime_checkable
class HoldsFulfilment(Protocol):
    """A store that can hold what it has not sent yet (`StoreCapabilities.holds_fulfilment`)."""

    async def hold_fulfilment(self, order: StoreOrder, token: str, because: str) -> Outcome:
        """Hold all that can be held, each hold under our mark and `token`; a repeat holds nothing twice."""
        ...

    async def release_fulfilment(self, order: StoreOrder) -> Outcome:
        """Release `order.holds`, by their own ids, and no other hold."""
        ...


class Gateways(Protocol):
    """Where the core gets its channels and stores from; they live as long as the process.

    Both raise `RemoteProblem` with `Reauth` when the connection has no usable credentials.
    """

    async def channel(self, shop_id: str) -> Channel: ...

    async def store(self, connection_id: str) -> Store: ...
