"""What a person may let through for an order, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

from bridge.domain.attention import AttentionKind
from bridge.storage.orders import OrderState
from bridge.web.api.models import OrderOut
from bridge.web.pages.forms import Form

Allowance = Literal["create", "past", "brake", "link", "lines"]
ALLOWS: Final[Mapping[Allowance, tuple[str, str]]] = {
    "create": (
        "Create the store order",
        "Also where it was under way on TikTok Shop when first seen. Did somebody else make it? Then link it instead.",
    ),
    "past": ("Act on the past", "On what happened before this direction was switched on."),
    "link": ("Link the store order that was found", "Where you have seen that both are the same sale."),
    "brake": ("Let it past the brake", "This order only; the others of the shop go on waiting."),
    "lines": (
        "Cancel the refunded lines",
        "On TikTok Shop, as out of stock: that counts as the seller's fault.",
    ),
}
_FOR: Final[Mapping[Allowance, AttentionKind]] = {
    "past": AttentionKind.BEFORE_SWITCH_ON,
    "link": AttentionKind.FOUND_OTHER_ORDER,
    "brake": AttentionKind.BRAKE,
    "lines": AttentionKind.PARTIAL_REFUND,
}
FOR_ALL: Final[Mapping[str, Allowance]] = {
    AttentionKind.ALREADY_UNDER_WAY.value: "create",
    AttentionKind.BEFORE_SWITCH_ON.value: "past",
    AttentionKind.FOUND_OTHER_ORDER.value: "link",
    AttentionKind.BRAKE.value: "brake",
}
"""What may be let through for all items of a kind at once. Lines only order by order: that costs the seller."""
_NOT_CREATED: Final = frozenset({OrderState.IGNORED.value, OrderState.NEW.value})


def what_may_be_allowed(order: OrderOut) -> list[Allowance]:
    """What a person's *yes* can change about this order, as it stands."""
    open_kinds = {item.kind for item in order.attention}
    wanted: list[Allowance] = [name for name, kind in _FOR.items() if kind.value in open_kinds]
    missing = order.store_order_id is None and order.state not in _NOT_CREATED
    return ["create", *wanted] if missing else wanted


def allowed(form: Form) -> list[Allowance]:
    """What was ticked."""
    return [name for name in get_args(Allowance) if form.has(f"allow_{name}")]
