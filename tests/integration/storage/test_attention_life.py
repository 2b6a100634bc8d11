"""An attention item's life: what is news, what stays put away, who is told, and how often."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from bridge.domain.attention import AttentionKind
from bridge.storage import alerts, attention, attention_groups, orders
from bridge.storage.alert_targets import AlertTarget, AlertTargets
from bridge.storage.engine import Database
from bridge.storage.ids import new_id
from bridge.storage.migrate import migrate
from bridge.storage.secrets import Vault
from bridge.storage.tables import alerts as alerts_table
from bridge.storage.tables import attention as table

VAULT = Vault([Fernet.generate_key().decode()])
KIND = AttentionKind.REFUND_REFUSED.value


async def raised(database: Database, facts: dict[str, Any], order_id: str, kind: str = KIND, **more: Any) -> bool:
    return await database.write(
        lambda conn: attention.raise_item(
            conn,
            kind=kind,
            fingerprint=str(sorted(facts.items())),
            title="Look",
            because=f"because {facts}",
            what_to_do="do",
            facts=facts,
            order_id=order_id,
            **more,
        )
    )


async def target(database: Database, **options: Any) -> AlertTarget:
    return await database.write(
        lambda conn: AlertTargets(VAULT).add(
            conn, kind="email", name="ops", address="ops@shop.test", secrets={}, options=options
        )
    )


async def passes(database: Database, order_id: str, hours: float) -> None:
    """The item's last change was so long ago."""

    async def back(conn: Any) -> None:
        at = await conn.scalar(select(table.c.updated_at).where(table.c.order_id == order_id))
        await conn.execute(
            update(table).where(table.c.order_id == order_id).values(updated_at=at - timedelta(hours=hours))
        )

    await database.write(back)


async def only(database: Database, order_id: str) -> attention.Item:
    [item], _ = await database.read(lambda conn: attention.search(conn, state=None, order_id=order_id))
    return item


async def test_reopening_tells_why(database: Database) -> None:
    await raised(database, {"units": ["1"]}, "ord_1")
    item = await only(database, "ord_1")
    assert item.reopened is None
    await database.write(lambda conn: attention.dismiss(conn, item.id, "anna: called the buyer"))
    await raised(database, {"units": ["1", "2"]}, "ord_1")
    again = await only(database, "ord_1")
    assert (again.state, again.dismissed_at) == ("open", None)
    assert again.reopened == (
        'dismissed before (anna: called the buyer), and its facts changed: units was ["1"], is ["1", "2"]'
    )
    await database.write(lambda conn: attention.close(conn, order_id="ord_1"))
    await passes(database, "ord_1", 30)
    assert await raised(database, {"units": ["1", "2"]}, "ord_1")
    assert "has come again" in ((await only(database, "ord_1")).reopened or "")


async def test_what_something_else_stood_before_is_still_dismissed(database: Database) -> None:
    await raised(database, {"a": 1}, "ord_1")
    item = await only(database, "ord_1")
    await database.write(lambda conn: attention.dismiss(conn, item.id, "seen"))
    await database.write(lambda conn: attention.close(conn, order_id="ord_1", dismissed=False))
    assert not await raised(database, {"a": 1}, "ord_1")
    assert (await only(database, "ord_1")).state == "dismissed"
    # Settled for a moment, and unsettled again: the same trouble.
    await database.write(lambda conn: attention.close(conn, order_id="ord_1"))
    assert (await only(database, "ord_1")).state == "closed"
    assert not await raised(database, {"a": 1}, "ord_1")
    assert ((await only(database, "ord_1")).state, (await only(database, "ord_1")).note) == ("dismissed", "seen")


async def test_an_item_knows_its_orders_shop(database: Database) -> None:
    order = await database.write(lambda conn: orders.ensure(conn, "shp_1", "577"))
    await raised(database, {"a": 1}, order.id)
    [found], _ = await database.read(lambda conn: attention.search(conn, shop_id="shp_1"))
    assert (found.order_id, found.shop_id) == (order.id, "shp_1")


async def test_what_runs_out_first_is_listed_first_and_paged(database: Database) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    for number, hours in enumerate((5, 1, None, 3, -1)):
        deadline = None if hours is None else now + timedelta(hours=hours)
        await raised(database, {"a": 1}, f"ord_{number}", deadline_at=deadline)
    found, cursor = await database.read(lambda conn: attention.search(conn, by_deadline=True, limit=2))
    rest, end = await database.read(lambda conn: attention.search(conn, by_deadline=True, limit=2, cursor=cursor))
    assert [item.order_id for item in found + rest] == ["ord_4", "ord_1", "ord_3", "ord_0"]
    assert end is None


