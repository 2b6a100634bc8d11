"""What the two versions of the Fulfillment Outbound API have in common, and the choice between them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from urllib.parse import quote

from bridge.connectors.amazon.reading import FulfilmentOrder
from bridge.connectors.amazon.wire import Call

ID_LENGTH: Final = 40
"""Of the seller's own id of an order (both models)."""
VERSIONS: Final = ("2020-07-01", "2026-07-04")
SPEEDS: Final = ("Standard", "Expedited", "Priority")
POLICIES: Final = ("FillOrKill", "FillAll", "FillAllAvailable")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a parcel goes. Lines are the street, at most three."""

    name: str
    lines: tuple[str, ...]
    city: str
    region: str
    postal_code: str
    country: str
    """ISO 3166-1 alpha-2."""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    id: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A fulfilment order to be, before either version's words."""

    id: str
    displayed_id: str
    ordered_at: datetime
    comment: str
    speed: str
    policy: str
    marketplace_id: str
    destination: Destination
    lines: tuple[Line, ...]


class Version(Protocol):
    """One version of the API: how it is asked, and how its answers are read. Readers raise `RemoteProblem`."""

    name: str

    def get(self, order_id: str) -> Call: ...

    def order(self, body: Mapping[str, Any]) -> FulfilmentOrder: ...

    def listing(self, since: datetime, token: str | None) -> Call:
        """Orders that changed at or after `since`."""
        ...

    def page(self, body: Mapping[str, Any]) -> tuple[Sequence[FulfilmentOrder], str | None]:
        """One page of a list, and the token of the next. In 2020-07-01 a list shows no items."""
        ...

    def cancel(self, order_id: str) -> Call: ...

    def create(self, body: str) -> Call: ...

    def body(self, draft: Draft) -> dict[str, Any]: ...

    def skus(self, body: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Id and SKU of each item of a create's body."""
        ...

    def is_of(self, body: Mapping[str, Any]) -> bool:
        """Whether a create's body is in this version's words."""
        ...


def encoded(order_id: str) -> str:
    """An order's id as one segment of a path, whatever stands in it."""
    return quote(order_id, safe="")


def is_id(text: str) -> bool:
    """Whether Amazon could have an order of this id. `.` and `..` are no segments that arrive as they are sent."""
    return 0 < len(text) <= ID_LENGTH and text.isprintable() and text not in {".", ".."}


def iso(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def address(to: Destination) -> dict[str, str]:
    """`definitions.Address`, the same in both models. A city must not be sent to Japan."""
    lines = {f"addressLine{number}": line for number, line in enumerate(to.lines, start=1)}
    rows = {
        "name": to.name,
        **lines,
        "city": "" if to.country == "JP" else to.city,
        "stateOrRegion": to.region,
        "postalCode": to.postal_code,
        "countryCode": to.country,
        "phone": to.phone,
    }
    return {name: value for name, value in rows.items() if value}


def personal(body: str) -> tuple[str, ...]:
    """Everything in a create's body that is about a person."""
    sent = json.loads(body)
    to = sent.get("destinationAddress") or (sent.get("destination") or {}).get("deliveryAddress") or {}
    return tuple(value for name, value in to.items() if isinstance(value, str) and name != "countryCode")
