"""The two books of one order, unit by unit: what is dead on the channel, what is gone in the store.

The store gives counts per row, not units, so the books are compared as counts: dead units are filled first, the
earliest death first; then units under a return; then living ones, those a pending cancellation names before the others,
those still at the seller before those that left, and else by line id. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bridge.domain.channel_order import CancellationStatus, ChannelOrder, Unit, UnitDeath
from bridge.domain.plans import Piece
from bridge.domain.store_order import StoreOrder


def line_order(unit_id: str) -> tuple[int, int, str]:
    """Line ids in their numeric order; others after them, by text."""
    return (0, int(unit_id), "") if unit_id.isdecimal() else (1, 0, unit_id)


@dataclass(frozen=True, slots=True)
class UnitLine:
    """One unit on both sides, for people."""

    unit_id: str
    seller_sku: str
    name: str
    price: str
    channel: str
    """`living`, `cancelled` or `returned`."""
    store: str
    """`living`, `refunded`, `partly refunded` or `not in the store`."""
    because: str = ""


@dataclass(frozen=True, slots=True)
class Books:
    lines: tuple[UnitLine, ...]
    mapped: frozenset[str]
    dead: Mapping[str, UnitDeath]
    """Mapped units dead on the channel."""
    returned: frozenset[str]
    living: frozenset[str]
    """Mapped units alive on the channel and under no return."""
    living_unmapped: frozenset[str]
    """Units alive on the channel that never got a row: nothing in the store speaks for them."""
    missing: Mapping[str, int]
    """Row id → dead units the store has not refunded."""
    unrefunded: tuple[str, ...]
    """The dead units themselves, those filled last."""
    refunded: frozenset[str]
    """Living units that the store refunded of its own will."""
    partly: frozenset[str]
    """Units of which the store refunded some pieces only."""
    beyond: Mapping[str, int]
    """Row id → units our own credit memos refunded beyond the dead ones: nobody's wish, and not equal either."""

    @property
    def is_equal(self) -> bool:
        return not self.missing and not self.refunded and not self.partly and not self.beyond


def compare_books(
    channel: ChannelOrder,
    store: StoreOrder,
    unit_map: Mapping[str, tuple[Piece, ...]],
    *,
    fill_first: frozenset[str] = frozenset(),
) -> Books:
    """Hold the two books against each other.

    `unit_map`: unit → pieces, each piece's `row` a store row id. `fill_first`: dead units taken as refunded before
    the others (those that went back to stock come first, so that a second refund takes the rest).
    What credit memos with our token refunded beyond the dead units never counts as a wish to cancel.
    """
    known = {unit.id: unit for unit in channel.units}
    deaths = channel.deaths()
    wants = {unit_id: rows_of(pieces) for unit_id, pieces in unit_map.items() if pieces and unit_id in known}
    mapped = frozenset(wants)
    dead = {unit_id: deaths[unit_id] for unit_id in sorted(mapped & deaths.keys(), key=line_order)}
    returned = (mapped & channel.returned_unit_ids) - dead.keys()
    living = mapped - dead.keys() - returned
    living_unmapped = frozenset(known) - deaths.keys() - channel.returned_unit_ids - mapped

    gone = {row.id: row.gone for row in store.rows}
    needed: dict[str, int] = {}
    for unit_id in dead:
        for row, quantity in wants[unit_id].items():
            needed[row] = needed.get(row, 0) + quantity

    pool = {row: min(gone.get(row, 0), count) for row, count in needed.items()}
    order = sorted(dead, key=lambda unit_id: (unit_id not in fill_first, _died(dead[unit_id]), line_order(unit_id)))
    unrefunded, dead_partly = _fill(order, wants, pool)
    missing = {row: count - gone.get(row, 0) for row, count in needed.items() if count > gone.get(row, 0)}

    ours = store.refunded_by_us()
    excess = {row: max(0, count - max(needed.get(row, 0), ours.get(row, 0))) for row, count in gone.items()}
    beyond = {row: extra for row, count in ours.items() if (extra := count - needed.get(row, 0)) > 0}
    absorbed, _ = _fill(sorted(returned, key=line_order), wants, excess)
    left, living_partly = _fill(living_order(channel, living), wants, excess)
    refunded = living - set(left)

    states = {
        **dict.fromkeys(mapped, "living"),
        **dict.fromkeys(set(dead) - set(unrefunded), "refunded"),
        **dict.fromkeys(returned - set(absorbed), "refunded"),
        **dict.fromkeys(refunded, "refunded"),
        **dict.fromkeys(dead_partly | living_partly, "partly refunded"),
    }
    return Books(
        lines=tuple(_line(unit, deaths, channel, states.get(unit.id, "not in the store")) for unit in channel.units),
        mapped=mapped,
        dead=dead,
        returned=frozenset(returned),
        living=frozenset(living),
        living_unmapped=living_unmapped,
        missing=missing,
        unrefunded=tuple(unrefunded),
        refunded=frozenset(refunded),
        partly=frozenset(dead_partly | living_partly),
        beyond=beyond,
    )


def rows_of(pieces: Iterable[Piece]) -> dict[str, int]:
    """Row id → quantity of one unit."""
    rows: dict[str, int] = {}
    for piece in pieces:
        rows[piece.row] = rows.get(piece.row, 0) + piece.quantity
    return rows


def _died(death: UnitDeath) -> float:
    """For sorting: what a merchant refunded long ago stood for what died long ago."""
    return death.at.timestamp() if death.at is not None else 0.0


def living_order(channel: ChannelOrder, living: Iterable[str]) -> list[str]:
    """Equal units on one row: which of them the store's count speaks for.

    Those that a cancellation under way names come first: refunding one of two and cancelling the other would end with
    both dead. Of the others, one that never left is meant rather than one in a parcel.
    """
    named = {
        unit
        for record in channel.cancellations
        if record.status == CancellationStatus.PENDING
        for unit in record.unit_ids
    }
    left = {unit.id for unit in channel.units if unit.left_seller}
    return sorted(living, key=lambda unit_id: (unit_id not in named, unit_id in left, line_order(unit_id)))


def _fill(
    units: Iterable[str], wants: Mapping[str, Mapping[str, int]], pool: dict[str, int]
) -> tuple[list[str], set[str]]:
    """Take units out of the pool of counts in order; returns those not (wholly) covered, and those covered in part."""
    uncovered: list[str] = []
    partly: set[str] = set()
    for unit_id in units:
        rows = wants[unit_id]
        if all(pool.get(row, 0) >= quantity for row, quantity in rows.items()):
            for row, quantity in rows.items():
                pool[row] -= quantity
            continue
        uncovered.append(unit_id)
        if any(pool.get(row, 0) > 0 for row in rows):
            partly.add(unit_id)
            for row, quantity in rows.items():
                pool[row] = max(0, pool.get(row, 0) - quantity)
    return uncovered, partly


def _line(unit: Unit, deaths: Mapping[str, UnitDeath], channel: ChannelOrder, store_state: str) -> UnitLine:
    death = deaths.get(unit.id)
    if death is not None:
        channel_state = "cancelled"
        because = (
            f"cancelled by {death.role or 'an unnamed side'}: {death.reason or death.reason_text or 'no reason given'}"
        )
    elif unit.id in channel.returned_unit_ids:
        channel_state, because = "returned", "under a return on the channel"
    else:
        channel_state, because = "living", ""
    return UnitLine(unit.id, unit.seller_sku, unit.name, str(unit.sale_price), channel_state, store_state, because)
