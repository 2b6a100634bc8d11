"""What we know of the tie between a channel order and its store order, as the decision needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bridge.domain.plans import Piece, Reserved


@dataclass(frozen=True, slots=True)
class Refusal:
    """The other side refused an effect, and nothing has changed since: it is not asked again by itself."""

    claim: str
    because: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A person's word about a buyer's request: acted on while the request waits as it was when the word was given."""

    decision: Literal["approve", "reject"]
    reason: str = ""
    """TikTok's key; for a rejection."""
    comment: str = ""
    who: str = ""
    units: tuple[str, ...] = ()
    """What the request asked for then."""
    shipped: str = "unknown"
    """Whether the goods had left then, as the person saw it (`request_rules.Shipped`)."""


@dataclass(frozen=True, slots=True)
class Link:
    create_sent: bool = False
    """A create was sent at least once: the intention is final, "not imported" is no longer possible."""
    store_order_id: str = ""
    store_number: str = ""
    unit_map: Mapping[str, tuple[Piece, ...]] = field(default_factory=dict)
    """Unit → pieces by store row id, once the rows are known."""
    reserved: Reserved = Reserved.UNKNOWN
    reserved_because: str = "the order was not created by the bridge"
    repair_tried: bool = False
    blocked: str = ""
    allowed: frozenset[str] = frozenset()
    """What a person allowed for this order: `create`, `past`, `brake`, `link`, `lines`."""
    refusals: Mapping[str, Refusal] = field(default_factory=dict)
    """Effect kind → refusal that still stands. An answer to a buyer: kind and cancellation (`requests.refusal_key`)."""
    answers: Mapping[str, Answer] = field(default_factory=dict)
    """Cancellation id → what a person said to the buyer's request."""
    refunded_by_us: frozenset[str] = frozenset()
    """Units that credit memos of ours stood for: taken as refunded first."""
    is_linked: bool = False
    """The store order was there before the bridge: it is not ours to finish."""
