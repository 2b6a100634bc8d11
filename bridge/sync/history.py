"""A run over the past: what the last days would have caused, had both directions been on. It reads and does nothing.

Whatever changed on the channel, and every store order with a credit memo, is compared once under the settings of
`domain.past`. Nothing is claimed, nothing is written to an order; a store order is found and not linked. One process
runs it, under a lease; its place is stored page by page, so that another goes on where a dead one was. A shop or store
that does not answer is waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar

from aiolimiter import AsyncLimiter
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain import linking
from bridge.domain.effects import Verdict
from bridge.domain.keys import OrderKey
from bridge.domain.outcomes import Rejected, RemoteProblem
from bridge.domain.store_order import StoreOrder
from bridge.ports import ChangedPage, Sweepable
from bridge.storage import history, jobs, leases, orders, shops
from bridge.storage.errors import StorageProblem
from bridge.storage.jobs import Job
from bridge.storage.shops import Shop
from bridge.sync import outbreak, past
from bridge.sync.desk import Desk, log
from bridge.sync.sheet import RemoteDown

T = TypeVar("T")

KIND: Final = "history"
LEASE: Final = timedelta(seconds=30)
"""Prolonged after each order. Two that run it for a moment read twice and write once: a row is written once."""
RUNS_KEPT: Final = 3
"""Of each shop: the rows of older runs go when a new one begins."""
MOST_DAYS: Final = 90
SLICE: Final = 1.0
"""Seconds of waiting after which it is asked whether to stop, and the lease is prolonged."""


class Lost(Exception):
    """Another process runs it, or this one is told to stop."""


@dataclass
class Run:
    """One run as this process makes it."""

    desk: Desk
    job_id: str
    shop_id: str
    since: datetime
    directions: tuple[str, ...]
    stopping: Callable[[], bool]
    progress: dict[str, Any]
    limiter: AsyncLimiter

    async def hold_lease(self) -> None:
        """Raises `Lost`."""
        if self.stopping() or not await try_lease(self.desk, self.job_id):
            raise Lost

    async def tell(self, **changes: Any) -> None:
        self.progress |= changes
        await self.desk.db.write(lambda conn: jobs.update(conn, self.job_id, progress=self.progress))


async def try_lease(desk: Desk, job_id: str) -> bool:
    seconds = LEASE.total_seconds()
    name = f"{KIND}:{job_id}"
    return await desk.db.write(lambda conn: leases.try_lease(conn, name, desk.owner, seconds, again=True))


async def take_up(desk: Desk, stopping: Callable[[], bool]) -> None:
    """Runs that were begun and have not ended, one after the other: those of a process that died are gone on with."""
    for job in await desk.db.read(lambda conn: jobs.unfinished(conn, KIND)):
        if not stopping():
            await run(desk, job.id, stopping)


async def run(desk: Desk, job_id: str, stopping: Callable[[], bool]) -> None:
    """Run it, or the rest of it; nothing where another process does."""
    if not await try_lease(desk, job_id):
        return
    try:
        job = await desk.db.read(lambda conn: jobs.get(conn, job_id))
        if job is not None and job.state in {"queued", "running"}:
            await _run(desk, job, stopping)
    except Lost:
        log.info("history.left", job=job_id)
    except (StorageProblem, asyncio.CancelledError):
        raise  # the job stays as it is, and is taken up again
    except Exception as problem:  # noqa: BLE001 -- a background job's end: logged whole, and shown with the job
        because = f"{type(problem).__name__}: {problem}"
        log.exception("history.failed", job=job_id)
        await desk.db.write(lambda conn: jobs.update(conn, job_id, state="failed", because=because))
    finally:
        with contextlib.suppress(StorageProblem):  # it runs out by itself
            await desk.db.write(lambda conn: leases.release(conn, f"{KIND}:{job_id}", desk.owner))


async def _run(desk: Desk, job: Job, stopping: Callable[[], bool]) -> None:
    progress = dict(job.progress)
    made = Run(
        desk=desk,
        job_id=job.id,
        shop_id=progress["shop"],
        since=datetime.fromisoformat(progress["since"]),
        directions=tuple(progress["directions"]),
        stopping=stopping,
        progress=progress,
        limiter=AsyncLimiter(1, 1 / desk.settings.history_rate),
    )
    await desk.db.write(lambda conn: jobs.update(conn, job.id, state="running"))
    await _forget_earlier(made)
    for number, name in enumerate(STAGES):
        if progress["stage"] in {None, name}:
            await _stage(made, name)
            following = STAGES[number + 1] if number + 1 < len(STAGES) else "end"
            await made.tell(stage=following, page=None)
    counts = await desk.db.read(lambda conn: history.counts(conn, job.id))
    result = {"orders": sum(counts.values()), "counts": counts}
    await desk.db.write(lambda conn: jobs.update(conn, job.id, state="done", result=result))
    log.info("history.done", job=job.id, shop=made.shop_id, **{f"orders_{name}": n for name, n in counts.items()})


async def _forget_earlier(run_: Run) -> None:
    kept = [
        job.id for job in await run_.desk.db.read(lambda conn: jobs.newest(conn, KIND)) if _is_of(job, run_.shop_id)
    ]
    keep = [*kept[:RUNS_KEPT], run_.job_id]
    while await run_.desk.db.write(lambda conn: history.forget(conn, run_.shop_id, keep)):
        await run_.hold_lease()


def _is_of(job: Job, shop_id: str) -> bool:
    return bool(job.progress.get("shop") == shop_id)


# --- the lists --------------------------------------------------------------------------------------------------------

STAGES: Final = ("orders", "cancellations", "creditmemos")
"""The channel's two lists, then the store's."""


async def _stage(run_: Run, name: str) -> None:
    """Every row of one list, page by page, from where it was left."""
    await run_.tell(stage=name)
    while True:
        page = await _page(run_, name)
        if page.left is not None:
            run_.progress["totals"] |= {name: max(run_.progress["totals"].get(name, 0), page.left + len(page.items))}
        ids = tuple(dict.fromkeys(item.order_id for item in page.items))
        await (_of_store(run_, ids) if name == "creditmemos" else _compare(run_, ids))
        await _page_done(run_, name, page)
        if page.next_page is None:
            return


async def _page_done(run_: Run, name: str, page: ChangedPage) -> None:
    """Rows gone through, of about how many; lists repeat rows that move, so it is counted by what is left."""
    totals, gone = run_.progress["totals"], run_.progress["gone"]
    gone[name] = totals[name] - (page.left or 0) if name in totals else gone.get(name, 0) + len(page.items)
    if page.next_page is None:
        gone[name] = max(gone[name], totals.get(name, 0))
    counts = await run_.desk.db.read(lambda conn: history.counts(conn, run_.job_id))
    await run_.tell(
        page=page.next_page,
        read=sum(gone.values()),
        of_about=max(sum(totals.values()), sum(gone.values())),
        found=sum(count for name, count in counts.items() if name not in {history.HELD, history.NOTHING}),
        held=counts.get(history.HELD, 0),
        orders=sum(counts.values()),
    )


async def _page(run_: Run, name: str) -> ChangedPage:
    async def read() -> ChangedPage:
        remote, connection_id = await _remote(run_, name)
        try:
            return await remote.changed(_list_of(remote, name), run_.since, run_.progress["page"])
        except RemoteProblem as problem:
            raise RemoteDown(connection_id, problem) from problem

    return await _patiently(run_, read)


def _list_of(remote: Sweepable, stage: str) -> str:
    """A store that keeps no list of its refunds tells of them by its orders."""
    names = [stream.name for stream in remote.streams]
    return stage if stage in names else names[0]


async def _remote(run_: Run, name: str) -> tuple[Sweepable, str]:
    shop = await _shop(run_)
    tied = shop.settings.store
    connection_id = tied.connection if name == "creditmemos" and tied else shop.connection_id
    gateways = run_.desk.gateways
    try:
        if name == "creditmemos":
            return await gateways.store(connection_id), connection_id
        return await gateways.channel(shop.id), connection_id
    except RemoteProblem as problem:
        raise RemoteDown(connection_id, problem) from problem


async def _shop(run_: Run) -> Shop:
    shop = await run_.desk.db.read(lambda conn: shops.get(conn, run_.shop_id))
    if shop is None or shop.settings.store is None:
        raise past.NotTied("the shop is no longer tied to a store")
    return shop


# --- orders -----------------------------------------------------------------------------------------------------------


async def _compare(run_: Run, order_ids: Sequence[str], *, must_be_shown: bool = False) -> None:
    """Each order once a run. `must_be_shown`: an id that was only read out of a store order may be nobody's."""
    known = await run_.desk.db.read(lambda conn: history.known(conn, run_.job_id, order_ids))
    for order_id in order_ids:
        if order_id in known:
            continue
        await run_.limiter.acquire()
        key = OrderKey(run_.shop_id, order_id)
        found = await _patiently(run_, partial(past.look, run_.desk, key, run_.directions))
        if found.is_shown or not must_be_shown:
            await _keep(run_, order_id, found)


