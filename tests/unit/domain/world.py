"""A small world to decide in: a channel order, its store order, a merchant, a buyer, and time.

`apply` is what the remotes would do with an effect; it refuses, by assertion, every effect that would be wrong, judged
by this world's own bookkeeping and not by the domain's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from bridge.domain.channel_order import Cancellation, ChannelOrder
from bridge.domain.comparison import Case, compare
from bridge.domain.effects import (
    ApproveRequest,
    CancelLines,
    CancelOrder,
    CreateOrder,
    Effect,
    InvoiceOrder,
    RefundOrder,
    Settlement,
)
from bridge.domain.link import Link, Refusal
from bridge.domain.plans import Piece, Reserved
from bridge.domain.store_order import StoreOrder, StoreRefund, StoreRow
from tests.unit.domain.making import (
    CLOSED,
    COMPLETE,
    PENDING,
    PLACED,
    SUCCESS,
    SWITCHED_ON,
    able,
    channel,
    memo,
    record,
    request,
    row,
    settings,
    store,
    unit,
)

Rows = dict[str, int]


@dataclass
class World:
    shape: dict[str, Rows]
    """Unit → what it takes of which row; empty for a unit that is dead before the create."""
    reserved: Reserved = Reserved.YES
    left: frozenset[str] = frozenset()
    status: str = "AWAITING_SHIPMENT"
    records: list[Cancellation] = field(default_factory=list)
    returned: frozenset[str] = frozenset()
    created: bool = False
    invoiced: bool = False
    held: bool = False
    shipped: Rows = field(default_factory=dict)
    memos: list[StoreRefund] = field(default_factory=list)
    to_channel: dict[str, Any] = field(default_factory=dict)
    to_store: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)
    capabilities: dict[str, Any] = field(default_factory=dict)
    refunded_by_us: frozenset[str] = frozenset()
    clock: datetime = PLACED + timedelta(hours=2)
    acts: list[Effect] = field(default_factory=list)
    wished: Rows = field(default_factory=dict)
    """What the merchant's own memos asked for and the channel was told."""
    ended_by_us: frozenset[str] = frozenset()
    """Units cancelled or approved because the merchant had refunded them."""
    refused: dict[str, object] = field(default_factory=dict)
    """Effect kind → what it was about when the other side refused it."""

    # --- readings -----------------------------------------------------------------------------------------------------

    @property
    def in_store(self) -> dict[str, Rows]:
        return {unit_id: rows for unit_id, rows in self.shape.items() if rows}

    @property
    def ordered(self) -> Rows:
        return total(self.in_store.values())

    @property
    def refunded(self) -> Rows:
        return total(m.quantities for m in self.memos)

    def room(self) -> Rows:
        refunded = self.refunded
        return {row_id: count - refunded.get(row_id, 0) for row_id, count in self.ordered.items()}

    def channel(self) -> ChannelOrder:
        units = [unit(unit_id, left=unit_id in self.left) for unit_id in self.shape]
        return channel(
            units,
            self.records,
            status=self.status,
            returned_unit_ids=self.returned,
            cancelled_at=self.clock if self.status == "CANCELLED" else None,
        )

    def dead(self) -> frozenset[str]:
        if self.status == "CANCELLED":
            return frozenset(self.shape)
        finished = [r.unit_ids for r in self.records if r.status in {SUCCESS, COMPLETE}]
        return frozenset().union(*finished) & self.shape.keys()

    def living(self) -> frozenset[str]:
        return frozenset(self.shape) - self.dead()

    def store(self) -> StoreOrder | None:
        if not self.created:
            return None
        rows: list[StoreRow] = [
            row(row_id, count, shipped=self.shipped.get(row_id, 0), invoiced=count if self.invoiced else 0)
            for row_id, count in sorted(self.ordered.items())
        ]
        return store(rows, self.memos, paid=str(self.paid), is_held=self.held)

    @property
    def paid(self) -> int:
        """Ten for each piece, and five for shipping."""
        return 10 * sum(self.ordered.values()) + 5 if self.invoiced else 0

    @property
    def money_left(self) -> int:
        return self.paid - int(sum(m.total.amount for m in self.memos))

    def _facts(self) -> object:
        told = (self.to_channel, self.to_store, self.more, self.shipped, self.refunded, sorted(self.dead()))
        return repr((*told, self.money_left))

    def case(self) -> Case:
        tie = Link(
            create_sent=self.created,
            store_order_id="7" if self.created else "",
            store_number="TT-577001" if self.created else "",
            unit_map={u: tuple(Piece(r, n) for r, n in sorted(rows.items())) for u, rows in self.in_store.items()}
            if self.created
            else {},
            reserved=self.reserved,
            reserved_because="so it was drawn",
            refunded_by_us=self.refunded_by_us,
            refusals={
                kind: Refusal("c", "the store refused")
                for kind, facts in self.refused.items()
                if facts == self._facts()
            },
        )
        return Case(
            channel=self.channel(),
            store=self.store(),
            link=tie,
            settings=settings(self.to_channel, self.to_store, **self.more),
            capabilities=able(**self.capabilities),
            now=self.clock,
        )

    # --- what happens by itself ---------------------------------------------------------------------------------------

    def tick(self) -> datetime:
        self.clock += timedelta(minutes=7)
        return self.clock

    def merchant_refunds(self, wanted: Rows, money: int | None = None) -> None:
        room = self.room()
        quantities = {row_id: n for row_id, count in wanted.items() if (n := min(count, room.get(row_id, 0))) > 0}
        amount = 10 * sum(quantities.values()) if money is None else min(money, self.money_left)
        possible = 0 < self.money_left >= amount  # Magento's own checks
        if self.invoiced and not self.held and possible and (quantities or amount):
            self.memos.append(memo(str(len(self.memos) + 1), quantities, at=self.tick(), total=str(amount)))

    def merchant_ships(self, wanted: Rows) -> None:
        room = self.room()
        for row_id, count in wanted.items():
            left = room.get(row_id, 0) - self.shipped.get(row_id, 0)
            self.shipped[row_id] = self.shipped.get(row_id, 0) + max(0, min(count, left))

    def channel_cancels(self, units: Iterable[str], status: str, **more: Any) -> None:
        named = frozenset(units) & self.living()
        if named and not (named & self.waiting()):
            self.records.append(record(f"c{len(self.records)}", named, status=status, at=self.tick(), **more))
            self._close()

    def buyer_asks(self, units: Iterable[str]) -> None:
        named = frozenset(units) & self.living()
        if named and not (named & self.waiting()):
            self.records.append(replace(request(f"c{len(self.records)}", named), updated_at=self.tick()))

    def waiting(self) -> frozenset[str]:
        return frozenset().union(*(r.unit_ids for r in self.records if r.status == PENDING))

    def answer_pending(self, status: str) -> None:
        for position, found in enumerate(self.records):
            if found.status == PENDING:
                self.records[position] = replace(found, status=status, updated_at=self.tick())
                self._close()
                return

    def _close(self) -> None:
        if not self.living():
            self.status = "CANCELLED"

    # --- what an effect does ------------------------------------------------------------------------------------------

    def apply(self, effect: Effect) -> None:
        assert effect.units
        assert effect.because
        self.acts.append(effect)
        match effect:
            case CreateOrder():
                assert not self.created
                assert effect.units == self.living()
                self.shape = {u: rows if u in effect.units else {} for u, rows in self.shape.items()}
                self.created = True
            case InvoiceOrder():
                assert self.created
                assert not self.invoiced
                assert effect.reserve is (self.reserved is Reserved.NO)
                self.invoiced = True
                if effect.reserve:
                    self.reserved = Reserved.YES
            case RefundOrder():
                self._refund(effect)
            case CancelOrder():
                self._cancel(effect)
            case CancelLines():
                self._cancel_lines(effect)
            case ApproveRequest():
                self._approve(effect)

    def _refund(self, effect: RefundOrder) -> None:
        assert not self.held
        assert effect.units <= self.dead(), "no living unit is refunded by us"
        assert not effect.units & self.refunded_by_us, "no unit is refunded twice by us"
        assert not effect.units & self.ended_by_us, "nor one that died because the merchant had refunded it"
        since = self.to_store.get("effective_from", SWITCHED_ON)
        assert all(self.died(u) >= since for u in effect.units), "the past is left alone"
        assert effect.quantities == total(self.shape[u] for u in effect.units), "whole units, and nothing else"
        room = self.room()
        assert all(0 < n <= room[row_id] for row_id, n in effect.quantities.items()), "never beyond what was ordered"
        taken = {row_id: n for row_id, n in room.items() if n} == dict(effect.quantities)
        assert effect.everything is taken, "the everything-left body exactly when it takes all that is left"
        for row_id in effect.restock_rows:
            assert self.reserved is Reserved.YES, "only stock that was taken comes back"
            assert self.to_store.get("restock", True)
            assert not any(self.may_have_left(u) for u in effect.units if row_id in self.shape[u]), "not what left"
            assert effect.quantities[row_id] <= room[row_id] - self.shipped.get(row_id, 0), "not what was shipped"
        for row_id, count in effect.quantities.items():
            if count > max(0, room[row_id] - self.shipped.get(row_id, 0)):
                assert effect.concerns, "goods may be under way: somebody is told"
        assert self.money_left > 0, "nothing is tried that Magento surely refuses"
        amount = self.money_left if effect.everything else 10 * sum(effect.quantities.values())
        if amount > self.money_left:
            self.refused["refund"] = self._facts()
            return
        self.memos.append(
            memo(
                str(len(self.memos) + 1),
                effect.quantities,
                at=self.tick(),
                token=f"{len(self.memos):016x}",
                total=str(amount),
            )
        )
        self.refunded_by_us |= effect.units

    def _cancel(self, effect: CancelOrder) -> None:
        living = self.living() - self.returned
        assert effect.units == living, "a whole order, or nothing"
        assert all(self.shape[u] for u in living), "a unit that never reached the store never causes a cancellation"
        self._gone_in_store(living)
        assert not self.waiting() & living, "PENDING is waited for"
        self._wished_once(living)
        self.records.append(record(f"c{len(self.records)}", self.living(), role="SELLER", at=self.tick()))
        self.status = "CANCELLED"

    def _cancel_lines(self, effect: CancelLines) -> None:
        living = self.living() - self.returned
        assert effect.units < living, "some of the living units: all of them are a whole order"
        assert not self.waiting(), "PENDING is waited for, and a buyer's request is answered first"
        assert self.to_channel.get("partial", "hold") == "cancel_lines", "only where the merchant chose it"
        self._gone_in_store(effect.units)
        since = self.to_channel.get("effective_from", SWITCHED_ON)
        new = total(m.quantities for m in self.memos if not m.is_ours and m.created_at >= since)
        for row_id, count in total(self.shape[u] for u in effect.units).items():
            assert new.get(row_id, 0) >= count, "the past is left alone"
        self._wished_once(effect.units)
        self.records.append(record(f"c{len(self.records)}", effect.units, role="SELLER", at=self.tick()))

    def _wished_once(self, units: Iterable[str]) -> None:
        """Each piece of the merchant's own memos is told to the channel once at most."""
        self.ended_by_us |= frozenset(units)
        self.wished = total([self.wished, *(self.shape[u] for u in units)])
        theirs = total(m.quantities for m in self.memos if not m.is_ours)
        for row_id, count in self.wished.items():
            assert theirs.get(row_id, 0) >= count, "one memo is one wish"

    def _approve(self, effect: ApproveRequest) -> None:
        position = next(n for n, r in enumerate(self.records) if r.id == effect.cancellation_id)
        asked = self.records[position]
        assert asked.status == PENDING
        assert asked.kind == "BUYER_CANCEL"
        wanted = (asked.unit_ids & self.living()) - self.returned
        assert effect.units == wanted
        self._gone_in_store(wanted)
        self._wished_once(wanted)
        self.records[position] = replace(asked, status=SUCCESS, updated_at=self.tick())
        self._close()

    def _gone_in_store(self, units: Iterable[str]) -> None:
        """The merchant's own memos hold all of these units, beyond what the dead units take first."""
        theirs, all_gone = total(m.quantities for m in self.memos if not m.is_ours), self.refunded
        dead, wanted = total(self.shape[u] for u in self.dead()), total(self.shape[u] for u in units)
        for row_id, count in wanted.items():
            assert theirs.get(row_id, 0) >= count, "our own memos are no wish"
            assert all_gone.get(row_id, 0) >= dead.get(row_id, 0) + count, "the store still has some of them"

    def died(self, unit_id: str) -> datetime:
        return min(r.updated_at for r in self.records if unit_id in r.unit_ids and r.status in {SUCCESS, COMPLETE})

    def may_have_left(self, unit_id: str) -> bool:
        """The first finished cancellation's word; where it has none, its reason and the signs."""
        finished = [r for r in self.records if unit_id in r.unit_ids and r.status in {SUCCESS, COMPLETE}]
        death = min(finished, key=lambda r: r.updated_at)
        if death.replenish is not None:
            return not death.replenish
        return death.reason == "package_lost" or unit_id in self.left

    # --- the question -------------------------------------------------------------------------------------------------

    def settle(self, most: int = 12) -> Settlement:
        for _ in range(most):
            case = self.case()
            settlement = compare(case)
            assert compare(case) == settlement, "the same input has the same answer"
            if settlement.effect is None:
                return settlement
            self.apply(settlement.effect)
        raise AssertionError(f"no end: {[act.because for act in self.acts]}")

    def is_equal(self) -> bool:
        """By counts: the store gave back the dead units and, at most, returned ones."""
        refunded, dead = self.refunded, self.dead()
        least = total(self.shape[u] for u in dead)
        most = total(self.shape[u] for u in dead | self.returned)
        return all(least.get(r, 0) <= refunded.get(r, 0) <= most.get(r, 0) for r in self.ordered)


