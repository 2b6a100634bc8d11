"""What people are told, and what they ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from bridge.domain.alerting import Message
from bridge.domain.link import Answer
from bridge.domain.outcomes import Outcome
from bridge.ports.sides import RejectReason


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


class ActionRefused(Exception):
    """What a person asked for cannot be done; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which open attention items are meant."""

    kind: str
    shop: str | None = None
    connection: str | None = None
    until: datetime | None = None
    """Only those that stood open by then: a person answers for what they have seen."""


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

    async def release_brake(self, shop_id: str, who: str, since: str, until: datetime | None = None) -> int:
        """Let the orders through that wait behind the brake pulled at `since`, `until`: no later than this.

        Answers how many. Raises `ActionRefused` where that brake is let go already.
        """
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