async def test_groups_say_how_many_how_old_and_what_runs_out(database: Database) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    for number in range(7):
        await raised(database, {"a": 1}, f"ord_{number}")
    await raised(database, {"b": 1}, "ord_9", "buyer_request", deadline_at=now)
    first, second = await database.read(attention_groups.groups)
    assert (first.kind, first.count, first.nearest_deadline) == ("buyer_request", 1, now)
    assert (second.kind, second.count, len(second.samples), second.what_to_do) == (KIND, 7, 5, "do")
    seen = await database.write(
        lambda conn: attention_groups.dismiss_all(conn, kind=KIND, shop_id=None, connection_id=None, note="all")
    )
    assert seen == 7
    assert [one.kind for one in await database.read(attention_groups.groups)] == ["buyer_request"]
    assert not await raised(database, {"a": 1}, "ord_3")


async def outbox(database: Database, state: str | None = None) -> list[alerts.Alert]:
    found, _ = await database.read(lambda conn: alerts.search(conn, state=state, limit=200))
    return found


async def test_each_target_that_wants_the_kind_is_told_once(database: Database) -> None:
    default = await target(database)
    await target(database, kinds=["poison"])
    off = await target(database)
    await database.write(lambda conn: AlertTargets(VAULT).update(conn, off.id, enabled=False))
    await raised(database, {"a": 1}, "ord_1")
    await raised(database, {"a": 1}, "ord_1")
    await raised(database, {"a": 1}, "ord_2", AttentionKind.NO_EFFECT_FOUND.value)
    assert [(one.target_id, one.state) for one in await outbox(database)] == [(default.id, "waiting")]
    [told] = await outbox(database)
    assert (told.body["order"], told.body["kind"], "facts" in told.body) == ("ord_1", KIND, False)


async def test_a_buyers_address_in_a_remotes_words_is_not_told(database: Database) -> None:
    await target(database)
    await raised(database, {"said": "mail of jane.doe+x@example.co.uk is wrong"}, "ord_1")
    [told] = await outbox(database)
    assert "jane" not in str(told.body)
    assert "mail of … is wrong" in told.body["because"]


async def test_what_is_settled_before_it_is_sent_is_dropped_and_told_when_it_comes_again(database: Database) -> None:
    to = await target(database)
    await raised(database, {"a": 1}, "ord_1")
    await raised(database, {"a": 1}, "ord_2")
    await database.write(lambda conn: attention.close(conn, order_id="ord_1"))
    await aged(database)
    rows = await database.write(lambda conn: alerts.next_message(conn, to.id))
    assert [row.body["order"] for row in rows] == ["ord_2"]
    assert [one.body["order"] for one in await outbox(database, "dropped")] == ["ord_1"]
    await raised(database, {"a": 1}, "ord_1")
    assert sorted(one.body["order"] for one in await outbox(database, "waiting")) == ["ord_1", "ord_2"]


async def test_an_item_that_was_forgotten_and_comes_up_again_is_told_again(database: Database) -> None:
    await target(database)
    await raised(database, {"a": 1}, "ord_1")
    await database.write(lambda conn: conn.execute(update(alerts_table).values(state="sent")))
    await database.write(lambda conn: conn.execute(delete(table)))
    await raised(database, {"a": 1}, "ord_1")
    assert sorted(one.state for one in await outbox(database)) == ["sent", "waiting"]


async def aged(database: Database) -> None:
    """What waits came up a while ago."""

    async def back(conn: Any) -> None:
        await conn.execute(update(alerts_table).values(created_at=datetime.now(UTC) - timedelta(minutes=1)))

    await database.write(back)


