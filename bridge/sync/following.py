"""What every log line about a piece of work carries: the order, and one id for its whole way."""

from __future__ import annotations

import structlog

from bridge.domain.keys import HintKey, OrderKey, parse_key, trace_of

MORE = ("order_ref", "hint", "order", "shop", "connection")
"""Bound on the way; forgotten with the work."""


def of(text: str) -> dict[str, str]:
    """Bound as soon as the work of this key is taken."""
    try:
        key = parse_key(text)
    except ValueError:
        return {"trace": trace_of(text)}
    if isinstance(key, OrderKey):
        return {"trace": trace_of(text), "order": key.channel_order_id, "shop": key.shop_id}
    return {"trace": trace_of(text), "connection": key.connection_id}


def follow(hint: HintKey, order: OrderKey) -> None:
    """A message led to its order: lines carry the order's trace from now on, and the message's as `hint`."""
    structlog.contextvars.bind_contextvars(**of(str(order)), hint=trace_of(str(hint)))


def known_as(order_ref: str) -> None:
    """Our own id of the order."""
    structlog.contextvars.bind_contextvars(order_ref=order_ref)