def total(parts: Iterable[Any]) -> Rows:
    counts: Rows = {}
    for part in parts:
        for row_id, count in part.items():
            counts[row_id] = counts.get(row_id, 0) + count
    return counts


def shuffled(case: Case, random: Random) -> Case:
    """The same facts as another answer of the remotes might list them."""

    def mix(items: Iterable[Any]) -> tuple[Any, ...]:
        found = list(items)
        random.shuffle(found)
        return tuple(found)

    of_channel = replace(case.channel, cancellations=mix(case.channel.cancellations), units=mix(case.channel.units))
    of_store = case.store and replace(case.store, refunds=mix(case.store.refunds))
    unit_map = dict(mix(case.link.unit_map.items()))
    return replace(case, channel=of_channel, store=of_store, link=replace(case.link, unit_map=unit_map))


def told_otherwise(case: Case) -> Case:
    """The same facts with other people's names and words for them."""
    records = tuple(
        replace(r, role="OPERATOR", reason="system_cancel_anti_span_block", reason_text="Nobody knows")
        for r in case.channel.cancellations
    )
    return replace(case, channel=replace(case.channel, cancellations=records, cancel_role="X", cancel_reason="Y"))


__all__ = ["CLOSED", "COMPLETE", "PENDING", "SUCCESS", "SWITCHED_ON", "Rows", "World", "shuffled", "told_otherwise"]
