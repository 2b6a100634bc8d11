"""What the core asks of a channel, a store and the doors their messages come through.

`sync` and `web` know only these. A connector implements them; `bootstrap` alone knows which.
Reads raise `RemoteProblem`; writes answer with an `Outcome` and raise nothing but programming errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, Protocol

from bridge.domain.alerting import Message
from bridge.domain.capabilities import StoreCapabilities
from bridge.domain.channel_order import ChannelOrder
from bridge.domain.link import Answer
from bridge.domain.outcomes import Outcome, RemoteProblem
from bridge.domain.plans import CannotPlan, OrderPlan, RefundRequest
from bridge.domain.settings import ShopSettings
from bridge.domain.store_order import StoreOrder


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC."""
        ...


# --- kinds of platform ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClockRule:
    """How far our clock may be behind (negative) or ahead of theirs, in seconds."""

    fine: tuple[float, float] = (-60, 60)
    works: tuple[float, float] = (float("-inf"), float("inf"))
    """Beyond this our calls are refused."""
    says: str = ""
    """The same for people, without a full stop."""


@dataclass(frozen=True, slots=True)
class Platform:
    """What everybody but its own connector needs to know of a kind of platform, as data."""

    kind: str
    """The word for it in addresses, commands and the database."""
    name: str
    """As people read it."""
    side: Literal["channel", "store"]
    keys: Callable[[Mapping[str, Any]], tuple[str, ...]]
    """Stored credentials → what verifies its deliveries, in the form its door takes it; empty while there is none."""
    topics: frozenset[str]
    """Topics of deliveries that name something worth a look; the others are acknowledged and counted."""
    order_topics: frozenset[str] = frozenset()
    """Those whose subject is the store's own order id, so that the order behind it need not be asked for."""
    account_topics: frozenset[str] = frozenset()
    """Topics about the account itself, which name no order."""
    farewells: frozenset[str] = frozenset()
    """Those of them that say that the authorization has ended."""
    answer_within: float = 10.0
    """Seconds a sender waits for our answer, less what the way takes."""
    clock: ClockRule = ClockRule()
    """How far our clocks may differ."""
    late_because: str = "its messages are held up, or do not reach us"
    """Why messages may be late, as doctor puts it."""
    late_advice: str = ""
    """What to do about that, without a full stop."""
    one_way: bool = False
    """What happens in this store never reaches the channel: there are no cancellation settings to make."""


class Meter(Protocol):
    """Counts what the core does."""

    def effect(self, kind: str, outcome: str) -> None:
        """`claimed`, then `done`, `void`, `refused`, or `unsure` (not known, not seen yet, PENDING)."""
        ...

    def look(self, outcome: str, seconds: float) -> None:
        """`returned`, `failed`, `parked`, `lease_lost`, `interrupted`."""
        ...


class Uncounted:
    """A meter that forgets."""

    def effect(self, kind: str, outcome: str) -> None: ...

    def look(self, outcome: str, seconds: float) -> None: ...


# --- reading what changed -------------------------------------------------------------------------------------------


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


# --- the two sides --------------------------------------------------------------------------------------------------


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
        """`Done.reference` is the store order id; `Done.facts["reserved"]` is `yes`, `no` or absent (no header).

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


class Gateways(Protocol):
    """Where the core gets its channels and stores from; they live as long as the process.

    Both raise `RemoteProblem` with `Reauth` when the connection has no usable credentials.
    """

    async def channel(self, shop_id: str) -> Channel: ...

    async def store(self, connection_id: str) -> Store: ...


# --- doors: what comes in -------------------------------------------------------------------------------------------


class HookRefused(Exception):
    """A delivery that is not taken in. `status` is the HTTP answer; `reason` a stable word for logs and metrics."""

    def __init__(self, status: int, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Hint:
    """A verified delivery: something is worth a look. Nothing in it is trusted but its arrival."""

    dedupe: str
    """What makes it the same message: TikTok's notification id, or topic and id for the plugin."""
    topic: str
    subject: str
    """The remote id it names: a credit memo, an order; empty for messages about the account itself."""
    shop: str = ""
    """The channel's shop id, where the message names one."""
    note: str = ""
    """A few words for the changelog: what it said. Never acted on."""


class Door(Protocol):
    """Verifies and reads deliveries of one kind of platform. Pure: no I/O."""

    def read(self, topic: str, headers: Mapping[str, str], raw: bytes, keys: Sequence[str]) -> Hint:
        """`topic` is the path's event (TikTok) or empty. Raises `HookRefused`."""
        ...

    def is_for(self, connection_id: str, headers: Mapping[str, str]) -> bool:
        """Whether a verified delivery means the connection in its address: one key may sign for several."""
        ...


# --- connecting -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found while connecting or by doctor: right, worth knowing, or wrong, and what to do."""

    level: str
    """`ok`, `warning` or `error`."""
    code: str
    """A stable word."""
    text: str
    """A sentence for the merchant that says what to do where something is to be done."""


