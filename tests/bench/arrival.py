"""From a delivery being sent to the first byte of the effect's call, on an idle service: how long, and on what.

One process holds the clock's both ends: it sends the delivery, and hosts the shops that the effect's call comes to.
The named points inside the service are written down with the same clock (CLOCK_MONOTONIC is the machine's).
A read counts in two ways, reads beside each other once: as the shop saw it, from its head being there to its answer
being made; and as the service waited for it, from beginning the call to the head of the answer, which has the way there
and back and both HTTP stacks in it.

Beside the times stands what does not depend on how busy the machine is: how many statements the database was sent, how
many of them ended a transaction, and, nearly so, the processor time that these and all else took inside the service.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.killpoints import KillPoint
from tests.bench.figures import Spread, table
from tests.bench.house import House, Seen, house
from tests.bench.places import Place

PROMISED_MS = 15.0
WARM = 2
"""Rounds that open connections and fill caches; not counted."""
LINE = {"seller_sku": "MUG", "quantity": 1, "sale_price": "10.00"}
MEMO, CANCELLATION = "credit memo → cancel on TikTok", "TikTok cancellation → refund in Magento"

SHOPS, LESS_SHOPS = "reads, as the shops saw them", "all less those"
WAITED, LESS_WAITED = "reads, as the service waited for them", "all less these"
STATEMENTS, ENDS = "statements to the database", "commits and rollbacks"
PROCESSOR = "processor time of the service, from verified to claimed"
_CONTROL = ("BEGIN", "COMMIT", "ROLLBACK")

Span = tuple[float, float]
Deliver = Callable[[House, str, int], Awaitable[bytes]]


async def measure(place: Place, rounds: int) -> dict[str, Any]:
    folder = place.folder / "arrival"
    async with house(folder, place.url(folder)) as one:
        trace = folder / "trace"
        await one.start("--trace", str(trace))
        await one.connect()
        await one.play.product("MUG", quantity=100_000)
        await _release_brake(one)
        found: dict[str, list[dict[str, float]]] = {MEMO: [], CANCELLATION: []}
        numbers = itertools.count(1)
        calls: dict[str, list[str]] = {}
        for number in range(rounds + WARM):
            for kind, deliver in ((MEMO, _memo), (CANCELLATION, _cancellation)):
                parts, reads = await _round(one, trace, kind, deliver, numbers)
                calls[kind] = reads
                if number >= WARM:
                    found[kind].append(parts)
        return {kind: _summary(runs) | {"reads": calls[kind]} for kind, runs in found.items()}


async def _release_brake(one: House) -> None:
    """More cancellations in an hour than a shop is expected to have are what is wanted here."""
    path = f"shops/{one.play.shop_id}/cancellation-sync"
    now = await one.play.api("GET", path)
    to_channel = {**now["store_to_channel"], "max_cancels_per_hour": 10_000}
    wanted = {"store_to_channel": to_channel, "channel_to_store": now["channel_to_store"]}
    for direction in wanted.values():
        direction.pop("effective_from", None)
    await one.play.api("PUT", path, wanted)


async def _memo(one: House, order_id: str, _number: int) -> bytes:
    order = await one.play.store_order(order_id)
    made = await one.play.magento.control(
        "POST", "refund", {"increment_id": order["increment_id"], "back_to_stock": True}
    )
    return one.who.memo(str(made["credit_memo"]))


async def _cancellation(one: House, order_id: str, number: int) -> bytes:
    await one.play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "BUYER", "pending": False})
    return one.who.cancelled(order_id, f"72{number}")


async def _round(
    one: House, trace: Path, kind: str, deliver: Deliver, numbers: itertools.count[int]
) -> tuple[dict[str, float], list[str]]:
    order_id = await one.play.place(LINE)
    await _send(one, one.who.paid(order_id, f"71{next(numbers)}"))
    await one.play.imported(order_id)
    request = await deliver(one, order_id, next(numbers))
    await _quiet(one)
    seen_before, traced_before = len(one.seen), trace.stat().st_size
    sent, answered = await _send(one, request)

    async def effect() -> bool:
        return any(_is_effect(call) for call in one.seen[seen_before:])

    await one.play.until(effect, f"the effect on order {order_id}")
    await _quiet(one)
    seen = one.seen[seen_before:]
    return _parts(kind, sent, answered, _traced(trace, traced_before), seen), [
        f"{call.side} {call.method} {call.path}" for call in seen
    ]


async def _quiet(one: House) -> None:
    """Until nothing has called for so long that everything in hand is done."""
    while one.seen and time.monotonic() - one.seen[-1].came < 0.1:
        await asyncio.sleep(0.02)


async def _send(one: House, request: bytes) -> tuple[float, float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
    sent = time.monotonic()
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    answered = time.monotonic()
    assert head.startswith(b"HTTP/1.1 200"), head
    writer.close()
    return sent, answered


@dataclass(slots=True)
class Trace:
    """What the service wrote down of one round."""

    points: dict[str, float] = field(default_factory=dict)
    """When each point was reached first."""
    processor: dict[str, float] = field(default_factory=dict)
    """The processor time that the service had taken then."""
    calls: list[Span] = field(default_factory=list)
    """Each call out, from its beginning to its answer having been read."""
    statements: list[tuple[float, str]] = field(default_factory=list)
    """What the database was sent, and when."""


def _traced(trace: Path, start: int) -> Trace:
    found = Trace()
    with trace.open() as file:
        file.seek(start)
        for line in file:
            when, processor, name, *more = line.split(maxsplit=3)
            if name == "call":
                found.calls.append((float(when), float(more[0].split()[0])))
            elif name == "sql":
                found.statements.append((float(when), more[0]))
            elif name not in found.points:
                found.points[name], found.processor[name] = float(when), float(processor)
    return found


def _is_effect(call: Seen) -> bool:
    return call.method == "POST" and (call.path.endswith("/refund") or call.path.endswith("/cancellations"))


def _parts(
    kind: str,
    sent: float,
    answered: float,
    traced: Trace,
    seen: Sequence[Seen],
) -> dict[str, float]:
    effect = next(call.came for call in seen if _is_effect(call))
    reads = [call for call in seen if call.came < effect]
    points = traced.points
    claim_point = KillPoint.CANCEL_CLAIMED if kind == MEMO else KillPoint.REFUND_CLAIMED
    claimed = points[claim_point]
    waiting = covered([span for span in traced.calls if span[1] < effect])
    reading = covered([(call.came, call.answered) for call in reads])
    read_done = points[KillPoint.READ_DONE]
    # The hint's own read comes before the two sides' are asked for.
    hint_read = points.get(KillPoint.HINT_RESOLVED, 0.0)
    sides = [call for call in reads if hint_read <= call.came < read_done]
    first = min(call.came for call in sides)
    parts = {
        "verified": points[KillPoint.HOOK_VERIFIED] - sent,
        "committed": points[KillPoint.HOOK_COMMITTED] - points[KillPoint.HOOK_VERIFIED],
        "claimed": points[KillPoint.WORK_CLAIMED] - points[KillPoint.HOOK_COMMITTED],
        "hint resolved": (hint_read or points[KillPoint.WORK_CLAIMED]) - points[KillPoint.WORK_CLAIMED],
        "order taken, sheet read": first - (hint_read or points[KillPoint.WORK_CLAIMED]),
        "both sides read": read_done - first,
        "compared, prepared, claim committed": claimed - read_done,
        "sent": effect - claimed,
    }
    return {name: value * 1000 for name, value in parts.items()} | {
        "all": (effect - sent) * 1000,
        SHOPS: reading * 1000,
        LESS_SHOPS: (effect - sent - reading) * 1000,
        WAITED: waiting * 1000,
        LESS_WAITED: (effect - sent - waiting) * 1000,
        "until the sender had its answer": (answered - sent) * 1000,
        **_counts(traced, effect),
        PROCESSOR: (traced.processor[claim_point] - traced.processor[KillPoint.HOOK_VERIFIED]) * 1000,
    }


def _counts(traced: Trace, until: float) -> dict[str, float]:
    sent = [words.upper() for when, words in traced.statements if when < until]
    return {
        STATEMENTS: sum(not words.startswith(_CONTROL) for words in sent),
        ENDS: sum(words.startswith(_CONTROL[1:]) for words in sent),
    }


def covered(spans: Sequence[tuple[float, float]]) -> float:
    """How long at least one of the spans lasted."""
    total, until = 0.0, 0.0
    for came, gone in sorted(spans):
        total += max(0.0, gone - max(came, until))
        until = max(until, gone)
    return total


def _summary(runs: list[dict[str, float]]) -> dict[str, Any]:
    return {"parts": {name: Spread.of([run[name] for run in runs]).to_json() for name in runs[0]}}


def show(results: dict[str, dict[str, Any]]) -> str:
    shown = []
    for place, kinds in results.items():
        for kind, found in kinds.items():
            rows = [
                [name, Spread(**one).shown(0 if name in {STATEMENTS, ENDS} else 2)]
                for name, one in found["parts"].items()
            ]
            rounds = found["parts"]["all"]["rounds"]
            title = f"{place}: {kind}, {rounds} rounds (promised: all less the reads at most {PROMISED_MS:g} ms)"
            shown.append(table(title, ["", "ms or number, median (least–greatest)"], rows))
    return "\n".join(shown)
