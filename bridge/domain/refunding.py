"""Units dead on the channel and not refunded in the store: which credit memo closes the difference. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from bridge.domain.attention import AttentionKind, Hold, refused
from bridge.domain.books import Books, line_order, rows_of
from bridge.domain.capabilities import StoreCapabilities
from bridge.domain.channel_order import ChannelOrder
from bridge.domain.effects import RefundOrder, Settlement, Verdict
from bridge.domain.link import Link
from bridge.domain.plans import Reserved
from bridge.domain.restock import RowSplit, left_the_seller, order_rule, sentence, split_rows
from bridge.domain.settings import ShopSettings, is_before
from bridge.domain.store_order import StoreOrder, StoreRow
from bridge.domain.words import are, units

BARRIER_LOOK = timedelta(minutes=1)
"""How often an order is looked at whose store takes a refund soon."""


def decide(
    channel: ChannelOrder,
    store: StoreOrder,
    link: Link,
    settings: ShopSettings,
    capabilities: StoreCapabilities,
    books: Books,
    now: datetime,
) -> Settlement:
    direction = settings.cancellation_sync.channel_to_store
    count = len(books.unrefunded)
    back = "refunded" if store.keeps_money else "cancelled"
    what = f"{count} of {units(len(books.mapped))} cancelled on TikTok Shop and not {back} in the store"
    if not direction.enabled and not capabilities.one_way:  # one way, it has no switch
        return Settlement(Verdict.SETTLED, f"{what}, but TikTok Shop cancellation → refund is switched off")
    past = {} if "past" in link.allowed else _before(books, direction.effective_from)
    due = tuple(unit for unit in books.unrefunded if unit not in past)
    if not due:
        because = (
            f"{what}; the cancellation ({min(past.values()):%Y-%m-%d %H:%M} UTC) is older than the switch-on of this "
            "direction"
        )
        return _held(AttentionKind.BEFORE_SWITCH_ON, because, books)
    partly = sorted(books.partly & books.dead.keys(), key=line_order)
    if partly:
        because = (
            f"{what}; the store refunded some rows of unit {', '.join(partly)}, not all: a unit is whole or it is held"
        )
        return _held(AttentionKind.UNIT_PARTLY_REFUNDED, because, books)
    impossible = _impossible(store, books)
    if impossible:
        return _held(AttentionKind.CANNOT_REFUND, f"{what}; {impossible}", books)
    if store.is_held:
        because = f"{what}, but the store order {store.number} is on hold and cannot be refunded"
        return _held(AttentionKind.STORE_ORDER_ON_HOLD, because, books)
    if store.barrier is not None:
        because = f"{what}, but {store.barrier.because}"
        if store.barrier.passes:
            return Settlement(Verdict.WAITING, because, look_again_at=now + BARRIER_LOOK, waits_for="pending")
        return _held(AttentionKind.CANNOT_REFUND, because, books)
    if not capabilities.refunds_work:
        return Settlement(Verdict.WAITING, f"{what}; {capabilities.refunds_because}", waits_for="upgrade")
    refusal = link.refusals.get("refund")
    if refusal is not None:
        facts = {**_facts(books), "claim": refusal.claim}
        hold = refused(AttentionKind.REFUND_REFUSED, refusal.because, facts)
        return Settlement(Verdict.HELD, refusal.because, holds=(hold,))
    effect = _effect(channel, store, link, settings, capabilities, books, due)
    if not effect.everything and not capabilities.partial_refunds:
        return _held(AttentionKind.CANNOT_REFUND, f"{what}; {capabilities.partial_because}", books)
    if settings.dry_run:
        would = "refund" if store.keeps_money else "cancel"
        return Settlement(Verdict.WAITING, f"dry run: would {would}. {effect.because}. {effect.restock_because}")
    return Settlement(Verdict.ACT, effect.because, effect)


def _held(kind: AttentionKind, because: str, books: Books) -> Settlement:
    return Settlement(Verdict.HELD, because, holds=(Hold(kind, because, _facts(books)),))


def _facts(books: Books) -> dict[str, Any]:
    return {"units": list(books.unrefunded), "rows": dict(sorted(books.missing.items()))}


def _before(books: Books, effective_from: datetime | None) -> dict[str, datetime]:
    """Units whose cancellation is older than the switch-on, and when it was."""
    if effective_from is None:
        return {}
    return {
        unit: at
        for unit in books.unrefunded
        if (at := books.dead[unit].at) is not None and is_before(at, effective_from)
    }


def _impossible(store: StoreOrder, books: Books) -> str:
    """Why no credit memo can take these units, known before it is tried; empty when nothing speaks against it."""
    left = {row.id: row.left for row in store.rows}
    short = sorted(row for row, count in books.missing.items() if left.get(row, 0) < count)
    if short:
        return f"the store order {store.number} no longer has their rows ({', '.join(short)})"
    if store.total_paid.amount > 0 and store.total_refunded.amount >= store.total_paid.amount:
        # Magento's CanRefund: no credit memo, not even one over nothing, once all that was paid was given back.
        return (
            f"{store.refund_word}s of the store order {store.number} gave back all {store.total_paid} already, and "
            "no further one can be made"
        )
    return ""


def _effect(
    channel: ChannelOrder,
    store: StoreOrder,
    link: Link,
    settings: ShopSettings,
    capabilities: StoreCapabilities,
    books: Books,
    due: tuple[str, ...],
) -> RefundOrder:
    """The first credit memo for the units that are due: of everything left, or of rows by quantity."""
    rule = order_rule(
        wanted=settings.cancellation_sync.channel_to_store.restock,
        plugin_allows=capabilities.restock_allowed,
        plugin_because=capabilities.restock_because,
        reserved=Reserved.YES if capabilities.knows_its_stock else link.reserved,
        why=link.reserved_because,
    )
    left_signs = {unit.id: unit.left_seller for unit in channel.units}
    away: dict[str, str] = {}
    for unit in due:
        why = left_the_seller(books.dead[unit], has_left_sign=left_signs[unit])
        if why is not None:
            away[unit] = why
    unshipped = {row.id: _unshipped(store, row) for row in store.rows}
    split = split_rows(
        _quantities(due, link),
        unshipped,
        _quantities([unit for unit in due if unit not in away], link),
        allowed=rule.allowed,
    )
    if capabilities.partial_refunds:
        first = _first_refund if capabilities.restocks_by_row else _first_whole
        taken, restock_rows = first(split, due, link, away)
    else:
        # Nothing can be split: the store itself sees to what it still has.
        taken, restock_rows = frozenset(due), frozenset(row for row, parts in split.items() if parts.restock)
    quantities = _quantities(taken, link)
    everything = all(row.left == quantities.get(row.id, 0) for row in store.rows)
    shipped = [
        row.sku for row in store.rows if row.id not in restock_rows and quantities.get(row.id, 0) > unshipped[row.id]
    ]
    gone = [store.whereabouts or f"{sku} was shipped in the store" for sku in shipped]
    return RefundOrder(
        because=_because(store, books, taken, due, everything=everything),
        units=taken,
        quantities=quantities,
        everything=everything,
        restock_rows=restock_rows,
        restock_because=_restock_because(rule.because, away, gone, restock_rows, quantities, allowed=rule.allowed),
        cancellation_id=", ".join(dict.fromkeys(filter(None, (books.dead[unit].cancellation_id for unit in due)))),
        concerns=_concerns(
            taken, away, shipped, gone, uncertain=rule.uncertain and not restock_rows, because=rule.because
        ),
        reason=_reason(books, taken, due),
    )


def _unshipped(store: StoreOrder, row: StoreRow) -> int:
    """Units of the row still on the store's shelf: Magento's refunds use up unshipped units first (measured).

    None where nobody can say which are.
    """
    if store.whereabouts:
        return 0
    return max(0, row.ordered - row.cancelled - row.shipped - row.refunded)


def _quantities(units: Iterable[str], link: Link) -> dict[str, int]:
    """Row id → quantity of these units together."""
    return rows_of(piece for unit in sorted(units, key=line_order) for piece in link.unit_map[unit])


def _first_refund(
    split: dict[str, RowSplit], due: tuple[str, ...], link: Link, away: dict[str, str]
) -> tuple[frozenset[str], frozenset[str]]:
    """The units this refund takes, and the rows of theirs that go back to stock.

    A credit memo restocks a row or it does not. So where some of a row's units go back and some do not, there are two:
    first the units that go back. A unit is taken whole; one that was shipped in part does not go back.
    """
    if not any(row.restock and row.keep for row in split.values()):
        return frozenset(due), frozenset(row for row, parts in split.items() if parts.restock)
    room = {row: parts.restock for row, parts in split.items()}

    def goes_back(unit: str, row: str, quantity: int) -> bool:
        return unit not in away and room[row] >= quantity

    wants = {unit: rows_of(link.unit_map[unit]) for unit in due}
    lead = next((u for u, rows in wants.items() if any(goes_back(u, row, n) for row, n in rows.items())), None)
    if lead is None:
        return frozenset(due), frozenset()
    chosen: dict[str, bool] = {}
    taken: list[str] = []
    for unit in [lead, *(unit for unit in due if unit != lead)]:
        back = {row: goes_back(unit, row, quantity) for row, quantity in wants[unit].items()}
        if any(chosen.get(row, yes) != yes for row, yes in back.items()):
            continue
        chosen |= back
        taken.append(unit)
        for row, yes in back.items():
            room[row] -= wants[unit][row] if yes else 0
    return frozenset(taken), frozenset(row for row, yes in chosen.items() if yes)


def _first_whole(
    split: dict[str, RowSplit], due: tuple[str, ...], link: Link, away: dict[str, str]
) -> tuple[frozenset[str], frozenset[str]]:
    """The same where one refund restocks all its rows or none: first the units that go back with all their pieces."""
    room = {row: parts.restock for row, parts in split.items()}
    taken: list[str] = []
    for unit in due:
        wants = rows_of(link.unit_map[unit])
        if unit not in away and all(room[row] >= quantity for row, quantity in wants.items()):
            taken.append(unit)
            for row, quantity in wants.items():
                room[row] -= quantity
    if not taken:
        return frozenset(due), frozenset()
    return frozenset(taken), frozenset(_quantities(taken, link))


def _reason(books: Books, taken: frozenset[str], due: tuple[str, ...]) -> str:
    death = books.dead[min(taken, key=due.index)]
    return death.reason_text or death.reason


def _because(store: StoreOrder, books: Books, taken: frozenset[str], due: tuple[str, ...], *, everything: bool) -> str:
    death = books.dead[min(taken, key=due.index)]
    who = {"BUYER": "the buyer", "SELLER": "the seller", "SYSTEM": "TikTok", "OPERATOR": "TikTok's operator"}
    by = who.get(death.role, death.role or "TikTok Shop")
    why = death.reason_text or death.reason
    if everything and not store.keeps_money:
        scope = "everything left is cancelled"
    elif everything:
        scope = "everything left is refunded"
    elif len(taken) < len(due):
        either = f"one {store.refund_word} puts a row back to stock or it does not"
        scope = f"{are(len(taken))} refunded first, of {len(due)}: {either},"
    else:
        scope = f"{are(len(taken))} refunded by quantity, without shipping,"
    how = ", offline" if store.keeps_money else ""
    return f"cancelled by {by} on TikTok Shop{f' ({why})' if why else ''}; {scope} in the store{how}"


def _restock_because(
    rule: str,
    away: dict[str, str],
    gone: list[str],
    restock_rows: frozenset[str],
    quantities: dict[str, int],
    *,
    allowed: bool,
) -> str:
    if not allowed:
        return f"not restocked: {rule}"
    if restock_rows == frozenset(quantities):
        return f"restocked: {rule}"
    reasons = [*away.values(), *gone]
    return f"{'restocked in part' if restock_rows else 'not restocked'}: {sentence(reasons)}"


def _concerns(
    taken: frozenset[str],
    away: dict[str, str],
    shipped: list[str],
    gone: list[str],
    *,
    uncertain: bool,
    because: str,
) -> tuple[Hold, ...]:
    """`shipped`: SKUs not known to be on the shelf; `gone`: why, in words."""
    holds: list[Hold] = []
    units_away = sorted(unit for unit in taken if unit in away)
    if units_away or shipped:
        reasons = [*(away[unit] for unit in units_away), *gone]
        text = f"refunded without restock, the goods may be under way: {sentence(reasons)}"
        holds.append(Hold(AttentionKind.GOODS_UNDER_WAY, text, {"units": units_away, "shipped_skus": shipped}))
    if uncertain:
        text = f"refunded without restock: units {', '.join(sorted(taken))}: {because}"
        holds.append(Hold(AttentionKind.RESTOCK_UNCERTAIN, text, {"units": sorted(taken)}))
    return tuple(holds)
