"""What the comparison may ask for: one effect at a time, or nothing and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from bridge.domain.attention import Hold

Side = Literal["store", "channel"]


class EffectKind(StrEnum):
    CREATE = "create"
    INVOICE = "invoice"
    REFUND = "refund"
    CANCEL = "cancel"
    CANCEL_LINES = "cancel_lines"
    APPROVE = "approve"
    REJECT = "reject"
    HOLD = "hold"
    RELEASE = "release"

    @property
    def side(self) -> Side:
        return "channel" if self in _ON_CHANNEL else "store"


_ON_CHANNEL = frozenset({EffectKind.CANCEL, EffectKind.CANCEL_LINES, EffectKind.APPROVE, EffectKind.REJECT})


@dataclass(frozen=True, slots=True)
class CreateOrder:
    """Make the store order, or find the one a lost answer left behind."""

    because: str
    units: frozenset[str]
    kind: Literal[EffectKind.CREATE] = EffectKind.CREATE


@dataclass(frozen=True, slots=True)
class InvoiceOrder:
    because: str
    units: frozenset[str]
    reserve: bool
    """Take the stock on this call: its create said that it was not taken."""
    kind: Literal[EffectKind.INVOICE] = EffectKind.INVOICE


@dataclass(frozen=True, slots=True)
class RefundOrder:
    because: str
    units: frozenset[str]
    quantities: Mapping[str, int]
    """Units per store row id."""
    everything: bool
    restock_rows: frozenset[str]
    restock_because: str
    cancellation_id: str
    """The channel's cancellation that the credit memo's comment names; several, joined by commas."""
    concerns: tuple[Hold, ...] = ()
    """What a person should know about the stock once it is refunded."""
    reason: str = ""
    """The channel's own words for why, where it has one: kept in the store, whose own reasons are others."""
    kind: Literal[EffectKind.REFUND] = EffectKind.REFUND


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Cancel the whole order on the channel."""

    because: str
    units: frozenset[str]
    kind: Literal[EffectKind.CANCEL] = EffectKind.CANCEL


@dataclass(frozen=True, slots=True)
class CancelLines:
    """Cancel single order lines on the channel; the order lives on."""

    because: str
    units: frozenset[str]
    kind: Literal[EffectKind.CANCEL_LINES] = EffectKind.CANCEL_LINES


@dataclass(frozen=True, slots=True)
class ApproveRequest:
    """Approve the buyer's pending request: the store has refunded every unit of it, or a person or a rule says so."""

    because: str
    units: frozenset[str]
    cancellation_id: str
    kind: Literal[EffectKind.APPROVE] = EffectKind.APPROVE


@dataclass(frozen=True, slots=True)
class RejectRequest:
    """Reject the buyer's pending request: the order lives on."""

    because: str
    units: frozenset[str]
    cancellation_id: str
    reason: str
    """One of the keys that TikTok lists for this request."""
    comment: str = ""
    """Shown to the buyer."""
    kind: Literal[EffectKind.REJECT] = EffectKind.REJECT


@dataclass(frozen=True, slots=True)
class HoldFulfilment:
    """Hold what the store has not sent yet, while buyers' requests wait."""

    because: str
    units: frozenset[str]
    cancellation_id: str
    """The requests, joined by commas."""
    kind: Literal[EffectKind.HOLD] = EffectKind.HOLD


@dataclass(frozen=True, slots=True)
class ReleaseFulfilment:
    """Let go of our own holds, and of nobody else's."""

    because: str
    units: frozenset[str]
    holds: frozenset[str]
    """Their ids in the store."""
    kind: Literal[EffectKind.RELEASE] = EffectKind.RELEASE


Effect = (
    CreateOrder
    | InvoiceOrder
    | RefundOrder
    | CancelOrder
    | CancelLines
    | ApproveRequest
    | RejectRequest
    | HoldFulfilment
    | ReleaseFulfilment
)


class Verdict(StrEnum):
    """How an order stands after it was looked at."""

    ACT = "act"
    SETTLED = "settled"
    WAITING = "waiting"
    HELD = "held"
    NOT_IMPORTED = "not_imported"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Settlement:
    """The comparison's answer: at most one effect, what is held, and the reason in a merchant's words."""

    verdict: Verdict
    because: str
    effect: Effect | None = None
    holds: tuple[Hold, ...] = ()
    look_again_at: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    withheld: EffectKind | None = None
    """What would follow, were effects not paused."""
    waits_for: Literal["", "pending", "upgrade"] = ""
    """Something outside that ends by itself or by somebody else's hand: shown when it takes too long."""
    braked: bool = False
    """It waits behind its shop's brake: a person is asked about the shop."""
