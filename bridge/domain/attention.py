"""What a person is asked to look at: kinds, their titles, and what to do.

One item per order (or shop, or connection) and kind; `fingerprint` is over the facts, so that a dismissed item stays
dismissed until they change.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class AttentionKind(StrEnum):
    UNKNOWN_VALUE = "unknown_value"
    ALREADY_UNDER_WAY = "already_under_way"
    CANNOT_CREATE = "cannot_create"
    UNKNOWN_SKU = "unknown_sku"
    FOUND_OTHER_ORDER = "found_other_order"
    CREATE_REFUSED = "create_refused"
    INVOICE_REFUSED = "invoice_refused"
    NOT_INVOICED = "not_invoiced"
    NOT_RESERVED = "not_reserved"
    CANNOT_REFUND = "cannot_refund"
    PARTIAL_REFUND = "partial_refund"
    UNIT_PARTLY_REFUNDED = "unit_partly_refunded"
    EMPTIED_WITHOUT_UNITS = "emptied_without_units"
    BEFORE_SWITCH_ON = "before_switch_on"
    BUYER_REQUEST = "buyer_request"
    REQUEST_REFUSED = "request_refused"
    TOO_LATE = "too_late"
    NO_REASON = "no_reason"
    REFUND_REFUSED = "refund_refused"
    CANCEL_REFUSED = "cancel_refused"
    NO_EFFECT_FOUND = "no_effect_found"
    STORE_ORDER_ON_HOLD = "store_order_on_hold"
    STORE_ORDER_GONE = "store_order_gone"
    STORE_ORDER_CANCELLED = "store_order_cancelled"
    BOOKS_MOVED = "books_moved"
    RESTOCK_UNCERTAIN = "restock_uncertain"
    GOODS_UNDER_WAY = "goods_under_way"
    BRAKE = "brake"
    POISON = "poison"
    CONNECTION = "connection"
    OTHER_CONNECTOR = "other_connector"
    PLUGIN_VERSION = "plugin_version"
    TOKEN_EXPIRES = "token_expires"  # noqa: S105 -- a kind of question, no password
    WAITING_LONG = "waiting_long"
    SILENT_PLUGIN = "silent_plugin"
    SILENT_CHANNEL = "silent_channel"


@dataclass(frozen=True, slots=True)
class AttentionText:
    title: str
    what_to_do: str


TEXTS: Mapping[AttentionKind, AttentionText] = {
    AttentionKind.UNKNOWN_VALUE: AttentionText(
        "The channel said something this version does not know",
        "Look at the order on TikTok Shop. Nothing is done while the value is unknown; an update may teach it.",
    ),
    AttentionKind.ALREADY_UNDER_WAY: AttentionText(
        "Already under way on TikTok Shop",
        "The order was further on than 'awaiting shipment' when it was first seen. *Settle now* with `create` "
        "allowed makes it; or link the store order that another connector made.",
    ),
    AttentionKind.CANNOT_CREATE: AttentionText(
        "The store order cannot be created",
        "Mend what the reason names (amounts, currency or product type), then choose *settle now*.",
    ),
    AttentionKind.UNKNOWN_SKU: AttentionText(
        "A seller SKU is not in the store",
        "Map it in the shop's SKU mappings: the orders that wait for it then go on by themselves. Or add the product "
        "to the store, then *settle now*.",
    ),
    AttentionKind.FOUND_OTHER_ORDER: AttentionText(
        "The store has an order for this one that does not match",
        "Open both orders. Link them if they are the same sale, or remove the wrong store order, then *settle now*.",
    ),
    AttentionKind.CREATE_REFUSED: AttentionText(
        "The store refused to create the order",
        "Mend what the store's message names, then choose *settle now*.",
    ),
    AttentionKind.INVOICE_REFUSED: AttentionText(
        "The store refused to invoice the order",
        "Open the order in the store and see why it cannot be invoiced, then choose *settle now*.",
    ),
    AttentionKind.NOT_INVOICED: AttentionText(
        "A linked store order has no invoice",
        "Invoice it in the store, or let the connector that made it do so; only an invoiced order can be refunded.",
    ),
    AttentionKind.NOT_RESERVED: AttentionText(
        "The store order did not take its stock",
        "Check the salable quantity of these rows: the units can be sold twice. They will not be put back to stock.",
    ),
    AttentionKind.CANNOT_REFUND: AttentionText(
        "The store does not take back the cancelled units",
        "The reason says what stands in the way, and what to do. Where nothing is left to refund: see in the store "
        "where their rows or their money went, put their stock right by hand if they are on the shelf, then dismiss "
        "this.",
    ),
    AttentionKind.PARTIAL_REFUND: AttentionText(
        "The store refunded some units",
        "Should the buyer not get them: *cancel lines* cancels just these on TikTok Shop (US and UK only, as out of "
        "stock, which counts as the seller's fault). Elsewhere cancel them in Seller Center, or refund the rest in the "
        "store: when every living unit is refunded the whole order is cancelled.",
    ),
    AttentionKind.UNIT_PARTLY_REFUNDED: AttentionText(
        "A unit was refunded in part of its rows",
        "Refund the remaining rows of the unit in the store, or leave it: nothing is done until the unit is whole.",
    ),
    AttentionKind.EMPTIED_WITHOUT_UNITS: AttentionText(
        "All money was refunded in the store, but no units",
        "If the order should be cancelled on TikTok Shop, cancel it in Seller Center. A refund without quantities "
        "never cancels an order by itself.",
    ),
    AttentionKind.BEFORE_SWITCH_ON: AttentionText(
        "Happened before this direction was switched on",
        "Nothing is done about the past by itself. *Settle now* with `past` allowed acts on this order.",
    ),
    AttentionKind.BUYER_REQUEST: AttentionText(
        "A buyer asks to cancel",
        "Approve or reject it before the deadline shown: unanswered requests are approved by TikTok. Refunding every "
        "unit of the request in the store approves it too. Do not ship before it is answered.",
    ),
    AttentionKind.REQUEST_REFUSED: AttentionText(
        "TikTok Shop refused the answer to a buyer's request",
        "Read TikTok's message. Answer again with another reason, or in Seller Center, before the deadline.",
    ),
    AttentionKind.TOO_LATE: AttentionText(
        "Refunded in the store, but too late to cancel on TikTok Shop",
        "The goods have left. Handle it as a return or refund in Seller Center.",
    ),
    AttentionKind.NO_REASON: AttentionText(
        "No listed cancellation reason is valid for this order",
        "Choose another default or fallback reason under Channel settings › Cancellation sync, then *settle now*.",
    ),
    AttentionKind.REFUND_REFUSED: AttentionText(
        "The store refused the refund",
        "Mend what the store's message names, or refund the order in the store yourself, then *settle now*.",
    ),
    AttentionKind.CANCEL_REFUSED: AttentionText(
        "TikTok Shop refused the cancellation",
        "Read TikTok's message. Cancel in Seller Center if that is still possible, then *settle now*.",
    ),
    AttentionKind.NO_EFFECT_FOUND: AttentionText(
        "A call was lost and left no trace",
        "It is tried again by itself under a new attempt number. Look here only if this stays.",
    ),
    AttentionKind.STORE_ORDER_ON_HOLD: AttentionText(
        "The store order is on hold",
        "Release the order in the store; the refund follows by itself.",
    ),
    AttentionKind.STORE_ORDER_GONE: AttentionText(
        "The store no longer has this order",
        "Find out who deleted it. Link another store order, or dismiss this.",
    ),
    AttentionKind.STORE_ORDER_CANCELLED: AttentionText(
        "The store order was cancelled, and the sale stands",
        "The bridge never undoes this. If the sale stands, make a new order in the store by hand; if it is off, cancel "
        "it in Seller Center.",
    ),
    AttentionKind.BOOKS_MOVED: AttentionText(
        "The store's books moved in a way nobody expected",
        "Compare the store's refunds with the numbers shown: one may have been booked twice. The order is blocked "
        "in both directions until you choose *settle now*, which takes the store's refunds at their word: a unit that "
        "was refunded by mistake and still lives on TikTok Shop may then be cancelled there.",
    ),
    AttentionKind.RESTOCK_UNCERTAIN: AttentionText(
        "Refunded without restock: nobody can say what belongs to the stock",
        "Count the units named and correct the stock in the store if they are on the shelf but not salable.",
    ),
    AttentionKind.GOODS_UNDER_WAY: AttentionText(
        "Refunded without restock: the goods may be under way",
        "Stop the parcel if you can. When the goods are back, add them to the stock in the store by hand.",
    ),
    AttentionKind.BRAKE: AttentionText(
        "Unusually many cancellations",
        "Nothing of this shop is cancelled or approved on TikTok Shop until you answer. Check that it was meant. Then "
        "*settle now* with `brake` allowed lets the waiting orders through; or raise the limit. If they were a "
        "mistake, switch the direction off and on: what was before then waits for your word, order by order.",
    ),
    AttentionKind.POISON: AttentionText(
        "Work on this order never came back",
        "Other orders go on. A new message or *settle now* tries it again; report what the reason says.",
    ),
    AttentionKind.OTHER_CONNECTOR: AttentionText(
        "Another connector is registered in the store",
        "Find out what it does for TikTok Shop and switch that off, there or here: two programs that settle the same "
        "order race each other. Dismiss this if it does something else.",
    ),
    AttentionKind.CONNECTION: AttentionText(
        "A connection does not work",
        "Mend what the reason names; orders wait and go on by themselves.",
    ),
    AttentionKind.PLUGIN_VERSION: AttentionText(
        "The store's plugin cannot do all that is needed",
        "Install the version that the reason names; what waits for it goes on by itself.",
    ),
    AttentionKind.TOKEN_EXPIRES: AttentionText(
        "A TikTok Shop authorization ends soon",
        "Have the seller authorize the shop again before then: on its page under Connections, or by bridge connect "
        "tiktok. Afterwards every order waits.",
    ),
    AttentionKind.WAITING_LONG: AttentionText(
        "Waiting for more than an hour",
        "Nothing is lost, and it goes on by itself. See why the other side takes so long: an outage, an upgrade that "
        "is due, or a cancellation that TikTok Shop does not finish.",
    ),
    AttentionKind.SILENT_PLUGIN: AttentionText(
        "The store tells nothing",
        "Run doctor on the connection: it registers again where that is missing. For Magento, see that cron runs and "
        "that the queue consumer aftership.webhook.events does. Look for a firewall or proxy that turns /hooks/ away. "
        "Orders are kept true by the sweep meanwhile. This closes with the next delivery.",
    ),
    AttentionKind.SILENT_CHANNEL: AttentionText(
        "TikTok Shop's messages do not arrive",
        "Run doctor on the connection: it registers the webhooks again. In Partner Center, look at the app's webhook "
        "log for what TikTok was answered, and at the proxy for requests to /hooks/ it turned away. Orders are kept "
        "true by the sweep meanwhile. This closes with the next delivery.",
    ),
}


def fingerprint(facts: Mapping[str, Any]) -> str:
    """Hash of the facts: the same facts give the same text in every process."""
    text = json.dumps(facts, sort_keys=True, default=_plain, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _plain(value: object) -> object:
    """Sets have no order of their own: it differs from process to process."""
    return sorted(value, key=str) if isinstance(value, (set, frozenset)) else str(value)


_CHANGING = re.compile(r"\b(?=\w*\d)[\w-]{8,}|\b\d+(?= s\b)")


def steady(because: str) -> str:
    """A remote's words without what differs at each call (its request id, a clock's seconds): the same trouble."""
    return _CHANGING.sub("#", because)


@dataclass(frozen=True, slots=True)
class Hold:
    """Something for a person, and why."""

    kind: AttentionKind
    because: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Shown."""
    cause: Mapping[str, Any] | None = None
    """What makes it the same thing to say; None: the facts. Not what changes by itself: times, counts, our ids."""
    deadline_at: datetime | None = None
    """Until when an answer counts, where something runs out."""

    @property
    def fingerprint(self) -> str:
        return fingerprint({"kind": self.kind.value, **(self.facts if self.cause is None else self.cause)})

    @property
    def text(self) -> AttentionText:
        return TEXTS[self.kind]


def refused(kind: AttentionKind, because: str, facts: Mapping[str, Any]) -> Hold:
    """The other side said no. Asked again and refused in the same words about the same, it is the same refusal."""
    cause = {name: value for name, value in facts.items() if name != "claim"}
    return Hold(kind, because, facts, cause={**cause, "said": steady(because)})
