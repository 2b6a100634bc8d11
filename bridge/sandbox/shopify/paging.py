"""Connections: pages by cursor. A cursor holds where its node stands, so a page goes on from there whatever moved."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from bridge.sandbox.shopify.wire import Json, refused

MOST = 250

Node = TypeVar("Node")
Place = tuple[Any, int]


def _cursor(place: Place) -> str:
    value = place[0].isoformat() if isinstance(place[0], datetime) else place[0]
    return base64.b64encode(json.dumps([value, place[1]]).encode()).decode()


def _place(cursor: str) -> Place:
    try:
        value, number = json.loads(base64.b64decode(cursor, validate=True))
        return (datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else value), int(number)
    except (binascii.Error, ValueError, TypeError):
        raise refused("Invalid cursor for current pagination sort.", "BAD_REQUEST") from None


def connection(
    nodes: Sequence[Node], show: Callable[[Node], Json], args: Json, place: Callable[[Node], Place] | None = None
) -> Json:
    """One page of `nodes`, which stand in ascending order of `place` (their position unless given)."""
    first, last = args.get("first"), args.get("last")
    if (first is None) == (last is None):
        raise refused("you must provide one of first or last", "BAD_REQUEST")
    asked = first if first is not None else last
    if not isinstance(asked, int) or not 0 <= asked <= MOST:
        raise refused(f"first and last must be between 0 and {MOST}", "BAD_REQUEST")
    placed = [((0, position) if place is None else place(node), node) for position, node in enumerate(nodes)]
    reverse = bool(args.get("reverse"))
    placed.sort(key=lambda one: one[0], reverse=reverse)

    def beyond(one: Place, other: Place) -> bool:
        return one < other if reverse else one > other

    inside = placed
    if args.get("after"):
        start = _place(args["after"])
        inside = [one for one in inside if beyond(one[0], start)]
    if args.get("before"):
        end = _place(args["before"])
        inside = [one for one in inside if beyond(end, one[0])]
    page = inside[:asked] if first is not None else inside[len(inside) - min(asked, len(inside)) :]
    shown = [show(node) for _, node in page]
    cursors = [_cursor(where) for where, _ in page]
    return {
        "nodes": shown,
        "edges": [{"cursor": cursor, "node": node} for cursor, node in zip(cursors, shown, strict=True)],
        "pageInfo": {
            "hasNextPage": bool(page) and page[-1] is not placed[-1],
            "hasPreviousPage": bool(page) and page[0] is not placed[0],
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        },
    }
