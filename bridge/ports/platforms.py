"""What a kind of platform is, as data; the clock and the meter everybody reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from bridge.ports.asking import Asks


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC."""
        ...


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
    asks: Asks
    """What a person is asked for to connect it."""
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
    gives_back_by: str = "cancellation"
    """What cancels on the channel when it happens to an order here, as people call it: Magento's is a refund."""
    refund_word: str = "refund"
    """What people call one of a store's refunds there: Magento's is a credit memo."""
    order_link: Callable[[str, str], str] | None = None
    """Where people open an order in its admin: the store's address (a channel's: the shop's region) and its id of the
    order → an address. None where that cannot be known.
    """
    admin_is_told: bool = False
    """Nothing from outside tells where its admin is: a person says it, and `order_link` takes that for the address."""
    may_hold: bool = False
    """Stores of this kind can hold what they have not sent yet, given the permission (`HoldsFulfilment`)."""
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
