"""A person says of one order: cancel its refunded units line by line. Checked first, then settled like any other."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.cancelling import LINES
from bridge.domain.comparison import Case, compare
from bridge.domain.effects import CancelLines, Settlement
from bridge.domain.keys import OrderKey
from bridge.domain.outcomes import RemoteProblem
from bridge.ports import ActionRefused
from bridge.storage import attention, audit, changelog, orders, work
from bridge.storage.orders import OrderRecord
from bridge.sync import capabilities
from bridge.sync.cancelling import no_line_reason
from bridge.sync.desk import Desk
from bridge.sync.sheet import RemoteDown, Sheet, Sides, link_of, read_sheet, read_sides


async def cancel_lines(desk: Desk, record: OrderRecord, who: str) -> tuple[str, ...]:
    """Let it happen for this order. Answers with the lines. Raises `ActionRefused`, `RemoteProblem`.

    Nothing is stored but that a person allowed it: the next look decides anew, by what both sides say then.
    """
    key = OrderKey(record.shop_id, record.channel_order_id)
    sheet = await read_sheet(desk, key)
    if sheet is None:
        raise ActionRefused("the order's shop or its connection is no longer known")
    try:
        sides = await read_sides(desk, sheet)
        settlement = await _would_be(desk, sheet, sides) if sides is not None else None
    except RemoteDown as down:
        raise RemoteProblem(down.outcome) from down
    if sides is None or settlement is None:
        raise ActionRefused(f"TikTok Shop does not show order {record.channel_order_id}")
    if sheet.claim is not None:
        raise ActionRefused("something is being done on this order at this moment: try again when it is done")
    if not isinstance(settlement.effect, CancelLines):
        raise ActionRefused(f"no lines can be cancelled by themselves: {settlement.because}")
    lines = tuple(sorted(settlement.effect.units))
    listed = sheet.shop.settings.cancellation_sync.store_to_channel.listed_reasons
    told = await sides.channel_port.line_cancel_reasons(sides.channel, settlement.effect.units)
    if not set(listed) & set(told.keys):
        raise ActionRefused(no_line_reason(listed, told))

    async def write(conn: AsyncConnection) -> None:
        latest = await orders.locked(conn, record.id) or record
        forced = {**latest.forced, "allowed": sorted({*latest.forced.get("allowed", []), LINES})}
        forced.pop("refusals", None)
        await orders.update(conn, record.id, forced=forced)
        words = f"{who} says: cancel the refunded units line by line ({', '.join(lines)})"
        await changelog.write(conn, record.id, "person", words, {"who": who, "allow": [LINES], "lines": list(lines)})
        await audit.write(conn, who, f"order {record.id} cancel lines", None, {"lines": list(lines)})
        await attention.close(conn, order_id=record.id)
        await work.mark(conn, [str(key)])

    await desk.db.write(write)
    desk.wake()
    return lines


async def _would_be(desk: Desk, sheet: Sheet, sides: Sides) -> Settlement:
    """What would be decided, were it allowed. Raises `RemoteDown`."""
    link = link_of(sheet, sides)
    able = await capabilities.current(desk, sheet.store_connection, sides.store_port)
    return compare(
        Case(
            channel=sides.channel,
            store=sides.store,
            link=replace(link, allowed=link.allowed | {LINES}, refusals={}),
            settings=sheet.shop.settings,
            capabilities=able,
            now=desk.clock.now(),
            cancels_last_hour=sheet.cancels_last_hour,
        )
    )
