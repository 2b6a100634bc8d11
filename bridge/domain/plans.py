"""The intention to create a store order, and the refund asked of a store: data that a repeat sends unchanged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Piece:
    """So many of one planned row."""

    row: str
    """Key of the planned row."""
    quantity: int


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """One row of the store order to be: one (store SKU, unit price)."""

    key: str
    """Stable name within the order, derived from SKU and price."""
    sku: str
    price: Decimal
    quantity: int


@dataclass(frozen=True, slots=True)
class OrderPlan:
    """A store order as it will be created. The first create is final: a repeat sends these bytes."""

    number: str
    view: str
    body: str
    """The exact request body."""
    rows: tuple[PlannedRow, ...]
    unit_map: Mapping[str, tuple[Piece, ...]]
    """Each unit → its pieces. Units left out are not in it."""
    total: Decimal
    currency: str
    salable_before: Mapping[str, Decimal] | None = None
    """Salable quantity per SKU read before the create; None where the store could not tell."""
    notes: tuple[str, ...] = ()
    """What a person should know about how amounts were booked."""

    def to_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "view": self.view,
            "body": self.body,
            "rows": [[row.key, row.sku, str(row.price), row.quantity] for row in self.rows],
            "unit_map": {unit: [[p.row, p.quantity] for p in pieces] for unit, pieces in self.unit_map.items()},
            "total": str(self.total),
            "currency": self.currency,
            "salable_before": None
            if self.salable_before is None
            else {sku: str(quantity) for sku, quantity in self.salable_before.items()},
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> OrderPlan:
        salable = data["salable_before"]
        return cls(
            number=data["number"],
            view=data["view"],
            body=data["body"],
            rows=tuple(PlannedRow(key, sku, Decimal(price), quantity) for key, sku, price, quantity in data["rows"]),
            unit_map={
                unit: tuple(Piece(row, quantity) for row, quantity in pieces)
                for unit, pieces in data["unit_map"].items()
            },
            total=Decimal(data["total"]),
            currency=data["currency"],
            salable_before=None if salable is None else {sku: Decimal(quantity) for sku, quantity in salable.items()},
            notes=tuple(data["notes"]),
        )


class CannotPlanKind(StrEnum):
    UNKNOWN_SKU = "unknown_sku"
    AMOUNTS_DIFFER = "amounts_differ"
    NOT_POSSIBLE = "not_possible"


@dataclass(frozen=True, slots=True)
class CannotPlan:
    """Why a store order cannot be made from this order, in words for the merchant: held for a person."""

    kind: CannotPlanKind
    because: str
    skus: tuple[str, ...] = ()
    """The seller SKUs that the store does not know, where that is why."""


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """What is asked of a store: refund everything left, or named rows."""

    token: str
    comment: str
    """Text for the credit memo's comment, the mark included."""
    quantities: Mapping[str, int]
    """Units per row id that this refund takes."""
    everything: bool
    """It takes the last living unit: the store's everything-left call, shipping included."""
    restock_rows: frozenset[str] = frozenset()
    """Row ids (`StoreRow.id`) whose units go back to stock; the others do not."""


class Reserved(StrEnum):
    """Whether the store took the order's units out of its salable stock when the order was created."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
