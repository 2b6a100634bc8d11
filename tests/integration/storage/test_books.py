from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import attention, audit, changelog, cursors, foreign, jobs, ledger, meta, orders
from bridge.storage.engine import Database
from bridge.storage.errors import AlreadyOpen, NotFound
from bridge.storage.ledger import Claim, Ground

NOW = datetime(2026, 11, 1, 12, 0, 0, 123000, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def _order(database: Database, shop_id: str = "shp_1", channel_order_id: str = "576") -> str:
    return (await database.write(lambda conn: orders.ensure(conn, shop_id, channel_order_id))).id


async def _open(database: Database, order_id: str, attempt: int = 1, units: tuple[str, ...] = ("u2", "u1")) -> Claim:
    return await database.write(
        lambda conn: ledger.open_claim(
            conn,
            order_id=order_id,
            side="store",
            kind="refund",
            units=units,
            token="t",
            attempt=attempt,
            payload={"quantities": {"1": 2}},
        )
    )


async def _stored(database: Database, claim: Claim) -> Claim:
    stored = await database.read(lambda conn: ledger.get(conn, claim.id))
    assert stored is not None
    return stored


async def test_a_claim_from_open_to_done(database: Database) -> None:
    order_id = await _order(database)
    claim = await _open(database, order_id)
    assert (claim.state, claim.units, claim.payload) == ("open", ("u1", "u2"), {"quantities": {"1": 2}})
    assert claim.acted_at is None
    assert await _stored(database, claim) == claim
    assert await database.write(lambda conn: ledger.unknown(conn, claim.id, NOW, "no answer"))
    assert await database.write(lambda conn: ledger.unknown(conn, claim.id, NOW, "no answer")), "said again, still open"
    unknown = await _stored(database, claim)
    assert unknown == replace(claim, quiet_until=NOW, because="no answer")
    assert await database.read(lambda conn: ledger.current(conn, order_id)) == unknown
    assert await database.write(lambda conn: ledger.done(conn, claim.id, "memo 7", "found"))
    done = await _stored(database, claim)
    assert (done.state, done.reference, done.ended_at is not None) == ("done", "memo 7", True)
    assert await database.read(lambda conn: ledger.current(conn, order_id)) is None
    assert not await database.write(lambda conn: ledger.void(conn, claim.id, "too late"))
    assert not await database.write(lambda conn: ledger.unknown(conn, claim.id, NOW, "too late"))
    assert not await database.write(lambda conn: ledger.done(conn, claim.id, "memo 8", "too late"))
    assert await _stored(database, claim) == done, "ended is ended"
    assert (await _open(database, order_id)).id != claim.id


async def test_a_claim_that_acts_at_once_has_the_databases_time(database: Database) -> None:
    order_id = await _order(database)

    async def claim_now(conn: AsyncConnection) -> tuple[Ground, Claim]:
        ground = await ledger.ground(
            conn, order_id=order_id, shop_id="shp_1", side="store", kind="refund", units=("u1",)
        )
        claim = await ledger.open_claim(
            conn,
            order_id=order_id,
            side="store",
            kind="refund",
            units=("u1",),
            token="t",
            attempt=ground.attempt,
            payload={},
            acting=True,
            shop_id="shp_1",
            now=ground.now,
        )
        return ground, claim

    ground, claim = await database.write(claim_now)
    assert (ground.attempt, ground.settings_version) == (1, None), "there is no such shop"
    assert abs((ground.now - datetime.now(UTC)).total_seconds()) < 2
    assert claim.acted_at == claim.claimed_at == ground.now
    assert await _stored(database, claim) == claim
    with pytest.raises(AlreadyOpen):
        await database.write(claim_now)
    assert await database.read(lambda conn: ledger.standing(conn, order_id)) == [claim]


async def test_what_stands_is_the_open_claim_and_refunds_done(database: Database) -> None:
    order_id = await _order(database)
    refused = await _open(database, order_id)
    await database.write(lambda conn: ledger.void(conn, refused.id, ""))
    assert await database.read(lambda conn: ledger.standing(conn, order_id)) == []
    refund = await _open(database, order_id)
    await database.write(lambda conn: ledger.done(conn, refund.id, "", ""))
    following = await _open(database, order_id)
    standing = await database.read(lambda conn: ledger.standing(conn, order_id))
    assert [(claim.id, claim.state) for claim in standing] == [(refund.id, "done"), (following.id, "open")]


async def test_a_void_claims_units_come_under_the_next_attempt(database: Database) -> None:
    order_id = await _order(database)

    async def attempt(units: tuple[str, ...]) -> int:
        async def read(conn: AsyncConnection) -> Ground:
            return await ledger.ground(
                conn, order_id=order_id, shop_id="shp_1", side="store", kind="refund", units=units
            )

        return (await database.read(read)).attempt

    first = await _open(database, order_id)
    assert await attempt(("u1", "u2")) == 1
    await database.write(lambda conn: ledger.void(conn, first.id, "refused"))
    assert await attempt(("u1", "u2")) == 2
    assert await attempt(("u1",)) == 1
    second = await _open(database, order_id, 2)
    history = await database.read(lambda conn: ledger.history(conn, order_id))
    assert [(claim.id, claim.state) for claim in history] == [(first.id, "void"), (second.id, "open")]


async def test_the_brake_counts_what_was_done_and_is_under_way(database: Database) -> None:
    ids = [await _order(database, "shp_1", str(number)) for number in range(3)]
    other = await _order(database, "shp_2", "9")
    claims = [await _open(database, one) for one in [*ids, other]]
    await database.write(lambda conn: ledger.done(conn, claims[0].id, "", ""))
    await database.write(lambda conn: ledger.void(conn, claims[1].id, ""))

    async def count(kind: str, since: datetime) -> int:
        query = ledger.effects_since("shp_1", [kind, "another"], since)

        async def read(conn: AsyncConnection) -> int:
            return (await conn.execute(query)).scalar_one()

        return await database.read(read)

    now = datetime.now(UTC)
    assert [
        await count("refund", now - HOUR),
        await count("cancel", now - HOUR),
        await count("refund", now + HOUR),
    ] == [
        2,
        0,
        0,
    ]


async def test_a_claim_needs_its_order(database: Database) -> None:
    with pytest.raises(NotFound):
        await _open(database, "ord_none")


async def test_the_changelog_says_a_thing_once(database: Database) -> None:
    long = "the store answers 503, and the order waits for it to come back, as do " * 2

    async def once(fingerprint: str, event: str = "decided") -> bool:
        return await database.write(
            lambda conn: changelog.write_once(conn, "ord_1", event, fingerprint, "weil 😀", {"n": 1})
        )

    said = [await once(f) for f in ("a", "a", "b", "a", long + "one", long + "two", long + "two")]
    assert said == [True, False, True, True, True, True, False]
    assert await once("a", "waiting")
    await database.write(lambda conn: changelog.write(conn, "ord_2", "done", "because"))
    entries = await database.read(lambda conn: changelog.of_order(conn, "ord_1"))
    assert [entry.event for entry in entries] == ["decided"] * 5 + ["waiting"]
    assert entries[0].facts == {"n": 1}
    assert abs((entries[0].at - datetime.now(UTC)).total_seconds()) < 60
    later = await database.read(lambda conn: changelog.of_order(conn, "ord_1", entries[2].id, 2))
    assert later == entries[3:5]


async def _raise(database: Database, fingerprint: str, kind: str = "held", **scope: Any) -> bool:
    return await database.write(
        lambda conn: attention.raise_item(
            conn,
            kind=kind,
            fingerprint=fingerprint,
            title="Look",
            because="because",
            what_to_do="do",
            facts={"f": fingerprint},
            **(scope or {"order_id": "ord_1"}),
        )
    )


async def test_dismissed_stays_dismissed_until_the_facts_change(database: Database) -> None:
    assert [await _raise(database, f) for f in ("a", "a")] == [True, False]
    [item], following = await database.read(attention.search)
    assert (item.facts, item.order_id, following) == ({"f": "a"}, "ord_1", None)
    assert await database.write(lambda conn: attention.dismiss(conn, item.id, "seen"))
    assert not await database.write(lambda conn: attention.dismiss(conn, item.id, "twice"))
    assert not await _raise(database, "a")
    assert await database.read(attention.counts) == {}
    assert await _raise(database, "b")
    [again], _ = await database.read(attention.search)
    assert (again.id, again.facts, again.note, again.state) == (item.id, {"f": "b"}, "", "open")


async def test_closing_closes_what_is_settled_and_no_more(database: Database) -> None:
    for kind in ("x", "y", "z"):
        await _raise(database, "a", kind)
    await _raise(database, "a", "x", shop_id="shp_1")
    await _raise(database, "a", "x", connection_id="con_1")
    assert await database.read(attention.counts) == {"x": 3, "y": 1, "z": 1}

    async def close(**more: Any) -> int:
        return await database.write(lambda conn: attention.close(conn, order_id="ord_1", **more))

    assert await close(kinds={"x", "y"}, keep={"y"}) == 1
    assert await close(kinds=()) == 0
    assert await close(keep={"y"}) == 1
    assert await database.read(attention.counts) == {"x": 2, "y": 1}
    assert not await _raise(database, "a", "x"), "closed and come again at once is the same trouble"
    assert await database.read(attention.counts) == {"x": 3, "y": 1}
    with pytest.raises(ValueError, match="needs an order"):
        await database.write(attention.close)


async def test_attention_is_paged(database: Database) -> None:
    for number in range(5):
        await _raise(database, "a", order_id=f"ord_{number}")
    first, cursor = await database.read(lambda conn: attention.search(conn, limit=3))
    second, end = await database.read(lambda conn: attention.search(conn, limit=3, cursor=cursor))
    assert [item.order_id for item in first + second] == [f"ord_{number}" for number in (4, 3, 2, 1, 0)]
    assert end is None
    found, _ = await database.read(lambda conn: attention.search(conn, order_id="ord_3", state=None, kind="held"))
    assert await database.read(lambda conn: attention.get(conn, found[0].id)) == found[0]


async def test_a_pass_of_a_sweep(database: Database) -> None:
    assert await database.read(lambda conn: cursors.get(conn, "con_1", "orders")) is None
    begun = await database.write(lambda conn: cursors.begin(conn, "con_1", "orders", since=NOW - HOUR, next_since=NOW))
    assert (begun.since, begun.next_since, begun.page, begun.passes, begun.finished_at) == (
        NOW - HOUR,
        NOW,
        None,
        0,
        None,
    )
    for page in ("2", "3"):
        await database.write(lambda conn, page=page: cursors.advance(conn, begun, page, 50))  # type: ignore[misc] # a default argument has no type in a lambda
    half = await database.read(lambda conn: cursors.get(conn, "con_1", "orders"))
    assert half is not None
    assert (half.page, half.seen, half.since) == ("3", 100, NOW - HOUR)
    done = await database.write(lambda conn: cursors.finish(conn, begun))
    assert (done.since, done.next_since, done.page, done.passes, done.seen) == (NOW, None, None, 1, 100)
    assert done.finished_at is not None
    with pytest.raises(cursors.PassLost):
        await database.write(lambda conn: cursors.finish(conn, begun))


async def test_who_was_overtaken_by_another_pass_changes_nothing_of_it(database: Database) -> None:
    def begin(since: datetime) -> Awaitable[cursors.Cursor]:
        return database.write(lambda conn: cursors.begin(conn, "con_1", "orders", since=since, next_since=NOW))

    slow = await begin(NOW - 2 * HOUR)
    while (quick := await begin(NOW - HOUR)).started_at == slow.started_at:
        pass  # the clock tells milliseconds
    with pytest.raises(cursors.PassLost):
        await database.write(lambda conn: cursors.advance(conn, slow, "9", 1))
    with pytest.raises(cursors.PassLost):
        await database.write(lambda conn: cursors.finish(conn, slow))
    assert await database.read(lambda conn: cursors.get(conn, "con_1", "orders")) == quick


async def test_one_process_sweeps_a_scope(database: Database) -> None:
    async def lease(owner: str) -> bool:
        return await database.write(lambda conn: cursors.try_lease(conn, "con_1", owner, 60))

    assert [await lease("p1"), await lease("p2"), await lease("p1")] == [True, False, True]
    await database.write(lambda conn: conn.execute(text("UPDATE leases SET lease_until = 1")))
    assert [await lease("p2"), await lease("p1")] == [True, False]
    assert not await database.write(lambda conn: cursors.release_lease(conn, "con_1", "p1"))


async def test_what_is_not_ours_until_it_changes(database: Database) -> None:
    async def remember(at: datetime) -> None:
        await database.write(lambda conn: foreign.remember(conn, "con_1", "17", at))

    async def is_foreign(at: datetime | None, connection: str = "con_1") -> bool:
        return await database.read(lambda conn: foreign.is_foreign(conn, connection, "17", at))

    assert not await is_foreign(None)
    await remember(NOW)
    await remember(NOW - HOUR)
    assert [await is_foreign(at) for at in (None, NOW, NOW + HOUR)] == [True, True, False]
    assert not await is_foreign(None, "con_2")
    await remember(NOW + HOUR)
    assert await is_foreign(NOW + HOUR)
    await database.write(lambda conn: foreign.forget(conn, "con_1", "17"))
    assert not await is_foreign(None)
    await remember(NOW)
    assert await database.write(lambda conn: foreign.forget_connection(conn, "con_1")) == 1
    assert not await is_foreign(None)


async def test_jobs(database: Database) -> None:
    job = await database.write(lambda conn: jobs.create(conn, "sweep"))
    assert (job.state, job.result) == ("queued", None)
    done = await database.write(
        lambda conn: jobs.update(conn, job.id, state="done", progress={"n": 2}, result={"m": 1})
    )
    assert await database.read(lambda conn: jobs.get(conn, job.id)) == done
    assert (done.state, done.progress, done.result) == ("done", {"n": 2}, {"m": 1})
    assert list(await database.read(jobs.list)) == [done]
    with pytest.raises(NotFound):
        await database.write(lambda conn: jobs.update(conn, "job_none", state="x"))


async def test_audit(database: Database) -> None:
    async def write(conn: AsyncConnection) -> None:
        for number in range(5):
            await audit.write(conn, "anna", "settings", number, {"to": number + 1})
        await audit.write(conn, "ben", "login", None, None)

    await database.write(write)
    first, cursor = await database.read(lambda conn: audit.search(conn, what="settings", limit=3))
    rest, end = await database.read(lambda conn: audit.search(conn, what="settings", limit=3, cursor=cursor))
    assert [change.before for change in first + rest] == [4, 3, 2, 1, 0]
    assert (first[0].after, end) == ({"to": 5}, None)


async def test_meta(database: Database) -> None:
    await database.write(lambda conn: meta.put(conn, "a", "1"))
    await database.write(lambda conn: meta.put_if_absent(conn, "a", "2"))
    assert await database.read(lambda conn: meta.get(conn, "a")) == "1"


async def test_times_without_a_zone_are_refused(sqlite_database: Database) -> None:
    with pytest.raises(Exception, match="aware UTC"):
        await sqlite_database.write(lambda conn: foreign.remember(conn, "c", "1", datetime(2026, 1, 1)))  # noqa: DTZ001 -- that it has none is the test
