"""Alerts reach a real mail server and a real webhook receiver: once, signed, gathered, repeated as they were."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.alerting.email import EmailSender
from bridge.alerting.mail_server import mail_server
from bridge.alerting.webhook import WebhookSender
from bridge.domain.alerting import Message
from bridge.domain.outcomes import Done, Outcome, Rejected, Retry
from bridge.ports import AlertSender, NewTarget
from bridge.storage import alerts as outbox
from bridge.storage import attention
from bridge.storage.alert_targets import AlertTarget, AlertTargets
from bridge.storage.engine import Database
from bridge.storage.errors import StorageDown
from bridge.storage.secrets import Vault, generate_key
from bridge.storage.tables import alert_targets
from bridge.storage.tables import alerts as alerts_table
from bridge.storage.tables import attention as attention_table
from bridge.sync.alerts import RETRY_AFTER, Alerts
from bridge.sync.desk import SystemClock
from tests.support.receiving import Mailbox, Receiver, mailbox, receiver

KEY = generate_key()
KIND = "refund_refused"


class Post:
    """The outbox over one database, with both ways of telling."""

    def __init__(self, database: Database, session: aiohttp.ClientSession, box: Mailbox, owner: str = "one") -> None:
        self.database = database
        self.targets = AlertTargets(Vault([KEY]))
        clock = SystemClock()
        self.senders: dict[str, AlertSender] = {
            "email": EmailSender(mail_server(f"smtp://127.0.0.1:{box.port}", "bridge@shop.test"), "https://b.test"),
            "webhook": WebhookSender(session, clock, "https://b.test", allow_private=True),
        }
        self.alerts = Alerts(database, self.targets, self.senders, owner, clock)

    async def add(self, kind: str, address: str, **options: Any) -> tuple[AlertTarget, str]:
        checked = self.senders[kind].check(address, None)
        made = await self.database.write(
            lambda conn: self.targets.add(
                conn, kind=kind, name="x", address=checked.shown, secrets=checked.secrets, options=options
            )
        )
        return made, checked.once or ""

    async def raised(self, number: int, kind: str = KIND, deadline_at: datetime | None = None) -> None:
        await self.database.write(
            lambda conn: attention.raise_item(
                conn,
                kind=kind,
                fingerprint=f"f{number}",
                title="The store refused the refund",
                because="said\nno",
                what_to_do="Mend it.",
                facts={"secret_fact": "never told"},
                order_id=f"ord_{number}",
                deadline_at=deadline_at,
            )
        )

    async def round(self) -> None:
        """What waits came up a while ago, and the pause after the last message is over."""

        async def later(conn: Any) -> None:
            ago = datetime.now(UTC) - timedelta(hours=1)
            fresh = alerts_table.c.message_id.is_(None)
            await conn.execute(update(alerts_table).where(fresh).values(created_at=ago))
            await conn.execute(update(alerts_table).where(alerts_table.c.due_at.is_not(None)).values(due_at=ago))
            await conn.execute(update(alert_targets).values(next_at=ago))

        await self.database.write(later)
        await self.alerts.round()

    async def states(self) -> list[str]:
        found, _ = await self.database.read(lambda conn: outbox.search(conn, limit=200))
        return [one.state for one in reversed(found)]

    async def of(self, target: AlertTarget) -> AlertTarget:
        found = await self.database.read(lambda conn: self.targets.get(conn, target.id))
        assert found is not None
        return found


@contextlib.asynccontextmanager
async def posted(database: Database) -> AsyncIterator[tuple[Post, Mailbox, Receiver]]:
    async with mailbox() as box, receiver() as hook, aiohttp.ClientSession() as session:
        yield Post(database, session, box), box, hook


async def test_one_thing_is_told_by_mail_and_by_webhook_and_never_again(database: Database) -> None:
    async with posted(database) as (post, box, hook):
        await post.add("email", "night@shop.test")
        _, hook.secret = await post.add("webhook", f"{hook.url}/hooks/s3cret-path?k=v")
        await post.raised(1)
        for _ in range(3):
            await post.round()
            await post.raised(1)
        assert await post.states() == ["sent", "sent"]
        [mail] = box.mails
        assert box.to == ["night@shop.test"]
        assert mail["Subject"] == "[bridge] The store refused the refund"
        assert mail["From"] == "bridge@shop.test"
        assert mail["Auto-Submitted"] == "auto-generated"
        text = mail.get_content()
        assert all(
            word in text for word in ("ord_1", KIND, "said no", "Mend it.", "https://b.test/api/v1/attention/att_")
        )
        assert "never told" not in text
        assert hook.refused == []
        [body] = hook.got
        assert (body["type"], body["data"]["count"], body["data"]["more"]) == ("attention.opened", 1, 0)
        [item] = body["data"]["items"]
        assert (item["order"], item["kind"], "facts" in item) == ("ord_1", KIND, False)


async def test_an_outage_is_one_message_that_lists_some_and_counts_the_rest(database: Database) -> None:
    async with posted(database) as (post, box, hook):
        await post.add("email", "night@shop.test")
        _, hook.secret = await post.add("webhook", hook.url)
        for number in range(60):
            await post.raised(number)
        await post.raised(99, "buyer_request", datetime.now(UTC) + timedelta(hours=3))
        await post.round()
        [mail] = box.mails
        assert mail["Subject"] == f"[bridge] 61 things wait for a person: 60 {KIND}, 1 buyer_request"
        text = mail.get_content()
        assert text.index("ord_99") < text.index("ord_0"), "what runs out first"
        assert "And 41 more." in text
        assert text.count("to do ") == 20
        [body] = hook.got
        assert (body["data"]["count"], body["data"]["more"], len(body["data"]["items"])) == (61, 41, 20)
        assert body["data"]["kinds"] == {"buyer_request": 1, KIND: 60}
        assert set(await post.states()) == {"sent"}


async def test_what_fails_is_tried_again_with_the_same_id_and_content_and_the_rest_waits(database: Database) -> None:
    async with posted(database) as (post, box, hook):
        target, hook.secret = await post.add("webhook", hook.url)
        hook.statuses = [500, 302, 429]
        await post.raised(1)
        await post.round()
        assert (await post.of(target)).because.endswith("answered 500: said no")
        await post.raised(2)
        for _ in range(3):
            await post.round()
        assert [len(body["data"]["items"]) for body in hook.got] == [1, 1, 1, 1]
        assert len({body["id"] for body in hook.got}) == 1
        assert len({body["raw"] for body in hook.got}) == 1
        assert (await post.of(target)).failing_since is None
        await post.round()
        assert [body["data"]["items"][0]["order"] for body in hook.got[4:]] == ["ord_2"]
        assert await post.states() == ["sent", "sent"]
        assert box.mails == []


async def test_after_half_a_day_it_is_given_up_and_shown_and_the_next_goes_on(sqlite_database: Database) -> None:
    async with posted(sqlite_database) as (post, _, hook):
        target, hook.secret = await post.add("webhook", hook.url)
        hook.statuses = [503] * (len(RETRY_AFTER) + 1)
        await post.raised(1)
        for _ in range(len(RETRY_AFTER)):
            await post.round()
        assert await post.states() == ["waiting"]
        await post.round()
        assert await post.states() == ["failed"]
        assert (await post.of(target)).failing_since is not None
        await post.raised(2)
        await post.round()
        assert await post.states() == ["failed", "sent"]
        assert 11 * 3600 < sum(RETRY_AFTER) < 13 * 3600


async def test_a_mailbox_that_does_not_exist_is_given_up_at_once(sqlite_database: Database) -> None:
    async with posted(sqlite_database) as (post, box, _):
        box.refuse = "550 5.1.1 no such user"
        target, _ = await post.add("email", "gone@shop.test")
        await post.raised(1)
        await post.round()
        assert await post.states() == ["failed"]
        assert "550 5.1.1 no such user" in (await post.of(target)).because


async def test_what_was_settled_before_it_was_sent_is_not_told(database: Database) -> None:
    async with posted(database) as (post, box, hook):
        await post.add("email", "night@shop.test")
        _, hook.secret = await post.add("webhook", hook.url)
        hook.statuses = [500]
        await post.raised(1)
        box.answers = ["451 try later"]
        await post.round()
        await post.database.write(lambda conn: attention.close(conn, order_id="ord_1"))
        await post.round()
        assert await post.states() == ["dropped", "dropped"]
        assert (len(box.mails), len(hook.got)) == (1, 1), "both were tried once, and not again"


async def test_coming_again_after_long_is_another_cause(sqlite_database: Database) -> None:
    async with posted(sqlite_database) as (post, box, _):
        await post.add("email", "night@shop.test")
        await post.raised(1)
        await post.round()
        await post.database.write(lambda conn: attention.close(conn, order_id="ord_1"))
        await post.raised(1)
        await post.round()
        assert len(box.mails) == 1, "an hour has not passed: it comes and goes"
        await post.database.write(lambda conn: attention.close(conn, order_id="ord_1"))
        ago = datetime.now(UTC) - timedelta(hours=2)
        await post.database.write(lambda conn: conn.execute(update(attention_table).values(updated_at=ago)))
        await post.raised(1)
        await post.round()
        assert len(box.mails) == 2


async def test_two_processes_send_one_message(mariadb_url: str) -> None:
    async with mailbox() as box, receiver() as hook, aiohttp.ClientSession() as session:
        first, second = await Database.open(mariadb_url), await Database.open(mariadb_url)
        try:
            one, other = Post(first, session, box, "one"), Post(second, session, box, "other")
            await one.add("email", "night@shop.test")
            _, hook.secret = await one.add("webhook", hook.url)
            for number in range(10):
                await one.raised(number)
            await one.round()  # ages them, and sends
            for number in range(20, 30):
                await one.raised(number)
            await one.database.write(
                lambda conn: conn.execute(
                    update(alerts_table).values(created_at=datetime.now(UTC) - timedelta(minutes=5))
                )
            )
            await one.database.write(lambda conn: conn.execute(update(alert_targets).values(next_at=None)))
            await asyncio.gather(*(post.alerts.round() for post in (one, other) * 6))
            assert (len(box.mails), len(hook.got)) == (2, 2)
            assert set(await one.states()) == {"sent"}
        finally:
            await first.close()
            await second.close()


async def test_a_receiver_that_hangs_is_not_waited_for_for_ever_and_holds_up_nobody(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.sync.alerts.SEND_WITHIN", 3.0)
    async with posted(sqlite_database) as (post, box, hook):
        await post.add("email", "night@shop.test")
        target, hook.secret = await post.add("webhook", hook.url)
        hook.hang = asyncio.Event()
        await post.raised(1)
        await post.round()
        assert len(box.mails) == 1
        assert "did not finish within 3 s" in (await post.of(target)).because
        hook.hang.set()
        hook.hang = None
        await post.round()
        assert len({body["id"] for body in hook.got}) == 1
        assert sorted(await post.states()) == ["sent", "sent"]


async def test_a_test_says_what_came_of_it_and_frees_what_waited(sqlite_database: Database) -> None:
    async with posted(sqlite_database) as (post, _, hook):
        target, secret = await post.add("webhook", hook.url)
        hook.secret = "whsec_" + "A" * 44
        await post.raised(1)
        await post.round()
        said = await post.alerts.test(target)
        assert isinstance(said, Retry)
        assert "401" in said.because
        hook.secret = secret
        assert isinstance(await post.alerts.test(target), Done)
        assert hook.got[-1]["type"] == "attention.test"
        await post.alerts.round()
        assert await post.states() == ["sent"]


async def test_a_password_is_sent_only_under_tls_unless_the_operator_says_so(sqlite_database: Database) -> None:
    options = {"auth_required": True, "auth_require_tls": False}
    async with mailbox(**options) as box, aiohttp.ClientSession() as session:
        post = Post(sqlite_database, session, box)
        target, _ = await post.add("email", "night@shop.test")
        for tail, password, delivered in (
            ("", "right", False),
            ("?starttls=never", "wrong", False),
            ("?starttls=never", "right", True),
        ):
            url = f"smtp://me:{password}@127.0.0.1:{box.port}{tail}"
            post.senders["email"] = EmailSender(mail_server(url, "bridge@shop.test"), "")
            said = await post.alerts.test(target)
            assert isinstance(said, Done) is delivered, said
            assert password != "wrong" or "535" in repr(said), said
            assert password not in repr((said, post.senders["email"]))
        # A refused one is tried by each mechanism that the server offers.
        tried = list(dict.fromkeys(password for _, password in box.logins))
        assert tried == [b"wrong", b"right"], "never before STARTTLS"


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://hooks.example.com/x", "https"),
        ("https://10.0.0.1/x", "private"),
        ("https://0x7f.1/x", "private"),
        ("https://hooks.local/", "private"),
        ("https://user:pw@hooks.example.com/", "user name"),
        ("https://hooks.example.com/#x", "#"),
        ("ftp://hooks.example.com/", "look like"),
        ("https://hooks.example.com/a b", "ASCII"),
    ],
)
def test_addresses_that_may_not_be_called_are_refused(address: str, says: str) -> None:
    sender = WebhookSender(None, SystemClock(), "", allow_private=False)  # type: ignore[arg-type] # nothing is sent
    with pytest.raises(ValueError, match=says):
        sender.check(address, None)


def test_of_an_address_only_the_host_is_shown() -> None:
    sender = WebhookSender(None, SystemClock(), "", allow_private=False)  # type: ignore[arg-type] # nothing is sent
    checked = sender.check("https://Hooks.Example.com:443/services/T0/s3cret?x=1", None)
    assert checked.shown == "https://hooks.example.com/…"
    assert checked.secrets["url"] == "https://hooks.example.com/services/T0/s3cret?x=1"
    assert "s3cret" not in repr(checked)
    with pytest.raises(ValueError, match="whsec_"):
        sender.check("https://hooks.example.com/", "short")


async def test_a_gone_receiver_is_given_up(sqlite_database: Database) -> None:
    async with posted(sqlite_database) as (post, _, hook):
        target, hook.secret = await post.add("webhook", hook.url)
        hook.statuses = [410]
        assert isinstance(await post.alerts.test(target), Rejected)


class Breaks:
    """A way of telling with a mistake in it, which shows once the other way is under way."""

    def __init__(self, under_way: asyncio.Event) -> None:
        self._under_way = under_way

    def check(self, address: str, _secret: str | None) -> NewTarget:
        return NewTarget(shown=address, secrets={})

    async def send(self, _address: str, _secrets: Mapping[str, Any], _message: Message) -> Outcome:
        await self._under_way.wait()
        raise LookupError("nobody foresaw this")


async def test_a_mistake_with_one_target_breaks_off_nothing_that_goes_to_another(database: Database) -> None:
    async with posted(database) as (post, _, hook):
        under_way, hook.hang = asyncio.Event(), asyncio.Event()
        post.senders["email"] = Breaks(under_way)
        broken, _ = await post.add("email", "night@shop.test")
        _, hook.secret = await post.add("webhook", hook.url)
        await post.raised(1)
        sending = asyncio.create_task(post.round())
        async with asyncio.timeout(10):
            while not hook.got:
                await asyncio.sleep(0.01)
            under_way.set()
            while not (await post.of(broken)).because:
                await asyncio.sleep(0.01)
            hook.hang.set()
            await sending
        assert sorted(await post.states()) == ["sent", "waiting"]
        assert len(hook.got) == 1
        assert "LookupError" in (await post.of(broken)).because
        [mine] = [one for one in (await database.read(outbox.search))[0] if one.state == "waiting"]
        assert (mine.target_id, mine.attempts) == (broken.id, 1), "it is tried again, later"


async def test_a_target_whose_outcome_cannot_be_written_breaks_off_nothing_either(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with posted(database) as (post, box, hook):
        mailed, _ = await post.add("email", "night@shop.test")
        _, hook.secret = await post.add("webhook", hook.url)
        hook.hang = asyncio.Event()
        plain = outbox.sent

        async def lost(conn: AsyncConnection, target_id: str, message_id: str, because: str) -> None:
            if target_id == mailed.id:
                loop.call_soon_threadsafe(let_go.set)
                raise StorageDown("the server has gone away")
            await plain(conn, target_id, message_id, because)

        loop, let_go = asyncio.get_running_loop(), hook.hang
        monkeypatch.setattr(outbox, "sent", lost)
        await post.raised(1)
        async with asyncio.timeout(10):
            await post.round()
        assert sorted(await post.states()) == ["sent", "waiting"]
        assert (len(box.mails), len(hook.got)) == (1, 1)