@dataclass(frozen=True, slots=True)
class FoundShop:
    channel_shop_id: str
    name: str
    region: str
    cipher: str
    seller_type: str = ""


@dataclass(frozen=True, slots=True)
class Connected:
    """What connecting brought to light. `credentials` replaces what is stored (tokens may have been exchanged)."""

    credentials: Mapping[str, Any]
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Kept with the connection and shown: plugin version, views, mode (`full`, `sweep-only`), …"""
    shops: tuple[FoundShop, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a connection before doctor looks at it again."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    plugin_override: str | None = None
    """The plugin version an operator says is really installed."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What doctor found on the other side, whatever was wrong there."""

    findings: tuple[Finding, ...]
    connected: Connected | None = None
    """None: the credentials could not be proven; `problem` says why."""
    problem: RemoteProblem | None = None
    clock_offset: float | None = None
    """Our clock less theirs, in seconds, by their Date header; None where they sent none."""
    last_change: datetime | None = None
    """The newest change, by their clock, of what they should have told us about; None where that was not read."""


@dataclass(frozen=True, slots=True)
class TestDelivery:
    """A delivery as the remote itself would send it, signed with its key, that names nothing. Pure data."""

    __test__ = False  # not a test case, whatever its name

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes
    signature_header: str
    """The header that carries the signature."""
    seconds: float
    """How long the remote would wait for an answer."""


TEST_TOPIC = "test-delivery"
"""`Hint.topic` of a delivery that doctor sent; its `subject` is doctor's mark. It is stored like any other and leads to
no order: nothing is read or done because of it.
"""


class Connector(Protocol):
    """One kind of platform: how to connect to it."""

    kind: str

    def normalise(self, url: str | None) -> str:
        """The connection's url in its one spelling. Raises ValueError with what is wrong."""
        ...

    def check(self, credentials: Mapping[str, Any]) -> Mapping[str, Any]:
        """Credentials in their stored shape. Raises ValueError with what is wrong, where, and what to do."""
        ...

    def hook_urls(self, public_url: str, connection_id: str, credentials: Mapping[str, Any]) -> tuple[str, ...]: ...

    async def connect(self, connection_id: str, url: str, credentials: Mapping[str, Any], public_url: str) -> Connected:
        """Prove the credentials, read what the remote is, register for its messages and confirm by listing.

        Raises `RemoteProblem`. Doing it again mends registrations.
        """
        ...

    async def examine(
        self,
        connection_id: str,
        url: str,
        credentials: Mapping[str, Any],
        public_url: str,
        *,
        mend: bool,
        known: Known,
    ) -> Examined:
        """Doctor: look at everything that can be right or wrong, and say of each what was seen and what to do.

        One check that fails does not keep the others from being made. Raises nothing remote, and ends within half a
        minute. `mend`: bring the registrations to what we want; else they are only looked at.
        """
        ...

    async def clock_offset(self, url: str) -> float | None:
        """Our clock less theirs in seconds, asked without credentials; None where it cannot be told."""
        ...

    def test_delivery(
        self, connection_id: str, credentials: Mapping[str, Any], public_url: str, mark: str
    ) -> TestDelivery | None:
        """What the remote would send to our public address, made by us; None where no key to sign it with is known.

        `mark`: letters and digits by which it is known again.
        """
        ...


@dataclass(frozen=True, slots=True)
class Announced:
    """What Magento's *Activate* posts to the callback. Not signed: proven only by the token exchange."""

    store_base_url: str
    consumer_key: str
    consumer_secret: str
    verifier: str


class StoreHandshake(Protocol):
    """Magento's integration handshake."""

    def read_callback(self, form: Mapping[str, str]) -> Announced:
        """Raises ValueError with what is missing."""
        ...

    async def exchange(self, announced: Announced) -> Mapping[str, Any]:
        """Request token, access token → the connection's credentials. Raises `RemoteProblem`."""
        ...


class ChannelAuthorization(Protocol):
    """TikTok Shop's authorization of a seller."""

    def authorize_url(self, credentials: Mapping[str, Any], state: str) -> str: ...

    async def exchange(self, credentials: Mapping[str, Any], code: str) -> Mapping[str, Any]:
        """Code → credentials with tokens. Raises `RemoteProblem`."""
        ...


# --- telling people -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewTarget:
    """Somebody to be told, as checked."""

    shown: str
    """The address as it may be shown."""
    secrets: Mapping[str, Any] = field(repr=False)
    """Kept sealed."""
    once: str | None = field(default=None, repr=False)
    """A secret made here, to be shown once."""


class AlertSender(Protocol):
    """One way of telling: e-mail, webhook."""

    def check(self, address: str, secret: str | None) -> NewTarget:
        """Raises ValueError with what is wrong, where, and what to do."""
        ...

    async def send(self, address: str, secrets: Mapping[str, Any], message: Message) -> Outcome:
        """Send one message, once. `Done`: the other side took it. `Rejected`: it never will."""
        ...