async def test_a_message_begun_is_repeated_as_it_was_and_the_next_waits_for_it(database: Database) -> None:
    to = await target(database)
    await raised(database, {"a": 1}, "ord_1")
    await aged(database)
    first = await database.write(lambda conn: alerts.next_message(conn, to.id))
    await raised(database, {"a": 1}, "ord_2")
    await aged(database)
    again = await database.write(lambda conn: alerts.next_message(conn, to.id))
    assert [row.id for row in again] == [row.id for row in first]
    assert again[0].message_id == first[0].message_id
    message = first[0].message_id or ""
    await database.write(lambda conn: alerts.not_sent(conn, to.id, message, "refused", again_in=60))
    assert await database.write(lambda conn: alerts.next_message(conn, to.id)) == []
    await database.write(lambda conn: alerts.not_sent(conn, to.id, message, "refused", again_in=None))
    assert [one.because for one in await outbox(database, "failed")] == ["refused"]
    following = await database.write(lambda conn: alerts.next_message(conn, to.id))
    assert [row.body["order"] for row in following] == ["ord_2"]
    await database.write(lambda conn: alerts.sent(conn, to.id, following[0].message_id or "", "250 ok"))
    assert await database.read(alerts.waiting_targets) == []
    # One message a minute: what comes up meanwhile is gathered.
    await raised(database, {"a": 1}, "ord_3")
    await aged(database)
    assert await database.write(lambda conn: alerts.next_message(conn, to.id)) == []


async def test_secrets_of_targets_are_sealed_and_sealed_anew(database: Database) -> None:
    from bridge.storage.secrets import generate_key, reseal, verify_key

    old, fresh = generate_key(), generate_key()
    await database.write(lambda conn: verify_key(conn, Vault([old])))
    made = await database.write(
        lambda conn: AlertTargets(Vault([old])).add(
            conn, kind="webhook", name="x", address="https://x", secrets={"secret": "whsec_abc"}, options={}
        )
    )
    assert "whsec_abc" not in repr(made)
    await database.write(lambda conn: reseal(conn, Vault([fresh, old])))
    [read] = await database.read(AlertTargets(Vault([fresh])).all)
    assert read.secrets == {"secret": "whsec_abc"}


# --- any life ---------------------------------------------------------------------------------------------------------


@dataclass
class Known:
    """What the rules say of one item, in the plainest words."""

    dismissed: int | None = None
    """The facts a person put away, while they stand."""
    state: str = "none"
    facts: int | None = None
    age: float = 0.0
    episode: int = 1
    told: set[tuple[int, int]] = field(default_factory=set)

    def raise_(self, facts: int) -> None:
        again = self.state == "closed" and self.age >= 1
        if self.state == "none" or facts != self.facts or again:
            if again:
                self.episode += 1
            self.state, self.facts, self.dismissed = "open", facts, None
        elif self.state == "closed":
            self.state = "dismissed" if self.dismissed == facts else "open"
        else:
            return
        self.age = 0.0
        if self.state == "open":
            self.told.add((facts, self.episode))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("raise"), st.integers(0, 2)),
        st.tuples(st.just("close"), st.booleans()),
        st.tuples(st.just("dismiss"), st.just(0)),
        st.tuples(st.just("hours"), st.sampled_from([0.2, 30.0])),
    ),
    max_size=14,
)


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Any:
    url = f"sqlite:///{tmp_path_factory.mktemp('life') / 'life.db'}"
    with asyncio.Runner() as loop:

        async def opened() -> Database:
            database = await Database.open(url)
            await migrate(database)
            await target(database)
            return database

        database = loop.run(opened())
        yield lambda play: loop.run(play(database))
        loop.run(database.close())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_life_keeps_what_was_dismissed_and_tells_each_cause_once(runner: Any, steps: list[Any]) -> None:
    async def play(database: Database) -> None:
        order_id, known = new_id("ord"), Known()
        for step, value in steps:
            if step == "raise":
                await raised(database, {"facts": value}, order_id)
                known.raise_(value)
            elif known.state == "none":
                continue
            elif step == "close":
                await database.write(lambda conn: attention.close(conn, order_id=order_id, dismissed=value))  # noqa: B023 -- awaited at once
                if known.state == "open" or (value and known.state == "dismissed"):
                    known.state, known.age = "closed", 0.0
            elif step == "dismiss":
                item = await only(database, order_id)
                await database.write(lambda conn: attention.dismiss(conn, item.id, "seen"))  # noqa: B023 -- awaited at once
                if known.state == "open":
                    known.state, known.dismissed, known.age = "dismissed", known.facts, 0.0
            else:
                await passes(database, order_id, value)
                known.age += value
            item = await only(database, order_id)
            assert item.state == known.state, (step, value)
        told = [one for one in await outbox(database) if one.body["order"] == order_id]
        assert len(told) == len(known.told)

    runner(play)