async def _of_store(run_: Run, store_order_ids: Sequence[str]) -> None:
    """Store orders with a credit memo: those that are tied to a sale of this shop, or name one."""
    for store_order_id in store_order_ids:
        await run_.hold_lease()
        names, tied = await _named(run_, store_order_id)
        await _compare(run_, names, must_be_shown=not tied)


async def _named(run_: Run, store_order_id: str) -> tuple[tuple[str, ...], bool]:
    """The sales this store order stands for, and whether that is known and not only read out of it."""
    shop = await _shop(run_)
    connection_id = shop.settings.store.connection if shop.settings.store else ""
    record = await run_.desk.db.read(lambda conn: orders.by_store(conn, connection_id, store_order_id))
    if record is not None:
        return ((record.channel_order_id,) if record.shop_id == shop.id else ()), True

    async def read() -> StoreOrder | None:
        try:
            return await (await run_.desk.gateways.store(connection_id)).read_order(store_order_id)
        except RemoteProblem as problem:
            if isinstance(problem.outcome, Rejected):
                return None  # it cannot be read, so it names nothing
            raise RemoteDown(connection_id, problem) from problem

    await run_.limiter.acquire()
    order = await _patiently(run_, read)
    if order is None:
        return (), False
    names = linking.ids_named(shop.settings, order.channel_order_id, order.number, order.customer_note)
    return tuple(sorted(names)), False