# --- what people ask for --------------------------------------------------------------------------------------------


class ActionRefused(Exception):
    """What a person asked for cannot be done; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which open attention items are meant."""

    kind: str
    shop: str | None = None
    connection: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a request to settle many."""

    settled: int
    """Orders that are looked at now."""
    skipped: int
    """Items that are not about one order: there is nothing to look at."""
    left: int
    """Not taken in by this request: ask again."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of one order that a person picked out of a run over the past."""

    order: str
    """The channel's order id."""
    is_taken: bool
    """It is looked at now; else `says` says why not."""
    says: str


class ReasonNotListed(ActionRefused):
    """A rejection with a reason that TikTok does not list for this request."""

    def __init__(self, reason: str, listed: Sequence[RejectReason]) -> None:
        keys = ", ".join(one.key for one in listed)
        super().__init__(f"TikTok does not take {reason!r} for this request; it takes {keys or 'none at all'}")
        self.listed = tuple(listed)


@dataclass(frozen=True, slots=True)
class Withheld:
    """One order of the check after a restore."""

    order: str
    channel_order: str
    store_number: str
    effect: str
    """What would follow; empty where nothing would."""
    because: str


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """How the check after a restore stands."""

    state: str = "none"
    """`none`, `sweeping`, `marking`, `looking`, `ready`, `resumed`."""
    paused: bool = False
    """No effect happens, in any process."""
    who: str = ""
    began_at: datetime | None = None
    ready_at: datetime | None = None
    resumed_at: datetime | None = None
    not_swept: Mapping[str, str] = field(default_factory=dict)
    """Connections that could not be read yet, and why: the check waits for them."""
    left: int = 0
    looked_at: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    """Orders by verdict, by withheld effect (`effect:refund`), and `adopted`."""
    effects: tuple[Withheld, ...] = ()
    held: tuple[Withheld, ...] = ()
    adopted: tuple[Withheld, ...] = ()


class RestoreChecks(Protocol):
    """Look at everything before effects go on, after the database was restored from a backup."""

    async def begin(self, since: datetime | None, who: str) -> RestoreReport:
        """Pause all effects in every process and begin; one that runs goes on. `since`: look further back."""
        ...

    async def report(self) -> RestoreReport: ...

    async def resume(self, who: str, *, force: bool) -> RestoreReport:
        """Effects go on. Raises `ActionRefused` while the check is not finished, unless forced."""
        ...


class Actions(Protocol):
    """What the API, the pages and the command line ask of the core. Never a stored command: *settle now*."""

    async def settle(self, order_id: str, allow: frozenset[str], who: str) -> None:
        """Look at the order now. `allow`: what the person lets through for this order: `create`, `past`, `brake`,
        `link`, `lines`.

        Clears standing refusals and a block: a person has looked.
        """
        ...

    async def cancel_lines(self, order_id: str, who: str) -> tuple[str, ...]:
        """Let the refunded units of this one order be cancelled line by line, and look at it now. Answers with them.

        Raises `ActionRefused` where that cannot be done now, `RemoteProblem`.
        """
        ...

    def wake(self) -> None:
        """Orders became due: the workers look now."""
        ...

    async def release_brake(self, shop_id: str, who: str) -> int:
        """Let the orders through that wait behind the shop's brake now. Answers how many."""
        ...

    async def settle_all(self, wanted: Wanted, allow: frozenset[str], who: str) -> Settled:
        """Look at every order behind the open items of a kind, spread over a while; bounded."""
        ...

    async def answer(self, order_id: str, shown: Mapping[str, Any], answer: Answer) -> str:
        """A person's word on a buyer's request, as attention showed it; answers what to know about it, if anything.

        Acted on while the request waits as it was shown. Raises `ActionRefused`, `ReasonNotListed`, `RemoteProblem`.
        """
        ...

    async def reject_reasons(self, order_id: str, cancellation: str) -> tuple[RejectReason, ...]:
        """TikTok's own reasons for this request, asked now. Raises `ActionRefused`, `RemoteProblem`."""
        ...

    async def link(self, order_id: str, store_order: str, who: str) -> None:
        """Tie the order to an existing store order (its id or number). Raises `ActionRefused`, `RemoteProblem`."""
        ...

    async def sweep(self, connection_id: str | None, since: datetime | None, who: str) -> str:
        """Start a sweep; answers with the job's id."""
        ...

    async def history(self, shop_id: str, days: int, directions: Sequence[str], who: str) -> str:
        """Start a run over the shop's past; answers with the job's id. Raises `ActionRefused`."""
        ...

    async def apply_history(self, shop_id: str, job_id: str, order_ids: Sequence[str], who: str) -> tuple[Applied, ...]:
        """Have these orders of a run settled now, their past allowed. Raises `ActionRefused`."""
        ...

    async def reauthorized(self, connection_id: str) -> None:
        """The connection works again: what waited for it goes on now."""
        ...