async def _keep(run_: Run, order_id: str, found: past.Looked) -> None:
    what = found.would
    # Most orders had nothing: a line each keeps them from being compared, and counted, twice.
    facts = what.facts if what.effect or what.verdict == Verdict.HELD else {}

    async def write(conn: AsyncConnection) -> None:
        await history.add(
            conn,
            job_id=run_.job_id,
            shop_id=run_.shop_id,
            channel_order_id=order_id,
            store_order_id=found.store_order.id if found.store_order else None,
            store_number=found.store_order.number if found.store_order else None,
            effect=what.effect,
            verdict=what.verdict,
            because=what.because,
            facts=facts,
        )

    await run_.desk.db.write(write, idempotent=True)
    await run_.hold_lease()


# --- waiting ----------------------------------------------------------------------------------------------------------


async def _patiently(run_: Run, work: Callable[[], Awaitable[T]]) -> T:
    """Do it; while a remote is down, or asked everybody to wait, wait and try again. Raises `Lost`."""
    while True:
        await _wait(run_, await _blocked_until(run_), "the other side asked everybody to wait")
        try:
            return await work()
        except RemoteDown as down:
            due = await outbreak.wait_for(run_.desk, down.connection_id, down.outcome)
            await _wait(run_, due, down.outcome.because)


async def _blocked_until(run_: Run) -> datetime | None:
    shop = await _shop(run_)
    ids = {shop.connection_id, shop.settings.store.connection if shop.settings.store else shop.connection_id}
    desk = run_.desk

    async def read(conn: AsyncConnection) -> list[datetime]:
        found = [await desk.connections.get(conn, one) for one in sorted(ids)]
        return [one.blocked_until for one in found if one is not None and one.blocked_until is not None]

    return max(await desk.db.read(read), default=None)


async def _wait(run_: Run, until: datetime | None, because: str) -> None:
    if until is None or until <= run_.desk.clock.now():
        if run_.desk.is_crowded():
            await asyncio.sleep(0.5)  # deliveries go first
        return
    await run_.tell(waiting=f"{because}; tried again at {until:%H:%M:%S} UTC")
    while (left := (until - run_.desk.clock.now()).total_seconds()) > 0:
        await run_.hold_lease()
        await asyncio.sleep(min(left, SLICE))
    await run_.tell(waiting="")


# --- beginning one ----------------------------------------------------------------------------------------------------


class UnderWay(Exception):
    """A run over this shop's past has not ended yet."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"a run over this shop's past is under way already: job {job_id}")


async def begin(
    conn: AsyncConnection, shop_id: str, since: datetime, days: int, directions: Iterable[str], who: str
) -> Job:
    """Raises `UnderWay`."""
    for job in await jobs.unfinished(conn, KIND):
        if _is_of(job, shop_id):
            raise UnderWay(job.id)
    progress = {
        "shop": shop_id,
        "days": days,
        "since": since.isoformat(),
        "directions": list(directions),
        "who": who,
        "stage": None,
        "page": None,
        "totals": {},
        "gone": {},
        "read": 0,
        "of_about": 0,
        "orders": 0,
        "found": 0,
        "held": 0,
        "waiting": "",
    }
    return await jobs.create(conn, KIND, progress=progress)
